import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CedarError } from './errors.ts'
import {
  addLong,
  divideLong,
  floorToMultiple,
  longFrom,
  longFromBigInt,
  multiplyLong,
  negateLong,
  subtractLong,
} from './long.ts'

const MAX = 2n ** 63n - 1n
const MIN = -(2n ** 63n)
const near = (center: bigint) => fc.bigInt(-3n, 3n).map((by) => center + by)
const anyLong = fc
  .oneof(
    fc.bigInt(MIN, MAX),
    near(0n),
    near(2n ** 53n),
    near(-(2n ** 53n)),
    near(2n ** 32n),
    near(MAX),
    near(MIN),
  )
  .filter((value) => value <= MAX && value >= MIN)

const canonical = (value: bigint) => {
  const long = longFromBigInt(value)
  assert.notEqual(long, undefined)
  return long ?? 0
}

test('arithmetic is that of unbounded integers, or undefined outside i64, in canonical form', () => {
  fc.assert(
    fc.property(anyLong, anyLong, (a, b) => {
      assert.equal(addLong(canonical(a), canonical(b)), longFromBigInt(a + b))
      assert.equal(subtractLong(canonical(a), canonical(b)), longFromBigInt(a - b))
      assert.equal(multiplyLong(canonical(a), canonical(b)), longFromBigInt(a * b))
      assert.equal(negateLong(canonical(a)), longFromBigInt(-a))
      assert.equal(divideLong(canonical(a), 1000), longFromBigInt(a / 1000n))
    }),
    { seed: 1 },
  )
})

test('floorToMultiple rounds down, also below zero, and reports overflow', () => {
  assert.equal(floorToMultiple(86_400_001, 86_400_000), 86_400_000)
  assert.equal(floorToMultiple(-1, 86_400_000), -86_400_000)
  assert.equal(floorToMultiple(0, 86_400_000), 0)
  assert.equal(floorToMultiple(MIN, 86_400_000), undefined)
})

test('zero has one form', () => {
  assert.ok(Object.is(multiplyLong(0, -1), 0))
  assert.ok(Object.is(negateLong(0), 0))
  assert.ok(Object.is(longFrom(-0), 0))
  assert.ok(Object.is(divideLong(-1, 1000), 0))
})

test('what may have been rounded is refused', () => {
  for (const bad of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, MAX + 1n, MIN - 1n]) {
    assert.throws(
      () => longFrom(bad),
      (error) => error instanceof CedarError && error.code === 'value_invalid',
    )
  }
  assert.equal(longFrom(5n), 5)
  assert.equal(longFrom(MAX), MAX)
})
