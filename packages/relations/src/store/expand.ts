/**
 * Expand: one relation of one object as a tree of its rule, one level deep. Leaves name users, or relations to expand
 * next. Conditions are named, not evaluated.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { BoundModel, BoundRelation } from '../model/bind.ts'
import type { Rewrite } from '../model/definition.ts'
import type { Edges } from '../query/edges.ts'

export type ExpandNode =
  | {
      readonly kind: 'users'
      readonly users: readonly { readonly user: string; readonly condition?: string }[]
    }
  | { readonly kind: 'computed'; readonly userset: string }
  | { readonly kind: 'from'; readonly tupleset: string; readonly usersets: readonly string[] }
  | { readonly kind: 'union' | 'intersection'; readonly nodes: readonly ExpandNode[] }
  | { readonly kind: 'difference'; readonly base: ExpandNode; readonly subtract: ExpandNode }

export function expandRelation(
  edges: Edges,
  object: number,
  bound: BoundRelation,
  now: number,
  maxUsers: number,
): ExpandNode {
  const { view, model } = edges
  const { graph } = view
  const name = view.nameOf(object)
  const users = (relation: BoundRelation) => {
    const found: { user: string; condition?: string }[] = []
    for (const tuple of tuples(edges, object, relation)) {
      const extra = view.extraOf(tuple)
      if (!edges.allows(tuple) || (extra?.expiresAt ?? Number.POSITIVE_INFINITY) <= now) continue
      if (found.length >= maxUsers)
        throw new RelationsError(
          'limit_exceeded',
          `more than ${maxUsers} users in one leaf; list them instead`,
        )
      const subject = view.subjectOf(tuple)
      const slot = view.slotOf(subject)
      const user = view.nameOf(view.objectOf(subject))
      found.push({
        user: slot === 0 ? user : `${user}#${graph.relations.name(slot - 1)}`,
        ...(extra?.condition === undefined ? {} : { condition: extra.condition.name }),
      })
    }
    return found
  }
  const nodeOf = (rewrite: Rewrite): ExpandNode => {
    if (rewrite.kind === 'this') return { kind: 'users', users: users(bound) }
    if (rewrite.kind === 'computed') return { kind: 'computed', userset: `${name}#${rewrite.relation}` }
    if (rewrite.kind === 'difference')
      return { kind: 'difference', base: nodeOf(rewrite.base), subtract: nodeOf(rewrite.subtract) }
    if (rewrite.kind !== 'from') return { kind: rewrite.kind, nodes: rewrite.children.map(nodeOf) }
    const tupleset = relationOf(model, graph, bound.type, rewrite.tupleset)
    const parents = tupleset === undefined ? [] : users(tupleset)
    return {
      kind: 'from',
      tupleset: `${name}#${rewrite.tupleset}`,
      usersets: parents.map(({ user }) => `${user}#${rewrite.relation}`),
    }
  }
  const definition = model.definition.types.get(graph.types.name(bound.type))?.get(bound.name)
  return nodeOf(definition?.rewrite ?? { kind: 'union', children: [] })
}

const relationOf = (
  model: BoundModel,
  graph: Graph,
  type: number,
  relation: string,
): BoundRelation | undefined => model.relations[type]?.[graph.relations.find(relation)]

function* tuples({ view }: Edges, object: number, { relation }: BoundRelation): Generator<number> {
  const target = view.node(object, relation + 1)
  if (target < 0) return
  for (const head of [view.firstPlain(target), view.firstUserset(target)])
    for (let tuple = head; tuple >= 0; tuple = view.graph.next(tuple)) yield tuple
  yield* view.localOf(target)
}
