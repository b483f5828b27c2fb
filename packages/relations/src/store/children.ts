/**
 * The two filters of a listing of objects: by parent, by candidates.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { BoundModel } from '../model/bind.ts'
import { objectOrThrow } from '../names.ts'
import { type Edges, TRUE } from '../query/edges.ts'
import type { Pace } from '../query/pace.ts'

/** Objects of `type` with a tuple `relation` to the parent. @throws RelationsError `relation_not_found`, `validation`. */
export function childrenOf(
  edges: Edges,
  parent: { readonly relation: string; readonly object: string },
  model: BoundModel,
  type: string,
): Set<number> {
  const { view } = edges
  if (model.definition.types.get(type)?.has(parent.relation) !== true)
    throw new RelationsError('relation_not_found', `${type}#${parent.relation} is not in the model`)
  const relation = view.graph.relations.find(parent.relation)
  const typeId = view.graph.types.find(type)
  const subject = view.node(view.object(objectOrThrow(parent.object)), 0)
  const children = new Set<number>()
  const take = (tuple: number): void => {
    const target = view.targetOf(tuple)
    const child = view.objectOf(target)
    if (view.slotOf(target) !== relation + 1 || view.typeOf(child) !== typeId) return
    if (edges.value(tuple) === TRUE) children.add(child)
  }
  if (subject < 0) return children
  for (let tuple = view.firstOfSubject(subject); tuple >= 0; tuple = view.graph.nextOfSubject(tuple))
    take(tuple)
  for (const tuple of view.localOfSubject(subject)) take(tuple)
  return children
}

/** Those candidates that hold, in their order. @throws RelationsError `validation` for one that is not of `type`. */
export async function keepCandidates(
  edges: Edges,
  candidates: readonly string[],
  type: string,
  holds: (object: number) => boolean,
  pace: Pace,
): Promise<string[]> {
  const kept: string[] = []
  for (const candidate of candidates) {
    const wait = pace()
    if (wait !== undefined) await wait
    const object = objectOrThrow(candidate)
    if (object.type !== type) throw new RelationsError('validation', `a candidate is not of type ${type}`)
    if (holds(edges.view.object(object))) kept.push(candidate)
  }
  return kept
}
