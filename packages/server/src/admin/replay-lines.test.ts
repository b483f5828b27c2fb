import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReplayProgress, ReplayReport } from '@safeconduct/engine'
import { type ReplayRun, replayLines } from './replay-lines.ts'

const PROGRESS = { read: 1 } as unknown as ReplayProgress

/** Goes on for ever unless it is ended. */
function endless(): { run: ReplayRun; ended: () => boolean } {
  let ended = false
  async function* work(): ReplayRun {
    try {
      for (;;) yield PROGRESS
    } finally {
      ended = true
    }
  }
  return { run: work(), ended: () => ended }
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)

describe('a replay as lines', () => {
  it('ends with a report', async () => {
    async function* work(): ReplayRun {
      yield PROGRESS
      return { compared: 3 } as unknown as ReplayReport
    }
    const run = work()
    const stream = replayLines(run, await run.next(), { signal: new AbortController().signal })
    assert.equal(await new Response(stream).text(), '{"progress":{"read":1}}\n{"report":{"compared":3}}\n')
  })

  it('is ended when whoever asked goes, before, between and after lines', async () => {
    const gone = endless()
    replayLines(gone.run, await gone.run.next(), { signal: AbortSignal.abort() })
    await new Promise(setImmediate)
    assert.equal(gone.ended(), true)

    const { run, ended } = endless()
    const leave = new AbortController()
    const reader = replayLines(run, await run.next(), { signal: leave.signal }).getReader()
    assert.match(text((await reader.read()).value), /progress/)
    assert.equal(ended(), false)
    leave.abort()
    await new Promise(setImmediate)
    assert.equal(ended(), true)

    const other = endless()
    const signal = new AbortController().signal
    await replayLines(other.run, await other.run.next(), { signal }).cancel()
    await new Promise(setImmediate)
    assert.equal(other.ended(), true)
  })

  it('is ended when nobody reads on', async () => {
    const { run, ended } = endless()
    const stream = replayLines(run, await run.next(), { signal: new AbortController().signal, patience: 1 })
    for (let turn = 0; turn < 5000 && !ended(); turn++) await new Promise((resolve) => setTimeout(resolve, 1))
    assert.equal(ended(), true)
    await assert.rejects(stream.getReader().read(), { code: 'overloaded' })
  })
})
