import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlobStore } from '@safeconduct/engine'
import { refuses } from '../conformance/fixtures.ts'
import { keyringConformance } from '../conformance/ports.ts'
import { createMemoryStore } from '../memory/store.ts'
import { openSqliteStore } from '../sqlite/store.ts'
import { temporaryDirectory } from '../testing/temporary.ts'
import { createKeyring } from './keyring.ts'

const root = randomBytes(32)
const plain = Uint8Array.of(1, 2, 3)

keyringConformance('blobs', async () => {
  const { blobs } = createMemoryStore()
  return { keyring: createKeyring({ root, blobs }), again: () => createKeyring({ root, blobs }) }
})

keyringConformance('blobs, read again through room for one key', async () => {
  const { blobs } = createMemoryStore()
  return { keyring: createKeyring({ root, blobs }), again: () => createKeyring({ root, blobs, capacity: 1 }) }
})

test('another root key opens nothing and says only that', async () => {
  const { blobs } = createMemoryStore()
  const keyring = createKeyring({ root, blobs })
  await keyring.ready('acme', 'u1')
  const sealed = keyring.seal('acme', 'u1', plain)
  const other = createKeyring({ root: randomBytes(32), blobs })
  await refuses('internal', () => other.open('acme', 'u1', sealed))
  assert.throws(() => createKeyring({ root: new Uint8Array(31), blobs }), { code: 'internal' })
})

test('a wrapped key put in the place of another does not open', async () => {
  const { blobs } = createMemoryStore()
  const keyring = createKeyring({ root, blobs })
  await keyring.ready('acme', 'u1')
  await keyring.ready('acme', 'u2')
  const [first, second] = await blobs.names('keyring/key/')
  assert.ok(first !== undefined && second !== undefined)
  await blobs.put(first, (await blobs.get(second)) ?? new Uint8Array(0))
  const again = createKeyring({ root, blobs })
  const results = await Promise.allSettled(['u1', 'u2'].map((subject) => again.ready('acme', subject)))
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('a lost key is not an erased one', async () => {
  const { blobs } = createMemoryStore()
  const keyring = createKeyring({ root, blobs })
  await keyring.ready('acme', 'u1')
  const sealed = keyring.seal('acme', 'u1', plain)
  for (const name of await blobs.names('keyring/key/')) await blobs.erase(name)
  await refuses('internal', () => createKeyring({ root, blobs }).open('acme', 'u1', sealed))
})

test('names of blobs tell nothing of tenant and subject', async () => {
  const { blobs } = createMemoryStore()
  const keyring = createKeyring({ root, blobs })
  await keyring.ready('acme', 'jane')
  await keyring.erase('acme', 'jane')
  await keyring.ready('acme', 'jane')
  const names = await blobs.names('')
  assert.equal(names.length, 2)
  for (const name of names)
    assert.match(name, /^keyring\/(key\/[0-9a-f]{64}|erased\/[0-9a-f]{64}\/[0-9a-f]{64})$/)
})

test('keys beyond the capacity are wiped, loaded again when needed, and sealing tells that they are gone', async () => {
  const { blobs } = createMemoryStore()
  const keyring = createKeyring({ root, blobs, capacity: 2 })
  await keyring.ready('acme', '1')
  const sealed = keyring.seal('acme', '1', plain)
  await keyring.ready('acme', '2')
  keyring.seal('acme', '1', plain)
  await keyring.ready('acme', '3')
  await refuses('internal', async () => keyring.seal('acme', '2', plain))
  keyring.seal('acme', '1', plain)
  assert.deepEqual(await keyring.open('acme', '1', sealed), plain)
  assert.throws(() => createKeyring({ root, blobs, capacity: 0 }), RangeError)
})

test('many subjects at once through little room still open what is theirs', async () => {
  const { blobs } = createMemoryStore()
  const subjects = Array.from({ length: 30 }, (_, at) => `s${at}`)
  const large = createKeyring({ root, blobs })
  const sealed = new Map<string, Uint8Array>()
  for (const subject of subjects) {
    await large.ready('acme', subject)
    sealed.set(subject, large.seal('acme', subject, Buffer.from(subject)))
  }
  const small = createKeyring({ root, blobs, capacity: 1 })
  const asked = [...subjects, ...subjects.toReversed(), ...subjects]
  const opened = await Promise.all(
    asked.map((subject) => small.open('acme', subject, sealed.get(subject) ?? new Uint8Array(0))),
  )
  assert.deepEqual(
    opened.map((value) => Buffer.from(value ?? []).toString()),
    asked,
  )
})

/** Blobs whose `erase` fails while `broken.on`. */
function breakable(blobs: BlobStore): { blobs: BlobStore; broken: { on: boolean } } {
  const broken = { on: false }
  const erase = async (name: string) => {
    if (broken.on) throw new Error('cut off')
    await blobs.erase(name)
  }
  return { blobs: { ...blobs, erase }, broken }
}

test('an erasure cut off after its tombstone is finished by whoever comes next', async () => {
  for (const next of ['open', 'ready', 'erase'] as const) {
    const { blobs, broken } = breakable(createMemoryStore().blobs)
    const keyring = createKeyring({ root, blobs })
    await keyring.ready('acme', 'u1')
    const sealed = keyring.seal('acme', 'u1', plain)
    broken.on = true
    await assert.rejects(() => keyring.erase('acme', 'u1'), /cut off/)
    await refuses('internal', async () => keyring.seal('acme', 'u1', plain))
    const [held] = await blobs.names('keyring/key/')
    const old = await blobs.get(held ?? '')
    broken.on = false
    const again = createKeyring({ root, blobs })
    if (next === 'open') assert.equal(await again.open('acme', 'u1', sealed), null)
    if (next === 'ready') await again.ready('acme', 'u1')
    if (next === 'erase') await again.erase('acme', 'u1')
    assert.notDeepEqual(await blobs.get(held ?? ''), old, next)
    assert.equal(await again.open('acme', 'u1', sealed), null)
  }
})

test('after an erasure no file holds the wrapped key', async () => {
  const directory = temporaryDirectory()
  const store = await openSqliteStore({ directory })
  const keyring = createKeyring({ root, blobs: store.blobs })
  for (const subject of ['u1', 'u2', 'u3']) await keyring.ready('acme', subject)
  const sealed = keyring.seal('acme', 'u2', plain)
  const before = await store.blobs.names('keyring/key/')
  const wrapped = new Map(
    await Promise.all(before.map(async (name) => [name, await store.blobs.get(name)] as const)),
  )
  await keyring.erase('acme', 'u2')
  const kept = await store.blobs.names('keyring/key/')
  assert.equal(kept.length, 2)
  assert.equal(await keyring.open('acme', 'u2', sealed), null)
  await store.close()
  const bytes = Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))))
  for (const [name, value] of wrapped) {
    // Behind the version and the commitment, which the tombstone keeps on purpose.
    const secret = Buffer.from((value ?? new Uint8Array(0)).subarray(33))
    assert.equal(bytes.includes(secret), kept.includes(name))
  }
})
