/**
 * A compiled model with names replaced by the numbers of one graph.
 *
 * @module
 */
import { type Graph, targetBit } from '../graph/graph.ts'
import type { CompiledModel, Gate, Plan } from './compile.ts'
import { type Condition, compileCondition } from './condition.ts'
import type { ModelDefinition, Restriction } from './definition.ts'
import { type Dependents, dependentsOf } from './dependents.ts'
import { subjectClass } from './subject-class.ts'
import { Verdicts } from './verdicts.ts'

export interface BoundPlan {
  /** -1 when the plan takes no tuples of its own. */
  readonly direct: number
  /** `targetBit` of the tuples of its own. */
  readonly directBit: number
  readonly computed: readonly number[]
  readonly from: readonly { readonly tupleset: number; readonly relation: number }[]
  readonly gates: readonly BoundGate[]
}

export interface BoundGate {
  readonly id: number
  readonly kind: Gate['kind']
  readonly operands: readonly BoundPlan[]
}

export interface BoundRelation {
  readonly name: string
  readonly type: number
  readonly relation: number
  readonly plan: BoundPlan
  readonly unstratified: boolean
  /** Which subjects may be written and count, `subjectClass` → the conditions that go with it ('' is none). */
  readonly allowed: ReadonlyMap<number, ReadonlySet<string>>
}

export interface BoundModel {
  readonly id: string
  readonly dsl: string
  readonly definition: ModelDefinition
  readonly conditions: ReadonlyMap<string, Condition>
  readonly gates: number
  /** By type id, then relation id. Holes where the model has nothing. */
  readonly relations: BoundRelations
  readonly dependents: Dependents
  readonly verdicts: Verdicts
}

export type BoundRelations = readonly (readonly (BoundRelation | undefined)[] | undefined)[]

export function bindModel(
  id: string,
  dsl: string,
  definition: ModelDefinition,
  compiled: CompiledModel,
  graph: Graph,
): BoundModel {
  const conditions = new Map(
    [...definition.conditions.values()].map((one) => [one.name, compileCondition(one)]),
  )
  const relations: (BoundRelation | undefined)[][] = []
  for (const [typeName, own] of compiled.types) {
    const type = graph.types.intern(typeName)
    const row: (BoundRelation | undefined)[] = []
    for (const [name, one] of own) {
      const relation = graph.relations.intern(name)
      row[relation] = {
        name,
        type,
        relation,
        plan: bindPlan(one.plan, type, graph),
        unstratified: one.unstratified,
        allowed: allowedOf(one.definition.restrictions, graph),
      }
    }
    relations[type] = row
  }
  return {
    id,
    dsl,
    definition,
    conditions,
    gates: compiled.gates,
    relations,
    dependents: dependentsOf(relations),
    verdicts: new Verdicts(relations),
  }
}

function bindPlan(plan: Plan, type: number, graph: Graph): BoundPlan {
  const relation = (name: string) => graph.relations.intern(name)
  const direct = plan.direct === null ? -1 : relation(plan.direct)
  return {
    direct,
    directBit: targetBit(type, direct),
    computed: plan.computed.map(relation),
    from: plan.from.map((one) => ({ tupleset: relation(one.tupleset), relation: relation(one.relation) })),
    gates: plan.gates.map((gate) => ({
      id: gate.id,
      kind: gate.kind,
      operands: gate.operands.map((operand) => bindPlan(operand, type, graph)),
    })),
  }
}

function allowedOf(restrictions: readonly Restriction[], graph: Graph): Map<number, Set<string>> {
  const allowed = new Map<number, Set<string>>()
  for (const one of restrictions) {
    const kind = one.wildcard ? 1 : one.relation === undefined ? 0 : 2 + graph.relations.intern(one.relation)
    const key = subjectClass(graph.types.intern(one.type), kind)
    const conditions = allowed.get(key) ?? new Set<string>()
    conditions.add(one.condition ?? '')
    allowed.set(key, conditions)
  }
  return allowed
}
