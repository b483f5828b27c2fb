/**
 * @module log
 * A tamper-evident log in one directory. An entry is acknowledged once it is durable; it is provable once a checkpoint
 * covers it. One process owns the directory: the caller holds the lock that says so, this module only refuses a second
 * Log in the same process.
 */
import * as path from 'node:path'
import { asLedgerError, LedgerError } from './errors.ts'
import { type Files, type Medium, replaceFile } from './files.ts'
import type { EntryClass } from './journal/batch.ts'
import { Journal } from './journal/journal.ts'
import type { Positions } from './journal/positions.ts'
import { type JournalRecord, readRecords } from './journal/read.ts'
import { leafHash } from './merkle/hash.ts'
import { proveConsistency, proveInclusion } from './merkle/prove.ts'
import { verifyInclusion } from './merkle/verify-proof.ts'
import { type NoteSigner, noteSigner } from './note.ts'
import { openState, type Recovery } from './open.ts'
import { type LogOptions, type Settings, settingsOf } from './options.ts'
import { PublishTimer } from './publish-timer.ts'
import { Publisher, type SignedCheckpoint } from './publisher.ts'
import { MAX_RECEIPT_ENTRIES, makeReceipt, type ProvenEntry, type Receipt } from './receipt.ts'
import { type PublicFile, readPublicFile } from './serve.ts'
import { TileReader } from './tile-reader.ts'
import type { Tree } from './tree.ts'

export interface AppendOptions {
  /** Opaque bytes made durable with the entry. Not hashed into the tree: the entry carries a digest of them. */
  attachment?: Uint8Array
  /** `essential` entries (outcomes, revocations) may use the disk reserve; `ordinary` (default) are refused before. */
  class?: EntryClass
}

export interface LogEntry {
  index: number
  entry: Uint8Array
  attachment: Uint8Array | undefined
}

export interface LogStatus {
  /** Durable entries. */
  size: number
  /** Entries that the latest checkpoint covers. */
  publishedSize: number
  /** Accepted and not yet durable. */
  queued: number
  diskFull: boolean
  /** Why the log accepts nothing until it is opened again. */
  poisoned: LedgerError | undefined
  /** Why the last publication failed; cleared by the next that works. */
  publishError: LedgerError | undefined
  /** On `memory` or `network` an acknowledged entry may not survive a power cut: warn. */
  medium: Medium
}

interface LogParts {
  directory: string
  files: Files
  signer: NoteSigner
  medium: Medium
  recovered: Recovery | undefined
  tree: Tree
  positions: Positions
  publisher: Publisher
  timer: PublishTimer
  journal: Journal
  release: () => void
}

/** Owns the directory, one file handle and one timer, from `openLog` to `close`. */
export class Log {
  readonly #parts: LogParts
  readonly #tiles: TileReader
  #closing: Promise<void> | undefined

  /** Use `openLog`. */
  constructor(parts: LogParts) {
    this.#parts = parts
    this.#tiles = new TileReader(parts.files, parts.directory, parts.tree)
  }

  get origin(): string {
    return this.#parts.signer.name
  }

  /** Verifier key of this log's checkpoints. */
  get vkey(): string {
    return this.#parts.signer.vkey
  }

  /** The torn, never acknowledged batch that opening cut, if there was one. */
  get recovered(): Recovery | undefined {
    return this.#parts.recovered
  }

  /** Durable entries. */
  get size(): number {
    return this.#parts.tree.size
  }

  status(): LogStatus {
    const { tree, publisher, journal, timer, medium } = this.#parts
    return {
      size: tree.size,
      publishedSize: publisher.latest?.size ?? 0,
      queued: journal.queuedEntries,
      diskFull: journal.diskFull,
      poisoned: journal.failure,
      publishError: timer.error,
      medium,
    }
  }

  /**
   * Resolves with the index once entry and attachment are durable. Both are copied at the call.
   * @param entry the leaf's bytes, at most 65,535
   * @throws LedgerError `too_large`, `queue_full`, `disk_full`, `closed`, `poisoned`: it is not in the log;
   *   `unknown_outcome`: it may be, and the next opening tells
   */
  append(entry: Uint8Array, options?: AppendOptions): Promise<{ index: number }> {
    if (this.#closing !== undefined) return Promise.reject(this.#closed())
    return this.#parts.journal.append(entry, options?.attachment, options?.class ?? 'ordinary')
  }

  #closed(): LedgerError {
    return new LedgerError('closed', 'the log is closed')
  }

