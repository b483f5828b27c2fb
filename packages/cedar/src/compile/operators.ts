/**
 * Binary operators on values.
 *
 * @module
 */

import { Datetime, Duration } from '../extensions/datetime.ts'
import { EvaluationFailure } from '../extensions/failure.ts'
import { expectString, typeFailure } from '../extensions/functions.ts'
import { addLong, type Long, multiplyLong, subtractLong } from '../long.ts'
import type { BinaryOperator } from '../source/syntax.ts'
import { CedarSet, EntityUid, equal, typeName, type Value } from '../values.ts'
import { type Environment, findEntity, isWithin } from './environment.ts'

export function expectBool(value: Value): boolean {
  if (typeof value !== 'boolean') throw typeFailure('bool', value)
  return value
}

export function expectLong(value: Value): Long {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw typeFailure('long', value)
  return value
}

export function expectSet(value: Value): CedarSet {
  if (!(value instanceof CedarSet)) throw typeFailure('set', value)
  return value
}

export function expectEntity(value: Value): EntityUid {
  if (!(value instanceof EntityUid)) throw typeFailure('entity', value)
  return value
}

export function inI64(value: Long | undefined): Long {
  if (value === undefined) throw new EvaluationFailure('integer overflow')
  return value
}

type Operator = (left: Value, right: Value, environment: Environment) => Value

export const operators: { readonly [name in BinaryOperator]: Operator } = {
  '==': equal,
  '!=': (left, right) => !equal(left, right),
  '<': (left, right) => ordered(left, right) < 0,
  '<=': (left, right) => ordered(left, right) <= 0,
  '>': (left, right) => ordered(left, right) > 0,
  '>=': (left, right) => ordered(left, right) >= 0,
  '+': (left, right) => inI64(addLong(expectLong(left), expectLong(right))),
  '-': (left, right) => inI64(subtractLong(expectLong(left), expectLong(right))),
  '*': (left, right) => inI64(multiplyLong(expectLong(left), expectLong(right))),
  in: within,
  contains: (left, right) => expectSet(left).has(right),
  containsAll: (left, right) => expectSet(left).hasAll(expectSet(right)),
  containsAny: (left, right) => expectSet(left).hasAny(expectSet(right)),
  getTag: (left, right, environment) => {
    const uid = expectEntity(left)
    const name = expectString(right)
    const entity = findEntity(environment, uid)
    if (entity === undefined) throw new EvaluationFailure(`entity \`${uid}\` does not exist`)
    const value = entity.tags.get(name)
    if (value === undefined) throw new EvaluationFailure(`\`${uid}\` does not have that tag`)
    return value
  },
  hasTag: (left, right, environment) => {
    const uid = expectEntity(left)
    const name = expectString(right)
    return findEntity(environment, uid)?.tags.has(name) ?? false
  },
}

/** Every member of the set must be an entity, also behind one that matches. */
function within(left: Value, right: Value, environment: Environment): boolean {
  const uid = expectEntity(left)
  if (right instanceof EntityUid) return isWithin(environment, uid, right.key)
  if (!(right instanceof CedarSet)) throw typeFailure('entity or set of entities', right)
  let found = false
  for (const member of right) if (isWithin(environment, uid, expectEntity(member).key)) found = true
  return found
}

/** Sign of the comparison of two Longs, two datetimes or two durations. */
function ordered(left: Value, right: Value): number {
  const a = orderKey(left)
  const b = orderKey(right)
  const sameKind =
    typeof left === 'object' && typeof right === 'object' ? left.constructor === right.constructor : true
  if (
    a === undefined ||
    (typeof left === 'object') !== (typeof right === 'object') ||
    b === undefined ||
    !sameKind
  ) {
    throw new EvaluationFailure(`type error: cannot order ${typeName(left)} and ${typeName(right)}`)
  }
  return a < b ? -1 : a > b ? 1 : 0
}

function orderKey(value: Value): Long | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  if (value instanceof Datetime) return value.epochMilliseconds
  if (value instanceof Duration) return value.milliseconds
  return undefined
}
