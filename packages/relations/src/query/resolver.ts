/**
 * Check: does a subject have a relation to an object?
 *
 * Outside gates the answer is reachability, walked breadth first, so the first path found is a shortest one and the
 * depth limit does not depend on the order of tuples. Gates (intersections, exclusions) are evaluated after that,
 * recursively. A gate met again while it is in progress counts as false, and as `LOOP` when the right side of a
 * `but not` lies between: it then neither grants nor lifts a ban. Only answers that no gate in progress has influenced
 * are remembered, so what is remembered holds for the whole request.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import { MAX_NESTED_GATES } from '../limits.ts'
import type { BoundGate, BoundPlan } from '../model/bind.ts'
import type { Subject } from '../names.ts'
import { type Edges, FAILED, FALSE, LOOP, TRUE, type Value } from './edges.ts'

export interface Bounds {
  readonly maxDepth: number
  readonly maxWork: number
}

/** Answers that hold for the whole request, by `object * relations + relation`. */
export type Memo = Map<number, typeof FALSE | typeof TRUE | typeof LOOP>

interface Progress {
  readonly index: number
  /** Right sides of `but not` entered before the gate was. */
  readonly negations: number
}

interface PendingGate {
  readonly object: number
  readonly gate: BoundGate
  readonly depth: number
}

/** FALSE as a start, typed so that it may change. */
const NOTHING: Value = FALSE as Value
const NO_GATES: readonly PendingGate[] = []
const NEVER = Number.POSITIVE_INFINITY

export class Resolver {
  readonly #edges: Edges
  readonly #bounds: Bounds
  readonly #width: number
  readonly #memo: Memo
  /** A single check without gates never asks twice. */
  readonly #remember: boolean
  readonly #gateMemo: Memo = new Map()
  readonly #progress = new Map<number, Progress>()
  #negations = 0
  /** Lowest gate in progress that cut something since the innermost saved mark. */
  #cut = NEVER
  #work = 0
  /** Node of the subject, and of everybody of its type; -1 when there is none. */
  readonly #user: number
  readonly #everybody: number
  /** The subject as `object * relations + relation` when it is a userset; -1 otherwise. */
  readonly #userKey: number

  constructor(edges: Edges, user: Subject, bounds: Bounds, memo?: Memo) {
    const { view } = edges
    this.#edges = edges
    this.#bounds = bounds
    this.#width = view.graph.relations.size
    this.#memo = memo ?? new Map()
    this.#remember = memo !== undefined || edges.model.gates > 0
    const object = view.object(user)
    const relation = user.relation === undefined ? -1 : view.graph.relations.find(user.relation)
    this.#user = view.node(object, relation + 1)
    this.#userKey = relation < 0 ? -1 : object * this.#width + relation
    const everybody = relation < 0 ? view.wildcardOf(view.typeOf(object)) : -1
    this.#everybody = everybody < 0 || everybody === object ? -1 : view.node(everybody, 0)
  }

  /** @throws RelationsError when the answer turns on something that failed. */
  check(object: number, relation: number): boolean {
    const value = this.evaluate(object, relation)
    if (value === FAILED) throw this.#edges.failure ?? tooComplex()
    return value === TRUE
  }

