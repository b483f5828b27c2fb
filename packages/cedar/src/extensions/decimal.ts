/**
 * Cedar `decimal`: i64 count of ten-thousandths, at most four fraction digits.
 *
 * @module
 */

import { type Long, longFromBigInt } from '../long.ts'
import { EvaluationFailure } from './failure.ts'

export class Decimal {
  readonly kind = 'decimal'
  /** In ten-thousandths. */
  readonly units: Long

  constructor(units: Long) {
    this.units = units
  }

  get canonicalKey(): string {
    return `decimal(${this.units})`
  }

  /** The shortest text that parses to the same value, for requests that are handed on. */
  toString(): string {
    const units = BigInt(this.units)
    const digits = (units < 0n ? -units : units).toString().padStart(5, '0')
    return `${units < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`
  }
}

const pattern = /^(-?)([0-9]+)\.([0-9]{1,4})$/

/** @throws {EvaluationFailure} */
export function parseDecimal(text: string): Decimal {
  const match = pattern.exec(text)
  const [, sign, whole, fraction] = match ?? []
  // 15 digits hold every whole part; longer ones are zeros in front or out of range, and BigInt tells which.
  if (whole === undefined || fraction === undefined) throw new EvaluationFailure('not a valid decimal')
  const magnitude = BigInt(whole) * 10000n + BigInt(fraction.padEnd(4, '0'))
  const units = longFromBigInt(sign === '-' ? -magnitude : magnitude)
  if (units === undefined) throw new EvaluationFailure('decimal out of range')
  return new Decimal(units)
}
