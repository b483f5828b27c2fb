import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import { COLLECTIONS } from '../records.ts'
import { openDatabase } from '../sqlite/database.ts'
import { sqliteDialect } from '../sqlite/dialect.ts'
import { temporaryDirectory } from '../testing/temporary.ts'
import { type Migrations, migrate, migrations } from './migrations.ts'

const directory = temporaryDirectory()

/** Runs `work` on the database of `name`, open for that long. */
async function on<T>(
  name: string,
  work: (db: Kysely<unknown>, tables: () => string[]) => Promise<T>,
): Promise<T> {
  const database = openDatabase(join(directory, `${name}.db`))
  const db = new Kysely<unknown>({ dialect: sqliteDialect(database) })
  const tables = () =>
    database
      .prepare(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name",
      )
      .all()
      .map((row) => String(row.name))
  try {
    return await work(db, tables)
  } finally {
    await db.destroy()
    database.close()
  }
}

test('the tables have the indexes that the collections need, and are strict', async () => {
  await on('all', (db) => migrate(db, migrations('sqlite')))
  const database = openDatabase(join(directory, 'all.db'))
  for (const [table, indexes] of Object.entries(COLLECTIONS)) {
    for (const [column, kind] of Object.entries(indexes)) {
      const name = kind === 'unique' ? `${table}_by_tenant_${column}` : `${table}_by_tenant_${column}_id`
      const found = database
        .prepare('select "unique" from pragma_index_list(?) where name = ?')
        .get(table, name)
      assert.equal(found?.unique, kind === 'unique' ? 1 : 0, name)
    }
    const columns = database.prepare('select name from pragma_table_info(?)').all(table)
    const expected = ['tenant', 'id', 'version', 'body', ...Object.keys(indexes)]
    assert.deepEqual(columns.map(({ name }) => name).sort(), expected.sort())
  }
  const loose = database
    .prepare("select name from pragma_table_list where type = 'table' and strict = 0 and schema = 'main'")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !name.startsWith('sqlite_') && !name.startsWith('kysely_'))
  assert.deepEqual(loose, [])
  database.close()
})

test('queries by tenant and index walk an index and sort nothing', async () => {
  await on('plan', (db) => migrate(db, migrations('sqlite')))
  const database = openDatabase(join(directory, 'plan.db'))
  const plan = (sql: string) =>
    database
      .prepare(`explain query plan ${sql}`)
      .all()
      .map((row) => String(row.detail))
      .join('; ')
  const queries = [
    `select body from decisions where tenant = 'a' and id > 'x' order by id limit 9`,
    `select body from decisions where tenant = 'a' and agent = 'b' and id < 'x' order by id desc limit 9`,
    `select name from blobs where name >= 'a' and name < 'b' order by name`,
    `select payload from oauth where model = 'a' and uid = 'b'`,
    `select key from replay where expires_at <= 5 order by expires_at limit 9`,
    `select model, id from oauth where expires_at <= 5 order by expires_at limit 9`,
  ]
  for (const sql of queries) assert.match(plan(sql), /^SEARCH \w+ USING [^;]*INDEX [^;]*$/, sql)
  database.close()
})

test('migrating twice changes nothing', async () => {
  const first = await on('twice', async (db, tables) => {
    await migrate(db, migrations('sqlite'))
    return tables()
  })
  assert.ok(first.includes('decisions'))
  await on('twice', async (db, tables) => {
    await migrate(db, migrations('sqlite'))
    assert.deepEqual(tables(), first)
  })
})

const failing: Migrations = {
  ...migrations('sqlite'),
  '0002_next': { up: async (db) => db.schema.createTable('next').addColumn('a', 'text').execute() },
  '0003_fails': {
    up: async (db) => {
      await db.schema.createTable('half').addColumn('a', 'text').execute()
      await db.deleteFrom('users').execute()
      throw new Error('boom')
    },
  },
}

test('a migration that fails leaves nothing of its run behind, and says which it was', async () => {
  await on('fresh', async (db, tables) => {
    await assert.rejects(() => migrate(db, failing), {
      code: 'internal',
      message: /migration 0003_fails failed/,
    })
    assert.deepEqual(
      tables().filter((name) => !name.startsWith('kysely_')),
      [],
    )
  })
  const before = await on('upgrade', async (db, tables) => {
    await migrate(db, migrations('sqlite'))
    return tables()
  })
  await on('upgrade', async (db, tables) => {
    await assert.rejects(() => migrate(db, failing), { code: 'internal' })
    assert.deepEqual(tables(), before)
    await migrate(db, migrations('sqlite'))
  })
})

test('a database of a newer version is refused', async () => {
  const newer = { ...migrations('sqlite'), '0002_next': { up: async () => undefined } }
  await on('newer', (db) => migrate(db, newer))
  await on('newer', async (db) => {
    await assert.rejects(() => migrate(db, migrations('sqlite')), { message: /made by a newer version/ })
  })
})

test('the same set compiles to PostgreSQL, in its own types', async () => {
  const compiled: string[] = []
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (inner) => new PostgresIntrospector(inner),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => {
      compiled.push(query.sql)
    },
  })
  for (const { up } of Object.values(migrations('postgres'))) await up(db)
  const all = compiled.join('\n')
  assert.equal(compiled.filter((sql) => sql.startsWith('create table')).length, 23)
  assert.match(all, /"epoch" bigint not null/)
  assert.match(all, /"value" bytea not null/)
  assert.match(all, /"id" text collate "C" not null/)
  assert.match(all, /"seq" bigint generated always as identity primary key/)
  assert.doesNotMatch(all, /strict|autoincrement|blob\b|integer/i)
})
