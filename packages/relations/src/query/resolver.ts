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
import { type Edges, FAILED, FALSE, LOOP, TRUE, type Value } from './edges.ts'
import type { Memory, Scratch } from './scratch.ts'

/** The subject asked about, by numbers of the view. */
export interface Asker {
  readonly object: number
  /** -1 when it is the object itself. */
  readonly relation: number
}

export interface Bounds {
  readonly maxDepth: number
  readonly maxWork: number
}

/** FALSE as a start, typed so that it may change. */
const NOTHING: Value = FALSE as Value
const NEVER = Number.POSITIVE_INFINITY
/** A node that was not looked for yet. */
const UNKNOWN = -2
/** What a memory holds: values, -1 for nothing. */
const VALUES: readonly Value[] = [FALSE, TRUE, FAILED, LOOP]

export class Resolver {
  readonly #edges: Edges
  readonly #bounds: Bounds
  readonly #scratch: Scratch
  readonly #memory: Memory
  /** A single check without gates never asks twice. */
  readonly #remember: boolean
  /** Gates in progress. */
  #running = 0
  #negations = 0
  /** Lowest gate in progress that cut something since the innermost saved mark. */
  #cut = NEVER
  #work = 0
  /** Node of the subject, and of everybody of its type; -1 when there is none. */
  readonly #user: number
  readonly #everybody: number
  /** Kinds of targets that stored tuples of the subject, or of everybody, have. */
  readonly #userTargets: number
  readonly #everybodyTargets: number
  /** The subject when it is a userset; -1 otherwise. */
  readonly #userObject: number
  readonly #userRelation: number

  /** With a memory of its own a resolver may be kept; without, it is good until the next one is made. */
  constructor(edges: Edges, { object, relation }: Asker, bounds: Bounds, scratch: Scratch, memory?: Memory) {
    const { view } = edges
    this.#edges = edges
    this.#bounds = bounds
    this.#scratch = scratch
    this.#memory = memory ?? scratch.memory()
    this.#remember = memory !== undefined || edges.model.gates > 0
    this.#user = view.node(object, relation + 1)
    this.#userObject = relation < 0 ? -1 : object
    this.#userRelation = relation
    const everybody = relation < 0 ? view.wildcardOf(view.typeOf(object)) : -1
    this.#everybody = everybody < 0 || everybody === object ? -1 : view.node(everybody, 0)
    this.#userTargets = view.targetsOf(this.#user)
    this.#everybodyTargets = view.targetsOf(this.#everybody)
  }

  /** @throws RelationsError when the answer turns on something that failed. */
  check(object: number, relation: number): boolean {
    const value = this.evaluate(object, relation)
    if (value === FAILED) throw this.#edges.failure ?? tooComplex()
    return value === TRUE
  }

  /** One relation of one object, at the start of a request. */
  evaluate(object: number, relation: number): Value {
    if (object === this.#userObject && relation === this.#userRelation) return TRUE
    const known = VALUES[this.#memory.relations.get(object, relation)]
    if (known !== undefined) return known
    const found = this.#edges.relation(object, relation)
    if (found === undefined) return FALSE
    const value = this.#counted(() => this.#reach(object, relation, UNKNOWN, found.plan, 0))
    if (value !== FAILED) this.#memory.relations.set(object, relation, value)
    return value
  }

  /** A gate of a relation, at the start of a request. `first`: what its first operand is known to be. */
  gate(object: number, gate: BoundGate, first?: Value): Value {
    return this.#counted(() => this.#gate(object, UNKNOWN, gate, 0, first))
  }

  /** What it took is added up, however it ends: whoever asks many times gives way by it. */
  #counted(work: () => Value): Value {
    this.#begin()
    try {
      return work()
    } finally {
      this.#scratch.spent += this.#work
    }
  }

  #begin(): void {
    this.#work = 0
    this.#running = 0
    this.#negations = 0
    this.#cut = NEVER
    this.#scratch.reset()
  }

