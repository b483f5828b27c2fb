import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Store } from '@safeconduct/engine'
import { isSafeconductError } from '@safeconduct/protocol'
import * as make from '../conformance/fixtures.ts'
import { refuses } from '../conformance/fixtures.ts'
import { migrations } from '../sql/migrations.ts'
import { temporaryDirectory } from '../testing/temporary.ts'
import { openDatabase } from './database.ts'
import { openSqliteStore, storeOver } from './store.ts'

/** A store whose database the test can reach. */
async function open(file: string): Promise<{ store: Store; database: DatabaseSync }> {
  const database = openDatabase(file)
  const store = await storeOver(database, migrations('sqlite'), Date.now, () => undefined)
  return { store, database }
}

/** Makes the next commit fail, before or after it has really happened. */
function failCommit(database: DatabaseSync, when: 'lost' | 'done'): void {
  const exec = database.exec.bind(database)
  database.exec = (sql) => {
    if (sql !== 'commit') return exec(sql)
    database.exec = exec
    if (when === 'done') exec(sql)
    throw Object.assign(new Error('disk I/O error'), { errcode: 10, code: 'ERR_SQLITE_ERROR' })
  }
}

/** A change with its event, as the control plane writes them. */
const change = (store: Store) =>
  store.tx(async (t) => {
    await t.users.insert(make.user('1'))
    await t.outbox.add('acme', 'event-1', { what: 'user' })
  })

async function contents(store: Store): Promise<[number, number]> {
  return [(await store.users.list('acme')).length, (await store.outbox.take(9)).length]
}

test('a commit that is lost fails, leaves nothing, also after a restart, and a retry succeeds once', async () => {
  const file = join(temporaryDirectory(), 'store.db')
  const first = await open(file)
  failCommit(first.database, 'lost')
  await refuses('internal', () => change(first.store))
  assert.deepEqual(await contents(first.store), [0, 0])
  await first.store.close()
  const second = await open(file)
  assert.deepEqual(await contents(second.store), [0, 0])
  await change(second.store)
  assert.deepEqual(await contents(second.store), [1, 1])
  await second.store.close()
})

test('a commit that is done but reported lost fails, and a retry makes no second effect', async () => {
  const file = join(temporaryDirectory(), 'store.db')
  const first = await open(file)
  failCommit(first.database, 'done')
  await refuses('internal', () => change(first.store))
  await refuses('conflict', () => change(first.store))
  await first.store.close()
  const second = await open(file)
  await refuses('conflict', () => change(second.store))
  assert.deepEqual(await contents(second.store), [1, 1])
  await second.store.close()
})

test('a full disk refuses the write by name, and the store works on once there is room', async () => {
  const { store, database } = await open(join(temporaryDirectory(), 'store.db'))
  await store.users.insert(make.user('1'))
  const used = Number(database.prepare('pragma page_count').get()?.page_count)
  database.exec(`pragma max_page_count = ${used}`)
  const large = make.policy('1', { agentPolicies: 'x'.repeat(100_000) })
  await refuses('disk_full', () => store.policies.insert(large))
  await refuses('disk_full', () => store.tx(async (t) => t.policies.insert(large)))
  assert.equal((await store.users.list('acme')).length, 1)
  database.exec(`pragma max_page_count = ${used + 1000}`)
  await store.policies.insert(large)
  await store.close()
})

test('when SQLite ends a transaction by itself, nothing after that is committed on its own', async () => {
  const { store, database } = await open(join(temporaryDirectory(), 'store.db'))
  await assert.rejects(() =>
    store.tx(async (t) => {
      await t.users.insert(make.user('1'))
      database.exec('rollback')
      await refuses('internal', () => t.users.insert(make.user('2')))
    }),
  )
  assert.deepEqual(await store.users.list('acme'), [])
  await store.close()
})

test('a record changed behind the back of the store is refused, not returned', async () => {
  const { store, database } = await open(join(temporaryDirectory(), 'store.db'))
  const changes: [sql: string, tenant: string][] = [
    [`update users set tenant = 'other'`, 'other'],
    [`update users set id = '2'`, 'acme'],
    [`update users set version = 7`, 'acme'],
    [`update users set version = 9223372036854775807`, 'acme'],
    [`update users set body = '[]'`, 'acme'],
    [`update users set body = 'null'`, 'acme'],
    [`update users set body = substr(body, 1, 10)`, 'acme'],
    [`update users set body = replace(body, 'acme', 'evil')`, 'acme'],
  ]
  for (const [sql, tenant] of changes) {
    await store.users.insert(make.user('1'))
    assert.equal((await store.users.list('acme')).length, 1)
    database.exec(sql)
    await refuses('internal', () => store.users.list(tenant))
    await refuses('internal', () => store.users.find(tenant, 'name', 'name of 1'))
    database.exec('delete from users')
  }
  await store.close()
})

test('errors keep values out of their public face', async () => {
  const { store } = await open(join(temporaryDirectory(), 'store.db'))
  await store.agents.insert(make.agent('1', { name: 'secret-name' }))
  await assert.rejects(
    () => store.agents.insert(make.agent('2', { name: 'secret-name' })),
    (error) => isSafeconductError(error) && !JSON.stringify(error).includes('secret-name'),
  )
  await store.close()
})

test('a store that fails to open holds nothing: not the lock, not the file', async () => {
  const directory = temporaryDirectory()
  mkdirSync(join(directory, 'store.db'))
  await refuses('internal', () => openSqliteStore({ directory }))
  await refuses('internal', () => openSqliteStore({ directory }))
  const other = temporaryDirectory()
  writeFileSync(join(other, 'store.lock.db'), 'garbage '.repeat(1000))
  await refuses('internal', () => openSqliteStore({ directory: other }))
})

test('a directory that others can reach is refused, and left as it is', async () => {
  const directory = temporaryDirectory()
  chmodSync(directory, 0o750)
  await refuses('invalid_request', () => openSqliteStore({ directory }))
  chmodSync(directory, 0o700)
  await (await openSqliteStore({ directory })).close()
})
