/**
 * Opens the one database file the way the store needs it, and makes sure that it is so.
 * @module
 */
import { DatabaseSync } from 'node:sqlite'
import { SafeconductError } from '@safeconduct/protocol'
import { createPrivateFile } from '../private-files.ts'

/** Milliseconds to wait for another connection; the module's own default is not to wait at all. */
const BUSY_TIMEOUT = 5000

/** Set at every open and read back: none but the journal mode is kept in the file. */
const PRAGMAS: readonly { readonly name: string; readonly set: string; readonly read: string | bigint }[] = [
  { name: 'journal_mode', set: 'wal', read: 'wal' },
  { name: 'synchronous', set: 'full', read: 2n },
  { name: 'secure_delete', set: '1', read: 1n },
  { name: 'temp_store', set: 'memory', read: 2n },
  { name: 'trusted_schema', set: 'off', read: 0n },
]

/**
 * @throws {SafeconductError} `internal` when the file is no database, is damaged, or a pragma does not hold
 */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | null = null
  try {
    // SQLite gives its journal the mode of the file, so the file is made before SQLite sees it.
    createPrivateFile(file)
    database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
    holdPragmas(database)
    // An erasure that a crash cut off between its commit and its checkpoint is finished here.
    truncateJournal(database)
    return database
  } catch (cause) {
    database?.close()
    throw new SafeconductError('internal', {
      message:
        'The store cannot be opened: its file is damaged, is no database, or cannot be written durably.',
      details: { file },
      cause,
    })
  }
}

/** @throws {Error} when one does not read back as set: the store must then not start */
export function holdPragmas(database: Pick<DatabaseSync, 'exec' | 'prepare'>): void {
  for (const { name, set, read } of PRAGMAS) {
    database.exec(`pragma ${name} = ${set}`)
    const held = readPragma(database, name)
    if (held !== read) throw new Error(`pragma ${name} is ${held}, not ${read}`)
  }
}

/**
 * Commits of `work` are written to the journal and not synced; the next one that is syncs them, too, as the journal is
 * one file that is read from its beginning. The connection must be the caller's alone meanwhile.
 */
export async function withoutSync<T>(
  database: Pick<DatabaseSync, 'exec'>,
  work: () => Promise<T>,
): Promise<T> {
  database.exec('pragma synchronous = normal')
  try {
    return await work()
  } finally {
    database.exec('pragma synchronous = full')
  }
}

export function readPragma(database: Pick<DatabaseSync, 'prepare'>, name: string): unknown {
  const statement = database.prepare(`pragma ${name}`)
  statement.setReadBigInts(true)
  return Object.values(statement.get() ?? {})[0]
}

/**
 * Moves the journal into the file and empties it; with `secure_delete`, deleted bytes are then in neither.
 * @throws {Error} when another connection reads, so that the journal could not be emptied
 */
export function truncateJournal(database: DatabaseSync): void {
  // Waiting blocks the whole process: a reader that stays is told of, not waited for.
  database.exec('pragma busy_timeout = 50')
  try {
    const row = database.prepare('pragma wal_checkpoint(truncate)').get()
    if (row?.busy !== 0) throw new Error('the journal is in use by another connection')
  } finally {
    database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT}`)
  }
}
