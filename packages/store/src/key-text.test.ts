import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { compareKeys, decodeKey, encodeKey, MAX_KEY_LENGTH, writeKey } from './key-text.ts'

/** Strings of the units that matter: NUL, the escape and its kinds, surrogates alone and in pairs, neighbours. */
const UNITS = [
  '\u0000',
  '\u0001',
  '\u0002',
  '\u0003',
  'a',
  'd',
  '8',
  '0',
  '\ud7ff',
  '\ud800',
  '\udbff',
  '\udc00',
]
const units = fc.constantFrom(...UNITS, '\udfff', '\ue000', '\uffff')
const awkward = fc.string({ unit: units, maxLength: 12 })
const wellFormed = fc.string({ unit: 'binary', maxLength: 12 })

test('any string comes back, and is stored as text without NUL', () => {
  fc.assert(
    fc.property(fc.oneof(awkward, wellFormed), (text) => {
      const stored = encodeKey(text)
      assert.ok(stored.isWellFormed() && !stored.includes('\u0000'))
      assert.equal(decodeKey(stored), text)
    }),
    { numRuns: 2000 },
  )
})

test('ordinary keys are stored as they are', () => {
  for (const text of ['', '018f-1', 'market/place_order', 'é😀', '__proto__'])
    assert.equal(encodeKey(text), text)
})

test('a prefix stays a prefix and nothing becomes one', () => {
  fc.assert(
    fc.property(wellFormed, wellFormed, (a, b) => {
      assert.ok(encodeKey(a + b).startsWith(encodeKey(a)))
      assert.equal(encodeKey(b).startsWith(encodeKey(a)), b.startsWith(a))
    }),
    { numRuns: 2000 },
  )
})

test('encoded keys sort as the UTF-8 bytes of both forms do', () => {
  const bytes = (text: string) => Buffer.from(text, 'utf8')
  fc.assert(
    fc.property(wellFormed, wellFormed, (a, b) => {
      const order = Math.sign(compareKeys(encodeKey(a), encodeKey(b)))
      assert.equal(order, Buffer.compare(bytes(encodeKey(a)), bytes(encodeKey(b))))
      assert.equal(order, Buffer.compare(bytes(a), bytes(b)))
    }),
    { numRuns: 2000 },
  )
})

test('text that no key gives is refused', () => {
  for (const stored of [
    '\u0001',
    'a\u0001\u0004',
    '\u0001\u0003zzzz',
    '\u0001\u00030041',
    '\u0001\u0003d8',
  ]) {
    assert.throws(() => decodeKey(stored), isSafeconductError, JSON.stringify(stored))
  }
})

test('a written key is a string of 1 to 2048 units', () => {
  assert.equal(writeKey('id', 'x'.repeat(MAX_KEY_LENGTH)).length, MAX_KEY_LENGTH)
  for (const bad of ['', 'x'.repeat(MAX_KEY_LENGTH + 1), 5 as unknown as string]) {
    assert.throws(() => writeKey('id', bad), { code: 'invalid_request', message: /^The id must/ })
  }
})
