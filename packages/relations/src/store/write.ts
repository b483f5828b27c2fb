/**
 * One atomic write to a graph: everything is looked at before anything is changed.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { ViewTuple } from '../query/view.ts'
import type { Change } from './changes.ts'
import { parseKey, type Tuple, type TupleKey, tupleOf } from './tuple.ts'

export interface WriteOptions {
  /** A tuple that is there already: `error` (default) or `ignore`, which leaves it as it is. */
  readonly onDuplicate?: 'error' | 'ignore'
  /** A tuple to delete that is not there: `error` (default) or `ignore`. */
  readonly onMissing?: 'error' | 'ignore'
}

export type Changed = Pick<Change, 'operation' | 'tuple'>

const conflict = (message: string) => new RelationsError('write_conflict', message)

/** What is to be done; the graph is only looked at. */
export interface Plan {
  /** Rows to delete. */
  readonly gone: readonly number[]
  readonly fresh: readonly ViewTuple[]
}

export function planWrite(
  graph: Graph,
  writes: readonly ViewTuple[],
  deletes: readonly TupleKey[],
  now: number,
  options: WriteOptions,
): Plan {
  const named = new Set<string>()
  const once = (key: string): void => {
    if (named.has(key)) throw conflict('a tuple is named twice in one write')
    named.add(key)
  }
  const gone: number[] = []
  for (const key of deletes) {
    const { object, relation, user } = parseKey(key)
    once(textOf({ object, relation, user }))
    const row = findRow(graph, { object, relation, user })
    if (row >= 0) gone.push(row)
    else if (options.onMissing !== 'ignore') throw conflict('a tuple to delete is not there')
  }
  const fresh: ViewTuple[] = []
  for (const tuple of writes) {
    once(textOf(tuple))
    const row = findRow(graph, tuple)
    const ended = row >= 0 && (graph.extraOf(row)?.expiresAt ?? Number.POSITIVE_INFINITY) <= now
    if (ended) gone.push(row)
    if (row < 0 || ended) fresh.push(tuple)
    else if (options.onDuplicate !== 'ignore') throw conflict('a tuple is there already')
  }
  return { gone, fresh }
}

/** The plan as changes, deletes first. */
export function changesOf(graph: Graph, { gone, fresh }: Plan): Changed[] {
  return [
    ...gone.map((row): Changed => ({ operation: 'delete', tuple: tupleOf(graph, row) })),
    ...fresh.map((tuple): Changed => ({ operation: 'write', tuple: textsOf(tuple) })),
  ]
}

/** Nothing may have been written since the plan was made. */
export function carryOut(graph: Graph, { gone, fresh }: Plan): void {
  for (const row of gone) graph.remove(row)
  for (const tuple of fresh) {
    const target = graph.internNode(
      graph.internObject(tuple.object.name, tuple.object.type),
      graph.relations.find(tuple.relation) + 1,
    )
    const slot = tuple.user.relation === undefined ? 0 : graph.relations.find(tuple.user.relation) + 1
    const subject = graph.internNode(graph.internObject(tuple.user.name, tuple.user.type), slot)
    graph.add(target, subject, tuple.extra)
  }
}

function textsOf({ object, relation, user, extra }: ViewTuple): Tuple {
  return {
    object: object.name,
    relation,
    user: user.relation === undefined ? user.name : `${user.name}#${user.relation}`,
    ...extra,
  }
}

export function expiredRows(graph: Graph, now: number): number[] {
  const rows: number[] = []
  for (const [row, { expiresAt }] of graph.extras())
    if (expiresAt !== undefined && expiresAt <= now) rows.push(row)
  return rows
}

type Key = Pick<ViewTuple, 'object' | 'relation' | 'user'>

const textOf = ({ object, relation, user }: Key): string =>
  `${object.name}#${relation}@${user.name}#${user.relation ?? ''}`

function findRow(graph: Graph, { object, relation, user }: Key): number {
  const target = findNode(graph, object.name, relation)
  const subject = findNode(graph, user.name, user.relation)
  return target < 0 || subject < 0 ? -1 : graph.findTuple(target, subject)
}

function findNode(graph: Graph, name: string, relation: string | undefined): number {
  const object = graph.objects.find(name)
  const slot = relation === undefined ? 0 : graph.relations.find(relation) + 1
  return object < 0 || (relation !== undefined && slot === 0) ? -1 : graph.findNode(object, slot)
}
