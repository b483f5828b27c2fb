/**
 * The JSON form of a relation's rewrite rule and of type restrictions, parsed.
 *
 * @module
 */
import { modelError } from '../errors.ts'
import type { Restriction, Rewrite } from './definition.ts'

export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

export function parseRewrite(value: unknown): Rewrite {
  const rule = record(value)
  if (rule.this !== undefined) return { kind: 'this' }
  if (rule.computedUserset !== undefined)
    return { kind: 'computed', relation: String(record(rule.computedUserset).relation) }
  if (rule.tupleToUserset !== undefined) {
    const { tupleset, computedUserset } = record(rule.tupleToUserset)
    return {
      kind: 'from',
      tupleset: String(record(tupleset).relation),
      relation: String(record(computedUserset).relation),
    }
  }
  if (rule.union !== undefined) return { kind: 'union', children: children(rule.union) }
  if (rule.intersection !== undefined) return { kind: 'intersection', children: children(rule.intersection) }
  if (rule.difference !== undefined) {
    const { base, subtract } = record(rule.difference)
    return { kind: 'difference', base: parseRewrite(base), subtract: parseRewrite(subtract) }
  }
  throw modelError('model_invalid', [{ message: 'a relation has a rule of an unknown kind' }])
}

function children(value: unknown): Rewrite[] {
  const { child } = record(value)
  return Array.isArray(child) ? child.map(parseRewrite) : []
}

export function parseRestriction(value: unknown): Restriction {
  const { type, relation, wildcard, condition } = record(value)
  return {
    type: String(type),
    wildcard: wildcard !== undefined && wildcard !== null,
    ...(typeof relation === 'string' && relation !== '' ? { relation } : {}),
    ...(typeof condition === 'string' && condition !== '' ? { condition } : {}),
  }
}
