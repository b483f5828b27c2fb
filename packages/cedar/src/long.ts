/**
 * Cedar's Long: a signed 64-bit integer.
 *
 * Canonical form: a `number` when it is a safe integer, else a `bigint`. Equal Longs are therefore `===`, and
 * JavaScript compares the two forms exactly. Every function here returns the canonical form.
 *
 * @module
 */

import { CedarError } from './errors.ts'

export type Long = number | bigint

const MAX_LONG = 9223372036854775807n
const MIN_LONG = -9223372036854775808n

/** Canonical form of a bigint, or `undefined` outside i64. */
export function longFromBigInt(value: bigint): Long | undefined {
  if (value > MAX_LONG || value < MIN_LONG) return undefined
  const small = Number(value)
  return Number.isSafeInteger(small) ? small : value
}

/**
 * Canonical form of a caller's number or bigint. A number beyond 2^53-1 is refused rather than guessed at.
 *
 * @throws {CedarError} `value_invalid` for a fraction, an unsafe number or a bigint outside i64
 */
export function longFrom(value: number | bigint): Long {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value + 0
    throw new CedarError('value_invalid', 'a number must be an integer; beyond 2^53-1 it must be a bigint')
  }
  const long = longFromBigInt(value)
  if (long === undefined) throw new CedarError('value_invalid', 'an integer does not fit 64 bits')
  return long
}

/** `undefined` on overflow, as are the next three. `+ 0` turns the float -0 into 0. */
export function addLong(a: Long, b: Long): Long | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum + 0
  }
  return longFromBigInt(BigInt(a) + BigInt(b))
}

export function subtractLong(a: Long, b: Long): Long | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    if (Number.isSafeInteger(difference)) return difference + 0
  }
  return longFromBigInt(BigInt(a) - BigInt(b))
}

export function multiplyLong(a: Long, b: Long): Long | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b
    // A product beyond 2^53 cannot round to a safe integer, so a safe result is exact.
    if (Number.isSafeInteger(product)) return product + 0
  }
  return longFromBigInt(BigInt(a) * BigInt(b))
}

export function negateLong(a: Long): Long | undefined {
  return subtractLong(0, a)
}

/** Quotient rounded toward zero, as the `toSeconds` family wants it. */
export function divideLong(a: Long, divisor: number): Long {
  return typeof a === 'number' ? Math.trunc(a / divisor) + 0 : (longFromBigInt(a / BigInt(divisor)) ?? a)
}

/** Largest multiple of `divisor` that is not above `a`; `undefined` below the smallest Long. */
export function floorToMultiple(a: Long, divisor: number): Long | undefined {
  const big = BigInt(a)
  const step = BigInt(divisor)
  const rest = ((big % step) + step) % step
  return longFromBigInt(big - rest)
}
