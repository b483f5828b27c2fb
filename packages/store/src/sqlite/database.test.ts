import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../testing/temporary.ts'
import { holdPragmas, openDatabase, readPragma, truncateJournal, withoutSync } from './database.ts'

const directory = temporaryDirectory()

test('every open sets what makes a commit durable and an erasure real', () => {
  for (const _round of ['new', 'existing']) {
    const database = openDatabase(join(directory, 'pragmas.db'))
    const held = ['journal_mode', 'synchronous', 'secure_delete', 'busy_timeout', 'trusted_schema']
    assert.deepEqual(
      held.map((name) => readPragma(database, name)),
      ['wal', 2n, 1n, 5000n, 0n],
    )
    database.close()
  }
})

test('commits are synced again after work that went without, also when it failed', async () => {
  const database = openDatabase(join(directory, 'lazy.db'))
  assert.equal(await withoutSync(database, async () => readPragma(database, 'synchronous')), 1n)
  assert.equal(readPragma(database, 'synchronous'), 2n)
  await assert.rejects(
    withoutSync(database, () => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.equal(readPragma(database, 'synchronous'), 2n)
  database.close()
})

test('the file, its journal and its index are for this user alone', () => {
  const file = join(directory, 'modes.db')
  writeFileSync(file, '')
  chmodSync(file, 0o644)
  const database = openDatabase(file)
  database.exec('create table t (a text) strict')
  for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(file + suffix).mode & 0o777, 0o600, suffix)
  database.close()
})

test('a file that is no database is refused, named, and left as it is', () => {
  const file = join(directory, 'garbage.db')
  const garbage = 'this is no database, '.repeat(500)
  writeFileSync(file, garbage)
  assert.throws(() => openDatabase(file), { code: 'internal', details: { file } })
  assert.equal(statSync(file).size, garbage.length)
  mkdirSync(join(directory, 'dir.db'))
  assert.throws(() => openDatabase(join(directory, 'dir.db')), { code: 'internal' })
})

test('a pragma that does not hold is noticed', () => {
  const database = openDatabase(join(directory, 'deaf.db'))
  for (const [name, other] of Object.entries({
    synchronous: 'off',
    secure_delete: '0',
    journal_mode: 'delete',
  })) {
    holdPragmas(database)
    database.exec(`pragma ${name} = ${other}`)
    const deaf = {
      exec: (sql: string) => {
        if (!sql.includes(name)) database.exec(sql)
      },
      prepare: (sql: string) => database.prepare(sql),
    }
    assert.throws(() => holdPragmas(deaf), new RegExp(`pragma ${name} is`))
  }
  database.close()
})

test('emptying the journal fails while another connection reads', () => {
  const file = join(directory, 'busy.db')
  const database = openDatabase(file)
  database.exec('pragma busy_timeout = 0; create table t (a text) strict')
  const reader = openDatabase(file)
  reader.exec('begin')
  reader.prepare('select * from t').all()
  database.exec("insert into t values ('x')")
  assert.throws(() => truncateJournal(database), /in use/)
  reader.exec('rollback')
  truncateJournal(database)
  assert.equal(statSync(`${file}-wal`).size, 0)
  reader.close()
  database.close()
})
