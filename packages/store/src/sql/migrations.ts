/**
 * The migrations, one set for both engines. A released migration is never changed: it says what it made at its
 * time, in its own words, and borrows no table from the code of today. Each runs in a transaction; one that fails
 * leaves nothing behind.
 * @module
 */

import { SafeconductError } from '@safeconduct/protocol'
import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { COLUMN_TYPES, type ColumnTypes, type Engine } from './schema.ts'

export type Migrations = Readonly<Record<string, Migration>>

export function migrations(engine: Engine): Migrations {
  const types = COLUMN_TYPES[engine]
  return {
    '0001_first': { up: (db: Kysely<unknown>) => first(db, types) },
    '0002_access': { up: (db: Kysely<unknown>) => access(db, types) },
    '0003_relations': { up: (db: Kysely<unknown>) => relations(db, types) },
    '0004_elevations': { up: (db: Kysely<unknown>) => elevations(db, types) },
    '0005_bumped': { up: (db: Kysely<unknown>) => bumped(db, types) },
  }
}

/**
 * Brings the database to the newest migration.
 * @throws {SafeconductError} `internal`: a migration failed, or the database was made by a newer version
 */
export async function migrate<Tables>(db: Kysely<Tables>, wanted: Migrations): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...wanted }) } })
  const { error, results } = await migrator.migrateToLatest()
  if (error === undefined) return
  const failed = results?.find((result) => result.status === 'Error')?.migrationName
  throw new SafeconductError('internal', {
    message:
      failed === undefined
        ? 'The store cannot be opened: it is damaged or was made by a newer version.'
        : `The store cannot be opened: migration ${failed} failed and was undone.`,
    cause: error,
  })
}

const RECORDS_1: readonly { table: string; unique?: string; many: readonly string[] }[] = [
  { table: 'users', many: ['name'] },
  { table: 'agents', unique: 'name', many: ['owner'] },
  { table: 'servers', unique: 'name', many: [] },
  { table: 'tools', many: ['server', 'status'] },
  { table: 'tasks', many: ['agent', 'user', 'status'] },
  { table: 'delegations', many: ['task', 'to'] },
  { table: 'approvals', many: ['status', 'task'] },
  { table: 'policies', many: ['status'] },
  { table: 'ownerRequests', many: ['status'] },
  { table: 'decisions', many: ['agent', 'user', 'task', 'outcome'] },
]

async function first(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  for (const { table, unique, many } of RECORDS_1) await createRecords(db, types, table, unique, many)
  await create(db, types, 'epochs', (t) =>
    t
      .addColumn('tenant', types.key, (c) => c.notNull())
      .addColumn('kind', types.key, (c) => c.notNull())
      .addColumn('id', types.key, (c) => c.notNull())
      .addColumn('epoch', types.int64, (c) => c.notNull())
      .addPrimaryKeyConstraint('epochs_pk', ['tenant', 'kind', 'id']),
  )
  await create(db, types, 'oauth', (t) =>
    t
      .addColumn('model', types.key, (c) => c.notNull())
      .addColumn('id', types.key, (c) => c.notNull())
      .addColumn('payload', types.json, (c) => c.notNull())
      .addColumn('uid', types.key)
      .addColumn('user_code', types.key)
      .addColumn('grant_id', types.key)
      .addColumn('expires_at', types.int64)
      .addColumn('consumed_at', types.int64)
      .addPrimaryKeyConstraint('oauth_pk', ['model', 'id']),
  )
  for (const column of ['uid', 'user_code', 'grant_id']) await index(db, 'oauth', ['model', column])
  await index(db, 'oauth', ['expires_at'])
  await create(db, types, 'replay', (t) =>
    t
      .addColumn('key', types.key, (c) => c.primaryKey().notNull())
      .addColumn('expires_at', types.int64, (c) => c.notNull()),
  )
  await index(db, 'replay', ['expires_at'])
  await create(db, types, 'blobs', (t) =>
    t
      .addColumn('name', types.key, (c) => c.primaryKey().notNull())
      .addColumn('value', types.bytes, (c) => c.notNull()),
  )
  await create(db, types, 'outbox', (t) =>
    t
      .addColumn('seq', types.sequence)
      .addColumn('tenant', types.key, (c) => c.notNull())
      .addColumn('id', types.key, (c) => c.notNull())
      .addColumn('event', types.json, (c) => c.notNull()),
  )
  await index(db, 'outbox', ['tenant', 'id'], true)
}

