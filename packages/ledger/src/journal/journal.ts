/**
 * @module journal/journal
 * Group commit. While one sync runs, the next batch gathers; an entry is acknowledged only after the sync of its batch
 * returned without an error. Whoever is told may submit again at once, and what they submit has to be hashed:
 * where the disk is slower than that, they are told first and join what is written next; where hashing is slower, half of
 * them are told while the others' next entries are on their way. The first error of a write or sync poisons the journal:
 * its pages may be gone from the cache, so nothing is retried on that descriptor and every waiter learns that its outcome is unknown.
 */
import { randomBytes } from 'node:crypto'
import * as path from 'node:path'
import { LedgerError } from '../errors.ts'
import type { FileHandle, Files } from '../files.ts'
import { MAX_ENTRY_BYTES } from '../merkle/hash.ts'
import { Batch, type EntryClass } from './batch.ts'
import {
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  recordBytes,
  SALT_BYTES,
  SEGMENT_HEADER_BYTES,
} from './format.ts'
import type { Positions } from './positions.ts'
import { segmentFile } from './scan.ts'
import { type Spare, Spares } from './spares.ts'

export interface JournalLimits {
  segmentBytes: number
  maxAttachmentBytes: number
  maxBatchBytes: number
  maxQueueBytes: number
  maxQueueEntries: number
}

export interface JournalStart {
  files: Files
  directory: string
  origin: string
  limits: JournalLimits
  clock: () => number
  overlaps: Overlaps
  positions: Positions
  size: number
  nextBatch: number
  /** Called after each durable batch and before it is acknowledged. */
  onDurable: (leaves: readonly Buffer[]) => void
}

/**
 * Whether the next batch is written while half of the last one's submitters still wait to be told: given the milliseconds
 * that telling all of them takes, with what they submit at once, and those of one write.
 */
export type Overlaps = (telling: number, writing: number) => boolean

export const tellingIsSlower: Overlaps = (telling, writing) => telling > writing

const REUSE_BYTES = 4 << 20
/** Smaller batches take the disk longer than they take us. */
const MIN_OVERLAP = 32

/** Smallest segment that holds one record of the largest size. */
export function minSegmentBytes(maxAttachmentBytes: number): number {
  return (
    SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + RECORD_HEADER_BYTES + MAX_ENTRY_BYTES + maxAttachmentBytes
  )
}

/** Owns the handle of the current segment and the spares; `close` frees them. */
export class Journal {
  readonly #start: JournalStart
  readonly #spares: Spares
  #segment: FileHandle | undefined
  #capacity = 0
  #position = 0
  #onReserve = false
  #size: number
  #nextBatch: number
  /** Batches not yet durable; the one being written is first. */
  readonly #queue: Batch[] = []
  #queuedBytes = 0
  #queuedEntries = 0
  #spareBuffer: Buffer | undefined
  #running: Promise<void> | undefined
  #failure: LedgerError | undefined
  /** The first batch of the queue, while it is on its way to the disk: it takes no more entries. */
  #sealed: Batch | undefined
  /** Durable, and not everybody was told yet. */
  #durable: { batch: Batch; first: number } | undefined
  /** Hashing what a batch's submitters send next takes longer than the disk does. */
  #overlaps = false
  /** Milliseconds that the last write took. */
  #wrote = 0

  private constructor(start: JournalStart) {
    this.#start = start
    this.#size = start.size
    this.#nextBatch = start.nextBatch
    this.#spares = new Spares(start.files, start.directory, start.limits.segmentBytes, start.clock)
  }

