import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, isSafeconductError } from '@safeconduct/protocol'
import { createCallBook, type Prepared, SETTLE_WITHIN } from './call-book.ts'

function book() {
  let now = 1_000_000
  const expired: string[] = []
  const made = createCallBook({ now: () => now }, async (key) => expired.push(key))
  const goes = (answer: object = { forward: true }): (() => Promise<Prepared>) => {
    return async () => ({ answer, forward: true, decided: true })
  }
  return { ...made, goes, expired, pass: (ms: number) => (now += ms) }
}

async function refused(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => isSafeconductError(error) && error.code === code)
}

describe('the book of calls', () => {
  it('does the work of one key once, and again when it failed', async () => {
    const { prepare, goes, close } = book()
    let times = 0
    const work = async () => {
      times++
      return goes({ times })()
    }
    const answers = await Promise.all([prepare('p 1', 'a', work), prepare('p 1', 'a', work)])
    assert.deepEqual(answers, [{ times: 1 }, { times: 1 }])
    await refused('conflict', prepare('p 1', 'b', work))
    await assert.rejects(prepare('p 2', 'a', async () => Promise.reject(new Error('no disk'))))
    assert.deepEqual(await prepare('p 2', 'b', work), { times: 2 })
    const nothing = await prepare('p 3', 'a', async () => ({
      answer: { x: 1 },
      forward: false,
      decided: false,
    }))
    assert.deepEqual(nothing, { x: 1 })
    assert.deepEqual(await prepare('p 3', 'b', work), { times: 3 }, 'what decided nothing uses no id up')
    close()
  })

  it('settles what goes out, once; what could not be recorded may be told again', async () => {
    const { prepare, settle, goes, close, expired, pass } = book()
    const told = async () => ({ receipt: 1 })
    await refused('not_found', settle('p 1', 'x', told))
    await prepare('p 1', 'a', goes())
    await prepare('p 2', 'a', async () => ({ answer: {}, forward: false, decided: true }))
    await refused('not_found', settle('p 2', 'x', told))
    await assert.rejects(settle('p 1', 'x', async () => Promise.reject(new Error('no disk'))))
    assert.deepEqual(await settle('p 1', 'y', told), { receipt: 1 })
    await refused('conflict', settle('p 1', 'x', told))
    assert.deepEqual(await settle('p 1', 'y', async () => ({ receipt: 2 })), { receipt: 1 })
    pass(SETTLE_WITHIN * 2)
    await prepare('p 3', 'a', goes())
    assert.deepEqual(expired, [])
    close()
  })

  it('gives an outcome to what nobody settled, the oldest first, and takes none after it', async () => {
    const { prepare, settle, goes, close, expired, pass } = book()
    await prepare('p 1', 'a', goes())
    pass(SETTLE_WITHIN - 1)
    await prepare('p 2', 'a', goes())
    pass(1)
    await refused(
      'expired',
      settle('p 1', 'x', async () => ({})),
    )
    assert.deepEqual(expired, ['p 1'])
    await settle('p 2', 'x', async () => ({}))
    pass(SETTLE_WITHIN)
    await prepare('p 3', 'a', goes())
    assert.deepEqual(expired, ['p 1'])
    close()
  })

  it('holds so many calls of one enforcement point at most', async () => {
    const { prepare, goes, close } = book()
    for (let at = 0; at < 1000; at++) await prepare(`p ${at}`, 'a', goes())
    await refused('overloaded', prepare('p more', 'a', goes()))
    assert.deepEqual(await prepare('q 1', 'a', goes()), { forward: true })
    close()
  })

  it('holds so much of what was asked at most: what is over is forgotten, what goes out is not', async () => {
    const { prepare, settle, goes, close } = book()
    const size = 16 * 1024 * 1024
    const told = async () => ({})
    for (let at = 0; at < 4; at++) await prepare(`p ${at}`, 'a', goes(), size)
    await refused('overloaded', prepare('p more', 'a', goes(), size))
    for (let at = 0; at < 4; at++) await settle(`p ${at}`, 'x', told)
    for (const holder of ['q', 'r', 's'])
      for (let at = 0; at < 4; at++) await prepare(`${holder} ${at}`, 'a', goes({ holder, at }), size)
    assert.deepEqual(await prepare('p 0', 'a', goes({ again: true }), size), { forward: true }, 'still known')
    assert.deepEqual(await prepare('t 1', 'a', goes(), size), { forward: true })
    assert.deepEqual(await prepare('p 0', 'b', goes({ again: true }), size), { again: true }, 'forgotten')
    for (const holder of ['u', 'v'])
      await prepare(`${holder} 0`, 'a', async () => ({ answer: {}, forward: false, decided: true }), size)
    await refused('overloaded', prepare('w 0', 'a', goes(), 5 * size))
    assert.deepEqual(
      await prepare('q 3', 'a', goes(), size),
      { holder: 'q', at: 3 },
      'goes out, so it is known',
    )
    await settle('q 3', 'x', told)
    close()
  })
})
