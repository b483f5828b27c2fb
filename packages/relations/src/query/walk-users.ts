/**
 * From an object to the subjects that have a relation to it: the graph walked forwards, breadth first.
 *
 * Subjects met without a gate are proven, those met inside one are checked. A subject counts when some tuple (or the
 * walk itself, for usersets) names it; who is covered only by `type:*` is not named, `type:*` is.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { BoundPlan, BoundRelation } from '../model/bind.ts'
import { type Edges, FAILED, TRUE } from './edges.ts'
import type { Pace } from './pace.ts'
import { type Bounds, Resolver, tooComplex } from './resolver.ts'
import type { Scratch } from './scratch.ts'

export interface UserFilter {
  readonly type: string
  readonly relation?: string
}

interface Visit {
  readonly object: number
  readonly plan: BoundPlan
  readonly gated: boolean
}

/**
 * Objects by number, in no order; with a filter that has a relation they stand for `object#relation`.
 * @throws RelationsError `validation` when any condition on the way fails, `resolution_too_complex` at the depth limit.
 */
export async function walkUsers(
  edges: Edges,
  object: number,
  wanted: BoundRelation,
  filter: UserFilter,
  bounds: Bounds,
  scratch: Scratch,
  pace: Pace,
): Promise<number[]> {
  const { view } = edges
  const width = view.graph.relations.size
  const type = view.graph.types.find(filter.type)
  const relation = filter.relation === undefined ? -1 : view.graph.relations.find(filter.relation)
  const proven = new Set<number>()
  const suspects = new Set<number>()
  const seen = new Map<number, boolean>()
  let next: Visit[] = []

  const meet = (subject: number, slot: number, gated: boolean): void => {
    if (slot !== relation + 1 || view.typeOf(subject) !== type) return
    if (gated) suspects.add(subject)
    else proven.add(subject)
  }
  const visit = (inner: number, to: number, gated: boolean): void => {
    const found = edges.relation(inner, to)
    if (found === undefined) return
    const key = inner * width + to
    const before = seen.get(key)
    if (before === false || before === gated) return
    seen.set(key, gated)
    meet(inner, to + 1, gated)
    next.push({ object: inner, plan: found.plan, gated })
  }
  const alive = (tuple: number): boolean => {
    const value = edges.value(tuple)
    if (value === FAILED) throw edges.failure ?? new RelationsError('validation', 'a condition failed')
    return value === TRUE
  }
  const through = (tuple: number, to: number, gated: boolean): void => {
    const parent = view.objectOf(view.subjectOf(tuple))
    if (edges.relation(parent, to) !== undefined && alive(tuple)) visit(parent, to, gated)
  }
  const direct = (tuple: number, gated: boolean): void => {
    if (!alive(tuple)) return
    const subject = view.subjectOf(tuple)
    const slot = view.slotOf(subject)
    meet(view.objectOf(subject), slot, gated)
    if (slot > 0) visit(view.objectOf(subject), slot - 1, gated)
  }
  const step = async ({ object: inner, plan, gated }: Visit): Promise<void> => {
    if (plan.direct >= 0)
      for (const tuple of tuplesOf(edges, inner, plan.direct, 'all')) {
        const wait = pace()
        if (wait !== undefined) await wait
        direct(tuple, gated)
      }
    for (const to of plan.computed) visit(inner, to, gated)
    for (const { tupleset, relation: to } of plan.from)
      for (const tuple of tuplesOf(edges, inner, tupleset, 'plain')) {
        const wait = pace()
        if (wait !== undefined) await wait
        through(tuple, to, gated)
      }
    for (const gate of plan.gates)
      for (const operand of gate.kind === 'and' ? gate.operands : gate.operands.slice(0, 1))
        await step({ object: inner, plan: operand, gated: true })
  }

  visit(object, wanted.relation, false)
  for (let depth = 0; next.length > 0; depth++) {
    if (depth >= bounds.maxDepth) throw tooComplex()
    const level = next
    next = []
    for (const one of level) await step(one)
  }
  for (const subject of suspects) {
    if (proven.has(subject)) continue
    const wait = pace()
    if (wait !== undefined) await wait
    if (new Resolver(edges, { object: subject, relation }, bounds, scratch).check(object, wanted.relation))
      proven.add(subject)
  }
  return [...proven]
}

/** Tuples of `object#relation`, stored and contextual. */
function* tuplesOf(
  { view }: Edges,
  object: number,
  relation: number,
  kind: 'all' | 'plain',
): Generator<number> {
  const target = view.node(object, relation + 1)
  if (target < 0) return
  for (let tuple = view.firstPlain(target); tuple >= 0; tuple = view.graph.next(tuple)) yield tuple
  if (kind === 'all')
    for (let tuple = view.firstUserset(target); tuple >= 0; tuple = view.graph.next(tuple)) yield tuple
  for (const tuple of view.localOf(target))
    if (kind === 'all' || view.slotOf(view.subjectOf(tuple)) === 0) yield tuple
}
