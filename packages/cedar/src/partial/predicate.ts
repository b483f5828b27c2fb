/**
 * A condition as a JavaScript predicate.
 *
 * @module
 */

import { likeMatcher } from '../compile/like.ts'
import type { Entity, EntityView } from '../entities/entity.ts'
import { Datetime, Duration } from '../extensions/datetime.ts'
import { Decimal } from '../extensions/decimal.ts'
import type { Long } from '../long.ts'
import { CedarRecord, CedarSet, EntityUid, equal, type Value } from '../values.ts'
import type { Comparison, Condition, FieldPath } from './condition.ts'

/** Is the condition met by this entity? `view` knows its ancestors and those of the entities it names. */
export type ResourcePredicate = (resource: Entity, view: EntityView) => boolean

export function predicate(condition: Condition): ResourcePredicate {
  switch (condition.kind) {
    case 'always':
      return () => true
    case 'never':
      return () => false
    case 'all': {
      const parts = condition.of.map(predicate)
      return (resource, view) => parts.every((part) => part(resource, view))
    }
    case 'any': {
      const parts = condition.of.map(predicate)
      return (resource, view) => parts.some((part) => part(resource, view))
    }
    case 'not': {
      const part = predicate(condition.of)
      return (resource, view) => !part(resource, view)
    }
    case 'present':
      return onField(condition.field, () => true)
    case 'compare': {
      const { operator, value } = condition
      return onField(condition.field, (field) => compare(operator, field, value))
    }
    case 'compareFields': {
      const { operator, other } = condition
      return (resource) => {
        const left = fieldAt(resource, condition.field)
        const right = fieldAt(resource, other)
        return left !== undefined && right !== undefined && compare(operator, left, right)
      }
    }
    case 'oneOf': {
      const { values } = condition
      return onField(condition.field, (field) => values.some((value) => equal(field, value)))
    }
    case 'hasMember': {
      const { value } = condition
      return onField(condition.field, (field) => field instanceof CedarSet && field.has(value))
    }
    case 'like': {
      const matches = likeMatcher(condition.pattern)
      return onField(condition.field, (field) => typeof field === 'string' && matches(field))
    }
    case 'identity': {
      const keys = new Set(condition.uids.map((uid) => uid.key))
      return (resource) => keys.has(resource.uid.key)
    }
    case 'within': {
      const { field, uids } = condition
      return (resource, view) => {
        const uid = field === undefined ? resource.uid : fieldAt(resource, field)
        if (!(uid instanceof EntityUid)) return false
        const above = view.ancestors(uid.key)
        return uids.some(({ key }) => key === uid.key || above.has(key))
      }
    }
  }
}

function onField(path: FieldPath, test: (value: Value) => boolean): ResourcePredicate {
  return (resource) => {
    const value = fieldAt(resource, path)
    return value !== undefined && test(value)
  }
}

function fieldAt(resource: Entity, [first = '', ...rest]: FieldPath): Value | undefined {
  let value = resource.attributes.get(first)
  for (const name of rest) value = value instanceof CedarRecord ? value.fields.get(name) : undefined
  return value
}

function compare(operator: Comparison, a: Value, b: Value): boolean {
  if (operator === '==') return equal(a, b)
  if (operator === '!=') return !equal(a, b)
  const left = orderKey(a)
  const right = orderKey(b)
  if (left === undefined || right === undefined) return false
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  return operator === '>' ? left > right : left >= right
}

function orderKey(value: Value): Long | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  if (value instanceof Decimal) return value.units
  if (value instanceof Datetime) return value.epochMilliseconds
  return value instanceof Duration ? value.milliseconds : undefined
}
