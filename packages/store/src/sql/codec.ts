/**
 * Column values that need a word on the way in or out.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'

/** A 64-bit integer as a number. @throws {SafeconductError} `internal` when a number cannot hold it exactly */
export function toCount(value: bigint): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new SafeconductError('internal', { cause: new Error('a stored integer is above 2^53') })
}

export function toCountOrNull(value: bigint | null): number | null {
  return value === null ? null : toCount(value)
}
