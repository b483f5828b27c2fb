import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromDer, toDer } from './ecdsa-signature.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

test('both forms of a signature verify, whichever was made', () => {
  // Half of all signatures have a number whose first bit is set, and one in 128 a leading zero.
  for (let i = 0; i < 1500; i++) {
    const data = Buffer.from(`message ${i}`)
    const der = sign('sha256', data, privateKey)
    const plain = fromDer(der)
    assert.equal(plain.length, 64)
    assert.deepEqual(toDer(plain), der)
    if (i % 25 === 0) assert.ok(verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, plain))
  }
})

test('any 64 bytes make the DER that reads back as they are', () => {
  const zeros = fc.nat({ max: 32 }).map((count) => new Uint8Array(count))
  const half = fc
    .tuple(zeros, fc.uint8Array({ minLength: 32, maxLength: 32 }))
    .map(([none, some]) => Buffer.concat([none, some]).subarray(0, 32))
  fc.assert(
    fc.property(half, half, (r, s) => {
      const signature = Buffer.concat([r, s])
      assert.deepEqual(fromDer(toDer(signature)), signature)
    }),
  )
})

test('bytes that are no signature verify in neither form', () => {
  const data = Buffer.from('message')
  const good = fromDer(sign('sha256', data, privateKey))
  const bad = [
    Buffer.alloc(64),
    Buffer.alloc(64, 0xff),
    Buffer.concat([good.subarray(32), good.subarray(0, 32)]),
  ]
  for (let at = 0; at < 64; at += 7) {
    const flipped = Buffer.from(good)
    flipped[at] = (flipped[at] ?? 0) ^ 1
    bad.push(flipped)
  }
  for (const signature of bad) {
    assert.equal(verify('sha256', data, publicKey, toDer(signature)), false)
    assert.equal(verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature), false)
  }
})