  /** Continues the last segment, or starts the first. */
  static async open(start: JournalStart): Promise<Journal> {
    const journal = new Journal(start)
    await journal.#spares.open()
    const last = start.positions.segments.at(-1)
    if (last !== undefined) {
      journal.#segment = await start.files.open(last.file, 'durable')
      journal.#capacity = await journal.#segment.size()
      journal.#position = last.end
    } else if (!(await journal.#rotate('next'))) {
      throw new LedgerError('disk_full', `${start.directory}: no room for the first journal segment`)
    }
    return journal
  }

  get diskFull(): boolean {
    return this.#spares.full
  }

  get queuedEntries(): number {
    return this.#queuedEntries
  }

  get failure(): LedgerError | undefined {
    return this.#failure
  }

  append(
    entry: Uint8Array,
    attachment: Uint8Array | undefined,
    kind: EntryClass,
  ): Promise<{ index: number }> {
    const refusal = this.#failure ?? this.#refuse(entry, attachment, kind)
    if (refusal !== undefined) return Promise.reject(refusal)
    const bytes = recordBytes(entry, attachment)
    let batch = this.#queue.at(-1)
    if (
      batch === undefined ||
      batch === this.#sealed ||
      batch.bytes + bytes > this.#start.limits.maxBatchBytes
    ) {
      batch = new Batch(this.#spareBuffer)
      this.#spareBuffer = undefined
      this.#queue.push(batch)
      this.#queuedBytes += batch.bytes
    }
    this.#queuedBytes += bytes
    this.#queuedEntries++
    const appended = batch.add(entry, attachment, kind)
    this.#running ??= this.#run()
    return appended
  }

  #refuse(entry: Uint8Array, attachment: Uint8Array | undefined, kind: EntryClass): LedgerError | undefined {
    const { maxAttachmentBytes, maxQueueBytes, maxQueueEntries } = this.#start.limits
    if (entry.length > MAX_ENTRY_BYTES) {
      return new LedgerError('too_large', `an entry of ${entry.length} bytes is over ${MAX_ENTRY_BYTES}`)
    }
    if (attachment !== undefined && attachment.length > maxAttachmentBytes) {
      return new LedgerError(
        'too_large',
        `an attachment of ${attachment.length} bytes is over ${maxAttachmentBytes}`,
      )
    }
    const bytes = recordBytes(entry, attachment)
    if (this.#queuedEntries >= maxQueueEntries || this.#queuedBytes + bytes > maxQueueBytes) {
      return new LedgerError('queue_full', `${this.#queuedEntries} entries await the disk`)
    }
    if (!this.#spares.full) return undefined
    this.#spares.retry()
    const fits = this.#position + this.#queuedBytes + bytes + FRAME_HEADER_BYTES <= this.#capacity
    return kind === 'ordinary' && (this.#onReserve || !fits) ? this.#diskFull() : undefined
  }

  #diskFull(): LedgerError {
    return new LedgerError('disk_full', `${this.#start.directory}: the disk has no room for this entry`)
  }

  /** Resolves once everything accepted so far is durable or lost. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    // One turn of the event loop gathers what callers submit together.
    await new Promise<void>((resolve) => setImmediate(resolve))
    try {
      // Nothing may be awaited between the last look at the queue and the end: who submits later starts anew.
      while (this.#queue.length > 0 || this.#durable !== undefined) {
        const [batch] = this.#queue
        if (batch === undefined || (this.#durable !== undefined && !this.#overlaps)) {
          await this.#tell(this.#overlaps ? 2 : 1)
          continue
        }
        this.#sealed = batch
        const kept = await this.#makeRoom(batch)
        if (kept === undefined) this.#queue.shift()
        else await this.#write(kept)
      }
    } catch (error) {
      this.#poison(error)
    } finally {
      this.#sealed = undefined
      this.#running = undefined
    }
  }

  async #write(batch: Batch): Promise<void> {
    const segment = this.#segment
    const salt = this.#start.positions.segments.at(-1)?.salt
    if (segment === undefined || salt === undefined)
      throw new LedgerError('closed', 'the journal has no segment')
    const frame = batch.seal(salt, this.#nextBatch, this.#size)
    const started = performance.now()
    const written = segment.write(frame, this.#position).then(() => {
      this.#wrote = performance.now() - started
    })
    try {
      await this.#tell(1)
    } finally {
      await written
    }
    const first = this.#size
    const end = this.#position + frame.length
    this.#start.positions.addFrame(first, this.#position, end)
    this.#position = end
    this.#size += batch.count
    this.#nextBatch++
    this.#queue.shift()
    this.#sealed = undefined
    this.#forget(batch.bytes, batch.count)
    this.#durable = { batch, first }
  }

  /** Tells one in so many of those that the last batch made durable, and lets them submit again. */
  async #tell(parts: number): Promise<void> {
    if (this.#durable === undefined) return
    const { batch, first } = this.#durable
    const started = performance.now()
    const before = batch.told
    if (before === 0) this.#start.onDurable(batch.leaves)
    const all = batch.acknowledge(first, Math.ceil(batch.count / parts))
    if (all) this.#durable = undefined
    if (all && batch.buffer.length <= REUSE_BYTES) this.#spareBuffer = batch.buffer
    await undefined
    const whole = ((performance.now() - started) / (batch.told - before)) * batch.count
    // Overlapping, a batch holds half of what waits.
    this.#overlaps =
      batch.count >= MIN_OVERLAP && this.#start.overlaps((this.#overlaps ? 2 : 1) * whole, this.#wrote)
  }

  #forget(bytes: number, entries: number): void {
    this.#queuedBytes -= bytes
    this.#queuedEntries -= entries
  }

  #fits(batch: Batch): boolean {
    return this.#position + batch.bytes <= this.#capacity
  }

