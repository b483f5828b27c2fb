/**
 * @module options
 * What a log can be told at opening, with every default as a documented constant.
 */
import type { KeyObject } from 'node:crypto'
import { LedgerError } from './errors.ts'
import { type Files, nodeFiles } from './files.ts'
import { MAX_ORIGIN_BYTES } from './journal/format.ts'
import { type JournalLimits, minSegmentBytes, type Overlaps, tellingIsSlower } from './journal/journal.ts'
import { isKeyName } from './note.ts'

/** Bytes of a journal segment; as much again is held as the next segment, and as much as the disk reserve. */
export const DEFAULT_SEGMENT_BYTES = 16 << 20
export const DEFAULT_MAX_ATTACHMENT_BYTES = 1 << 20
/** A frame larger than this starts another batch. */
export const DEFAULT_MAX_BATCH_BYTES = 1 << 20
/** Entries accepted and not yet durable, before `queue_full`. */
export const DEFAULT_MAX_QUEUE_ENTRIES = 65_536
export const DEFAULT_MAX_QUEUE_BYTES = 32 << 20
/** Milliseconds between a durable entry and the publication that covers it; 0 publishes only when asked. */
export const DEFAULT_PUBLISH_EVERY_MS = 500

export interface LogOptions {
  /** Owned by the log while it is open. Made when absent; its parent must exist. */
  directory: string
  /** Name of the log and of its key: a URL without scheme, without spaces or plus (C2SP tlog-checkpoint). */
  origin: string
  /** Ed25519 private key that signs checkpoints. */
  key: KeyObject
  /** Milliseconds; used to space retries on a full disk. */
  clock?: () => number
  /** When writing and acknowledging overlap; the slower one decides unless given. */
  overlaps?: Overlaps
  publishEveryMs?: number
  segmentBytes?: number
  maxAttachmentBytes?: number
  maxBatchBytes?: number
  maxQueueBytes?: number
  maxQueueEntries?: number
  /**
   * `tail` (default) checks every CRC of the journal and re-hashes what follows the last full tile; `full` re-hashes
   * all of it.
   */
  check?: 'tail' | 'full'
  /** Replay the whole journal against the signed root and write every tile and bundle again. */
  rebuildTiles?: boolean
  /** The disk; replaced in tests. */
  files?: Files
}

export interface Settings {
  files: Files
  clock: () => number
  overlaps: Overlaps
  publishEveryMs: number
  limits: JournalLimits
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new LedgerError('invalid_argument', `${name} must be a whole number from ${min} to ${max}`)
}

/** @throws LedgerError `invalid_argument` */
export function settingsOf(options: LogOptions): Settings {
  const { origin } = options
  if (!isKeyName(origin) || Buffer.byteLength(origin) > MAX_ORIGIN_BYTES) {
    throw new LedgerError(
      'invalid_argument',
      'origin must be a name without spaces, plus or control characters',
    )
  }
  const maxAttachmentBytes = whole(
    'maxAttachmentBytes',
    options.maxAttachmentBytes ?? DEFAULT_MAX_ATTACHMENT_BYTES,
    0,
    64 << 20,
  )
  const least = minSegmentBytes(maxAttachmentBytes)
  const segmentBytes = whole('segmentBytes', options.segmentBytes ?? DEFAULT_SEGMENT_BYTES, least, 1 << 29)
  return {
    files: options.files ?? nodeFiles,
    clock: options.clock ?? Date.now,
    overlaps: options.overlaps ?? tellingIsSlower,
    publishEveryMs: whole('publishEveryMs', options.publishEveryMs ?? DEFAULT_PUBLISH_EVERY_MS, 0, 3_600_000),
    limits: {
      segmentBytes,
      maxAttachmentBytes,
      maxBatchBytes: whole('maxBatchBytes', options.maxBatchBytes ?? DEFAULT_MAX_BATCH_BYTES, 1, 1 << 29),
      maxQueueBytes: whole('maxQueueBytes', options.maxQueueBytes ?? DEFAULT_MAX_QUEUE_BYTES, 1, 1 << 30),
      maxQueueEntries: whole(
        'maxQueueEntries',
        options.maxQueueEntries ?? DEFAULT_MAX_QUEUE_ENTRIES,
        1,
        1 << 24,
      ),
    },
  }
}
