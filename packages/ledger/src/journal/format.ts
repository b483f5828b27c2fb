/**
 * @module journal/format
 * Bytes of a journal segment. All integers are big endian; CRC is CRC-32 (IEEE, not CRC-32C).
 *
 *     segment = header of 4,096 B, frames, zeros
 *     header  = "SCLEDGER" | u32 version | u64 first index | u64 first batch | salt 8 B | u16 length | origin | zeros | u32 CRC
 *     frame   = salt 8 B | u64 batch | u64 first index | u32 count | u32 record bytes | u32 CRC of these | records
 *     record  = u32 CRC | u32 entry bytes | u32 attachment bytes | 0x00 | entry | attachment
 *
 * One frame is one batch, made durable by one sync. A record's CRC runs over all that follows it and is seeded with the
 * CRC of the record before (0 for the first), so records cannot swap places. The 0x00 is the RFC 6962 leaf prefix:
 * a leaf is hashed where it lies. The salt is random per segment, so no entry can be made to look like a frame.
 */
import { crc32 } from 'node:zlib'
import { LedgerError } from '../errors.ts'
import { MAX_ENTRY_BYTES } from '../merkle/hash.ts'

const MAGIC = Buffer.from('SCLEDGER')
const VERSION = 1
export const SEGMENT_HEADER_BYTES = 4096
export const FRAME_HEADER_BYTES = 36
export const RECORD_HEADER_BYTES = 13
export const SALT_BYTES = 8
export const MAX_ORIGIN_BYTES = 1024

export interface SegmentHeader {
  firstIndex: number
  firstBatch: number
  salt: Buffer
  origin: string
}

export interface FrameHeader {
  batch: number
  firstIndex: number
  count: number
  /** Bytes of the records after the header. */
  bytes: number
}

/** Where a record lies in its buffer: `entry` is preceded by the leaf prefix. */
export interface RecordSpan {
  index: number
  entryStart: number
  entryEnd: number
  attachmentEnd: number
}

const readU64 = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64BE(at))

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  const origin = Buffer.from(header.origin)
  if (origin.length > MAX_ORIGIN_BYTES) throw new LedgerError('invalid_argument', 'the origin is too long')
  MAGIC.copy(bytes, 0)
  bytes.writeUInt32BE(VERSION, 8)
  bytes.writeBigUInt64BE(BigInt(header.firstIndex), 12)
  bytes.writeBigUInt64BE(BigInt(header.firstBatch), 20)
  header.salt.copy(bytes, 28)
  bytes.writeUInt16BE(origin.length, 36)
  origin.copy(bytes, 38)
  const end = SEGMENT_HEADER_BYTES - 4
  bytes.writeUInt32BE(crc32(bytes.subarray(0, end)), end)
  return bytes
}

/** Parses a header, or says what is wrong with it. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | string {
  const end = SEGMENT_HEADER_BYTES - 4
  if (bytes.length < SEGMENT_HEADER_BYTES) return 'the segment header is cut short'
  if (!bytes.subarray(0, 8).equals(MAGIC)) return 'the file is not a journal segment'
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end))
    return 'the CRC of the segment header is wrong'
  if (bytes.readUInt32BE(8) !== VERSION) return `format version ${bytes.readUInt32BE(8)} is not known`
  const originEnd = 38 + bytes.readUInt16BE(36)
  if (originEnd > 38 + MAX_ORIGIN_BYTES) return 'the origin is too long'
  return {
    firstIndex: readU64(bytes, 12),
    firstBatch: readU64(bytes, 20),
    salt: Buffer.from(bytes.subarray(28, 28 + SALT_BYTES)),
    origin: bytes.toString('utf8', 38, originEnd),
  }
}

/** Writes a frame header at the start of `bytes`. */
export function encodeFrameHeader(bytes: Buffer, salt: Buffer, frame: FrameHeader): void {
  salt.copy(bytes, 0)
  bytes.writeBigUInt64BE(BigInt(frame.batch), 8)
  bytes.writeBigUInt64BE(BigInt(frame.firstIndex), 16)
  bytes.writeUInt32BE(frame.count, 24)
  bytes.writeUInt32BE(frame.bytes, 28)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 32)), 32)
}

/** The header at `at`; undefined when salt or CRC say that there is none. */
export function decodeFrameHeader(bytes: Buffer, at: number, salt: Buffer): FrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined
  if (salt.compare(bytes, at, at + SALT_BYTES) !== 0) return undefined
  if (crc32(bytes.subarray(at, at + 32)) !== bytes.readUInt32BE(at + 32)) return undefined
  return {
    batch: readU64(bytes, at + 8),
    firstIndex: readU64(bytes, at + 16),
    count: bytes.readUInt32BE(at + 24),
    bytes: bytes.readUInt32BE(at + 28),
  }
}

/** Bytes that a record takes. */
export function recordBytes(entry: Uint8Array, attachment: Uint8Array | undefined): number {
  return RECORD_HEADER_BYTES + entry.length + (attachment?.length ?? 0)
}

/** Writes a record at `at`, where there is room for it, and returns its CRC: the seed of the next record. */
export function encodeRecord(
  bytes: Buffer,
  at: number,
  entry: Uint8Array,
  attachment: Uint8Array | undefined,
  seed: number,
): number {
  const entryStart = at + RECORD_HEADER_BYTES
  bytes.writeUInt32BE(entry.length, at + 4)
  bytes.writeUInt32BE(attachment?.length ?? 0, at + 8)
  bytes[at + 12] = 0
  bytes.set(entry, entryStart)
  let end = entryStart + entry.length
  if (attachment !== undefined) {
    bytes.set(attachment, end)
    end += attachment.length
  }
  const crc = crc32(bytes.subarray(at + 4, end), seed)
  bytes.writeUInt32BE(crc, at)
  return crc
}

/**
 * Walks the records of a frame whose records start at `at`, checking each CRC before visiting it.
 * @returns undefined, or the index of the first record that is wrong
 */
export function walkRecords(
  bytes: Buffer,
  at: number,
  frame: FrameHeader,
  visit: (record: RecordSpan) => void,
): number | undefined {
  const end = at + frame.bytes
  let seed = 0
  let next = at
  for (let i = 0; i < frame.count; i++) {
    const index = frame.firstIndex + i
    const entryStart = next + RECORD_HEADER_BYTES
    if (entryStart > end || entryStart > bytes.length) return index
    const entryLength = bytes.readUInt32BE(next + 4)
    const entryEnd = entryStart + entryLength
    const attachmentEnd = entryEnd + bytes.readUInt32BE(next + 8)
    if (entryLength > MAX_ENTRY_BYTES || attachmentEnd > end || attachmentEnd > bytes.length) return index
    const crc = crc32(bytes.subarray(next + 4, attachmentEnd), seed)
    if (crc !== bytes.readUInt32BE(next) || bytes[next + 12] !== 0) return index
    visit({ index, entryStart, entryEnd, attachmentEnd })
    seed = crc
    next = attachmentEnd
  }
  return next === end ? undefined : frame.firstIndex + frame.count
}
