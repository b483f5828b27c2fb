/**
 * @module journal/positions
 * Where entries lie in the journal: the segments, and in each of them a sparse index with one mark per 64 KiB, so
 * that memory grows with the bytes of the journal and not with its entries.
 */
import { LedgerError } from '../errors.ts'
import { SEGMENT_HEADER_BYTES } from './format.ts'

const MARK_EVERY_BYTES = 64 * 1024

interface Mark {
  index: number
  offset: number
}

export interface Segment {
  file: string
  firstIndex: number
  firstBatch: number
  salt: Buffer
  /** Bytes in use: header and durable frames. */
  end: number
  marks: Mark[]
}

/** The last element whose index is at most `index`; the list is sorted and its first element qualifies. */
function lastUpTo<T>(list: readonly T[], index: number, of: (item: T) => number): number {
  let low = 0
  let high = list.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const item = list[middle]
    if (item !== undefined && of(item) <= index) low = middle
    else high = middle - 1
  }
  return low
}

/** Filled by the scan at opening, then by the journal after each durable frame. */
export class Positions {
  readonly segments: Segment[] = []

  startSegment(segment: Omit<Segment, 'end' | 'marks'>): void {
    this.segments.push({ ...segment, end: SEGMENT_HEADER_BYTES, marks: [] })
  }

  /** Notes a durable frame at the end of the last segment. */
  addFrame(firstIndex: number, offset: number, end: number): void {
    const segment = this.segments.at(-1)
    if (segment === undefined) throw new LedgerError('corrupt_journal', 'the journal has no segment')
    const mark = segment.marks.at(-1)
    if (mark === undefined || offset - mark.offset >= MARK_EVERY_BYTES) {
      segment.marks.push({ index: firstIndex, offset })
    }
    segment.end = end
  }

  /** Number of the segment that holds `index`, and the offset of a frame at or before it. */
  find(index: number): { number: number; offset: number } {
    const number = lastUpTo(this.segments, index, (segment) => segment.firstIndex)
    const marks = this.segments[number]?.marks ?? []
    const mark = marks[lastUpTo(marks, index, (item) => item.index)]
    return { number, offset: mark?.offset ?? SEGMENT_HEADER_BYTES }
  }
}
