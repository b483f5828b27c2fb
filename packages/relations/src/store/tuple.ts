/**
 * Tuples as callers write them, and the check of one against a model.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { Extra, Graph } from '../graph/graph.ts'
import { MAX_CONTEXT_BYTES } from '../limits.ts'
import type { BoundModel } from '../model/bind.ts'
import type { Context } from '../model/condition.ts'
import { subjectClass } from '../model/subject-class.ts'
import { parseObject, parseUser, type Subject } from '../names.ts'
import { View, type ViewTuple } from '../query/view.ts'

export interface TupleKey {
  readonly object: string
  readonly relation: string
  readonly user: string
}

export interface Tuple extends TupleKey {
  readonly condition?: { readonly name: string; readonly context?: Context }
  /** Milliseconds since 1970; before this instant the tuple counts, from it on it does not. */
  readonly expiresAt?: number
}

const invalid = (message: string) => new RelationsError('invalid_tuple', message)

/** @throws RelationsError `invalid_tuple` when the model does not allow the tuple. */
export function parseTuple(tuple: Tuple, model: BoundModel, graph: Graph): ViewTuple {
  const { object, relation, user } = parseKey(tuple)
  const bound = model.relations[graph.types.find(object.type)]?.[graph.relations.find(relation)]
  if (bound === undefined) throw invalid(`${object.type}#${relation} is not in the model`)
  const allowed = bound.allowed.get(classOf(user, graph))
  const kind = user.wildcard ? `${user.type}:*` : user.relation ? `${user.type}#${user.relation}` : user.type
  if (allowed === undefined) throw invalid(`${object.type}#${relation} does not take ${kind}`)
  const name = tuple.condition?.name ?? ''
  if (!allowed.has(name))
    throw invalid(
      `${object.type}#${relation} does not take ${kind} ${name === '' ? 'without a' : 'with that'} condition`,
    )
  const extra = extraOf(tuple, model)
  return { object, relation, user, extra }
}

/** @throws RelationsError `invalid_tuple` for ids that cannot be read in exactly one way. */
export function parseKey(key: TupleKey): { object: Subject; relation: string; user: Subject } {
  const object = parseObject(key?.object)
  if (object === undefined) throw invalid('an object must be written type:id')
  const user = parseUser(key.user)
  if (user === undefined) throw invalid('a user must be written type:id, type:id#relation or type:*')
  if (typeof key.relation !== 'string') throw invalid('a relation must be a text')
  return { object, relation: key.relation, user }
}

function classOf(user: Subject, graph: Graph): number {
  const type = graph.types.find(user.type)
  if (user.wildcard) return subjectClass(type, 1)
  if (user.relation === undefined) return subjectClass(type, 0)
  const relation = graph.relations.find(user.relation)
  return relation < 0 || type < 0 ? -1 : subjectClass(type, 2 + relation)
}

function extraOf({ condition, expiresAt }: Tuple, model: BoundModel): Extra | undefined {
  if (expiresAt !== undefined && !Number.isSafeInteger(expiresAt))
    throw invalid('expiresAt must be whole milliseconds since 1970')
  const end = expiresAt === undefined ? {} : { expiresAt }
  if (condition === undefined) return expiresAt === undefined ? undefined : end
  const found = model.conditions.get(condition.name)
  if (found === undefined) throw invalid(`condition ${condition.name} is not in the model`)
  const context = plainContext(condition.context ?? {}, 'invalid_tuple')
  found.checkTupleContext(context)
  return { condition: { name: condition.name, context }, ...end }
}

/** A copy that nobody else holds. @throws RelationsError with `code` when it is not JSON or is too large. */
export function plainContext(context: Context, code: 'invalid_tuple' | 'validation'): Context {
  let text: string
  try {
    text = JSON.stringify(context, plainNumbers) ?? ''
  } catch (cause) {
    throw new RelationsError(code, 'a context must be a JSON object', [], cause)
  }
  if (!text.startsWith('{') || text.length > MAX_CONTEXT_BYTES)
    throw new RelationsError(
      code,
      `a context must be a JSON object of at most ${MAX_CONTEXT_BYTES} characters`,
    )
  return JSON.parse(text)
}

/** JSON would turn a number without a value into null, which `any` would take. */
function plainNumbers(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('not a finite number')
  return value
}

export const tupleOf = (graph: Graph, row: number): Tuple => tupleIn(new View(graph, []), row)

/** A stored or contextual tuple as it was written. */
export function tupleIn(view: View, tuple: number): Tuple {
  const target = view.targetOf(tuple)
  const subject = view.subjectOf(tuple)
  const slot = view.slotOf(subject)
  const name = view.nameOf(view.objectOf(subject))
  const { relations } = view.graph
  const extra = view.extraOf(tuple)
  return {
    object: view.nameOf(view.objectOf(target)),
    relation: relations.name(view.slotOf(target) - 1),
    user: slot === 0 ? name : `${name}#${relations.name(slot - 1)}`,
    ...(extra?.condition === undefined ? {} : { condition: extra.condition }),
    ...(extra?.expiresAt === undefined ? {} : { expiresAt: extra.expiresAt }),
  }
}