  #checkIndex(index: number): void {
    if (this.#closing !== undefined) throw this.#closed()
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size) {
      throw new LedgerError('out_of_range', `there is no entry ${index} in a log of ${this.size}`)
    }
  }

  async #record(index: number): Promise<JournalRecord> {
    this.#checkIndex(index)
    const { files, positions } = this.#parts
    for await (const [record] of readRecords(files, positions, index, index + 1)) {
      if (record !== undefined) return record
    }
    throw new LedgerError('corrupt_journal', `entry ${index} cannot be read back`)
  }

  /** @throws LedgerError `out_of_range`, `corrupt_journal` */
  async entry(index: number): Promise<Uint8Array> {
    return Buffer.from((await this.#record(index)).entry)
  }

  /** Undefined when the entry has none. @throws LedgerError `out_of_range`, `corrupt_journal` */
  async attachment(index: number): Promise<Uint8Array | undefined> {
    const { attachment } = await this.#record(index)
    return attachment && Buffer.from(attachment)
  }

  /** Durable entries [from, to) in order; `to` is by default the size now. */
  async *entries(from = 0, to = this.size): AsyncGenerator<LogEntry> {
    if (from === to) return
    this.#checkIndex(from)
    this.#checkIndex(to - 1)
    if (from > to) throw new LedgerError('out_of_range', `${from} is after ${to}`)
    const { files, positions } = this.#parts
    for await (const records of readRecords(files, positions, from, to)) {
      for (const { index, entry, attachment } of records) {
        yield { index, entry: Buffer.from(entry), attachment: attachment && Buffer.from(attachment) }
      }
    }
  }

  /** The latest signed checkpoint; entries after its size are durable but not provable yet. */
  checkpoint(): SignedCheckpoint {
    const { latest } = this.#parts.publisher
    if (latest === undefined) throw new LedgerError('bad_checkpoint', 'nothing has been published yet')
    return latest
  }

  /**
   * Publishes tiles, bundles and a checkpoint for every entry durable now. Concurrent calls share one publication.
   * @throws LedgerError `disk_full`, `io_error`: try again
   */
  async publish(): Promise<SignedCheckpoint> {
    if (this.#closing !== undefined) throw this.#closed()
    return this.#parts.timer.publish()
  }

  /** RFC 6962 audit path of entry `index` in the tree of `size`, which must be durable. @throws `out_of_range` */
  async inclusionProof(index: number, size: number): Promise<Uint8Array[]> {
    this.#checkSize(size)
    if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
      throw new LedgerError('out_of_range', `there is no entry ${index} in a tree of ${size}`)
    }
    return proveInclusion(this.#tiles.hash, index, size)
  }

  /** RFC 6962 consistency proof between two sizes, 0 < oldSize <= size. @throws `out_of_range` */
  async consistencyProof(oldSize: number, size: number): Promise<Uint8Array[]> {
    this.#checkSize(oldSize)
    this.#checkSize(size)
    if (oldSize > size) throw new LedgerError('out_of_range', `size ${oldSize} is above ${size}`)
    return proveConsistency(this.#tiles.hash, oldSize, size)
  }

  #checkSize(size: number): void {
    if (this.#closing !== undefined) throw this.#closed()
    if (!Number.isSafeInteger(size) || size < 1 || size > this.size) {
      throw new LedgerError('out_of_range', `the log has no size ${size}`)
    }
  }

  /** A receipt for one entry. See `receipts`. */
  receipt(index: number): Promise<Receipt> {
    return this.receipts([index])
  }

  /**
   * One receipt for several entries (1 to 256) under one checkpoint; publishes when the latest does not cover them. It is
   * verified before it is handed out.
   * @throws LedgerError `out_of_range`, `invalid_argument`, `disk_full`, `io_error`, `corrupt_journal`, `corrupt_tile`
   */
  async receipts(indexes: readonly number[]): Promise<Receipt> {
    if (indexes.length === 0 || indexes.length > MAX_RECEIPT_ENTRIES) {
      throw new LedgerError('invalid_argument', `a receipt carries 1 to ${MAX_RECEIPT_ENTRIES} entries`)
    }
    for (const index of indexes) this.#checkIndex(index)
    const latest = this.checkpoint()
    const checkpoint = Math.max(...indexes) < latest.size ? latest : await this.publish()
    const entries: ProvenEntry[] = []
    for (const index of indexes) {
      const { entry } = await this.#record(index)
      const proof = await this.inclusionProof(index, checkpoint.size)
      verifyInclusion(index, checkpoint.size, leafHash(entry), proof, checkpoint.root)
      entries.push({ index, entry, proof })
    }
    return makeReceipt(this.#parts.signer, checkpoint, entries)
  }

  /** A public resource of the log; see `readPublicFile`. Bundles (`kind: 'entries'`) need auditor rights. */
  async readPublic(name: string): Promise<PublicFile | undefined> {
    return readPublicFile(this.#parts.files, this.#parts.directory, name)
  }

  /** Refuses new entries, makes the queued ones durable, publishes, and frees the directory. Never rejects twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { journal, timer, publisher, release } = this.#parts
    try {
      await journal.drained()
      timer.stop()
      await timer.publish()
    } finally {
      await publisher.settled()
      try {
        await journal.close()
      } finally {
        release()
      }
    }
  }
}

// Directories open in this process, by the file layer they are on.
const openDirectories = new WeakMap<Files, Set<string>>()

function claim(files: Files, directory: string): () => void {
  const held = openDirectories.get(files) ?? new Set()
  openDirectories.set(files, held)
  if (held.has(directory)) throw new LedgerError('in_use', `${directory} is already open in this process`)
  held.add(directory)
  return () => {
    held.delete(directory)
  }
}

/** Synced at every opening: an earlier run may have made the names without living to sync them. */
async function makeDirectories(files: Files, directory: string, journal: string): Promise<void> {
  await files.makeDirectory(directory)
  await files.syncDirectory(path.dirname(directory))
  await files.makeDirectory(journal)
  await files.syncDirectory(directory)
}

async function openParts(
  options: LogOptions,
  settings: Settings,
  directory: string,
): Promise<Omit<LogParts, 'release'>> {
  const { files, clock, limits, overlaps } = settings
  const signer = noteSigner(options.origin, options.key)
  const journalDirectory = path.join(directory, 'journal')
  await makeDirectories(files, directory, journalDirectory)
  const state = await openState({
    files,
    directory,
    origin: options.origin,
    key: signer,
    full: options.check === 'full',
    rebuildTiles: options.rebuildTiles === true,
  })
  const { tree, latest, scan, recovered } = state
  const { positions, size, nextBatch } = scan
  const publisher = new Publisher({ files, directory, signer, tree, positions, latest })
  const timer = new PublishTimer(publisher, settings.publishEveryMs)
  const onDurable = (leaves: readonly Buffer[]) => {
    for (const leaf of leaves) tree.push(leaf)
    timer.touch()
  }
  const start = { files, directory: journalDirectory, origin: options.origin, limits, clock, overlaps }
  const journal = await Journal.open({ ...start, positions, size, nextBatch, onDurable })
  try {
    // From here on an empty journal is a log of size 0, and a missing one is a loss.
    if (latest === undefined) await timer.publish()
    await writeVkey(files, directory, signer.vkey)
    if (!publisher.covers(latest?.size ?? 0)) timer.touch()
  } catch (error) {
    timer.stop()
    await journal.close()
    throw error
  }
  const medium = await files.medium(directory)
  return { directory, files, signer, medium, recovered, tree, positions, publisher, timer, journal }
}

/** The verifier key lies beside the log for `verify.ts`; who distrusts the directory brings the key along. */
async function writeVkey(files: Files, directory: string, vkey: string): Promise<void> {
  const file = path.join(directory, 'log.vkey')
  const bytes = Buffer.from(`${vkey}\n`)
  if ((await files.read(file, 8192))?.equals(bytes) !== true) await replaceFile(files, file, bytes)
}

/**
 * Opens a log, or starts one in an empty directory. Checks every invariant first and refuses what contradicts itself.
 * @throws LedgerError `invalid_argument`, `bad_key`, `in_use`, `corrupt_journal`, `truncated`, `root_mismatch`, `corrupt_tile`,
 *   `corrupt_state`, `bad_checkpoint`, `bad_note`, `bad_signature`, `wrong_origin`, `disk_full`, `io_error`
 */
export async function openLog(options: LogOptions): Promise<Log> {
  const settings = settingsOf(options)
  const directory = path.resolve(options.directory)
  const release = claim(settings.files, directory)
  try {
    return new Log({ ...(await openParts(options, settings, directory)), release })
  } catch (error) {
    release()
    throw asLedgerError(error)
  }
}
