/**
 * One holder at a time, across processes and within one: an SQLite file held in EXCLUSIVE mode. The kernel frees it
 * when the holder dies, however it dies, so a live holder's lock is never taken over and a dead one's never stays.
 * What must hold: nobody opens the lock file with `fs` (closing it would drop the lock).
 * @module
 */
import { DatabaseSync } from 'node:sqlite'
import { SafeconductError } from '@safeconduct/protocol'
import { createPrivateFile } from './private-files.ts'
import { isBusy } from './sqlite/errors.ts'

/** The collector closes a database that nobody refers to, and the lock would go with it: held means kept here. */
const held = new Set<DatabaseSync>()

/** Frees the lock. Calling it again does nothing. */
export type Release = () => void

/** @throws {SafeconductError} `already_running` when somebody holds it; `internal` when the file cannot be locked */
export function acquireLock(file: string): Release {
  let lock: DatabaseSync | null = null
  try {
    createPrivateFile(file)
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('pragma locking_mode = exclusive; begin exclusive; commit')
  } catch (cause) {
    lock?.close()
    if (isBusy(cause)) throw new SafeconductError('already_running', { cause })
    throw new SafeconductError('internal', {
      message: `The lock file ${file} cannot be used; when no daemon runs, delete it and try again.`,
      details: { file },
      cause,
    })
  }
  const mine = lock
  held.add(mine)
  return () => {
    held.delete(mine)
    if (mine.isOpen) mine.close()
  }
}
