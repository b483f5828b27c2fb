/**
 * The entities that a decision can read: cedar-wasm has no resident entities, so they travel with each call.
 *
 * @module
 */

import type { CompiledPolicy } from '../compile/policy.ts'
import type { Entity, EntityView } from '../entities/entity.ts'
import type { Request } from '../schema/request.ts'
import type { Expression, Target } from '../source/syntax.ts'
import { CedarRecord, CedarSet, EntityUid, type Value } from '../values.ts'

/** Everything reached from the request and the literals over attributes, tags and parents. */
export function reachableEntities(
  request: Request,
  literals: readonly EntityUid[],
  find: EntityView['find'],
): Entity[] {
  const uids = new Map<string, EntityUid>()
  const see = (uid: EntityUid) => uids.set(uid.key, uid)
  for (const uid of [request.principal, request.action, request.resource, ...literals]) see(uid)
  visitValue(request.context, see)
  const found: Entity[] = []
  // A map visits what is added while it is walked.
  for (const key of uids.keys()) {
    const entity = find(key)
    if (entity === undefined) continue
    found.push(entity)
    for (const parent of entity.parents) see(parent)
    for (const value of entity.attributes.values()) visitValue(value, see)
    for (const value of entity.tags.values()) visitValue(value, see)
  }
  return found
}

function visitValue(value: Value, see: (uid: EntityUid) => void): void {
  if (value instanceof EntityUid) see(value)
  else if (value instanceof CedarSet) for (const member of value) visitValue(member, see)
  else if (value instanceof CedarRecord) for (const member of value.fields.values()) visitValue(member, see)
}

/** Entities that the policies name. */
export function literalsOf(policies: readonly CompiledPolicy[]): EntityUid[] {
  const uids: EntityUid[] = []
  const see = (uid: EntityUid) => uids.push(uid)
  const target = (found: Target | undefined) => {
    if (found instanceof EntityUid) see(found)
  }
  for (const { tree } of policies) {
    for (const scope of [tree.principal, tree.resource]) {
      if (scope.kind === 'is') target(scope.within)
      else if (scope.kind !== 'any') target(scope.target)
    }
    for (const condition of tree.conditions) visitLiterals(condition, (value) => visitValue(value, see))
  }
  return uids
}

function visitLiterals(expression: Expression, see: (value: Value) => void): void {
  if (expression.kind === 'value') see(expression.value)
  for (const child of childrenOf(expression)) visitLiterals(child, see)
}

export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'value':
    case 'variable':
      return []
    case 'and':
    case 'or':
    case 'call':
      return expression.operands
    case 'not':
    case 'negate':
    case 'isEmpty':
      return [expression.operand]
    case 'binary':
      return [expression.left, expression.right]
    case 'attribute':
    case 'has':
    case 'like':
      return [expression.of]
    case 'is':
      return expression.within === undefined ? [expression.of] : [expression.of, expression.within]
    case 'if':
      return [expression.condition, expression.consequent, expression.alternative]
    case 'set':
      return expression.items
    case 'record':
      return expression.fields.map(([, node]) => node)
  }
}
