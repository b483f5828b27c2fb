/**
 * SQLite's result codes (https://sqlite.org/rescode.html) as errors of ours.
 * @module
 */
import { isSafeconductError, SafeconductError } from '@safeconduct/protocol'

const CONSTRAINT_PRIMARYKEY = 1555
const CONSTRAINT_UNIQUE = 2067
const BUSY = 5
const FULL = 13

/** The extended result code of an error thrown by `node:sqlite`; null for any other. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null
  return typeof error.errcode === 'number' ? error.errcode : null
}

/** True when another connection holds the lock. The low byte of an extended code is the primary one. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== null && (code & 0xff) === BUSY
}

export function toStoreError(error: unknown): SafeconductError {
  if (isSafeconductError(error)) return error
  const code = sqliteCode(error)
  if (code === CONSTRAINT_PRIMARYKEY || code === CONSTRAINT_UNIQUE) {
    return new SafeconductError('conflict', { cause: error })
  }
  if (code === FULL) {
    return new SafeconductError('disk_full', {
      message: 'The disk is full, so nothing can be stored.',
      cause: error,
    })
  }
  if (isBusy(error)) return new SafeconductError('overloaded', { cause: error })
  return new SafeconductError('internal', { cause: error })
}
