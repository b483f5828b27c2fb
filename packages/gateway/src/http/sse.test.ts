import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { createSseParser, type SseEvent, writeSse } from './sse.ts'

const parse = (text: string, limit = 10_000) => createSseParser(limit).push(Buffer.from(text))

describe('reading event streams', () => {
  it('reads what we write', () => {
    const event = { id: 'k-1', event: 'message', data: '{"a":"ö"}', retry: null }
    assert.deepEqual(parse(writeSse('{"a":"ö"}', 'k-1')), [event])
    assert.deepEqual(parse(writeSse('', 'k-2', 500)), [{ id: 'k-2', event: 'message', data: '', retry: 500 }])
  })

  for (const [name, text, expected] of [
    ['comments', ': ping\n\ndata: 1\n\n', ['1']],
    ['several data lines', 'data: 1\ndata: 2\n\n', ['1\n2']],
    ['carriage returns', 'data: 1\r\rdata: 2\r\n\r\n', ['1', '2']],
    ['no blank after the colon', 'data:1\n\n', ['1']],
    ['an event left open', 'data: 1\n', []],
    ['unknown fields', 'colour: red\ndata: 1\n\n', ['1']],
    ['a byte order of lines', 'id: 9\nevent: x\ndata: 1\n\n', ['1']],
  ] as const) {
    it(`knows ${name}`, () => {
      assert.deepEqual(
        parse(text).map((event) => event.data),
        expected,
      )
    })
  }

  it('refuses an event larger than allowed, in one line or many', () => {
    const tooLarge = (error: unknown) => isSafeconductError(error) && error.code === 'upstream_invalid'
    assert.throws(() => parse(`data: ${'x'.repeat(200)}`, 100), tooLarge)
    assert.throws(() => parse('data: xxxxxxxxxx\n'.repeat(20), 100), tooLarge)
  })

  it('refuses bytes that are not UTF-8', () => {
    assert.throws(() => createSseParser(100).push(Buffer.from([0x64, 0xff, 0xfe])))
  })

  it('finds the same events however the bytes are cut', () => {
    const events = fc.array(
      fc.record({
        data: fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
        id: fc.stringMatching(/^[a-z0-9]{1,8}$/),
      }),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(events, fc.array(fc.nat(40), { minLength: 1 }), (list, cuts) => {
        const bytes = Buffer.from(list.map(({ data, id }) => writeSse(data, id)).join(''))
        const parser = createSseParser(100_000)
        const found: SseEvent[] = []
        let at = 0
        for (let turn = 0; at < bytes.length; turn++) {
          const size = (cuts[turn % cuts.length] ?? 0) + 1
          found.push(...parser.push(bytes.subarray(at, at + size)))
          at += size
        }
        assert.deepEqual(
          found.map(({ data, id }) => ({ data, id })),
          // Records of fast-check have no prototype.
          list.map(({ data, id }) => ({ data, id })),
        )
      }),
    )
  })
})
