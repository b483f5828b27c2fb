import assert from 'node:assert/strict'
import { createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  commitmentOf,
  createNonces,
  deriveKey,
  KEY_BYTES,
  openBlob,
  SEAL_OVERHEAD,
  sealBlob,
  sealedWith,
  sealingKey,
  unambiguous,
} from './envelope.ts'

const parts = fc.array(
  fc.string({ unit: fc.constantFrom('', 'a', '|', '\u0000', '\u0001', '\ud800', '\ufffd') }),
  {
    maxLength: 4,
  },
)

test('no two lists of parts give the same bytes', () => {
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const same = Buffer.compare(unambiguous(a), unambiguous(b)) === 0
      assert.equal(same, JSON.stringify(a) === JSON.stringify(b))
    }),
    { numRuns: 2000 },
  )
})

test('a sealed value opens with its key and parts, and with no others', () => {
  const key = sealingKey(randomBytes(32))
  const plain = Uint8Array.of(1, 2, 3)
  const sealed = sealBlob(key, ['a', 'b'], plain)
  assert.equal(sealed.length, plain.length + SEAL_OVERHEAD)
  assert.deepEqual(openBlob(key, ['a', 'b'], sealed), plain)
  assert.throws(() => openBlob(sealingKey(randomBytes(32)), ['a', 'b'], sealed), { code: 'internal' })
  for (const other of [[], ['ab'], ['a', 'b', ''], ['b', 'a'], ['', 'ab']]) {
    assert.throws(() => openBlob(key, other, sealed), { code: 'internal' })
  }
  for (let at = 0; at < sealed.length; at++) {
    const changed = Uint8Array.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 0x80
    assert.throws(() => openBlob(key, ['a', 'b'], changed), { code: 'internal' })
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => openBlob(key, ['a', 'b'], sealed.subarray(0, length)), { code: 'internal' })
  }
})

test('no nonce is given twice, beyond what is drawn at once', () => {
  const next = createNonces()
  const given = Array.from({ length: 1000 }, () => Buffer.from(next()).toString('hex'))
  assert.equal(new Set(given).size, given.length)
  assert.equal(given[0]?.length, 24)
})

test('the form on disk is as documented', () => {
  const bytes = new Uint8Array(32).fill(7)
  const key = sealingKey(bytes)
  const sealed = sealBlob(key, ['p'], Uint8Array.of(9))
  assert.equal(sealed[0], 1)
  const commitment = createHmac('sha256', bytes).update('safeconduct key commitment v1').digest()
  assert.deepEqual(Buffer.from(sealed.subarray(1, 33)), commitment)
  assert.deepEqual(Buffer.from(commitmentOf(sealed)), commitment)
  const decipher = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(33, 45))
  decipher.setAAD(Buffer.from([0, 0, 0, 1, 0x70]))
  decipher.setAuthTag(sealed.subarray(46))
  assert.deepEqual([...decipher.update(sealed.subarray(45, 46)), ...decipher.final()], [9])
})

test('the commitment is compared before anything is decrypted', () => {
  const key = sealingKey(randomBytes(32))
  const other = sealingKey(randomBytes(32))
  const sealed = sealBlob(key, [], new Uint8Array(1))
  assert.equal(sealedWith(key, sealed), true)
  assert.equal(sealedWith(other, sealed), false)
  // A value that GCM alone would open: sealed with `key`, committed to `other`.
  const forged = Uint8Array.from(sealed)
  forged.set(other.commitment, 1)
  assert.throws(() => openBlob(key, [], forged), { code: 'internal' })
})

test('errors tell no reason in public', () => {
  const key = sealingKey(randomBytes(32))
  for (const sealed of [new Uint8Array(0), sealBlob(sealingKey(randomBytes(32)), [], new Uint8Array(1))]) {
    assert.throws(() => openBlob(key, [], sealed), { message: 'Something went wrong here.' })
  }
})

test('derived keys follow RFC 5869 and differ by purpose', () => {
  const root = new Uint8Array(32).fill(3)
  const expected = new Uint8Array(hkdfSync('sha256', root, '', unambiguous(['a', 'b']), 32))
  assert.deepEqual(deriveKey(root, ['a', 'b']).bytes, expected)
  assert.notDeepEqual(deriveKey(root, ['ab']).bytes, expected)
  assert.notDeepEqual(deriveKey(new Uint8Array(32), ['a', 'b']).bytes, expected)
  for (const length of [0, 16, 31, 33]) {
    assert.throws(() => deriveKey(new Uint8Array(length), []), { code: 'internal' })
    assert.throws(() => sealingKey(new Uint8Array(length)), { code: 'internal' })
  }
  assert.equal(KEY_BYTES, 32)
})
