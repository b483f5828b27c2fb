/**
 * The model read backwards: which relations may become true because another one is. Used to walk from a user to
 * objects.
 *
 * Of a gate one operand is enough, since all of them must hold: the first of an intersection, the base of an exclusion.
 * What is reached through a gate is only a candidate and must be checked.
 *
 * @module
 */
import type { BoundPlan, BoundRelation, BoundRelations } from './bind.ts'
import { plainTypeOf, relationKey } from './subject-class.ts'

export interface Dependent {
  readonly relation: BoundRelation
  readonly gated: boolean
}

export interface FromDependent extends Dependent {
  readonly tupleset: number
}

export interface Dependents {
  /** Whether tuples of a relation count for it openly, only within a gate, or not at all. */
  readonly direct: (relation: BoundRelation) => 'open' | 'gated' | 'none'
  readonly computed: (type: number, relation: number) => readonly Dependent[]
  readonly from: (type: number, relation: number) => readonly FromDependent[]
}

export function dependentsOf(relations: BoundRelations): Dependents {
  const direct = new Map<BoundRelation, 'open' | 'gated'>()
  const computed = new Map<number, Dependent[]>()
  const from = new Map<number, FromDependent[]>()
  for (const row of relations)
    for (const relation of row ?? []) {
      if (relation === undefined) continue
      const walk = (plan: BoundPlan, gated: boolean): void => {
        if (plan.direct >= 0 && direct.get(relation) !== 'open')
          direct.set(relation, gated ? 'gated' : 'open')
        for (const inner of plan.computed)
          push(computed, relationKey(relation.type, inner), { relation, gated })
        for (const one of plan.from)
          for (const type of typesOf(relations[relation.type]?.[one.tupleset]))
            push(from, relationKey(type, one.relation), { relation, gated, tupleset: one.tupleset })
        for (const gate of plan.gates) {
          const operand = gate.operands[0]
          if (operand !== undefined) walk(operand, true)
        }
      }
      walk(relation.plan, false)
    }
  return {
    direct: (relation) => direct.get(relation) ?? 'none',
    computed: (type, relation) => computed.get(relationKey(type, relation)) ?? [],
    from: (type, relation) => from.get(relationKey(type, relation)) ?? [],
  }
}

/** Types whose objects a relation may point to. */
function typesOf(relation: BoundRelation | undefined): number[] {
  const types: number[] = []
  for (const key of relation?.allowed.keys() ?? []) {
    const type = plainTypeOf(key)
    if (type !== undefined) types.push(type)
  }
  return types
}

function push<T>(map: Map<number, T[]>, key: number, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
