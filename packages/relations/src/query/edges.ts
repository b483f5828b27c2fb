/**
 * Whether a tuple counts in a request: its type restriction in the request's model, its end, its condition.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { BoundModel, BoundRelation } from '../model/bind.ts'
import type { Context } from '../model/condition.ts'
import { subjectClass } from '../model/subject-class.ts'
import type { View } from './view.ts'

/**
 * Four values. `FAILED`: a condition could not be evaluated or the depth limit cut the answer. `LOOP`: the answer
 * depends on its own absence. `TRUE` and `FALSE` win over both where they decide alone; at the end `LOOP` denies.
 */
export const FALSE = 0
export const TRUE = 1
export const FAILED = 2
export const LOOP = 3
export type Value = typeof FALSE | typeof TRUE | typeof FAILED | typeof LOOP

const NO_CONTEXT: Context = {}

export class Edges {
  readonly view: View
  readonly model: BoundModel
  readonly #context: Context
  readonly #now: number
  /** Answers of conditions whose tuple brings no context of its own: the same for the whole request. */
  readonly #answers = new Map<string, Value>()
  /** The first failure; what the caller gets when the answer turns on it. */
  failure: RelationsError | undefined

  constructor(view: View, model: BoundModel, context: Context, now: number) {
    this.view = view
    this.model = model
    this.#context = context
    this.#now = now
  }

  relation(object: number, relation: number): BoundRelation | undefined {
    return this.model.relations[this.view.typeOf(object)]?.[relation]
  }

  /** `FALSE` also when the model no longer allows the tuple. */
  value(relation: BoundRelation, tuple: number): Value {
    const allowed = this.#conditionsOf(relation, tuple)
    if (allowed === undefined) return FALSE
    const extra = this.view.extraOf(tuple)
    if (extra === undefined) return allowed.has('') ? TRUE : FALSE
    if (extra.expiresAt !== undefined && extra.expiresAt <= this.#now) return FALSE
    if (!allowed.has(extra.condition?.name ?? '')) return FALSE
    return extra.condition === undefined ? TRUE : this.#condition(extra.condition)
  }

  /** Whether the model allows the tuple, whatever its condition and its end say. */
  allows(relation: BoundRelation, tuple: number): boolean {
    return this.#conditionsOf(relation, tuple)?.has(this.view.extraOf(tuple)?.condition?.name ?? '') ?? false
  }

  #conditionsOf(relation: BoundRelation, tuple: number): ReadonlySet<string> | undefined {
    const { view } = this
    const subject = view.subjectOf(tuple)
    const object = view.objectOf(subject)
    const slot = view.slotOf(subject)
    const type = view.typeOf(object)
    const kind = slot > 0 ? slot + 1 : view.wildcardOf(type) === object ? 1 : 0
    return relation.allowed.get(subjectClass(type, kind))
  }

  fail(error: RelationsError): Value {
    this.failure ??= error
    return FAILED
  }

  #condition({ name, context }: { readonly name: string; readonly context: Context }): Value {
    const shared = Object.keys(context).length === 0
    const known = shared ? this.#answers.get(name) : undefined
    if (known !== undefined) return known
    const condition = this.model.conditions.get(name)
    if (condition === undefined) return FALSE
    let value: Value
    try {
      value = condition.evaluate(this.#context, shared ? NO_CONTEXT : context) ? TRUE : FALSE
    } catch (error) {
      if (!(error instanceof RelationsError)) throw error
      value = this.fail(error)
    }
    if (shared) this.#answers.set(name, value)
    return value
  }
}
