import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { isSafeconductError } from '@safeconduct/protocol'
import { accepts, collect, mediaType, prefersStream } from './body.ts'

function chunks(...parts: readonly string[]): Readable {
  return Readable.from(
    parts.map((part) => Buffer.from(part)),
    { objectMode: true },
  )
}

describe('bodies', () => {
  it('are put together', async () => {
    assert.equal(Buffer.from(await collect(chunks('ab', '', 'c'), 3)).toString(), 'abc')
  })
  it('are refused at the byte that is too many, before the rest is read', async () => {
    let read = 0
    function* endless(): Generator<Uint8Array> {
      for (;;) {
        read += 1
        yield Buffer.alloc(10)
      }
    }
    const source = Readable.from(endless(), { highWaterMark: 1 })
    await assert.rejects(
      collect(source, 25),
      (error) => isSafeconductError(error) && error.code === 'too_large',
    )
    await setImmediate()
    assert.ok(read <= 4, `${read} chunks were read`)
  })
  it('that end too early say why', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{')
      throw new Error('aborted')
    }
    await assert.rejects(collect(Readable.from(broken()), 9), /aborted/)
    const cut = new Readable({ read: () => undefined })
    const reading = collect(cut, 9)
    cut.destroy()
    await assert.rejects(reading, /too early/)
  })
})

describe('media types', () => {
  it('are compared without parameters and case', () => {
    assert.equal(mediaType('Application/JSON; charset=utf-8'), 'application/json')
    assert.equal(mediaType(undefined), '')
  })
  for (const [header, json, stream] of [
    [undefined, true, true],
    ['application/json', true, false],
    ['text/event-stream', false, true],
    ['*/*', true, true],
    ['text/*;q=0.5', false, true],
    ['application/json;q=0, text/event-stream', false, true],
    ['image/png', false, false],
  ] as const) {
    it(`accepts by ${header}`, () => {
      assert.equal(accepts(header, 'application/json'), json)
      assert.equal(accepts(header, 'text/event-stream'), stream)
    })
  }
  it('prefer by order', () => {
    assert.equal(prefersStream('text/event-stream, application/json'), true)
    assert.equal(prefersStream('application/json, text/event-stream'), false)
    assert.equal(prefersStream('*/*'), false)
    assert.equal(prefersStream(undefined), false)
  })
})
