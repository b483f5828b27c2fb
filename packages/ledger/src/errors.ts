/**
 * @module errors
 * The one error type of the ledger. `code` is a closed union and stable; `message` may be shown to an operator
 * (it names files and indexes, never entry or attachment bytes); `cause` keeps the original failure.
 */

export type LedgerErrorCode =
  /** An argument is outside what the call accepts (sizes, ranges, options). */
  | 'invalid_argument'
  /** The index is not in the log. */
  | 'out_of_range'
  /** The entry is over 65,535 bytes, or the attachment over the configured limit. */
  | 'too_large'
  /** The bounded queue of entries awaiting durability is full; nothing was accepted, try again later. */
  | 'queue_full'
  /** No room on the disk for this class of entry; nothing was accepted. */
  | 'disk_full'
  /** A write or sync failed after the entry was accepted: it may or may not be in the log after the next open. */
  | 'unknown_outcome'
  /** An earlier write or sync failed: the log accepts nothing until it is opened again. */
  | 'poisoned'
  | 'closed'
  /** Another Log of this process has the directory open. */
  | 'in_use'
  /** A journal byte is wrong where only a completed write can have put it. */
  | 'corrupt_journal'
  /** The journal ends before the size that was signed: truncated, or restored from an old backup. */
  | 'truncated'
  /** Replay does not give the root that was persisted or signed for that size. */
  | 'root_mismatch'
  /** A tile or entry bundle does not hash to the signed root. */
  | 'corrupt_tile'
  /** The persisted signing state is missing or unreadable, or contradicts the checkpoint. */
  | 'corrupt_state'
  /** The checkpoint is missing or unreadable, or is signed by another key. */
  | 'bad_checkpoint'
  | 'wrong_origin'
  | 'bad_note'
  | 'bad_signature'
  | 'bad_key'
  | 'bad_proof'
  /** The file system refused outside the append path; nothing was signed, the call may be repeated. */
  | 'io_error'

export class LedgerError extends Error {
  override readonly name = 'LedgerError'
  readonly code: LedgerErrorCode

  constructor(code: LedgerErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** True for the errors a file system gives when it has no room left (or a quota is used up). */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** Failures of the file system become `disk_full` or `io_error`; a LedgerError stays what it is. */
export function asLedgerError(error: unknown): LedgerError {
  if (error instanceof LedgerError) return error
  const message = `the file system refused (${systemCode(error) ?? 'unknown error'})`
  return new LedgerError(isDiskFull(error) ? 'disk_full' : 'io_error', message, error)
}

/** The `code` of a system error (`ENOENT`…), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
