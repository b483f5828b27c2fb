/**
 * A model compiled to plans: what to look at to decide one relation of one object.
 *
 * A plan is a union: the relation's own tuples, other relations of the same object, relations of objects it points to,
 * and gates. A gate is an intersection or an exclusion, whose operands are plans again. So everything outside gates is
 * plain reachability, which needs neither recursion nor guesses about cycles.
 *
 * @module
 */
import type { ModelDefinition, RelationDefinition, Rewrite } from './definition.ts'

export interface Plan {
  /** The relation whose tuples are direct ones of this plan; null when it takes none. */
  readonly direct: string | null
  readonly computed: readonly string[]
  readonly from: readonly { readonly tupleset: string; readonly relation: string }[]
  readonly gates: readonly Gate[]
}

export interface Gate {
  /** Unique in the model. */
  readonly id: number
  readonly kind: 'and' | 'but_not'
  /** For `but_not`: base, then what is taken away. */
  readonly operands: readonly Plan[]
}

export interface CompiledRelation {
  readonly definition: RelationDefinition
  readonly plan: Plan
  /** True when the relation can depend on its own absence: a cycle that passes through the right side of `but not`. */
  readonly unstratified: boolean
}

export interface CompiledModel {
  readonly types: ReadonlyMap<string, ReadonlyMap<string, CompiledRelation>>
  readonly gates: number
}

export function compileModel(definition: ModelDefinition): CompiledModel {
  let gates = 0
  const planOf = (rewrite: Rewrite, relation: string): Plan => {
    const direct: string[] = []
    const computed: string[] = []
    const from: { tupleset: string; relation: string }[] = []
    const inner: Gate[] = []
    const add = (one: Rewrite): void => {
      if (one.kind === 'this') direct.push(relation)
      else if (one.kind === 'computed') computed.push(one.relation)
      else if (one.kind === 'from') from.push({ tupleset: one.tupleset, relation: one.relation })
      else if (one.kind === 'union') one.children.forEach(add)
      else inner.push(gateOf(one, relation))
    }
    add(rewrite)
    return { direct: direct[0] ?? null, computed, from, gates: inner }
  }
  const gateOf = (one: Rewrite & { kind: 'intersection' | 'difference' }, relation: string): Gate => {
    const id = gates++
    return one.kind === 'intersection'
      ? { id, kind: 'and', operands: one.children.map((child) => planOf(child, relation)) }
      : { id, kind: 'but_not', operands: [planOf(one.base, relation), planOf(one.subtract, relation)] }
  }
  const plans = new Map<string, Map<string, Plan>>()
  for (const [type, relations] of definition.types) {
    const own = new Map<string, Plan>()
    for (const relation of relations.values()) own.set(relation.name, planOf(relation.rewrite, relation.name))
    plans.set(type, own)
  }
  const unstratified = negativeCycles(definition, plans)
  const types = new Map<string, Map<string, CompiledRelation>>()
  for (const [type, relations] of definition.types) {
    const own = new Map<string, CompiledRelation>()
    for (const relation of relations.values()) {
      const plan = plans.get(type)?.get(relation.name)
      if (plan !== undefined)
        own.set(relation.name, {
          definition: relation,
          plan,
          unstratified: unstratified.has(`${type}#${relation.name}`),
        })
    }
    types.set(type, own)
  }
  return { types, gates }
}

interface Edge {
  readonly to: string
  readonly negative: boolean
}

/** Relations (`type#relation`) from which a cycle with a negative edge can be reached. */
function negativeCycles(definition: ModelDefinition, plans: ReadonlyMap<string, ReadonlyMap<string, Plan>>) {
  const edges = new Map<string, Edge[]>()
  for (const [type, relations] of definition.types) {
    for (const relation of relations.values()) {
      const list: Edge[] = []
      const walk = (plan: Plan, negative: boolean): void => {
        if (plan.direct !== null)
          for (const one of relation.restrictions)
            if (one.relation !== undefined) list.push({ to: `${one.type}#${one.relation}`, negative })
        for (const name of plan.computed) list.push({ to: `${type}#${name}`, negative })
        for (const { tupleset, relation: name } of plan.from)
          for (const one of relations.get(tupleset)?.restrictions ?? [])
            list.push({ to: `${one.type}#${name}`, negative })
        for (const gate of plan.gates)
          gate.operands.forEach((operand, i) => {
            walk(operand, negative || (gate.kind === 'but_not' && i === 1))
          })
      }
      const plan = plans.get(type)?.get(relation.name)
      if (plan !== undefined) walk(plan, false)
      edges.set(`${type}#${relation.name}`, list)
    }
  }
  const reach = new Map([...edges.keys()].map((key) => [key, reachable(edges, key)]))
  const cyclic = [...edges].filter(([key, list]) =>
    list.some((edge) => edge.negative && reach.get(edge.to)?.has(key)),
  )
  const bad = new Set(cyclic.map(([key]) => key))
  return new Set([...reach].filter(([, seen]) => [...bad].some((one) => seen.has(one))).map(([key]) => key))
}

function reachable(edges: ReadonlyMap<string, readonly Edge[]>, start: string): ReadonlySet<string> {
  const seen = new Set([start])
  const todo = [start]
  for (let key = todo.pop(); key !== undefined; key = todo.pop())
    for (const { to } of edges.get(key) ?? [])
      if (!seen.has(to)) {
        seen.add(to)
        todo.push(to)
      }
  return seen
}
