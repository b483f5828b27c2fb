/**
 * What is left of a policy set when all but the resource is known: a condition on one resource.
 *
 * Two-valued on purpose. Cedar has a third outcome, the error, and an erring policy does not count; so every test
 * of a field here also says that the field is there, and `not` is plain negation.
 *
 * @module
 */

import type { PatternPart } from '../source/syntax.ts'
import type { EntityUid, Value } from '../values.ts'

/** Names from the resource inwards: `resource.address.city` is `['address', 'city']`. */
export type FieldPath = readonly string[]

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

export type Condition =
  | { readonly kind: 'always' | 'never' }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  /** The field is there. */
  | { readonly kind: 'present'; readonly field: FieldPath }
  /** The field is there and compares so with a constant that is no set and no record. */
  | {
      readonly kind: 'compare'
      readonly field: FieldPath
      readonly operator: Comparison
      readonly value: Value
    }
  /** Both fields are there and compare so. */
  | {
      readonly kind: 'compareFields'
      readonly field: FieldPath
      readonly operator: Comparison
      readonly other: FieldPath
    }
  /** The field is there and is one of these. */
  | { readonly kind: 'oneOf'; readonly field: FieldPath; readonly values: readonly Value[] }
  /** The field is there, is a set and has this member. */
  | { readonly kind: 'hasMember'; readonly field: FieldPath; readonly value: Value }
  /** The field is there and matches. */
  | { readonly kind: 'like'; readonly field: FieldPath; readonly pattern: readonly PatternPart[] }
  /** The resource is one of these. */
  | { readonly kind: 'identity'; readonly uids: readonly EntityUid[] }
  /** The resource, or the entity in the field, is one of these or below one of them. */
  | { readonly kind: 'within'; readonly field: FieldPath | undefined; readonly uids: readonly EntityUid[] }

export const always: Condition = { kind: 'always' }
export const never: Condition = { kind: 'never' }

export function every(...conditions: readonly Condition[]): Condition {
  return joined('all', conditions, always, never)
}

export function some(...conditions: readonly Condition[]): Condition {
  return joined('any', conditions, never, always)
}

export function not(condition: Condition): Condition {
  if (condition.kind === 'always') return never
  if (condition.kind === 'never') return always
  return condition.kind === 'not' ? condition.of : { kind: 'not', of: condition }
}

/** `neutral` parts vanish, one `absorbing` part is the whole. */
function joined(
  kind: 'all' | 'any',
  conditions: readonly Condition[],
  neutral: Condition,
  absorbing: Condition,
): Condition {
  const parts = conditions
    .flatMap((each) => (each.kind === kind ? each.of : [each]))
    .filter((each) => each.kind !== neutral.kind)
  if (parts.some((each) => each.kind === absorbing.kind)) return absorbing
  const [only] = parts
  if (only === undefined) return neutral
  return parts.length === 1 ? only : { kind, of: parts }
}

/** What is left to ask of `condition` where `facts` hold: fields known to be there need no second look. */
export function given(facts: Condition, condition: Condition): Condition {
  const known = new Set(conjuncts(facts).map(presenceKey))
  return every(
    ...conjuncts(condition).filter((part) => part.kind !== 'present' || !known.has(presenceKey(part))),
  )
}

function conjuncts(condition: Condition): readonly Condition[] {
  return condition.kind === 'all' ? condition.of : [condition]
}

function presenceKey(condition: Condition): string | undefined {
  return condition.kind === 'present' ? JSON.stringify(condition.field) : undefined
}

/** Number of nodes, counted no further than `limit`; a part that occurs twice counts twice. */
export function sizeOf(condition: Condition, limit: number): number {
  let size = 0
  const waiting = [condition]
  for (let next = waiting.pop(); next !== undefined && size <= limit; next = waiting.pop()) {
    size++
    if (next.kind === 'not') waiting.push(next.of)
    else if (next.kind === 'all' || next.kind === 'any') waiting.push(...next.of)
  }
  return size
}
