/**
 * @module journal/scan
 * Replays the journal at opening. Every header and record is checked; anything wrong refuses to open and names file
 * and index, except in the last batch of the last segment: it may not have been synced, and its blocks may have reached
 * the disk in any order, so it is reported as a torn tail for the caller to cut.
 */
import * as path from 'node:path'
import { LedgerError } from '../errors.ts'
import type { Files } from '../files.ts'
import {
  decodeFrameHeader,
  decodeSegmentHeader,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  type RecordSpan,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  walkRecords,
} from './format.ts'
import { Positions } from './positions.ts'

const SEGMENT_SUFFIX = '.seg'
const MAX_SEGMENT_FILE_BYTES = 1 << 30

/** Bytes after the last good frame that are not zero. */
export interface TornTail {
  file: string
  /** First index that is not readable. */
  index: number
  offset: number
  bytes: Buffer
}

export interface JournalScan {
  positions: Positions
  /** Entries, and the number of the next batch. */
  size: number
  nextBatch: number
  /** The last frame of the last segment, if it has one. */
  lastFrame: { file: string; offset: number; bytes: Buffer } | undefined
  torn: TornTail | undefined
}

/** Called in order for each entry of a frame that is whole; `start` is the offset of the leaf prefix. */
export type ScanVisitor = (index: number, bytes: Buffer, start: number, end: number) => void

export function segmentFile(directory: string, firstIndex: number): string {
  return path.join(directory, String(firstIndex).padStart(16, '0') + SEGMENT_SUFFIX)
}

const corrupt = (file: string, index: number, why: string) =>
  new LedgerError('corrupt_journal', `${file}: ${why}, at entry ${index}`)

const zeros = Buffer.alloc(64 * 1024)

/** Offset after the last byte that is not zero, at least `from`. */
export function usedEnd(bytes: Buffer, from: number): number {
  let end = bytes.length
  while (end > from) {
    const start = Math.max(from, end - zeros.length)
    if (!bytes.subarray(start, end).equals(zeros.subarray(0, end - start))) break
    end = start
  }
  while (end > from && bytes[end - 1] === 0) end--
  return end
}

/** True when a frame of a later batch starts anywhere after `at`: what lies before it was synced once. */
function laterFrame(bytes: Buffer, at: number, salt: Buffer, batch: number): boolean {
  let next = bytes.indexOf(salt, at + 1)
  while (next >= 0) {
    const frame = decodeFrameHeader(bytes, next, salt)
    if (frame !== undefined && frame.batch > batch) return true
    next = bytes.indexOf(salt, next + 1)
  }
  return false
}

async function readSegment(files: Files, file: string): Promise<Buffer> {
  const bytes = await files.read(file, MAX_SEGMENT_FILE_BYTES)
  if (bytes === undefined) throw new LedgerError('corrupt_journal', `${file}: the segment has gone`)
  return bytes
}

interface OpenSegment {
  file: string
  bytes: Buffer
  salt: Buffer
  last: boolean
}

/** Owned by one scan; walks segments in order and keeps what the next one must continue. */
class Scanner {
  readonly positions = new Positions()
  readonly #visit: ScanVisitor
  size = 0
  nextBatch = 0
  lastFrame: JournalScan['lastFrame']
  torn: TornTail | undefined

  constructor(visit: ScanVisitor) {
    this.#visit = visit
  }

  segment(file: string, bytes: Buffer, origin: string, last: boolean): void {
    const header = decodeSegmentHeader(bytes)
    if (typeof header === 'string') throw corrupt(file, this.size, header)
    this.#checkHeader(file, header, origin)
    const { salt, firstIndex, firstBatch } = header
    this.positions.startSegment({ file, firstIndex, firstBatch, salt })
    this.lastFrame = undefined
    let at = SEGMENT_HEADER_BYTES
    for (;;) {
      const frame = decodeFrameHeader(bytes, at, salt)
      if (frame === undefined) {
        this.#tail({ file, bytes, salt, last }, at, this.size)
        return
      }
      const end = at + FRAME_HEADER_BYTES + frame.bytes
      if (frame.batch !== this.nextBatch || frame.firstIndex !== this.size || frame.count === 0) {
        throw corrupt(file, this.size, 'a batch is out of order')
      }
      const wrong = this.#frame(bytes, at, frame)
      if (wrong !== undefined) {
        this.#tail({ file, bytes, salt, last }, at, wrong, end)
        return
      }
      this.lastFrame = { file, offset: at, bytes: Buffer.from(bytes.subarray(at, end)) }
      at = end
    }
  }

  #checkHeader(file: string, header: SegmentHeader, origin: string): void {
    if (header.origin !== origin) {
      throw new LedgerError('wrong_origin', `${file} belongs to ${header.origin}, not to ${origin}`)
    }
    if (header.firstIndex !== this.size || header.firstBatch !== this.nextBatch) {
      throw corrupt(file, this.size, `the segment starts at entry ${header.firstIndex}`)
    }
    if (path.basename(file) !== path.basename(segmentFile('', header.firstIndex))) {
      throw corrupt(file, this.size, 'the segment has another name than its first index')
    }
  }

  /** Visits the records of a frame once all of them are known to be good. */
  #frame(bytes: Buffer, at: number, frame: FrameHeader): number | undefined {
    const spans: RecordSpan[] = []
    const wrong = walkRecords(bytes, at + FRAME_HEADER_BYTES, frame, (span) => spans.push(span))
    if (wrong !== undefined) return wrong
    for (const { index, entryStart, entryEnd } of spans) this.#visit(index, bytes, entryStart - 1, entryEnd)
    this.positions.addFrame(frame.firstIndex, at, at + FRAME_HEADER_BYTES + frame.bytes)
    this.size += frame.count
    this.nextBatch++
    return undefined
  }

  /** The bytes from `at` are no good frame: nothing, a torn tail, or corruption. */
  #tail(segment: OpenSegment, at: number, wrong: number, frameEnd?: number): void {
    const { file, bytes, salt, last } = segment
    const end = usedEnd(bytes, at)
    if (end === at) return
    if (!last) throw corrupt(file, wrong, 'bytes are wrong before the last segment')
    if (laterFrame(bytes, at, salt, this.nextBatch)) {
      throw corrupt(file, wrong, 'bytes are wrong before the last batch')
    }
    // An unsynced batch writes inside its own frame only.
    if (frameEnd !== undefined && end > frameEnd) throw corrupt(file, wrong, 'bytes follow a damaged batch')
    this.torn = { file, index: this.size, offset: at, bytes: Buffer.from(bytes.subarray(at, end)) }
  }
}

/**
 * @throws LedgerError `corrupt_journal` or `wrong_origin`, naming the file and the index
 */
export async function scanJournal(
  files: Files,
  directory: string,
  origin: string,
  visit: ScanVisitor,
): Promise<JournalScan> {
  const names = (await files.list(directory)).filter((name) => name.endsWith(SEGMENT_SUFFIX))
  const scanner = new Scanner(visit)
  for (const [i, name] of names.entries()) {
    const file = path.join(directory, name)
    scanner.segment(file, await readSegment(files, file), origin, i === names.length - 1)
  }
  const { positions, size, nextBatch, lastFrame, torn } = scanner
  return { positions, size, nextBatch, lastFrame, torn }
}
