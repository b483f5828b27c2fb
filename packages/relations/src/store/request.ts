/**
 * Questions as callers ask them, and their check against a model.
 *
 * The codes follow OpenFGA's: a check that names something unknown is `validation`, a listing is `type_not_found` or
 * `relation_not_found`, a contextual tuple that the model does not allow is `invalid_tuple`.
 *
 * @module
 */
import { RelationsError, type RelationsErrorCode } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { MAX_OBJECT_CHARS } from '../limits.ts'
import type { BoundModel, BoundRelation } from '../model/bind.ts'
import type { Context } from '../model/condition.ts'
import { nearest } from '../model/nearest.ts'
import { objectOrThrow, type Subject, userOrThrow } from '../names.ts'
import type { Asker } from '../query/resolver.ts'
import type { View } from '../query/view.ts'
import type { UserFilter } from '../query/walk-users.ts'
import type { Tuple, TupleKey } from './tuple.ts'

/** What every question may bring. */
export interface Circumstances {
  /** Tuples that count for this question only, in addition to the stored ones. */
  readonly contextualTuples?: readonly Tuple[]
  /** Values of condition parameters. A tuple's own context wins over it. */
  readonly context?: Context
  /** Milliseconds since 1970 at which ends are looked at; the store's clock when left out. */
  readonly now?: number
  /** Model version; the newest when left out. */
  readonly model?: string
  /** The answer must not be older than this consistency token. */
  readonly atLeast?: string
}

export interface CheckRequest extends TupleKey, Circumstances {}

export interface Paging {
  /** 1 up to the store's `maxPageSize`; 1,000 when left out. */
  readonly pageSize?: number
  readonly cursor?: string
  readonly signal?: AbortSignal
}

export interface ListObjectsRequest extends Circumstances, Paging {
  readonly type: string
  readonly relation: string
  readonly user: string
  /** Only these objects, such as the hits of a vector search; the answer keeps their order and is one page. */
  readonly candidates?: readonly string[]
  /** Only objects that have a tuple `relation` to this object, such as the documents of one folder. */
  readonly parent?: { readonly relation: string; readonly object: string }
}

export interface ListUsersRequest extends Circumstances, Paging {
  readonly object: string
  readonly relation: string
  readonly filter: UserFilter
}

export interface Page<T> {
  readonly results: readonly T[]
  /** Where to go on; left out on the last page. */
  readonly cursor?: string
  /** Consistency token: every result held at this revision. */
  readonly revision: string
}

/** How a check names what is unknown, and how a listing does. */
export const NAMED = { type: 'validation', relation: 'validation' } as const
export const LISTED = { type: 'type_not_found', relation: 'relation_not_found' } as const

export function relationOrThrow(
  model: BoundModel,
  graph: Graph,
  type: string,
  relation: string,
  codes: { readonly type: RelationsErrorCode; readonly relation: RelationsErrorCode },
): BoundRelation {
  const known = model.definition.types.get(type)
  if (known === undefined)
    throw new RelationsError(
      codes.type,
      `type ${type} is not in the model${hint(type, model.definition.types.keys())}`,
    )
  const bound = model.relations[graph.types.find(type)]?.[graph.relations.find(relation)]
  if (bound === undefined)
    throw new RelationsError(
      codes.relation,
      `${type}#${relation} is not in the model${hint(relation, known.keys())}`,
    )
  return bound
}

/** @throws RelationsError `validation` when the user's type or relation is not in the model. */
export function knownUser(text: string, model: BoundModel): Subject {
  const user = userOrThrow(text)
  const relations = model.definition.types.get(user.type)
  if (relations === undefined) throw new RelationsError('validation', `type ${user.type} is not in the model`)
  if (user.relation !== undefined && !relations.has(user.relation))
    throw new RelationsError('validation', `${user.type}#${user.relation} is not in the model`)
  return user
}

export const askerOf = (view: View, user: Subject): Asker => ({
  object: view.object(user),
  relation: user.relation === undefined ? -1 : view.graph.relations.find(user.relation),
})

/** What a check names, looked up where the store knows it, and read only where it does not. */
export interface Question {
  readonly relation: BoundRelation
  readonly object: number | Subject
  readonly user: number | Subject
}

/** @throws RelationsError `validation` */
export function questionOf(model: BoundModel, graph: Graph, key: TupleKey): Question {
  const user = storedIn(model, graph, key.user) ?? knownUser(key.user, model)
  const object = storedIn(model, graph, key.object)
  // What a store knows can be read in one way only; but everybody is no object, and objects have shorter ids.
  if (object !== undefined && key.object.length <= MAX_OBJECT_CHARS && !graph.isWildcard(object)) {
    const relation = model.relations[graph.typeOf(object)]?.[graph.relations.find(key.relation)]
    if (relation !== undefined) return { object, relation, user }
  }
  const parsed = objectOrThrow(key.object)
  return { object: parsed, relation: relationOrThrow(model, graph, parsed.type, key.relation, NAMED), user }
}

/** An object of a type of the model, by its whole id. */
function storedIn(model: BoundModel, graph: Graph, name: string): number | undefined {
  const object = graph.objects.find(name)
  return object >= 0 && model.relations[graph.typeOf(object)] !== undefined ? object : undefined
}

function hint(text: string, known: Iterable<string>): string {
  const found = nearest(text, known)
  return found === undefined ? '' : ` (did you mean ${found}?)`
}

export function pageSizeOf({ pageSize = 1000 }: Paging, most: number): number {
  if (!Number.isSafeInteger(pageSize) || pageSize < 1)
    throw new RelationsError('validation', 'pageSize must be a whole number above 0')
  if (pageSize > most) throw new RelationsError('limit_exceeded', `pageSize is at most ${most}`)
  return pageSize
}
