import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from './plain.ts'

const again = (value: unknown) => decode(JSON.parse(JSON.stringify(encode(value))))

test('a state is the same after it was written as JSON, bit for bit', () => {
  const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', '~map', '~number', 'toString'))
  const { state } = fc.letrec((tie) => ({
    state: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.double(),
      fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      key,
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('state'), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie('state')), { maxLength: 4 }).map((items) => new Map(items)),
      fc.dictionary(key, tie('state'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }))
  fc.assert(
    fc.property(state, (value) => assert.deepEqual(again(value), value)),
    { numRuns: 500 },
  )
})

test('what is plain JSON already is not copied', () => {
  const plain = { a: [1, 'two', { three: null }], b: { c: 0.5 } }
  assert.equal(encode(plain), plain)
  assert.equal(decode(plain), plain)
})

test('what has no value is left out', () => {
  assert.deepEqual(again({ a: 1, b: undefined }), { a: 1 })
})
