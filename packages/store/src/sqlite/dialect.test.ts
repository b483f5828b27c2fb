import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { CompiledQuery, Kysely, sql } from 'kysely'
import { temporaryDirectory } from '../testing/temporary.ts'
import { openDatabase } from './database.ts'
import { type SqliteHandle, sqliteDialect } from './dialect.ts'

interface Tables {
  t: { id: string; int: bigint | null; bytes: Uint8Array | null }
}

/** Counts statements prepared and remembers what was executed outside them. */
function watched(database: DatabaseSync): SqliteHandle & { prepared: string[]; executed: string[] } {
  const prepared: string[] = []
  const executed: string[] = []
  return {
    prepared,
    executed,
    prepare: (text, options) => {
      prepared.push(text)
      return options === undefined ? database.prepare(text) : database.prepare(text, options)
    },
    exec: (text) => {
      executed.push(text)
      database.exec(text)
    },
    get isTransaction() {
      return database.isTransaction
    },
  }
}

describe('kysely over node:sqlite', () => {
  const database = openDatabase(join(temporaryDirectory(), 't.db'))
  database.exec('create table t (id text primary key, int integer, bytes blob) strict')
  const handle = watched(database)
  const db = new Kysely<Tables>({ dialect: sqliteDialect(handle) })
  after(async () => {
    await db.destroy()
    database.close()
  })
  const raw = (text: string, parameters: unknown[] = []) =>
    db.executeQuery(CompiledQuery.raw(text, parameters))

  test('64-bit integers, NUL and empty bytes come back', async () => {
    const rows = [
      { id: 'max', int: 2n ** 63n - 1n, bytes: new Uint8Array(0) },
      { id: 'min', int: -(2n ** 63n), bytes: Uint8Array.of(0, 1) },
      { id: 'a\u0000b', int: null, bytes: null },
    ]
    await db.insertInto('t').values(rows).execute()
    const back = await db.selectFrom('t').selectAll().orderBy('int').execute()
    assert.deepEqual(
      back.map((row) => ({ ...row })),
      [rows[2], rows[1], rows[0]],
    )
    const found = await db.selectFrom('t').select('id').where('id', '=', 'a\u0000b').execute()
    assert.equal(found[0]?.id, 'a\u0000b')
  })

  test('a whole number is an integer to SQLite, too', async () => {
    const { rows } = await raw(
      "select typeof(?) as type, ? / 2 as half, json_object('x', ?) as json",
      [5, 5, 5],
    )
    assert.deepEqual({ ...(rows[0] as object) }, { type: 'integer', half: 2n, json: '{"x":5}' })
  })

  test('too few, too many and unfit parameters are refused before anything runs', async () => {
    for (const parameters of [['a'], ['a', 1, null, 2]]) {
      await assert.rejects(() => raw('insert into t values (?, ?, ?)', parameters), /takes 3 parameters/)
    }
    const unfit: unknown[] = [new Date(0), { id: 1 }, undefined, true]
    for (const value of unfit)
      await assert.rejects(() => raw('insert into t (id) values (?)', [value]), TypeError)
    await assert.rejects(() => raw('delete from t; delete from t'), /one statement/)
    assert.equal((await raw('select id from t')).rows.length, 3)
  })

  test('affected rows are counted, returned rows are returned', async () => {
    const { numUpdatedRows } = await db.updateTable('t').set({ bytes: null }).executeTakeFirst()
    assert.equal(numUpdatedRows, 3n)
    const made = await db.insertInto('t').values({ id: 'r', int: 1n, bytes: null }).returning('int').execute()
    assert.equal(made[0]?.int, 1n)
    const { numDeletedRows } = await db.deleteFrom('t').where('id', '=', 'none').executeTakeFirst()
    assert.equal(numDeletedRows, 0n)
  })

  test('a statement is prepared once', async () => {
    handle.prepared.length = 0
    for (let at = 0; at < 5; at++) {
      await db.selectFrom('t').select('int').where('id', '=', String(at)).execute()
    }
    assert.equal(handle.prepared.length, 1)
  })

  test('the cache of statements is bounded, and a statement that fell out works again', async () => {
    handle.prepared.length = 0
    for (let at = 0; at < 300; at++) await raw(`select ${at} as n`)
    await raw('select 299 as n')
    const { rows } = await raw('select 0 as n')
    assert.equal((rows[0] as { n: bigint }).n, 0n)
    assert.equal(handle.prepared.length, 301)
  })

  test('a cached statement survives a change of its table', async () => {
    await raw('create table c (a text) strict')
    assert.deepEqual((await raw('select * from c')).rows, [])
    await raw('alter table c add column b text')
    await raw('insert into c values (?, ?)', ['1', '2'])
    assert.deepEqual({ ...((await raw('select * from c')).rows[0] as object) }, { a: '1', b: '2' })
  })

  test('transactions begin immediate, and a statement outside waits for them', async () => {
    handle.executed.length = 0
    const order: string[] = []
    const inside = db.transaction().execute(async (trx) => {
      await trx.insertInto('t').values({ id: 'tx', int: 1n, bytes: null }).execute()
      await new Promise((resolve) => setImmediate(resolve))
      order.push('inside')
    })
    const outside = db
      .selectFrom('t')
      .select('id')
      .where('id', '=', 'tx')
      .execute()
      .then((rows) => order.push(`outside ${rows.length}`))
    await Promise.all([inside, outside])
    assert.deepEqual(order, ['inside', 'outside 1'])
    assert.deepEqual(handle.executed, ['begin immediate', 'commit'])
  })

  test('read then write in one transaction waits for another connection instead of failing', async () => {
    const other = openDatabase(database.location() ?? '')
    try {
      await db.transaction().execute(async (trx) => {
        await trx.selectFrom('t').selectAll().execute()
        other.exec('pragma busy_timeout = 0')
        assert.throws(() => other.exec("insert into t (id) values ('other')"), /locked/)
        await trx.insertInto('t').values({ id: 'mine', int: 1n, bytes: null }).execute()
      })
      other.exec("insert into t (id) values ('other')")
    } finally {
      other.close()
    }
  })

  test('a strict table takes no other type, and text stays text', async () => {
    await assert.rejects(() => raw("insert into t values ('x', 'no number', null)"), /TEXT value in INTEGER/)
    await assert.rejects(() => raw('insert into t values (?, ?, null)', ['x', 0.5]), /REAL value in INTEGER/)
    await raw('insert into t (id) values (?)', ['1e3'])
    assert.equal((await raw("select id from t where id = '1e3'")).rows.length, 1)
  })

  test('streaming is refused', async () => {
    await assert.rejects(async () => {
      for await (const _ of db.selectFrom('t').selectAll().stream()) assert.fail('a row was streamed')
    }, /streaming is not supported/)
  })

  test('a rollback after SQLite has rolled back by itself is no error', async () => {
    const boom = new Error('boom')
    await assert.rejects(
      () =>
        db.transaction().execute(async (trx) => {
          await sql`insert into t (id) values ('gone')`.execute(trx)
          database.exec('rollback')
          throw boom
        }),
      (error) => error === boom,
    )
    assert.deepEqual((await raw("select 1 from t where id = 'gone'")).rows, [])
  })
})
