import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CedarError, type CedarErrorCode } from './errors.ts'
import { parseJson, valueFrom } from './json.ts'
import { CedarRecord, CedarSet, canonicalKey, EntityUid } from './values.ts'

const refused = (code: CedarErrorCode) => (error: unknown) =>
  error instanceof CedarError && error.code === code

test('integers of any size survive, and nothing else changes', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 64n), 2n ** 64n), fc.string(), (n, text) => {
      const parsed = parseJson(`{"n": [${n}], "text": ${JSON.stringify(text)}}`) as {
        n: (number | bigint)[]
        text: string
      }
      assert.equal(BigInt(parsed.n[0] ?? 0), n)
      assert.equal(parsed.text, text)
    }),
    { seed: 3 },
  )
  assert.deepEqual(parseJson('[9007199254740991, 9007199254740992, "1.5e3", "12345678901234567"]'), [
    9007199254740991,
    9007199254740992n,
    '1.5e3',
    '12345678901234567',
  ])
})

test('fractions, exponents and malformed text are refused', () => {
  for (const text of ['1.5', '[1.0]', '{"a": 1e3}', '{', '', '01', 'undefined']) {
    assert.throws(() => parseJson(text), refused('json_invalid'), text)
  }
})

test('nesting ends in an error, never in a crash', () => {
  const deep = (n: number) => '['.repeat(n) + ']'.repeat(n)
  assert.throws(() => valueFrom(parseJson(deep(1000))), refused('limit_exceeded'))
  assert.throws(() => valueFrom(parseJson(deep(100_000))), refused('limit_exceeded'))
  assert.throws(() => parseJson(`[12345678901234567, ${deep(200_000)}]`), refused('limit_exceeded'))
  assert.ok(valueFrom(parseJson(deep(100))) instanceof CedarSet)
})

test('escapes become entities and extension values', () => {
  const value = valueFrom({
    e: { __entity: { type: 'N::U', id: 'x' } },
    d: { __extn: { fn: 'decimal', arg: '1.5' } },
    t: {
      __extn: {
        fn: 'offset',
        args: [{ __extn: { fn: 'datetime', arg: '1970-01-01' } }, { __extn: { fn: 'duration', arg: '5ms' } }],
      },
    },
    s: [1, 1, 'a'],
  })
  assert.ok(value instanceof CedarRecord)
  assert.ok(value.fields.get('e') instanceof EntityUid)
  assert.equal(canonicalKey(value), '{"d":decimal(15000),"e":N::U::"x","s":["a",1],"t":datetime(5)}')
})

test('what is not a Cedar value is refused', () => {
  const bad: unknown[] = [
    null,
    1.5,
    2 ** 53,
    undefined,
    () => 1,
    Symbol('x'),
    { a: null },
    { __entity: { type: 'not a name', id: 'x' } },
    { __entity: { type: 'if', id: 'x' } },
    { __entity: 'U::"x"' },
    { __extn: { fn: 'eval', arg: '1' } },
    { __extn: { fn: 'ip', arg: 'nowhere' } },
    { __extn: 'ip' },
    { __extn: { fn: 'ip', args: ['::1', '::1'] } },
  ]
  for (const json of bad) assert.throws(() => valueFrom(json), CedarError, String(JSON.stringify(json)))
})

test('only own keys count, and `__proto__` is one of them', () => {
  const value = valueFrom(parseJson('{"__proto__": 1, "constructor": 2}'))
  assert.ok(value instanceof CedarRecord)
  assert.deepEqual(
    [...value.fields],
    [
      ['__proto__', 1],
      ['constructor', 2],
    ],
  )
})
