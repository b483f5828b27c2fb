/**
 * Kysely over `node:sqlite`: one connection, `begin immediate`, cached statements, checked parameters, integers as
 * BigInt. Whoever opened the database owns and closes it.
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { type Bindable, bindable, countParameters } from './binding.ts'

/** The part of `DatabaseSync` that the driver uses. */
export type SqliteHandle = Pick<DatabaseSync, 'prepare' | 'exec' | 'isTransaction'>

export function sqliteDialect(database: SqliteHandle): Dialect {
  return {
    createDriver: () => sqliteDriver(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new NodeSqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  }
}

/**
 * `supportsMultipleConnections` stays false: Kysely then lets a statement from outside wait for the transaction
 * under way instead of running inside it.
 */
class NodeSqliteAdapter extends SqliteAdapter {
  /** A migration that fails leaves no table behind. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

function sqliteDriver(database: SqliteHandle): Driver {
  const connection = sqliteConnection(database)
  return {
    init: async () => undefined,
    acquireConnection: async () => connection,
    /** A deferred transaction that reads and then writes fails at once (SQLITE_BUSY_SNAPSHOT), whatever the timeout. */
    beginTransaction: async () => database.exec('begin immediate'),
    commitTransaction: async () => database.exec('commit'),
    /** SQLite has rolled back by itself after some errors (disk full); the first error must then be the one told. */
    rollbackTransaction: async () => {
      if (database.isTransaction) database.exec('rollback')
    },
    releaseConnection: async () => undefined,
    destroy: async () => undefined,
  }
}

interface Prepared {
  readonly statement: StatementSync
  readonly parameters: number
  readonly returnsRows: boolean
}

/** Statements kept prepared; the repositories use about sixty. */
const CACHE_SIZE = 256

function sqliteConnection(database: SqliteHandle): DatabaseConnection {
  const cache = new Map<string, Prepared>()

  function prepare(sql: string): Prepared {
    const known = cache.get(sql)
    if (known !== undefined) return known
    const parameters = countParameters(sql)
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    // Also true of `insert … returning`.
    const prepared = { statement, parameters, returnsRows: statement.columns().length > 0 }
    if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value ?? '')
    cache.set(sql, prepared)
    return prepared
  }

  return {
    executeQuery: async <R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> => {
      const { statement, parameters: wanted, returnsRows } = prepare(sql)
      if (parameters.length !== wanted) {
        throw new TypeError(`the statement takes ${wanted} parameters, not ${parameters.length}`)
      }
      const bound: Bindable[] = parameters.map(bindable)
      // R is what Kysely's builder worked out from the query; rows have no prototype.
      if (returnsRows) return { rows: statement.all(...bound) as unknown as R[] }
      const { changes } = statement.run(...bound)
      return { numAffectedRows: BigInt(changes), rows: [] }
    },
    // Would hold a read snapshot open across awaits; lists are read in pages instead.
    streamQuery: () => {
      throw new TypeError('streaming is not supported: read in pages')
    },
  }
}
