import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { accepts, collect, mediaType, prefersStream } from './body.ts'

async function* chunks(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

describe('bodies', () => {
  it('are put together', async () => {
    assert.equal(Buffer.from(await collect(chunks('ab', '', 'c'), 3)).toString(), 'abc')
  })
  it('are refused at the byte that is too many, before the rest is read', async () => {
    let read = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        read += 1
        yield Buffer.alloc(10)
      }
    }
    await assert.rejects(
      collect(endless(), 25),
      (error) => isSafeconductError(error) && error.code === 'too_large',
    )
    assert.equal(read, 3)
  })
  it('that end too early say why', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{')
      throw new Error('aborted')
    }
    await assert.rejects(collect(broken(), 9), /aborted/)
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