  /** `relation` is -1 for the operand of a gate. */
  #reach(object: number, relation: number, node: number, plan: BoundPlan, depth: number): Value {
    const scratch = this.#scratch
    const base = scratch.top
    scratch.walks++
    const savedCut = this.#cut
    this.#cut = NEVER
    if (relation >= 0) scratch.seen.set(object, relation, scratch.walks)
    scratch.push(object, relation, node, depth, plan)
    const { maxDepth } = this.#bounds
    let value: Value = NOTHING
    for (let i = base; i < scratch.top && value !== TRUE; i++) {
      if ((scratch.depths[i] ?? 0) < maxDepth) value = either(value, this.#step(i))
      else {
        value = this.#edges.fail(tooComplex())
        break
      }
    }
    const end = scratch.top
    for (let i = base; i < end && value !== TRUE; i++) {
      const gates = scratch.plans[i]?.gates ?? NO_GATES
      const level = scratch.depths[i] ?? 0
      if (level >= maxDepth) break
      for (let g = 0; g < gates.length && value !== TRUE; g++) {
        const gate = gates[g]
        if (gate !== undefined)
          value = either(
            value,
            this.#gate(scratch.objects[i] ?? -1, scratch.nodes[i] ?? UNKNOWN, gate, level),
          )
      }
    }
    // Nothing of what was seen is true when the whole is false: every node's own ways were among those tried.
    if (value === FALSE && this.#remember && this.#cut >= this.#running)
      for (let i = base + 1; i < end; i++)
        this.#memory.relations.set(scratch.objects[i] ?? 0, scratch.relations[i] ?? 0, FALSE)
    scratch.top = base
    this.#cut = Math.min(savedCut, this.#cut)
    return value
  }

  #visit(object: number, type: number, relation: number, node: number, depth: number): Value {
    if (object === this.#userObject && relation === this.#userRelation) return TRUE
    if (this.#remember) {
      const known = VALUES[this.#memory.relations.get(object, relation)]
      if (known !== undefined) return known
    }
    const scratch = this.#scratch
    if (scratch.seen.get(object, relation) === scratch.walks) return FALSE
    scratch.seen.set(object, relation, scratch.walks)
    const found = this.#edges.model.relations[type]?.[relation]
    if (found !== undefined) scratch.push(object, relation, node, depth, found.plan)
    return FALSE
  }

  /** What the entry's own tuples, computed relations and parents give at once; the rest is put on the stack. */
  #step(entry: number): Value {
    const scratch = this.#scratch
    const plan = scratch.plans[entry]
    if (plan === undefined) return FALSE
    const object = scratch.objects[entry] ?? -1
    const next = (scratch.depths[entry] ?? 0) + 1
    let value: Value = NOTHING
    if (plan.direct >= 0) {
      const known = scratch.nodes[entry] ?? UNKNOWN
      const node = known === UNKNOWN ? this.#edges.view.node(object, plan.direct + 1) : known
      value = this.#direct(node, plan.directBit, next)
    }
    const { computed, from } = plan
    for (let i = 0; i < computed.length && value !== TRUE; i++)
      value = either(
        value,
        this.#visit(object, this.#edges.view.typeOf(object), computed[i] ?? -1, UNKNOWN, next),
      )
    for (let i = 0; i < from.length && value !== TRUE; i++) {
      const one = from[i]
      if (one !== undefined) value = either(value, this.#parents(object, one.tupleset, one.relation, next))
    }
    return value
  }

  #direct(target: number, bit: number, next: number): Value {
    this.#spend()
    if (target < 0) return FALSE
    const { view } = this.#edges
    let value: Value = NOTHING
    const own = (this.#userTargets & bit) === 0 ? -1 : view.stored(target, this.#user)
    if (own >= 0) value = this.#edges.value(own)
    if (value === TRUE) return TRUE
    const open = (this.#everybodyTargets & bit) === 0 ? -1 : view.stored(target, this.#everybody)
    if (open >= 0) value = either(value, this.#edges.value(open))
    for (let tuple = view.firstUserset(target); tuple >= 0 && value !== TRUE; tuple = view.graph.next(tuple))
      value = either(value, this.#userset(tuple, next))
    return view.hasLocal ? this.#directLocal(value, target, next) : value
  }

  #directLocal(before: Value, target: number, next: number): Value {
    const { view } = this.#edges
    let value = before
    for (const tuple of view.localOf(target)) {
      if (value === TRUE) break
      const subject = view.subjectOf(tuple)
      if (subject === this.#user || subject === this.#everybody)
        value = either(value, this.#edges.value(tuple))
      if (value !== TRUE && view.slotOf(subject) > 0) value = either(value, this.#userset(tuple, next))
    }
    return value
  }

  /** A tuple whose subject is a relation of another object. */
  #userset(tuple: number, next: number): Value {
    this.#spend()
    const edge = this.#edges.value(tuple)
    if (edge !== TRUE) return edge
    const { view } = this.#edges
    const subject = view.subjectOf(tuple)
    const relation = view.slotOf(subject) - 1
    const type = view.typeOfNode(subject)
    return this.#visit(view.objectOf(subject), type, relation, subject, next)
  }

  #parents(object: number, tupleset: number, relation: number, next: number): Value {
    const { view } = this.#edges
    const target = view.node(object, tupleset + 1)
    if (target < 0) return FALSE
    let value: Value = NOTHING
    for (let tuple = view.firstPlain(target); tuple >= 0 && value !== TRUE; tuple = view.graph.next(tuple))
      value = either(value, this.#parent(tuple, relation, next))
    if (view.hasLocal)
      for (const tuple of view.localOf(target))
        if (value !== TRUE && view.slotOf(view.subjectOf(tuple)) === 0)
          value = either(value, this.#parent(tuple, relation, next))
    return value
  }

  #parent(tuple: number, relation: number, next: number): Value {
    this.#spend()
    const { view } = this.#edges
    const subject = view.subjectOf(tuple)
    const type = view.typeOfNode(subject)
    if (this.#edges.model.relations[type]?.[relation] === undefined) return FALSE
    const edge = this.#edges.value(tuple)
    return edge === TRUE ? this.#visit(view.objectOf(subject), type, relation, UNKNOWN, next) : edge
  }

  /** `first`: what the first operand is known to be. */
  #gate(object: number, node: number, gate: BoundGate, depth: number, first?: Value): Value {
    const { progress, negations } = this.#scratch
    const known = VALUES[this.#memory.gates.get(object, gate.id)]
    if (known !== undefined) return known
    const running = progress.get(object, gate.id) - 1
    if (running >= 0) {
      this.#cut = Math.min(this.#cut, running)
      return (negations[running] ?? 0) < this.#negations ? LOOP : FALSE
    }
    this.#spend()
    const index = this.#running
    if (index >= MAX_NESTED_GATES) return this.#edges.fail(tooComplex())
    const savedCut = this.#cut
    this.#cut = NEVER
    progress.set(object, gate.id, index + 1)
    negations[index] = this.#negations
    this.#running++
    const value =
      gate.kind === 'and'
        ? this.#all(object, node, gate, depth, first)
        : this.#butNot(object, node, gate, depth, first)
    this.#running--
    progress.set(object, gate.id, 0)
    const free = this.#cut >= index
    if (free && value !== FAILED) this.#memory.gates.set(object, gate.id, value)
    this.#cut = free ? savedCut : Math.min(savedCut, this.#cut)
    return value
  }

  #all(object: number, node: number, gate: BoundGate, depth: number, first?: Value): Value {
    let value: Value = TRUE
    for (const operand of gate.operands) {
      const known = operand === gate.operands[0] ? first : undefined
      const one = known ?? this.#reach(object, -1, node, operand, depth)
      if (one === FALSE) return FALSE
      if (one === FAILED || value === TRUE) value = one
    }
    return value
  }

  #butNot(object: number, node: number, gate: BoundGate, depth: number, first?: Value): Value {
    const [base, subtract] = gate.operands
    if (base === undefined || subtract === undefined) return FALSE
    const has = first ?? this.#reach(object, -1, node, base, depth)
    if (has === FALSE) return FALSE
    this.#negations++
    const banned = this.#reach(object, -1, node, subtract, depth)
    this.#negations--
    if (banned === TRUE) return FALSE
    if (has === FAILED || banned === FAILED) return FAILED
    return has === LOOP || banned === LOOP ? LOOP : TRUE
  }

  #spend(): void {
    if (++this.#work > this.#bounds.maxWork) throw tooComplex()
  }
}

const NO_GATES: readonly BoundGate[] = []

/** Or, over four values. */
function either(a: Value, b: Value): Value {
  if (a === TRUE || b === TRUE) return TRUE
  if (a === FAILED || b === FAILED) return FAILED
  return a === LOOP || b === LOOP ? LOOP : FALSE
}

export const tooComplex = (): RelationsError =>
  new RelationsError('resolution_too_complex', 'the relation is too deep or too wide to resolve')
