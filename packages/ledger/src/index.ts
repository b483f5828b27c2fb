/**
 * @module @safeconduct/ledger
 * A tamper-evident log: append durably, prove, publish in C2SP tlog-tiles format, verify offline. Stands alone: no
 * dependencies, node built-ins only. What must hold: an acknowledged entry is durable, no size is ever signed with two
 * roots, and nothing is signed that the journal does not hold.
 */
export {
  type Checkpoint,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from './checkpoint.ts'
export { LedgerError, type LedgerErrorCode } from './errors.ts'
export { type FileHandle, type Files, type Medium, nodeFiles, type OpenMode } from './files.ts'
export type { EntryClass } from './journal/batch.ts'
export { type AppendOptions, Log, type LogEntry, type LogStatus, openLog } from './log.ts'
export { emptyRoot, leafHash, MAX_ENTRY_BYTES, nodeHash } from './merkle/hash.ts'
export {
  rootFromInclusion,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from './merkle/verify-proof.ts'
export {
  type Note,
  type NoteSignature,
  type NoteSigner,
  type NoteVerifier,
  noteSigner,
  openNote,
  parseNote,
  parseVkey,
  signNote,
} from './note.ts'
export type { Recovery } from './open.ts'
export {
  DEFAULT_MAX_ATTACHMENT_BYTES,
  DEFAULT_MAX_BATCH_BYTES,
  DEFAULT_MAX_QUEUE_BYTES,
  DEFAULT_MAX_QUEUE_ENTRIES,
  DEFAULT_PUBLISH_EVERY_MS,
  DEFAULT_SEGMENT_BYTES,
  type LogOptions,
} from './options.ts'
export type { SignedCheckpoint } from './publisher.ts'
export { MAX_RECEIPT_ENTRIES, type Receipt, type ReceiptEntry } from './receipt.ts'
export type { PublicFile } from './serve.ts'
export { decodeBundle, encodeBundle, type LogPath, parseLogPath, type TileId, tilePath } from './tiles.ts'
