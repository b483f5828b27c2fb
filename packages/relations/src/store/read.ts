/**
 * Stored tuples by any of object, relation and user, page by page in the order of their rows.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { parseObject, parseUser } from '../names.ts'
import { type Binding, readCursor, writeCursor } from './cursor.ts'
import { type Tuple, tupleOf } from './tuple.ts'

/** Whole ids; what is left out matches everything. */
export interface ReadFilter {
  readonly object?: string
  readonly relation?: string
  readonly user?: string
  /** Of the objects. */
  readonly type?: string
}

export function readRows(
  graph: Graph,
  filter: ReadFilter,
  binding: Binding,
  pageSize: number,
  cursor: string | undefined,
): { tuples: Tuple[]; cursor?: string } {
  const after = cursor === undefined ? -1 : Number(readCursor(cursor, binding).after)
  const matching = rowsOf(graph, filter, after)
  const tuples: Tuple[] = []
  let last = after
  for (const row of matching) {
    if (tuples.length === pageSize)
      return { tuples, cursor: writeCursor(binding, { after: last, listing: '' }) }
    tuples.push(tupleOf(graph, row))
    last = row
  }
  return { tuples }
}

function* rowsOf(
  graph: Graph,
  { object, relation, user, type }: ReadFilter,
  after: number,
): Generator<number> {
  if (object !== undefined && parseObject(object) === undefined)
    throw new RelationsError('validation', 'an object must be written type:id')
  const subject = user === undefined ? undefined : parseUser(user)
  if (user !== undefined && subject === undefined)
    throw new RelationsError('validation', 'a user must be written type:id, type:id#relation or type:*')
  const objectId = object === undefined ? -1 : graph.objects.find(object)
  const slot = relation === undefined ? -1 : graph.relations.find(relation) + 1
  const typeId = type === undefined ? -1 : graph.types.find(type)
  if ((object !== undefined && objectId < 0) || (type !== undefined && typeId < 0) || slot === 0) return
  const fits = (row: number): boolean => {
    const target = graph.targetOf(row)
    return (
      (objectId < 0 || graph.objectOf(target) === objectId) &&
      (slot < 0 || graph.slotOf(target) === slot) &&
      (typeId < 0 || graph.typeOf(graph.objectOf(target)) === typeId)
    )
  }
  if (subject !== undefined) {
    const id = graph.objects.find(subject.name)
    const userSlot = subject.relation === undefined ? 0 : graph.relations.find(subject.relation) + 1
    const node =
      id < 0 || (subject.relation !== undefined && userSlot === 0) ? -1 : graph.findNode(id, userSlot)
    if (node >= 0)
      yield* ordered(list(node, graph.firstOfSubject.bind(graph), graph.nextOfSubject.bind(graph)))
    return
  }
  if (objectId >= 0) {
    const rows: number[] = []
    for (let one = slot < 0 ? 1 : slot; one <= (slot < 0 ? graph.relations.size : slot); one++) {
      const node = graph.findNode(objectId, one)
      if (node < 0) continue
      for (const row of list(node, graph.firstPlain.bind(graph), graph.next.bind(graph))) rows.push(row)
      for (const row of list(node, graph.firstUserset.bind(graph), graph.next.bind(graph))) rows.push(row)
    }
    yield* ordered(rows)
    return
  }
  for (let row = after + 1; row < graph.rowCount; row++) if (graph.targetOf(row) >= 0 && fits(row)) yield row

  function ordered(rows: Iterable<number>): number[] {
    return [...rows].filter((row) => row > after && fits(row)).sort((a, b) => a - b)
  }
}

function* list(
  node: number,
  first: (node: number) => number,
  next: (row: number) => number,
): Generator<number> {
  for (let row = first(node); row >= 0; row = next(row)) yield row
}
