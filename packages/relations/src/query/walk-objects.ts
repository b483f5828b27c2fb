/**
 * From a user to the objects that it has a relation to: the graph walked backwards.
 *
 * A node reached without a gate is proven; one reached through a gate is checked before the walk goes on from it; one
 * reached over a condition that failed is a suspect, checked only if it is among the results. So the result is exactly
 * what single checks would give, and the work grows with what the user can reach, not with the store.
 *
 * @module
 */
import type { BoundRelation } from '../model/bind.ts'
import type { Dependents } from '../model/dependents.ts'
import type { Subject } from '../names.ts'
import { type Edges, FAILED, FALSE, TRUE, type Value } from './edges.ts'
import type { Pace } from './pace.ts'
import { type Bounds, type Memo, Resolver } from './resolver.ts'

const PROVEN = 1
const SUSPECT = 2

/** Objects by number, in no order. @throws RelationsError when a result turns on something that failed. */
export async function walkObjects(
  edges: Edges,
  user: Subject,
  wanted: BoundRelation,
  bounds: Bounds,
  pace: Pace,
): Promise<number[]> {
  const walk = new ObjectWalk(edges, user, wanted, bounds)
  await walk.run(user, pace)
  return walk.results(user, pace)
}

class ObjectWalk {
  readonly #edges: Edges
  readonly #wanted: BoundRelation
  readonly #bounds: Bounds
  readonly #dependents: Dependents
  readonly #resolver: Resolver
  readonly #width: number
  readonly #memo: Memo = new Map()
  readonly #state = new Map<number, typeof PROVEN | typeof SUSPECT>()
  readonly #todo: number[] = []
  readonly #found: number[] = []

  constructor(edges: Edges, user: Subject, wanted: BoundRelation, bounds: Bounds) {
    this.#edges = edges
    this.#wanted = wanted
    this.#bounds = bounds
    this.#dependents = edges.model.dependents
    this.#width = edges.view.graph.relations.size
    this.#resolver = new Resolver(edges, user, bounds, this.#memo)
  }

  async run(user: Subject, pace: Pace): Promise<void> {
    const { view } = this.#edges
    const object = view.object(user)
    if (user.relation === undefined) {
      await this.#fromSubject(view.node(object, 0), PROVEN, pace)
      const everybody = view.wildcardOf(view.typeOf(object))
      if (everybody >= 0 && everybody !== object)
        await this.#fromSubject(view.node(everybody, 0), PROVEN, pace)
    } else this.#mark(object, view.graph.relations.find(user.relation), PROVEN)
    for (let key = this.#todo.pop(); key !== undefined; key = this.#todo.pop()) {
      const relation = key % this.#width
      await this.#from((key - relation) / this.#width, relation, this.#state.get(key) ?? SUSPECT, pace)
    }
  }

  async results(user: Subject, pace: Pace): Promise<number[]> {
    const { relation, unstratified } = this.#wanted
    const results: number[] = []
    for (const object of this.#found) {
      const wait = pace()
      if (wait !== undefined) await wait
      const proven = this.#state.get(object * this.#width + relation) === PROVEN
      // What depends on its own absence is asked afresh, as a single check would.
      const resolver = unstratified ? new Resolver(this.#edges, user, this.#bounds) : this.#resolver
      if (proven || resolver.check(object, relation)) results.push(object)
    }
    return results
  }

  /** Everything one step away from a relation of an object. */
  async #from(
    object: number,
    relation: number,
    state: typeof PROVEN | typeof SUSPECT,
    pace: Pace,
  ): Promise<void> {
    const { view } = this.#edges
    const type = view.typeOf(object)
    await this.#fromSubject(view.node(object, relation + 1), state, pace)
    for (const dependent of this.#dependents.computed(type, relation))
      this.#reached(object, dependent.relation, dependent.gated, TRUE, state)
    const plain = view.node(object, 0)
    if (plain < 0) return
    for (const { relation: to, gated, tupleset } of this.#dependents.from(type, relation)) {
      const take = (tuple: number): void => {
        const target = view.targetOf(tuple)
        if (view.slotOf(target) !== tupleset + 1) return
        const child = view.objectOf(target)
        const bound = view.typeOf(child) === to.type ? this.#edges.relation(child, tupleset) : undefined
        if (bound !== undefined) this.#reached(child, to, gated, this.#edges.value(bound, tuple), state)
      }
      for (let tuple = view.firstOfSubject(plain); tuple >= 0; tuple = view.graph.nextOfSubject(tuple)) {
        const wait = pace()
        if (wait !== undefined) await wait
        take(tuple)
      }
      for (const tuple of view.localOfSubject(plain)) take(tuple)
    }
  }

  /** Everything that tuples with this subject give. */
  async #fromSubject(subject: number, state: typeof PROVEN | typeof SUSPECT, pace: Pace): Promise<void> {
    if (subject < 0) return
    const { view } = this.#edges
    const take = (tuple: number): void => {
      const target = view.targetOf(tuple)
      const object = view.objectOf(target)
      const bound = this.#edges.relation(object, view.slotOf(target) - 1)
      const direct = bound === undefined ? 'none' : this.#dependents.direct(bound)
      if (bound !== undefined && direct !== 'none')
        this.#reached(object, bound, direct === 'gated', this.#edges.value(bound, tuple), state)
    }
    for (let tuple = view.firstOfSubject(subject); tuple >= 0; tuple = view.graph.nextOfSubject(tuple)) {
      const wait = pace()
      if (wait !== undefined) await wait
      take(tuple)
    }
    for (const tuple of view.localOfSubject(subject)) take(tuple)
  }

  #reached(
    object: number,
    to: BoundRelation,
    gated: boolean,
    edge: Value,
    state: typeof PROVEN | typeof SUSPECT,
  ): void {
    if (edge === FALSE) return
    if (!gated) {
      this.#mark(object, to.relation, edge === TRUE ? state : SUSPECT)
      return
    }
    if (this.#state.has(object * this.#width + to.relation)) return
    const value = to.unstratified ? FAILED : this.#resolver.evaluate(object, to.relation)
    if (value === TRUE) this.#mark(object, to.relation, PROVEN)
    else if (value === FAILED) this.#mark(object, to.relation, SUSPECT)
  }

  #mark(object: number, relation: number, state: typeof PROVEN | typeof SUSPECT): void {
    const key = object * this.#width + relation
    const before = this.#state.get(key)
    if (before === PROVEN || before === state) return
    const bound = this.#edges.relation(object, relation)
    if (bound === undefined) return
    this.#state.set(key, state)
    if (state === PROVEN) this.#memo.set(key, TRUE)
    this.#todo.push(key)
    if (before === undefined && bound === this.#wanted) this.#found.push(object)
  }
}