async function access(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createRecords(db, types, 'enforcers', 'name', ['status'])
  await createRecords(db, types, 'policyStores', undefined, ['name', 'status'])
}

async function relations(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createRecords(db, types, 'relationSpaces', undefined, ['role'])
  await createRecords(db, types, 'relationModels', undefined, ['space'])
  await create(db, types, 'relationPlaces', (t) =>
    t
      .addColumn('place', types.sequence)
      .addColumn('tenant', types.key, (c) => c.notNull())
      .addColumn('space', types.key, (c) => c.notNull()),
  )
  await index(db, 'relationPlaces', ['tenant', 'space'], true)
  const tuple = (t: Table): Table =>
    t
      .addColumn('place', types.int64, (c) => c.notNull())
      .addColumn('object', types.key, (c) => c.notNull())
      .addColumn('relation', types.key, (c) => c.notNull())
      .addColumn('user', types.key, (c) => c.notNull())
      .addColumn('condition', types.json)
      .addColumn('expires_at', types.int64)
      .addColumn('at', types.int64, (c) => c.notNull())
  await create(db, types, 'relationTuples', (t) => tuple(t.addColumn('row', types.sequence)))
  await index(db, 'relationTuples', ['place', 'object', 'relation', 'user'], true)
  await create(db, types, 'relationChanges', (t) =>
    tuple(t.addColumn('seq', types.sequence).addColumn('deleted', types.int64, (c) => c.notNull())),
  )
  await index(db, 'relationChanges', ['place', 'seq'])
}

async function elevations(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createRecords(db, types, 'elevations', undefined, ['status', 'task'])
}

/** What was revoked before there was a time beside it counts as revoked now: late, never early. */
async function bumped(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await db.schema.alterTable('epochs').addColumn('bumped_at', types.int64).execute()
  await sql`update epochs set bumped_at = ${BigInt(Date.now())} where epoch > 1`.execute(db)
}

async function createRecords(
  db: Kysely<unknown>,
  types: ColumnTypes,
  table: string,
  unique: string | undefined,
  many: readonly string[],
): Promise<void> {
  const columns = unique === undefined ? many : [unique, ...many]
  await create(db, types, table, (t) =>
    columns
      .reduce(
        (builder, column) => builder.addColumn(column, types.key),
        t
          .addColumn('tenant', types.key, (c) => c.notNull())
          .addColumn('id', types.key, (c) => c.notNull())
          .addColumn('version', types.int64, (c) => c.notNull())
          .addColumn('body', types.json, (c) => c.notNull()),
      )
      .addPrimaryKeyConstraint(`${table}_pk`, ['tenant', 'id']),
  )
  if (unique !== undefined) await index(db, table, ['tenant', unique], true)
  for (const column of many) await index(db, table, ['tenant', column, 'id'])
}

type Table = CreateTableBuilder<string, string>

async function create(
  db: Kysely<unknown>,
  types: ColumnTypes,
  name: string,
  columns: (table: Table) => Table,
): Promise<void> {
  const table = columns(db.schema.createTable(name) as Table)
  await (types.tableOptions === null ? table : table.modifyEnd(types.tableOptions)).execute()
}

async function index(
  db: Kysely<unknown>,
  table: string,
  columns: readonly string[],
  unique = false,
): Promise<void> {
  const named = db.schema
    .createIndex(`${table}_by_${columns.join('_')}`)
    .on(table)
    .columns([...columns])
  await (unique ? named.unique() : named).execute()
}
