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
  #answers: Map<string, Value> | undefined
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
  value(tuple: number): Value {
    if (tuple >= 0) {
      const verdict = this.model.verdicts.of(this.view.graph.shapes, this.view.graph.shapeOf(tuple))
      if (verdict === 'counts') return TRUE
      if (verdict === 'never') return FALSE
    } else if (!this.#allowsLocal(tuple)) return FALSE
    const extra = this.view.extraOf(tuple)
    if (extra?.expiresAt !== undefined && extra.expiresAt <= this.#now) return FALSE
    return extra?.condition === undefined ? TRUE : this.#condition(extra.condition)
  }

  /** Whether the model allows the tuple, whatever its condition and its end say. */
  allows(tuple: number): boolean {
    if (tuple < 0) return this.#allowsLocal(tuple)
    return this.model.verdicts.of(this.view.graph.shapes, this.view.graph.shapeOf(tuple)) !== 'never'
  }

  #allowsLocal(tuple: number): boolean {
    const { view } = this
    const target = view.targetOf(tuple)
    const subject = view.subjectOf(tuple)
    const object = view.objectOf(subject)
    const slot = view.slotOf(subject)
    const type = view.typeOf(object)
    const kind = slot > 0 ? slot + 1 : view.wildcardOf(type) === object ? 1 : 0
    const allowed = this.relation(view.objectOf(target), view.slotOf(target) - 1)?.allowed
    const name = view.extraOf(tuple)?.condition?.name ?? ''
    return allowed?.get(subjectClass(type, kind))?.has(name) ?? false
  }

  fail(error: RelationsError): Value {
    this.failure ??= error
    return FAILED
  }

  #condition({ name, context }: { readonly name: string; readonly context: Context }): Value {
    const shared = Object.keys(context).length === 0
    const known = shared ? this.#answers?.get(name) : undefined
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
    if (shared) {
      this.#answers ??= new Map()
      this.#answers.set(name, value)
    }
    return value
  }
}
