/**
 * The model read backwards: which relations may become true because another one is. Used to walk from a user to
 * objects.
 *
 * Of a gate one operand is enough, since all of them must hold: the first of an intersection, the base of an exclusion.
 * What is reached through a gate is only a candidate and must be checked: the rest of the gate where the way leads
 * through one gate and no other, the whole relation elsewhere.
 *
 * @module
 */
import type { BoundGate, BoundPlan, BoundRelation, BoundRelations } from './bind.ts'
import { plainTypeOf, relationKey, subjectClass } from './subject-class.ts'

/** `open`: no gate. A gate: its first operand holds, the others are to be asked. `checked`: ask the relation. */
export type Way = 'open' | BoundGate | 'checked'

export interface Dependent {
  readonly relation: BoundRelation
  readonly way: Way
}

export interface FromDependent extends Dependent {
  readonly tupleset: number
}

export interface Dependents {
  /** How tuples of a relation count for it; undefined when they do not. */
  readonly direct: (relation: BoundRelation) => Way | undefined
  readonly computed: (type: number, relation: number) => readonly Dependent[]
  readonly from: (type: number, relation: number) => readonly FromDependent[]
  /** Whether nothing in the model leads on from it: no relation is made of it, no tuple may name it as its subject. */
  readonly isLast: (relation: BoundRelation) => boolean
}

export function dependentsOf(relations: BoundRelations): Dependents {
  const direct = new Map<BoundRelation, Way>()
  const computed = new Map<number, Dependent[]>()
  const from = new Map<number, FromDependent[]>()
  for (const row of relations)
    for (const relation of row ?? []) {
      if (relation === undefined) continue
      const walk = (plan: BoundPlan, way: Way): void => {
        if (plan.direct >= 0) direct.set(relation, either(direct.get(relation), way))
        for (const inner of plan.computed)
          push(computed, relationKey(relation.type, inner), { relation, way })
        for (const one of plan.from)
          for (const type of typesOf(relations[relation.type]?.[one.tupleset]))
            push(from, relationKey(type, one.relation), { relation, way, tupleset: one.tupleset })
        for (const gate of plan.gates) {
          const operand = gate.operands[0]
          if (operand !== undefined)
            walk(operand, way === 'open' && !relation.unstratified ? gate : 'checked')
        }
      }
      walk(relation.plan, 'open')
    }
  const last = new Set<BoundRelation>()
  const named = new Set<number>()
  for (const relation of relations.flatMap((row) => row ?? []))
    for (const subject of relation?.allowed.keys() ?? []) named.add(subject)
  for (const relation of relations.flatMap((row) => row ?? [])) {
    if (relation === undefined) continue
    const key = relationKey(relation.type, relation.relation)
    const leads = computed.has(key) || from.has(key)
    if (!leads && !named.has(subjectClass(relation.type, 2 + relation.relation))) last.add(relation)
  }
  return {
    isLast: (relation) => last.has(relation),
    direct: (relation) => direct.get(relation),
    computed: (type, relation) => computed.get(relationKey(type, relation)) ?? NONE,
    from: (type, relation) => from.get(relationKey(type, relation)) ?? NONE,
  }
}

const NONE: readonly never[] = []

/** One way for the tuples of a relation that count in several places. */
function either(before: Way | undefined, way: Way): Way {
  if (before === undefined || before === way) return way
  return before === 'open' || way === 'open' ? 'open' : 'checked'
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
