import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as make from '../conformance/fixtures.ts'
import { refuses } from '../conformance/fixtures.ts'
import { temporaryDirectory } from '../testing/temporary.ts'
import { openSqliteStore } from './store.ts'

test('a backup holds what was acknowledged before it began, and opens as a store', async () => {
  const source = await openSqliteStore({ directory: temporaryDirectory() })
  const directory = temporaryDirectory()
  const file = join(directory, 'store.db')
  await source.tx(async (t) => {
    for (let at = 0; at < 500; at++) await t.users.insert(make.user(String(at).padStart(4, '0')))
  })
  await source.blobs.put('b', new Uint8Array(500_000).fill(7))
  const copying = source.backup(file)
  const later = Promise.all(
    Array.from({ length: 20 }, (_, at) => source.users.insert(make.user(`later${at}`))),
  )
  await Promise.all([copying, later])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  await refuses('conflict', () => source.backup(file))
  await source.close()
  await refuses('shutting_down', () => source.backup(join(directory, 'other.db')))

  const copy = await openSqliteStore({ directory })
  const users = await copy.users.list('acme', { limit: 1000 })
  assert.ok(users.length >= 500)
  assert.deepEqual(users[499], make.user('0499'))
  assert.deepEqual(await copy.blobs.get('b'), new Uint8Array(500_000).fill(7))
  await copy.close()
})

test('closing waits for a backup under way', async () => {
  const source = await openSqliteStore({ directory: temporaryDirectory() })
  await source.blobs.put('b', new Uint8Array(1_000_000).fill(7))
  const directory = temporaryDirectory()
  const copying = source.backup(join(directory, 'store.db'))
  await Promise.all([copying, source.close()])
  const copy = await openSqliteStore({ directory })
  assert.equal((await copy.blobs.get('b'))?.length, 1_000_000)
  await copy.close()
})

test('a backup inside a transaction is refused', async () => {
  const source = await openSqliteStore({ directory: temporaryDirectory() })
  await refuses('internal', () => source.tx(async () => source.backup('never.db')))
  await source.close()
})