  /** Makes room for the first batch of the queue: all of it, or its essential part, or (undefined) none of it. */
  async #makeRoom(batch: Batch): Promise<Batch | undefined> {
    const reserved = this.#onReserve && this.#spares.full
    if (!reserved && this.#fits(batch)) return batch
    // Whoever is durable does not wait for a new segment.
    await this.#tell(1)
    if (!reserved && (await this.#rotate('next'))) return batch
    const error = this.#diskFull()
    const kept = batch.keepEssential(error)
    this.#queue[0] = kept
    this.#sealed = kept
    this.#forget(batch.bytes - kept.bytes, batch.count - kept.count)
    if (
      kept.count > 0 &&
      (this.#fits(kept) || (await this.#rotate('next')) || (await this.#rotate('reserve')))
    ) {
      return kept
    }
    kept.reject(error)
    this.#forget(kept.bytes, kept.count)
    return undefined
  }

  /** Turns a spare into the current segment. Runs only while no unsynced batch exists. */
  async #rotate(kind: Spare): Promise<boolean> {
    const { files, directory, origin, positions } = this.#start
    const spare = await this.#spares.take(kind)
    if (spare === undefined) return false
    const header = {
      firstIndex: this.#size,
      firstBatch: this.#nextBatch,
      salt: randomBytes(SALT_BYTES),
      origin,
    }
    const handle = await files.open(spare, 'durable')
    const file = segmentFile(directory, this.#size)
    try {
      await handle.write(encodeSegmentHeader(header), 0)
      await files.rename(spare, file)
      await files.syncDirectory(path.dirname(file))
    } catch (error) {
      await handle.close()
      throw error
    }
    await this.#segment?.close()
    this.#segment = handle
    this.#capacity = await handle.size()
    this.#position = SEGMENT_HEADER_BYTES
    this.#onReserve = kind === 'reserve'
    positions.startSegment({ ...header, file })
    this.#spares.prepare()
    return true
  }

  #poison(cause: unknown): void {
    this.#failure = new LedgerError(
      'poisoned',
      'the journal stopped after a failed write; open it again',
      cause,
    )
    const unknown = new LedgerError(
      'unknown_outcome',
      'the write failed: the entry may or may not be in the log',
      cause,
    )
    this.#durable?.batch.reject(unknown)
    this.#durable = undefined
    for (const batch of this.#queue.splice(0)) batch.reject(unknown)
    this.#queuedBytes = 0
    this.#queuedEntries = 0
  }

  /** Waits for what is queued, then frees the handle. The owner stops appending first. */
  async close(): Promise<void> {
    await this.drained()
    await this.#spares.settled()
    await this.#segment?.close()
    this.#segment = undefined
  }
}