  /** One relation of one object, at the start of a request. */
  evaluate(object: number, relation: number): Value {
    this.#work = 0
    const key = object * this.#width + relation
    if (key === this.#userKey) return TRUE
    const known = this.#memo.get(key)
    if (known !== undefined) return known
    const found = this.#edges.relation(object, relation)
    if (found === undefined) return FALSE
    const value = this.#reach(object, found.plan, 0, key)
    if (value !== FAILED) this.#memo.set(key, value)
    return value
  }

  #reach(start: number, startPlan: BoundPlan, startDepth: number, startKey: number): Value {
    // Most walks see a node or two: no set for them, and nothing worth remembering.
    let first = -1
    let seen: Set<number> | undefined
    let gates: PendingGate[] | undefined
    const savedCut = this.#cut
    this.#cut = NEVER
    let objects = [start]
    let plans = [startPlan]
    let nextObjects: number[] = []
    let nextPlans: BoundPlan[] = []
    const visit = (object: number, relation: number): Value => {
      const key = object * this.#width + relation
      if (key === this.#userKey) return TRUE
      const known = this.#memo.get(key)
      if (known !== undefined) return known
      if (key === startKey || key === first || seen?.has(key) === true) return FALSE
      if (first < 0) first = key
      else {
        seen ??= new Set()
        seen.add(key)
      }
      const found = this.#edges.relation(object, relation)
      if (found === undefined) return FALSE
      nextObjects.push(object)
      nextPlans.push(found.plan)
      return FALSE
    }
    let value: Value = FALSE
    for (let depth = startDepth; objects.length > 0 && value !== TRUE; depth++) {
      if (depth >= this.#bounds.maxDepth) {
        value = this.#edges.fail(tooComplex())
        break
      }
      nextObjects = []
      nextPlans = []
      for (let i = 0; i < objects.length && value !== TRUE; i++) {
        const object = objects[i]
        const plan = plans[i]
        if (object === undefined || plan === undefined) continue
        value = either(value, this.#step(object, plan, visit))
        for (const gate of plan.gates) {
          gates ??= []
          gates.push({ object, gate, depth })
        }
      }
      objects = nextObjects
      plans = nextPlans
    }
    for (const pending of gates ?? NO_GATES) {
      if (value === TRUE) break
      value = either(value, this.#gate(pending))
    }
    // Nothing of what was seen is true when the whole is false: every node's own ways were among those tried.
    if (value === FALSE && seen !== undefined && this.#remember && this.#cut >= this.#progress.size) {
      this.#memo.set(first, FALSE)
      for (const key of seen) this.#memo.set(key, FALSE)
    }
    this.#cut = Math.min(savedCut, this.#cut)
    return value
  }

  #step(object: number, plan: BoundPlan, visit: (object: number, relation: number) => Value): Value {
    let value: Value = FALSE
    if (plan.direct >= 0) value = this.#direct(object, plan.direct, visit)
    for (const relation of plan.computed) {
      if (value === TRUE) return TRUE
      value = either(value, visit(object, relation))
    }
    for (const { tupleset, relation } of plan.from) {
      if (value === TRUE) return TRUE
      value = either(value, this.#parents(object, tupleset, relation, visit))
    }
    return value
  }

  #direct(object: number, relation: number, visit: (object: number, relation: number) => Value): Value {
    const { view } = this.#edges
    const bound = this.#edges.relation(object, relation)
    const target = view.node(object, relation + 1)
    this.#spend()
    if (bound === undefined || target < 0) return FALSE
    let value: Value = NOTHING
    const own = this.#user < 0 ? -1 : view.stored(target, this.#user)
    if (own >= 0) value = this.#edges.value(bound, own)
    if (value === TRUE) return TRUE
    const open = this.#everybody < 0 ? -1 : view.stored(target, this.#everybody)
    if (open >= 0) value = either(value, this.#edges.value(bound, open))
    for (const tuple of view.localOf(target)) {
      const subject = view.subjectOf(tuple)
      if (subject === this.#user || subject === this.#everybody)
        value = either(value, this.#edges.value(bound, tuple))
    }
    const through = (tuple: number): void => {
      this.#spend()
      const subject = view.subjectOf(tuple)
      const edge = this.#edges.value(bound, tuple)
      if (edge !== TRUE) value = either(value, edge)
      else value = either(value, visit(view.objectOf(subject), view.slotOf(subject) - 1))
    }
    for (let tuple = view.firstUserset(target); tuple >= 0 && value !== TRUE; tuple = view.graph.next(tuple))
      through(tuple)
    for (const tuple of view.localOf(target))
      if (value !== TRUE && view.slotOf(view.subjectOf(tuple)) > 0) through(tuple)
    return value
  }

  #parents(
    object: number,
    tupleset: number,
    relation: number,
    visit: (object: number, relation: number) => Value,
  ): Value {
    const { view } = this.#edges
    const bound = this.#edges.relation(object, tupleset)
    const target = view.node(object, tupleset + 1)
    if (bound === undefined || target < 0) return FALSE
    let value: Value = NOTHING
    const through = (tuple: number): void => {
      this.#spend()
      const parent = view.objectOf(view.subjectOf(tuple))
      if (this.#edges.relation(parent, relation) === undefined) return
      const edge = this.#edges.value(bound, tuple)
      value = either(value, edge === TRUE ? visit(parent, relation) : edge)
    }
    for (let tuple = view.firstPlain(target); tuple >= 0 && value !== TRUE; tuple = view.graph.next(tuple))
      through(tuple)
    for (const tuple of view.localOf(target))
      if (value !== TRUE && view.slotOf(view.subjectOf(tuple)) === 0) through(tuple)
    return value
  }

  #gate({ object, gate, depth }: PendingGate): Value {
    const key = object * this.#edges.model.gates + gate.id
    const known = this.#gateMemo.get(key)
    if (known !== undefined) return known
    const running = this.#progress.get(key)
    if (running !== undefined) {
      this.#cut = Math.min(this.#cut, running.index)
      return running.negations < this.#negations ? LOOP : FALSE
    }
    this.#spend()
    const index = this.#progress.size
    if (index >= MAX_NESTED_GATES) return this.#edges.fail(tooComplex())
    const savedCut = this.#cut
    this.#cut = NEVER
    this.#progress.set(key, { index, negations: this.#negations })
    const value = gate.kind === 'and' ? this.#all(object, gate, depth) : this.#butNot(object, gate, depth)
    this.#progress.delete(key)
    const free = this.#cut >= index
    if (free && value !== FAILED) this.#gateMemo.set(key, value)
    this.#cut = free ? savedCut : Math.min(savedCut, this.#cut)
    return value
  }

  #all(object: number, gate: BoundGate, depth: number): Value {
    let value: Value = TRUE
    for (const operand of gate.operands) {
      const one = this.#reach(object, operand, depth, -1)
      if (one === FALSE) return FALSE
      if (one === FAILED || value === TRUE) value = one
    }
    return value
  }

  #butNot(object: number, gate: BoundGate, depth: number): Value {
    const [base, subtract] = gate.operands
    if (base === undefined || subtract === undefined) return FALSE
    const has = this.#reach(object, base, depth, -1)
    if (has === FALSE) return FALSE
    this.#negations++
    const banned = this.#reach(object, subtract, depth, -1)
    this.#negations--
    if (banned === TRUE) return FALSE
    if (has === FAILED || banned === FAILED) return FAILED
    return has === LOOP || banned === LOOP ? LOOP : TRUE
  }

  #spend(): void {
    if (++this.#work > this.#bounds.maxWork) throw tooComplex()
  }
}

/** Or, over four values. */
function either(a: Value, b: Value): Value {
  if (a === TRUE || b === TRUE) return TRUE
  if (a === FAILED || b === FAILED) return FAILED
  return a === LOOP || b === LOOP ? LOOP : FALSE
}

export const tooComplex = (): RelationsError =>
  new RelationsError('resolution_too_complex', 'the relation is too deep or too wide to resolve')
