/**
 * How a repository reaches the database: through the store (each call by itself) or inside one transaction.
 * @module
 */
import type { Kysely } from 'kysely'
import type { Database } from './schema.ts'

export interface Session {
  /** One statement, or several that need not be atomic. */
  run<T>(work: (db: Kysely<Database>) => Promise<T>): Promise<T>
  /** Several statements that succeed or fail together; inside a transaction, part of it. */
  atomic<T>(work: (db: Kysely<Database>) => Promise<T>): Promise<T>
  /** To be called within `atomic` when bytes were deleted that must leave the disk once it is committed. */
  erased(): void
  /** Milliseconds, for the expiry of authorization-server records. */
  now(): number
}
