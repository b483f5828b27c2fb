import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSafeconductError } from './errors.ts'
import { canonicalize, type JsonValue, parseJson } from './json.ts'

const code = (input: string | Uint8Array, limits?: { maxLength: number; maxDepth: number }): string => {
  try {
    parseJson(input, limits)
  } catch (error) {
    assert.ok(isSafeconductError(error))
    return error.code
  }
  return 'accepted'
}

describe('parseJson', () => {
  const cases: readonly [string, string | Uint8Array, string][] = [
    ['an equal key', '{"a":1,"a":2}', 'duplicate_key'],
    ['an equal key in disguise', '{"a":1,"\\u0061":2}', 'duplicate_key'],
    ['an equal key further in', '[{"b":{"c":1,"d":[],"c":2}}]', 'duplicate_key'],
    ['a key again in another object', '[{"a":1},{"a":{"a":2}}]', 'accepted'],
    ['a value that looks like a key', '{"a":"b","b":["a","a"]}', 'accepted'],
    ['10,000 brackets', '['.repeat(10_000), 'too_deep'],
    ['10,000 brackets in a string', JSON.stringify('['.repeat(10_000)), 'accepted'],
    ['broken UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'invalid_json'],
    ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), 'invalid_json'],
    ['an open string', '{"a', 'invalid_json'],
    ['nothing', '', 'invalid_json'],
    ['two values', '1 2', 'invalid_json'],
    ['NaN', 'NaN', 'invalid_json'],
  ]
  for (const [name, input, expected] of cases)
    it(`${expected}: ${name}`, () => assert.equal(code(input), expected))

  it('too_large: more than the limit', () => {
    assert.equal(code('"0123456789"', { maxLength: 8, maxDepth: 8 }), 'too_large')
  })

  it('takes __proto__ as a key like any other', () => {
    const value = parseJson('{"__proto__":{"admin":true}}')
    assert.equal(Object.getPrototypeOf(value), null)
    assert.deepEqual(Object.keys(value as object), ['__proto__'])
    assert.equal(({} as { admin?: boolean }).admin, undefined)
  })

  it('gives what JSON.parse gives for everything that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        assert.equal(JSON.stringify(parseJson(text)), text)
      }),
    )
  })

  it('gives a value or a typed error for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => code(text) !== ''))
  })
})

describe('canonicalize', () => {
  it('is RFC 8785: section 3.2.3 sorted keys, section 3.2.2.3 numbers', () => {
    const value = parseJson(
      '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","1":"One","n":[1e30,4.50,2e-3,1e-27,-0]}',
    )
    const text = '{"\\r":"Carriage Return","1":"One","n":[1e+30,4.5,0.002,1e-27,0],"€":"Euro Sign"}'
    assert.equal(canonicalize(value), text)
  })

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        assert.equal(canonicalize(value as JsonValue), canonicalize(reversed as JsonValue))
      }),
    )
  })

  it('refuses what has no canonical form', () => {
    assert.throws(() => canonicalize(Number.NaN), { code: 'invalid_json' })
    assert.throws(() => canonicalize('\ud800'), { code: 'invalid_json' })
  })
})
