import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import * as make from '../conformance/fixtures.ts'
import { temporaryDirectory } from '../testing/temporary.ts'
import { openSqliteStore } from './store.ts'

/** Every file of a directory, as bytes. Only for stores that are closed: see `private-files.ts`. */
function scan(directory: string): Buffer {
  return Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))))
}

/** Any 12 bytes in a row would be a leak; secrets are random, so a match is no accident. */
function holds(bytes: Buffer, secret: Uint8Array): boolean {
  for (let at = 0; at + 12 <= secret.length; at += 12) {
    if (bytes.includes(Buffer.from(secret.subarray(at, at + 12)))) return true
  }
  return false
}

test('erased bytes are in no file once the store is closed, and kept ones are', async () => {
  const directory = temporaryDirectory()
  const store = await openSqliteStore({ directory })
  const secrets = Array.from({ length: 400 }, (_, at) => ({
    name: `secret/${randomBytes(16).toString('hex')}`,
    value: new Uint8Array(randomBytes(at % 50 === 0 ? 9000 : 24 + ((at * 37) % 300))),
    erased: at % 3 === 0,
  }))
  for (const [at, { name, value }] of secrets.entries()) {
    await store.blobs.put(name, value)
    await store.users.insert(make.user(String(at)))
  }
  for (const { name, erased } of secrets) if (erased) await store.blobs.erase(name)
  await store.close()
  const bytes = scan(directory)
  for (const { value, erased } of secrets) assert.equal(holds(bytes, value), !erased)
})

test('the journal is empty as soon as an erasure resolves, alone and in a transaction', async () => {
  const directory = temporaryDirectory()
  const store = await openSqliteStore({ directory })
  const journal = () => statSync(join(directory, 'store.db-wal')).size
  await store.blobs.put('a', randomBytes(64))
  await store.blobs.put('b', randomBytes(64))
  assert.ok(journal() > 0)
  await store.blobs.erase('a')
  assert.equal(journal(), 0)
  await store.users.insert(make.user('1'))
  assert.ok(journal() > 0)
  await store.tx(async (t) => {
    await t.blobs.erase('b')
    await t.users.insert(make.user('2'))
  })
  assert.equal(journal(), 0)
  assert.equal((await store.users.list('acme')).length, 2)
  await store.close()
})

test('an erasure that another reader keeps in the journal says so, and is finished by the next one', async () => {
  const directory = temporaryDirectory()
  const store = await openSqliteStore({ directory })
  const value = new Uint8Array(randomBytes(64))
  await store.blobs.put('a', value)
  const reader = new DatabaseSync(join(directory, 'store.db'), { readOnly: true })
  reader.exec('begin')
  reader.prepare('select count(*) from blobs').get()
  await assert.rejects(
    () => store.blobs.erase('a'),
    (error) => isSafeconductError(error) && /may stay in the journal/.test(error.message),
  )
  assert.equal(await store.blobs.get('a'), null)
  reader.exec('rollback')
  reader.close()
  await store.blobs.erase('a')
  assert.equal(statSync(join(directory, 'store.db-wal')).size, 0)
  await store.close()
  assert.equal(holds(scan(directory), value), false)
})
