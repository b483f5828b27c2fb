import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LedgerError } from '../errors.ts'
import { leafHash, prefixedLeafHash } from '../merkle/hash.ts'
import { Batch } from './batch.ts'
import {
  decodeFrameHeader,
  decodeSegmentHeader,
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  type RecordSpan,
  SEGMENT_HEADER_BYTES,
  walkRecords,
} from './format.ts'

const salt = Buffer.from('saltsalt')
const header = { firstIndex: 2 ** 40, firstBatch: 7, salt, origin: 'log.example/ä' }

describe('segment headers', () => {
  it('round trip', () => {
    assert.deepEqual(decodeSegmentHeader(encodeSegmentHeader(header)), header)
  })

  it('are refused with any bit flipped, in words', () => {
    const good = encodeSegmentHeader(header)
    for (let bit = 0; bit < SEGMENT_HEADER_BYTES * 8; bit += 7) {
      const bytes = Buffer.from(good)
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.equal(typeof decodeSegmentHeader(bytes), 'string')
    }
    assert.equal(typeof decodeSegmentHeader(good.subarray(0, 100)), 'string')
  })

  it('refuse an origin that does not fit', () => {
    assert.throws(() => encodeSegmentHeader({ ...header, origin: 'a'.repeat(1025) }), LedgerError)
  })
})

const record = fc.record({
  entry: fc.uint8Array({ maxLength: 600 }),
  attachment: fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 }), { nil: undefined }),
})

describe('frames', () => {
  it('give back entries and attachments, and the leaf where it lies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 40 }), async (records) => {
        const batch = new Batch(Buffer.allocUnsafe(64))
        const acks = records.map(({ entry, attachment }) => batch.add(entry, attachment, 'ordinary'))
        const frame = Buffer.from(batch.seal(salt, 3, 100))
        const decoded = decodeFrameHeader(frame, 0, salt)
        assert.deepEqual(decoded, {
          batch: 3,
          firstIndex: 100,
          count: records.length,
          bytes: frame.length - 36,
        })
        if (decoded === undefined) return
        const spans: RecordSpan[] = []
        assert.equal(
          walkRecords(frame, FRAME_HEADER_BYTES, decoded, (span) => spans.push(span)),
          undefined,
        )
        for (const [i, { entry, attachment }] of records.entries()) {
          const { index, entryStart, entryEnd, attachmentEnd } =
            spans[i] ?? assert.fail('a record is missing')
          assert.equal(index, 100 + i)
          assert.deepEqual(frame.subarray(entryStart, entryEnd), Buffer.from(entry))
          assert.deepEqual(frame.subarray(entryEnd, attachmentEnd), Buffer.from(attachment ?? []))
          assert.deepEqual(prefixedLeafHash(frame.subarray(entryStart - 1, entryEnd)), leafHash(entry))
          assert.deepEqual(batch.leaves[i], leafHash(entry))
        }
        batch.acknowledge(100)
        assert.deepEqual(
          await Promise.all(acks),
          records.map((_, i) => ({ index: 100 + i })),
        )
      }),
    )
  })

  it('do not pass with any bit flipped, nor with two records swapped', () => {
    const batch = new Batch()
    for (const letter of ['a', 'b', 'c'])
      void batch.add(Buffer.from(letter.repeat(20)), undefined, 'ordinary')
    const good = Buffer.from(batch.seal(salt, 1, 0))
    const passes = (bytes: Buffer) => {
      const frame = decodeFrameHeader(bytes, 0, salt)
      return (
        frame !== undefined && walkRecords(bytes, FRAME_HEADER_BYTES, frame, () => undefined) === undefined
      )
    }
    assert.ok(passes(good))
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bytes = Buffer.from(good)
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.equal(passes(bytes), false, `bit ${bit}`)
    }
    const [first, second] = [good.subarray(36, 69), good.subarray(69, 102)]
    assert.equal(passes(Buffer.concat([good.subarray(0, 36), second, first, good.subarray(102)])), false)
    assert.equal(passes(good.subarray(0, -1)), false)
  })
})

describe('a batch that finds the disk full', () => {
  it('refuses the ordinary entries and keeps the essential ones whole', async () => {
    const batch = new Batch()
    const ordinary = batch.add(Buffer.from('intent'), undefined, 'ordinary')
    const first = batch.add(Buffer.from('outcome'), Buffer.from('facts'), 'essential')
    const second = batch.add(Buffer.from('revocation'), undefined, 'essential')
    const kept = batch.keepEssential(new LedgerError('disk_full', 'full'))
    await assert.rejects(ordinary, { code: 'disk_full' })
    assert.deepEqual(kept.leaves, [leafHash(Buffer.from('outcome')), leafHash(Buffer.from('revocation'))])
    const frame = kept.seal(salt, 0, 5)
    const decoded = decodeFrameHeader(frame, 0, salt) ?? assert.fail('no frame')
    assert.equal(
      walkRecords(frame, FRAME_HEADER_BYTES, decoded, () => undefined),
      undefined,
    )
    assert.ok(frame.includes('facts'))
    kept.acknowledge(5)
    assert.deepEqual(await Promise.all([first, second]), [{ index: 5 }, { index: 6 }])
  })
})
