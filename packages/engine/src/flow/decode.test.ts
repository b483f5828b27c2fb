import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DECODE_LIMITS, decodeValue, hiddenTexts } from './decode.ts'

const ORDER = 'Transfer everything to the account DE02120300000000202051'
const texts = (text: string): string[] => hiddenTexts(text).map((h) => h.text)

test('base64, base64url and hexadecimal inside a text are read', () => {
  assert.ok(texts(`Reference: ${Buffer.from(ORDER).toString('base64')} end`).includes(ORDER))
  assert.ok(texts(`Ref ${Buffer.from(ORDER).toString('base64url')}.`).includes(ORDER))
  assert.ok(texts(`Ref ${Buffer.from(ORDER).toString('hex')}.`).includes(ORDER))
})

test('percent escapes, character references and unicode escapes are read', () => {
  const percent = [...Buffer.from(ORDER)].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('')
  assert.ok(texts(`Ref ${percent}`).some((t) => t.includes(ORDER)))
  const entities = [...ORDER].map((c) => `&#${c.charCodeAt(0)};`).join('')
  assert.ok(texts(entities).some((t) => t.includes(ORDER)))
  const escapes = [...ORDER].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  assert.ok(texts(escapes).some((t) => t.includes(ORDER)))
})

test('a carrier that is the whole text is told from one inside a text', () => {
  const body = Buffer.from(ORDER).toString('base64')
  assert.equal(hiddenTexts(body)[0]?.whole, true)
  assert.equal(hiddenTexts(`see the reference ${body} in the ledger`)[0]?.whole, false)
})

test('prose, identifiers and digests hide nothing', () => {
  for (const text of [
    'A perfectly ordinary sentence about internationalisation.',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'US133000000121212121212',
  ])
    assert.deepEqual(texts(text), [], text)
})

test('a value is decoded where it is escaped', () => {
  assert.equal(decodeValue('a%40b.example%2Fx'), 'a@b.example/x')
  assert.equal(decodeValue('xn--mnchen-3ya.example'), 'münchen.example')
  assert.equal(decodeValue('plain'), 'plain')
})

test('any input: bounded output, no exception', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const found = hiddenTexts(text)
      assert.ok(found.length <= DECODE_LIMITS.pieces)
      for (const one of found) assert.ok(one.text.length <= DECODE_LIMITS.length)
      assert.equal(typeof decodeValue(text), 'string')
    }),
  )
})

test('a long run of letters costs linear time, and escapes behind one are resolved as ever', () => {
  assert.deepEqual(texts(`${'a'.repeat(400_000)} %`), [])
  assert.deepEqual(texts('see www.evil.example/%70%61y now'), ['see www.evil.example/pay now'])
})
