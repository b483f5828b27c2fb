/**
 * The extension functions of Cedar 4.5 by name, with their number of arguments (the receiver counts).
 *
 * @module
 */

import { typeName, type Value } from '../values.ts'
import { Datetime, Duration, parseDatetime, parseDuration } from './datetime.ts'
import { Decimal, parseDecimal } from './decimal.ts'
import { EvaluationFailure } from './failure.ts'
import { IpAddress, parseIp } from './ip.ts'

export interface ExtensionFunction {
  readonly arity: 1 | 2
  /** Builds a value from text, so JSON may call it (`__extn`). */
  readonly constructs: boolean
  readonly apply: (receiver: Value, argument: Value) => Value
}

export function expectString(value: Value): string {
  if (typeof value !== 'string') throw typeFailure('string', value)
  return value
}

export function typeFailure(expected: string, got: Value): EvaluationFailure {
  return new EvaluationFailure(`type error: expected ${expected}, got ${typeName(got)}`)
}

function parser(parse: (text: string) => Value): ExtensionFunction {
  return { arity: 1, constructs: true, apply: (text) => parse(expectString(text)) }
}

const ip = (value: Value) => {
  if (value instanceof IpAddress) return value
  throw typeFailure('ipaddr', value)
}
const decimal = (value: Value) => {
  if (value instanceof Decimal) return value.units
  throw typeFailure('decimal', value)
}
const datetime = (value: Value) => {
  if (value instanceof Datetime) return value
  throw typeFailure('datetime', value)
}
const duration = (value: Value) => {
  if (value instanceof Duration) return value
  throw typeFailure('duration', value)
}

const unary = (apply: (receiver: Value) => Value): ExtensionFunction => ({
  arity: 1,
  constructs: false,
  apply,
})
const binary = (apply: (receiver: Value, argument: Value) => Value): ExtensionFunction => ({
  arity: 2,
  constructs: false,
  apply,
})

export const extensionFunctions: ReadonlyMap<string, ExtensionFunction> = new Map([
  ['ip', parser(parseIp)],
  ['decimal', parser(parseDecimal)],
  ['datetime', parser(parseDatetime)],
  ['duration', parser(parseDuration)],

  ['isIpv4', unary((a) => ip(a).bits === 32)],
  ['isIpv6', unary((a) => ip(a).bits === 128)],
  ['isLoopback', unary((a) => ip(a).isLoopback())],
  ['isMulticast', unary((a) => ip(a).isMulticast())],
  ['isInRange', binary((a, b) => ip(a).isInRange(ip(b)))],

  ['lessThan', binary((a, b) => decimal(a) < decimal(b))],
  ['lessThanOrEqual', binary((a, b) => decimal(a) <= decimal(b))],
  ['greaterThan', binary((a, b) => decimal(a) > decimal(b))],
  ['greaterThanOrEqual', binary((a, b) => decimal(a) >= decimal(b))],

  ['offset', binary((a, b) => datetime(a).offset(duration(b)))],
  ['durationSince', binary((a, b) => datetime(a).durationSince(datetime(b)))],
  ['toDate', unary((a) => datetime(a).toDate())],
  ['toTime', unary((a) => datetime(a).toTime())],

  ['toMilliseconds', unary((a) => duration(a).in('milliseconds'))],
  ['toSeconds', unary((a) => duration(a).in('seconds'))],
  ['toMinutes', unary((a) => duration(a).in('minutes'))],
  ['toHours', unary((a) => duration(a).in('hours'))],
  ['toDays', unary((a) => duration(a).in('days'))],
])

/** @throws {EvaluationFailure} unknown function, wrong number or type of arguments, or the function's own failure */
export function callExtension(name: string, args: readonly Value[]): Value {
  const fn = extensionFunctions.get(name)
  if (fn === undefined) throw new EvaluationFailure(`unknown extension function \`${name}\``)
  const [receiver, argument] = args
  if (receiver === undefined || args.length !== fn.arity) {
    throw new EvaluationFailure(
      `wrong number of arguments to \`${name}\`: expected ${fn.arity}, got ${args.length}`,
    )
  }
  return fn.apply(receiver, argument ?? receiver)
}
