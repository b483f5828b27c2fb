/**
 * @module journal/batch
 * One frame while it gathers: records are written straight into the buffer that goes to the disk, hashed and
 * checksummed as they come, while the sync of the batch before runs on another thread.
 */
import type { LedgerError } from '../errors.ts'
import { prefixedLeafHash } from '../merkle/hash.ts'
import {
  encodeFrameHeader,
  encodeRecord,
  FRAME_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  recordBytes,
  walkRecords,
} from './format.ts'

export type EntryClass = 'ordinary' | 'essential'

interface Waiter {
  essential: boolean
  resolve: (appended: { index: number }) => void
  reject: (error: LedgerError) => void
}

const FIRST_CAPACITY = 64 * 1024

/** Owned by the journal. Its waiters are settled exactly once, by `acknowledge` or `reject`. */
export class Batch {
  #buffer: Buffer
  #length = FRAME_HEADER_BYTES
  #seed = 0
  #told = 0
  readonly leaves: Buffer[] = []
  readonly #waiters: Waiter[] = []

  constructor(buffer: Buffer = Buffer.allocUnsafe(FIRST_CAPACITY)) {
    this.#buffer = buffer
  }

  get count(): number {
    return this.leaves.length
  }

  /** Bytes of the whole frame so far. */
  get bytes(): number {
    return this.#length
  }

  get buffer(): Buffer {
    return this.#buffer
  }

  /** Copies the record in; the promise settles once the frame is durable or lost. */
  add(entry: Uint8Array, attachment: Uint8Array | undefined, kind: EntryClass): Promise<{ index: number }> {
    this.#write(entry, attachment)
    return new Promise((resolve, reject) => {
      this.#waiters.push({ essential: kind === 'essential', resolve, reject })
    })
  }

  #write(entry: Uint8Array, attachment: Uint8Array | undefined): void {
    const at = this.#length
    const end = at + recordBytes(entry, attachment)
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    this.#seed = encodeRecord(this.#buffer, at, entry, attachment, this.#seed)
    const entryStart = at + RECORD_HEADER_BYTES
    this.leaves.push(prefixedLeafHash(this.#buffer.subarray(entryStart - 1, entryStart + entry.length)))
    this.#length = end
  }

  /** Completes the frame header and returns the frame's bytes. */
  seal(salt: Buffer, batch: number, firstIndex: number): Buffer {
    const bytes = this.#length - FRAME_HEADER_BYTES
    encodeFrameHeader(this.#buffer, salt, { batch, firstIndex, count: this.count, bytes })
    return this.#buffer.subarray(0, this.#length)
  }

  /** Refuses the ordinary entries and returns a batch of the essential ones, with their waiters. */
  keepEssential(error: LedgerError): Batch {
    const kept = new Batch()
    const bytes = this.#length - FRAME_HEADER_BYTES
    const frame = { batch: 0, firstIndex: 0, count: this.count, bytes }
    walkRecords(this.#buffer, FRAME_HEADER_BYTES, frame, ({ index, entryStart, entryEnd, attachmentEnd }) => {
      const waiter = this.#waiters[index]
      if (waiter?.essential !== true) {
        waiter?.reject(error)
        return
      }
      const attachment =
        entryEnd === attachmentEnd ? undefined : this.#buffer.subarray(entryEnd, attachmentEnd)
      kept.#write(this.#buffer.subarray(entryStart, entryEnd), attachment)
      kept.#waiters.push(waiter)
    })
    return kept
  }

  /** How many waiters were told that they are durable. */
  get told(): number {
    return this.#told
  }

  /** Tells the next `most` waiters; true once all have been told. */
  acknowledge(firstIndex: number, most = this.#waiters.length): boolean {
    const end = Math.min(this.#told + most, this.#waiters.length)
    for (; this.#told < end; this.#told++)
      this.#waiters[this.#told]?.resolve({ index: firstIndex + this.#told })
    return end === this.#waiters.length
  }

  reject(error: LedgerError): void {
    for (const waiter of this.#waiters) waiter.reject(error)
  }
}
