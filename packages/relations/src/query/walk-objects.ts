/**
 * From a user to the objects that it has a relation to: the graph walked backwards.
 *
 * A node reached without a gate is proven; one reached through a gate is checked before the walk goes on from it; one
 * reached over a condition that failed is a suspect, checked only if it is among the results. So the result is exactly
 * what single checks would give, and the work grows with what the user can reach, not with the store.
 *
 * @module
 */
import type { PairMap } from '../graph/pair-map.ts'
import { SLICE } from '../limits.ts'
import type { BoundRelation } from '../model/bind.ts'
import type { Dependents, Way } from '../model/dependents.ts'
import { type Edges, FAILED, FALSE, TRUE, type Value } from './edges.ts'
import type { Pace } from './pace.ts'
import { type Asker, type Bounds, Resolver } from './resolver.ts'
import type { Memory, Scratch, WalkMemory } from './scratch.ts'

const PROVEN = 1
const SUSPECT = 2
type State = typeof PROVEN | typeof SUSPECT
/** In place of a relation: the object as a subject by itself. */
const ITSELF = -1

/** Objects by number, in no order. @throws RelationsError when a result turns on something that failed. */
export async function walkObjects(
  edges: Edges,
  user: Asker,
  wanted: BoundRelation,
  bounds: Bounds,
  scratch: Scratch,
  pace: Pace,
): Promise<readonly number[]> {
  const memory = scratch.borrow()
  try {
    const walk = new ObjectWalk(edges, user, wanted, bounds, scratch, memory)
    for (const steps of walk.steps()) {
      const wait = pace(steps)
      if (wait !== undefined) await wait
    }
    return walk.results
  } finally {
    scratch.giveBack(memory)
  }
}

class ObjectWalk {
  results: number[] = []
  readonly #edges: Edges
  readonly #user: Asker
  readonly #wanted: BoundRelation
  readonly #bounds: Bounds
  readonly #scratch: Scratch
  readonly #dependents: Dependents
  readonly #resolver: Resolver
  readonly #memory: Memory
  /** By object and relation. */
  readonly #state: PairMap
  /** Object, relation, object, relation … */
  readonly #todo: number[] = []
  readonly #found: number[] = []
  #suspects = false
  #left = SLICE

  constructor(
    edges: Edges,
    user: Asker,
    wanted: BoundRelation,
    bounds: Bounds,
    scratch: Scratch,
    memory: WalkMemory,
  ) {
    this.#memory = memory
    this.#state = memory.state
    this.#edges = edges
    this.#user = user
    this.#wanted = wanted
    this.#bounds = bounds
    this.#scratch = scratch
    this.#dependents = edges.model.dependents
    this.#resolver = new Resolver(edges, user, bounds, scratch, this.#memory)
  }

