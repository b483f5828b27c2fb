/**
 * Tables as Kysely sees them, and the one mapping of column types to both engines.
 * @module
 */
import { type ColumnType, type RawBuilder, sql } from 'kysely'
import type { CollectionName } from '../records.ts'

export type IndexColumn =
  | 'agent'
  | 'name'
  | 'outcome'
  | 'owner'
  | 'role'
  | 'server'
  | 'space'
  | 'status'
  | 'task'
  | 'to'
  | 'user'

/** 64-bit integers are BigInt in both directions, on both engines. One table per collection; each has only the index columns of its own collection. */
export type RecordTable = {
  tenant: string
  id: string
  version: bigint
  body: string
} & { [K in IndexColumn]: string | null }

export interface EpochTable {
  tenant: string
  kind: string
  id: string
  epoch: bigint
  bumped_at: bigint | null
}

export interface OAuthTable {
  model: string
  id: string
  payload: string
  uid: string | null
  user_code: string | null
  grant_id: string | null
  expires_at: bigint | null
  consumed_at: bigint | null
}

export interface ReplayTable {
  key: string
  expires_at: bigint
}

export interface BlobTable {
  name: string
  value: Uint8Array
}

export interface OutboxTable {
  seq: ColumnType<bigint, never, never>
  tenant: string
  id: string
  event: string
}

/** Numbers stand for spaces in the rows of tuples and changes, of which there are millions. */
export interface RelationPlaceTable {
  place: ColumnType<bigint, never, never>
  tenant: string
  space: string
}

export interface RelationTupleTable {
  row: ColumnType<bigint, never, never>
  place: bigint
  object: string
  relation: string
  user: string
  condition: string | null
  expires_at: bigint | null
  at: bigint
}

export interface RelationChangeTable {
  seq: ColumnType<bigint, never, never>
  place: bigint
  at: bigint
  deleted: bigint
  object: string
  relation: string
  user: string
  condition: string | null
  expires_at: bigint | null
}

export type Database = { [K in CollectionName]: RecordTable } & {
  epochs: EpochTable
  oauth: OAuthTable
  replay: ReplayTable
  blobs: BlobTable
  outbox: OutboxTable
  relationPlaces: RelationPlaceTable
  relationTuples: RelationTupleTable
  relationChanges: RelationChangeTable
}

export type Engine = 'sqlite' | 'postgres'

export interface ColumnTypes {
  /** Encoded keys, compared byte by byte. */
  readonly key: RawBuilder<unknown>
  /** JSON as text: jsonb refuses U+0000 and does not keep what was written. */
  readonly json: RawBuilder<unknown>
  readonly int64: RawBuilder<unknown>
  readonly bytes: RawBuilder<unknown>
  /** Primary key that counts up and never gives a number twice. */
  readonly sequence: RawBuilder<unknown>
  /** What stands after the closing bracket of `create table`. */
  readonly tableOptions: RawBuilder<unknown> | null
}

export const COLUMN_TYPES: Readonly<Record<Engine, ColumnTypes>> = {
  sqlite: {
    key: sql`text`,
    json: sql`text`,
    int64: sql`integer`,
    bytes: sql`blob`,
    sequence: sql`integer primary key autoincrement`,
    tableOptions: sql`strict`,
  },
  postgres: {
    key: sql`text collate "C"`,
    json: sql`text`,
    int64: sql`bigint`,
    bytes: sql`bytea`,
    sequence: sql`bigint generated always as identity primary key`,
    tableOptions: null,
  },
}
