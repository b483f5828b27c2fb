/**
 * JSON without loss, and Cedar's JSON form of values.
 *
 * @module
 */

import { CedarError } from './errors.ts'
import { Datetime, Duration } from './extensions/datetime.ts'
import { Decimal } from './extensions/decimal.ts'
import { EvaluationFailure } from './extensions/failure.ts'
import { callExtension, extensionFunctions } from './extensions/functions.ts'
import { IpAddress } from './extensions/ip.ts'
import { MAX_VALUE_DEPTH } from './limits.ts'
import { longFrom } from './long.ts'
import { entityUid } from './names.ts'
import { CedarRecord, CedarSet, EntityUid, type Primitive, type Value } from './values.ts'

/** A value as JSON has it, with `bigint` for integers that a `number` cannot hold. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** Digits that may not survive `JSON.parse`, or a fraction or exponent that it would hide (`1.0`, `1e3`). */
const suspicious = /[0-9]{16}|[0-9][.eE]/

/**
 * `JSON.parse` that keeps every integer: beyond 2^53-1 it becomes a `bigint`.
 *
 * @throws {CedarError} `json_invalid` for malformed text and for a number that is not an integer
 */
export function parseJson(text: string): Json {
  try {
    return suspicious.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text)
  } catch (cause) {
    if (cause instanceof CedarError) throw cause
    if (cause instanceof RangeError)
      throw new CedarError('limit_exceeded', 'JSON is nested too deeply', [], cause)
    throw new CedarError('json_invalid', 'malformed JSON', [], cause)
  }
}

function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number') return value
  const source = context?.source ?? ''
  if (!/^-?[0-9]+$/.test(source)) throw new CedarError('json_invalid', 'a number in JSON is not an integer')
  return Number.isSafeInteger(value) ? value : BigInt(source)
}

/**
 * A Cedar value from JSON or plain JavaScript without a schema: `{__entity: {type, id}}` and
 * `{__extn: {fn, arg}}` are escapes, arrays are sets, other objects are records.
 *
 * @throws {CedarError} `value_invalid` (null, fractions, malformed escapes), `limit_exceeded`
 */
export function valueFrom(json: unknown, depth = 0): Value {
  switch (typeof json) {
    case 'string':
    case 'boolean':
      return json
    case 'number':
    case 'bigint':
      return longFrom(json)
    case 'object':
      break
    default:
      throw new CedarError('value_invalid', `a Cedar value cannot be ${typeof json}`)
  }
  if (depth > MAX_VALUE_DEPTH) throw new CedarError('limit_exceeded', 'a value is nested too deeply')
  if (json === null) throw new CedarError('value_invalid', 'null is not a Cedar value')
  if (Array.isArray(json)) return new CedarSet(json.map((item) => valueFrom(item, depth + 1)))
  if (isValueObject(json)) return json
  if (Object.hasOwn(json, '__entity')) return entityUid((json as { __entity: unknown }).__entity)
  if (Object.hasOwn(json, '__extn')) return extensionFrom((json as { __extn: unknown }).__extn, depth + 1)
  return recordFrom(json, depth)
}

export function recordFrom(json: object, depth = 0): CedarRecord {
  return new CedarRecord(fieldsFromObject(json, depth))
}

export function fieldsFromObject(json: object, depth: number): Map<string, Value> {
  const fields = new Map<string, Value>()
  for (const name of Object.keys(json)) {
    fields.set(name, valueFrom((json as Record<string, unknown>)[name], depth + 1))
  }
  return fields
}

/** Values of this package pass unchanged, so callers may mix them with JSON. */
function isValueObject(value: object): value is Exclude<Value, Primitive> {
  return (
    value instanceof CedarRecord ||
    value instanceof CedarSet ||
    value instanceof EntityUid ||
    value instanceof Decimal ||
    value instanceof IpAddress ||
    value instanceof Datetime ||
    value instanceof Duration
  )
}

/** `{fn, arg}` or `{fn, args}`: a constructor, or a function such as `offset` whose arguments are extension values. */
export function extensionFrom(call: unknown, depth = 0): Value {
  if (typeof call === 'object' && call !== null && 'fn' in call && typeof call.fn === 'string') {
    const args = 'arg' in call ? [call.arg] : 'args' in call && Array.isArray(call.args) ? call.args : []
    return construct(
      call.fn,
      args.map((arg) => valueFrom(arg, depth + 1)),
    )
  }
  throw new CedarError('value_invalid', 'an extension value needs a function name and its arguments')
}

/** @throws {CedarError} `value_invalid` where evaluation would fail */
export function construct(fn: string, args: readonly Value[]): Value {
  if (!extensionFunctions.has(fn)) throw new CedarError('value_invalid', 'unknown extension function')
  try {
    return callExtension(fn, args)
  } catch (failure) {
    if (failure instanceof EvaluationFailure) throw new CedarError('value_invalid', failure.message)
    throw failure
  }
}
