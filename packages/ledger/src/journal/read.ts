/**
 * @module journal/read
 * Reads durable records back, frame by frame, checking every CRC again.
 */
import { LedgerError } from '../errors.ts'
import type { FileHandle, Files } from '../files.ts'
import { decodeFrameHeader, FRAME_HEADER_BYTES, type RecordSpan, walkRecords } from './format.ts'
import type { Positions, Segment } from './positions.ts'

export interface JournalRecord {
  index: number
  /** A view of the read buffer; keep a copy rather than the view. */
  entry: Buffer
  attachment: Buffer | undefined
}

const CHUNK_BYTES = 128 * 1024

/** A window over a segment that is read ahead in chunks. Owns nothing: the caller closes the handle. */
class Window {
  readonly #handle: FileHandle
  readonly #end: number
  #start = 0
  #bytes: Buffer = Buffer.alloc(0)

  constructor(handle: FileHandle, end: number) {
    this.#handle = handle
    this.#end = end
  }

  /** Bytes [at, at + length) of the segment, fewer at its end. */
  async at(at: number, length: number): Promise<Buffer> {
    const offset = at - this.#start
    if (offset < 0 || offset + length > this.#bytes.length) {
      const size = Math.min(Math.max(length, CHUNK_BYTES), this.#end - at)
      const bytes = Buffer.allocUnsafe(Math.max(size, 0))
      this.#bytes = bytes.subarray(0, await this.#handle.read(bytes, at))
      this.#start = at
      return this.#bytes.subarray(0, length)
    }
    return this.#bytes.subarray(offset, offset + length)
  }
}

function corrupt(segment: Segment, index: number): LedgerError {
  return new LedgerError('corrupt_journal', `${segment.file}: entry ${index} cannot be read back`)
}

/** Records [from, to) in the frames that hold them, in order. The caller checked that they are durable. */
export async function* readRecords(
  files: Files,
  positions: Positions,
  from: number,
  to: number,
): AsyncGenerator<JournalRecord[]> {
  if (from >= to) return
  let { number, offset } = positions.find(from)
  let next = from
  while (next < to) {
    const segment = positions.segments[number]
    if (segment === undefined) throw new LedgerError('corrupt_journal', `entry ${next} is not in the journal`)
    const end = segment.end
    const handle = await files.open(segment.file, 'read')
    try {
      const window = new Window(handle, end)
      while (offset < end && next < to) {
        const header = decodeFrameHeader(await window.at(offset, FRAME_HEADER_BYTES), 0, segment.salt)
        if (header === undefined) throw corrupt(segment, next)
        const frameEnd = offset + FRAME_HEADER_BYTES + header.bytes
        if (header.firstIndex + header.count > next) {
          const bytes = await window.at(offset + FRAME_HEADER_BYTES, header.bytes)
          const records: JournalRecord[] = []
          const wrong = walkRecords(bytes, 0, header, ({ index, ...span }) => {
            if (index >= next && index < to) records.push({ index, ...cut(bytes, span) })
          })
          if (wrong !== undefined || records.length === 0) throw corrupt(segment, wrong ?? next)
          next += records.length
          yield records
        }
        offset = frameEnd
      }
    } finally {
      await handle.close()
    }
    number++
    offset = positions.segments[number]?.marks[0]?.offset ?? 0
  }
}

function cut(bytes: Buffer, span: Omit<RecordSpan, 'index'>): Omit<JournalRecord, 'index'> {
  const { entryStart, entryEnd, attachmentEnd } = span
  return {
    entry: bytes.subarray(entryStart, entryEnd),
    attachment: attachmentEnd === entryEnd ? undefined : bytes.subarray(entryEnd, attachmentEnd),
  }
}
