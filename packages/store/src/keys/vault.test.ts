import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { refuses } from '../conformance/fixtures.ts'
import { createMemoryStore } from '../memory/store.ts'
import { createVault, MAX_SECRET_BYTES } from './vault.ts'

const root = randomBytes(32)
const bytes = (text: string) => new Uint8Array(Buffer.from(text))

test('a secret comes back with its version, and is stored sealed', async () => {
  const { blobs } = createMemoryStore()
  const vault = createVault({ root, blobs })
  assert.equal(await vault.get('acme', 'github'), null)
  assert.equal(await vault.put('acme', 'github', bytes('token one')), 1)
  assert.equal(await vault.put('acme', 'github', bytes('token two')), 2)
  assert.deepEqual(await vault.get('acme', 'github'), { value: bytes('token two'), version: 2 })
  const stored = (await blobs.get((await blobs.names('vault/'))[0] ?? '')) ?? new Uint8Array(0)
  assert.equal(Buffer.from(stored).includes('token'), false)
  assert.deepEqual(await createVault({ root, blobs }).get('acme', 'github'), {
    value: bytes('token two'),
    version: 2,
  })
  await vault.erase('acme', 'github')
  await vault.erase('acme', 'github')
  assert.equal(await vault.get('acme', 'github'), null)
  assert.deepEqual(await blobs.names(''), [])
})

test('puts at once take one version each', async () => {
  const vault = createVault({ root, blobs: createMemoryStore().blobs })
  const versions = await Promise.all(
    Array.from({ length: 10 }, (_, at) => vault.put('acme', 'k', Uint8Array.of(at))),
  )
  assert.deepEqual(
    versions,
    Array.from({ length: 10 }, (_, at) => at + 1),
  )
  await refuses('too_large', () => vault.put('acme', 'k', new Uint8Array(MAX_SECRET_BYTES + 1)))
  assert.equal(await vault.put('acme', 'k', new Uint8Array(MAX_SECRET_BYTES)), 11)
})

test('of many that create at once, all get the same secret', async () => {
  const { blobs } = createMemoryStore()
  const vaults = [createVault({ root, blobs }), createVault({ root, blobs })]
  const made = await Promise.all(
    Array.from({ length: 10 }, (_, at) =>
      vaults[at % 2]?.getOrCreate('acme', 'signing', () => randomBytes(32)),
    ),
  )
  assert.equal(new Set(made.map((secret) => Buffer.from(secret?.value ?? []).toString('hex'))).size, 1)
  assert.deepEqual(await vaults[0]?.get('acme', 'signing'), made[0])
})

test('secrets of tenants stay apart, whatever their names', async () => {
  const { blobs } = createMemoryStore()
  const vault = createVault({ root, blobs })
  const pairs: [string, string][] = [
    ['a', 'b/c'],
    ['a/b', 'c'],
    ['a', 'bc'],
    ['ab', 'c'],
    ['a', 'b\u0000c'],
    ['__proto__', '__proto__'],
    ['é', '😀'],
  ]
  for (const [tenant, name] of pairs) await vault.put(tenant, name, bytes(`${tenant} ${name}`))
  for (const [tenant, name] of pairs) {
    assert.deepEqual(await vault.get(tenant, name), { value: bytes(`${tenant} ${name}`), version: 1 })
  }
  assert.deepEqual(await vault.names('a'), ['b\u0000c', 'b/c', 'bc'])
  assert.deepEqual(await vault.names('ab'), ['c'])
  assert.deepEqual(await vault.names('none'), [])
})

test('a secret in the place of another, or with another version, does not open', async () => {
  const { blobs } = createMemoryStore()
  const vault = createVault({ root, blobs })
  await vault.put('acme', 'one', bytes('1'))
  const [place] = await blobs.names('vault/')
  const one = (await blobs.get(place ?? '')) ?? new Uint8Array(0)
  for (const [tenant, name] of [
    ['acme', 'two'],
    ['other', 'one'],
  ] as const) {
    await vault.put(tenant, name, bytes('2'))
    const there = (await blobs.names('vault/')).find((other) => other !== place) ?? ''
    await blobs.put(there, one)
    await refuses('internal', () => vault.get(tenant, name))
    await blobs.erase(there)
  }
  const bumped = Uint8Array.from(one)
  bumped[3] = 9
  for (const changed of [bumped, one.subarray(0, 3), new Uint8Array(0), one.subarray(0, -1)]) {
    await blobs.put(place ?? '', changed)
    await refuses('internal', () => vault.get('acme', 'one'))
  }
  await blobs.put(place ?? '', one)
  await refuses('internal', () => createVault({ root: randomBytes(32), blobs }).get('acme', 'one'))
  assert.deepEqual((await vault.get('acme', 'one'))?.value, bytes('1'))
})

test('names that UTF-8 cannot tell apart, empty and long ones are refused', async () => {
  const vault = createVault({ root, blobs: createMemoryStore().blobs })
  for (const bad of ['', '\ud800', 'x'.repeat(256)]) {
    await refuses('invalid_request', () => vault.put(bad, 'k', bytes('1')))
    await refuses('invalid_request', () => vault.put('acme', bad, bytes('1')))
    await refuses('invalid_request', () => vault.get('acme', bad))
    await refuses('invalid_request', () => vault.erase(bad, 'k'))
    await refuses('invalid_request', () => vault.names(bad))
  }
  const long = 'é'.repeat(255)
  await vault.put('漢'.repeat(255), '漢'.repeat(255), bytes('1'))
  assert.equal(await vault.put(long, long, bytes('1')), 1)
})