  /** The whole walk; between its slices others may run. Gives the steps done since. */
  *steps(): Generator<number, void> {
    this.#start()
    const { view } = this.#edges
    const { graph } = view
    while (this.#todo.length > 0) {
      const relation = this.#todo.pop() ?? ITSELF
      const object = this.#todo.pop() ?? -1
      const state = relation === ITSELF ? PROVEN : this.#stateOf(object, relation)
      const subject = view.node(object, relation + 1)
      if (subject >= 0) {
        for (let tuple = view.firstOfSubject(subject); tuple >= 0; tuple = graph.nextOfSubject(tuple)) {
          this.#direct(tuple, state)
          if (--this.#left <= 0) yield this.#slice()
        }
        for (const tuple of view.localOfSubject(subject)) this.#direct(tuple, state)
      }
      if (--this.#left <= 0) yield this.#slice()
      if (relation === ITSELF) continue
      const type = view.typeOf(object)
      for (const dependent of this.#dependents.computed(type, relation))
        this.#reached(object, dependent.relation, dependent.way, TRUE, state)
      const from = this.#dependents.from(type, relation)
      const plain = from.length === 0 ? -1 : view.node(object, 0)
      if (plain < 0) continue
      for (const { relation: to, way, tupleset } of from) {
        for (let tuple = view.firstOfSubject(plain); tuple >= 0; tuple = graph.nextOfSubject(tuple)) {
          this.#from(tuple, to, way, tupleset, state)
          if (--this.#left <= 0) yield this.#slice()
        }
        for (const tuple of view.localOfSubject(plain)) this.#from(tuple, to, way, tupleset, state)
      }
    }
    yield* this.#finish()
  }

  #slice(): number {
    this.#left = SLICE
    return SLICE
  }

  #start(): void {
    const { view } = this.#edges
    const { object, relation } = this.#user
    if (relation >= 0) {
      this.#mark(object, relation, PROVEN)
      return
    }
    this.#todo.push(object, ITSELF)
    const everybody = view.wildcardOf(view.typeOf(object))
    if (everybody >= 0 && everybody !== object) this.#todo.push(everybody, ITSELF)
  }

  *#finish(): Generator<number, void> {
    const { relation, unstratified } = this.#wanted
    if (!this.#suspects) {
      this.results = this.#found
      return
    }
    for (const object of this.#found) {
      if (this.#stateOf(object, relation) === PROVEN || this.#check(object, relation, unstratified))
        this.results.push(object)
      if (--this.#left <= 0) yield this.#slice()
    }
  }

  /** What depends on its own absence is asked afresh, as a single check would. */
  #check(object: number, relation: number, afresh: boolean): boolean {
    const resolver = afresh
      ? new Resolver(this.#edges, this.#user, this.#bounds, this.#scratch)
      : this.#resolver
    return resolver.check(object, relation)
  }

  #stateOf(object: number, relation: number): State {
    return this.#state.get(object, relation) === PROVEN ? PROVEN : SUSPECT
  }

  /** A tuple whose subject was reached. */
  #direct(tuple: number, state: State): void {
    const { view } = this.#edges
    const target = view.targetOf(tuple)
    const object = view.objectOf(target)
    const bound = this.#edges.relation(object, view.slotOf(target) - 1)
    if (bound === undefined) return
    const way = this.#dependents.direct(bound)
    if (way !== undefined) this.#reached(object, bound, way, this.#edges.value(tuple), state)
  }

  /** A tuple of `tupleset` whose subject has what its objects inherit. */
  #from(tuple: number, to: BoundRelation, way: Way, tupleset: number, state: State): void {
    const { view } = this.#edges
    const target = view.targetOf(tuple)
    if (view.slotOf(target) !== tupleset + 1) return
    const child = view.objectOf(target)
    if (view.typeOf(child) === to.type) this.#reached(child, to, way, this.#edges.value(tuple), state)
  }

  #reached(object: number, to: BoundRelation, way: Way, edge: Value, state: State): void {
    if (edge === FALSE) return
    if (way === 'open') {
      this.#mark(object, to.relation, edge === TRUE ? state : SUSPECT)
      return
    }
    if (this.#state.get(object, to.relation) >= 0) return
    let value: Value
    if (to.unstratified) value = FAILED
    else if (way === 'checked' || edge !== TRUE || state !== PROVEN)
      value = this.#resolver.evaluate(object, to.relation)
    else value = this.#resolver.gate(object, way, TRUE)
    if (value === TRUE) this.#mark(object, to.relation, PROVEN)
    else if (value === FAILED) this.#mark(object, to.relation, SUSPECT)
  }

  #mark(object: number, relation: number, state: State): void {
    const before = this.#state.get(object, relation)
    if (before === PROVEN || before === state) return
    const bound = this.#edges.relation(object, relation)
    if (bound === undefined) return
    this.#state.set(object, relation, state)
    if (state === PROVEN) this.#memory.relations.set(object, relation, TRUE)
    else this.#suspects = true
    if (!this.#dependents.isLast(bound)) this.#todo.push(object, relation)
    if (before < 0 && bound === this.#wanted) this.#found.push(object)
  }
}
