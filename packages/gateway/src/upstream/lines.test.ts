import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { createLineReader } from './lines.ts'

const texts = (lines: Uint8Array[]) => lines.map((line) => Buffer.from(line).toString())

describe('lines', () => {
  it('are found across chunks, without blank ones and carriage returns', () => {
    const reader = createLineReader(100)
    assert.deepEqual(texts(reader.push(Buffer.from('{"a"'))), [])
    assert.deepEqual(texts(reader.push(Buffer.from(':1}\r\n\n\r\n{}\nrest'))), ['{"a":1}', '{}'])
    assert.deepEqual(texts(reader.push(Buffer.from('\n'))), ['rest'])
  })

  it('that are too long are refused, ended or not', () => {
    const tooLong = (error: unknown) => isSafeconductError(error) && error.code === 'upstream_invalid'
    assert.throws(() => createLineReader(5).push(Buffer.from('123456\n')), tooLong)
    const reader = createLineReader(5)
    reader.push(Buffer.from('123'))
    assert.throws(() => reader.push(Buffer.from('456')), tooLong)
  })

  it('are the same however they are cut', () => {
    const lines = fc.array(fc.stringMatching(/^[a-zäöü]{1,20}$/), { maxLength: 8 })
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 9 }), (list, size) => {
        const bytes = Buffer.from(list.map((line) => `${line}\n`).join(''))
        const reader = createLineReader(1_000)
        const found: string[] = []
        for (let at = 0; at < bytes.length; at += size)
          found.push(...texts(reader.push(bytes.subarray(at, at + size))))
        assert.deepEqual(found, list)
      }),
    )
  })
})
