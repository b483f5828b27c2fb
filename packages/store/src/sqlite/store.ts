/**
 * The embedded store: one SQLite file, `store.db`, in the data directory. One writing process per directory; a
 * second one is refused. Every resolved write is on disk.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { backup, type DatabaseSync } from 'node:sqlite'
import type { Store } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'
import { Kysely } from 'kysely'
import { acquireLock, type Release } from '../exclusive-lock.ts'
import { createNewFile, preparePrivateDirectory } from '../private-files.ts'
import { type Migrations, migrate, migrations } from '../sql/migrations.ts'
import { sqlRepositories } from '../sql/repositories.ts'
import type { Database } from '../sql/schema.ts'
import type { Session } from '../sql/session.ts'
import { openDatabase, truncateJournal, withoutSync } from './database.ts'
import { sqliteDialect } from './dialect.ts'
import { sqliteCode, toStoreError } from './errors.ts'

export interface SqliteStoreOptions {
  /** Created with mode 0700 when absent; refused when others can reach into it. */
  readonly directory: string
  /** Milliseconds, for the expiry of authorization-server records. Default: the wall clock. */
  readonly now?: () => number
}

export interface SqliteStore extends Store {
  /**
   * Writes a whole copy, to be used as the `store.db` of another directory, while the store goes on. Never copy the
   * file itself: what is still in the journal would be missing. What is erased later stays in the copy.
   * @throws {SafeconductError} `conflict` when the file exists
   */
  backup(file: string): Promise<void>
}

/**
 * Opens the store of a data directory, bringing its tables up to date.
 * @throws {SafeconductError} `already_running` when another store holds it; `invalid_request` when the directory is
 * not private; `internal` when the file is damaged or newer than this program
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const directory = preparePrivateDirectory(options.directory)
  const release = acquireLock(join(directory, 'store.lock.db'))
  try {
    const database = openDatabase(join(directory, 'store.db'))
    return await storeOver(database, migrations('sqlite'), options.now ?? Date.now, release)
  } catch (error) {
    release()
    throw toStoreError(error)
  }
}

/** Owns `database` from now on and closes it; `release` is called after that. Closes it, too, when it throws. */
export async function storeOver(
  database: DatabaseSync,
  wanted: Migrations,
  now: () => number,
  release: Release,
): Promise<SqliteStore> {
  const db = new Kysely<Database>({ dialect: sqliteDialect(database) })
  try {
    await migrate(db, wanted)
  } catch (error) {
    await db.destroy()
    database.close()
    throw error
  }
  return openStore(db, database, now, release)
}

/** Of the transaction whose work is running, directly or through something it awaits. */
interface Turn {
  open: boolean
  erased: boolean
}

function openStore(
  db: Kysely<Database>,
  database: DatabaseSync,
  now: () => number,
  release: Release,
): SqliteStore {
  const turns = new AsyncLocalStorage<Turn>()
  let closing: Promise<void> | null = null
  let copying: Promise<unknown> = Promise.resolve()

  /** The outer store would wait for the transaction that waits for it: an error now beats a hang. */
  function refuseMisuse(): void {
    if (closing !== null) throw new SafeconductError('shutting_down', { message: 'The store is closed.' })
    if (turns.getStore()?.open !== true) return
    throw new SafeconductError('internal', {
      cause: new Error(
        'the store was used inside its own transaction: use the repositories given to the work',
      ),
    })
  }

  async function tx<T>(
    work: (db: Kysely<Database>, turn: Turn) => Promise<T>,
    lazily: boolean = false,
  ): Promise<T> {
    refuseMisuse()
    const turn: Turn = { open: true, erased: false }
    const transaction = (on: Kysely<Database>): Promise<T> =>
      on.transaction().execute((inner) =>
        turns.run(turn, async () => {
          try {
            return await work(inner, turn)
          } finally {
            turn.open = false
          }
        }),
      )
    const result = await workErrors(() =>
      lazily
        ? db.connection().execute((alone) => withoutSync(database, () => transaction(alone)))
        : transaction(db),
    )
    if (turn.erased) await finishErasure(db, database)
    return result
  }

  const outer: Session = {
    run: async (work) => {
      refuseMisuse()
      return storeErrors(() => work(db))
    },
    atomic: (work) => tx((inner) => work(inner)),
    erased: () => {
      const turn = turns.getStore()
      if (turn !== undefined) turn.erased = true
    },
    now,
  }

  function inside(inner: Kysely<Database>, turn: Turn): Session {
    const run: Session['run'] = async (work) => {
      // SQLite ends a transaction by itself after some errors; what followed would be committed on its own.
      if (turn.open && database.isTransaction) return storeErrors(() => work(inner))
      throw new SafeconductError('internal', { cause: new Error('the transaction has ended') })
    }
    return {
      run,
      atomic: run,
      erased: () => {
        turn.erased = true
      },
      now,
    }
  }

  async function copyTo(file: string): Promise<void> {
    if (!createNewFile(file)) {
      throw new SafeconductError('conflict', { message: `The file ${file} exists already.` })
    }
    try {
      await backup(database, file)
    } catch (error) {
      rmSync(file, { force: true })
      throw error
    }
  }

  async function close(): Promise<void> {
    await copying
    // Waits for its turn behind whatever is under way.
    await db.connection().execute(async () => undefined)
    await db.destroy()
    try {
      database.close()
    } finally {
      release()
    }
  }

  return {
    ...sqlRepositories(outer),
    tx: (work, { lazily } = {}) => tx((inner, turn) => work(sqlRepositories(inside(inner, turn))), lazily),
    backup: async (file) => {
      refuseMisuse()
      const mine = copying.then(() => storeErrors(() => copyTo(file)))
      copying = mine.catch(() => undefined)
      await mine
    },
    close: async () => {
      if (closing === null) {
        refuseMisuse()
        closing = storeErrors(close)
      }
      await closing
    },
  }
}

async function storeErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toStoreError(error)
  }
}

/** What the caller's own work throws comes back as it is. */
async function workErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw sqliteCode(error) === null ? error : toStoreError(error)
  }
}

/** The row is gone and committed; the error says that a copy of the bytes may be left until this succeeds. */
async function finishErasure(db: Kysely<Database>, database: DatabaseSync): Promise<void> {
  try {
    await db.connection().execute(async () => truncateJournal(database))
  } catch (cause) {
    throw new SafeconductError('internal', {
      message: 'It is deleted, but a copy may stay in the journal until the store is opened again.',
      cause,
    })
  }
}
