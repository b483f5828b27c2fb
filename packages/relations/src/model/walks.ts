/**
 * How far OpenFGA's validator (0.2.2) walks to see whether relations can ever hold: again for every relation, and down
 * every branch, so that a chain costs its square and nested intersections double at each step. What would take seconds is
 * refused before.
 *
 * @module
 */
import type { ModelDefinition, RelationDefinition, Rewrite } from './definition.ts'

type Types = ModelDefinition['types']

/** Steps of all relations together, at most `most`. Cycles end where they close. */
export function walksOf(types: Types, most: number): number {
  const known = new Map<RelationDefinition, number>()
  const under = new Set<RelationDefinition>()

  function stepsOf(type: string, name: string): number {
    const relation = types.get(type)?.get(name)
    if (relation === undefined || under.has(relation)) return 1
    const before = known.get(relation)
    if (before !== undefined) return before
    under.add(relation)
    const steps = Math.min(most, 1 + walk(type, relation, relation.rewrite))
    under.delete(relation)
    known.set(relation, steps)
    return steps
  }

  function walk(type: string, relation: RelationDefinition, rewrite: Rewrite): number {
    switch (rewrite.kind) {
      case 'this':
        return direct(relation)
      case 'computed':
        return stepsOf(type, rewrite.relation)
      case 'from': {
        const holders = types.get(type)?.get(rewrite.tupleset)?.restrictions ?? []
        return sum(holders, (holder) => stepsOf(holder.type, rewrite.relation))
      }
      case 'union':
        // One branch that holds at once is enough.
        return rewrite.children.some((child) => child.kind === 'this' && direct(relation) === 0)
          ? 0
          : sum(rewrite.children, (child) => walk(type, relation, child))
      case 'intersection':
        return sum(rewrite.children, (child) => walk(type, relation, child))
      case 'difference':
        return walk(type, relation, rewrite.base) + walk(type, relation, rewrite.subtract)
    }
  }

  function direct({ restrictions }: RelationDefinition): number {
    if (restrictions.some(({ relation }) => relation === undefined)) return 0
    return sum(restrictions, ({ type, relation }) => stepsOf(type, relation ?? ''))
  }

  /** Goes no further than it has to. */
  function sum<T>(items: readonly T[], steps: (item: T) => number): number {
    let total = 0
    for (const item of items) {
      if (total >= most) break
      total += steps(item)
    }
    return total
  }

  return sum([...types], ([type, relations]) => sum([...relations.keys()], (name) => stepsOf(type, name)))
}
