/**
 * Tuples that were judged before: what a host kept, coming back, and what it decided to write.
 *
 * Nothing here asks a model whether a tuple is allowed; a model that does not allow it does not count it. Ids are read
 * as strictly as in a write, and names of types, relations and conditions must be of some model version of the store.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { Extra, Graph } from '../graph/graph.ts'
import { record } from '../model/rewrite.ts'
import type { Change } from './changes.ts'
import { parseKey, plainContext, type Tuple } from './tuple.ts'

/** The tuple's nodes, interned. @throws RelationsError `invalid_tuple`. */
export interface Placed {
  readonly target: number
  readonly subject: number
  readonly extra: Extra | undefined
}

/**
 * What a change asks of the graph, checked before anything is changed.
 * @param open names that no model version knows are taken as well: some version's names cannot be read any more.
 * @throws RelationsError `invalid_tuple`.
 */
export function readTuple(graph: Graph, tuple: Tuple, open = false): () => Placed {
  const { object, relation, user } = parseKey(tuple)
  const unknown =
    graph.relations.find(relation) < 0 ||
    (user.relation !== undefined && graph.relations.find(user.relation) < 0) ||
    graph.types.find(object.type) < 0 ||
    graph.types.find(user.type) < 0
  if (unknown && !open)
    throw new RelationsError('invalid_tuple', 'no model version knows the type or relation of a tuple')
  const extra = extraOf(tuple)
  return () => {
    const userRelation = user.relation === undefined ? -1 : graph.relations.intern(user.relation)
    return {
      target: graph.internNode(
        graph.internObject(object.name, object.type),
        graph.relations.intern(relation) + 1,
      ),
      subject: graph.internNode(graph.internObject(user.name, user.type), userRelation + 1),
      extra,
    }
  }
}

function extraOf({ condition, expiresAt }: Tuple): Extra | undefined {
  if (condition === undefined && expiresAt === undefined) return undefined
  const extra = readExtra({ condition, expiresAt })
  if (extra === undefined) throw new RelationsError('invalid_tuple', 'a condition or an end cannot be read')
  return extra
}

/** Undefined when it is none. @throws RelationsError `invalid_tuple` for a context that is not JSON or too large. */
export function readExtra({ condition, expiresAt }: Record<string, unknown>): Extra | undefined {
  if (expiresAt !== undefined && !isInstant(expiresAt)) return undefined
  const end = expiresAt === undefined ? {} : { expiresAt }
  if (condition === undefined) return expiresAt === undefined ? undefined : end
  const { name, context } = record(condition)
  if (typeof name !== 'string') return undefined
  return { condition: { name, context: plainContext(record(context ?? {}), 'invalid_tuple') }, ...end }
}

const isInstant = (value: unknown): value is number => Number.isSafeInteger(value)

/**
 * Does what changes say: a write replaces what is there, a delete of what is not there does nothing.
 * @throws RelationsError `invalid_tuple`, with nothing done.
 */
export function applyChanges(graph: Graph, changes: readonly Change[], open = false): void {
  const steps = changes.map(({ operation, tuple }) => ({ operation, place: readTuple(graph, tuple, open) }))
  for (const { operation, place } of steps) {
    const { target, subject, extra } = place()
    const row = graph.findTuple(target, subject)
    if (row >= 0) graph.remove(row)
    if (operation === 'write') graph.add(target, subject, extra)
  }
}

/** Adds tuples one by one. @throws RelationsError `invalid_tuple`, `write_conflict` when one comes twice. */
export function addTuple(graph: Graph, tuple: Tuple, open = false): void {
  const { target, subject, extra } = readTuple(graph, tuple, open)()
  if (graph.findTuple(target, subject) >= 0)
    throw new RelationsError('write_conflict', 'a tuple is loaded twice')
  graph.add(target, subject, extra)
}
