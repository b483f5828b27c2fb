/**
 * Why a check is true: a shortest chain of tuples outside gates, and for a gate the proofs of its operands.
 *
 * A proof stands on its own: a store that has nothing but its tuples gives the same answer. So where a ban does not
 * hold because it is itself lifted, what lifts it belongs to the proof.
 *
 * @module
 */
import type { BoundGate, BoundPlan } from '../model/bind.ts'
import { type Edges, TRUE } from './edges.ts'
import { type Asker, type Bounds, Resolver, tooComplex } from './resolver.ts'
import { newMemory, type Scratch } from './scratch.ts'

/** `holds` is what is proven, `object#relation`. Tuples are rows of the view. */
export type Proof<T> = { readonly holds: string } & (
  | { readonly by: 'itself' }
  /** It names the user, or everybody of its type. */
  | { readonly by: 'tuple'; readonly tuple: T }
  /** It names a relation of another object, or an object whose relation is inherited. */
  | { readonly by: 'userset' | 'from'; readonly tuple: T; readonly proof: Proof<T> }
  | { readonly by: 'computed'; readonly proof: Proof<T> }
  | { readonly by: 'intersection'; readonly proofs: readonly Proof<T>[] }
  | { readonly by: 'exclusion'; readonly proof: Proof<T> }
)

interface Entry {
  readonly object: number
  readonly relation: number
  readonly plan: BoundPlan
  readonly depth: number
  readonly from: Entry | undefined
  readonly by: 'start' | 'userset' | 'computed' | 'from'
  /** For `userset` and `from`. */
  readonly tuple: number
}

export interface Proven<T> {
  readonly proof: Proof<T>
  /** Every tuple of the proof and of what lifts bans, each once. */
  readonly tuples: readonly T[]
}

/**
 * Undefined when the check is not true.
 * @throws RelationsError as a check; `resolution_too_complex` also when the proof is.
 */
export function prove<T>(
  edges: Edges,
  asker: Asker,
  object: number,
  relation: number,
  bounds: Bounds,
  scratch: Scratch,
  show: (tuple: number) => T,
): Proven<T> | undefined {
  const resolver = new Resolver(edges, asker, bounds, scratch, newMemory())
  if (!resolver.check(object, relation)) return undefined
  const prover = new Prover(edges, asker, bounds, resolver)
  const proof = prover.start(object, relation)
  if (proof === undefined) throw tooComplex()
  const used = new Set<number>()
  prover.collect(proof, used)
  const shown = new Map([...used].map((tuple) => [tuple, show(tuple)]))
  return { proof: withTuples(proof, (tuple) => shown.get(tuple) ?? show(tuple)), tuples: [...shown.values()] }
}

const start = (object: number, relation: number, plan: BoundPlan, depth: number): Entry => ({
  object,
  relation,
  plan,
  depth,
  from: undefined,
  by: 'start',
  tuple: -1,
})

class Prover {
  readonly #edges: Edges
  readonly #asker: Asker
  readonly #bounds: Bounds
  readonly #resolver: Resolver
  readonly #user: number
  readonly #everybody: number
  /** Gates on the way, by object and number: a proof must not lean on itself. */
  readonly #running = new Set<string>()
  /** What must stay false for an exclusion to hold. */
  readonly #bans = new Map<Proof<number>, Entry>()
  #work = 0

  constructor(edges: Edges, asker: Asker, bounds: Bounds, resolver: Resolver) {
    const { view } = edges
    this.#edges = edges
    this.#asker = asker
    this.#bounds = bounds
    this.#resolver = resolver
    this.#user = view.node(asker.object, asker.relation + 1)
    const everybody = asker.relation < 0 ? view.wildcardOf(view.typeOf(asker.object)) : -1
    this.#everybody = everybody < 0 || everybody === asker.object ? -1 : view.node(everybody, 0)
  }

  start(object: number, relation: number): Proof<number> | undefined {
    if (this.#isAsker(object, relation)) return { holds: this.#text(object, relation), by: 'itself' }
    const bound = this.#edges.relation(object, relation)
    return bound === undefined ? undefined : this.#plan(object, relation, bound.plan, 0)
  }

  #plan(object: number, relation: number, plan: BoundPlan, depth: number): Proof<number> | undefined {
    const entries: Entry[] = [start(object, relation, plan, depth)]
    const seen = new Set<string>()
    for (const entry of entries) {
      this.#spend()
      if (entry.depth >= this.#bounds.maxDepth) break
      for (const next of this.#neighbours(entry)) {
        if (typeof next === 'number') return this.#chain(entry, this.#named(entry, next))
        if (this.#isAsker(next.object, next.relation))
          return this.#chain(next, { holds: this.#text(next.object, next.relation), by: 'itself' })
        const key = `${next.object} ${next.relation}`
        if (seen.has(key)) continue
        seen.add(key)
        entries.push(next)
      }
    }
    for (const entry of entries)
      for (const gate of entry.plan.gates) {
        if (entry.depth >= this.#bounds.maxDepth) break
        const proof = this.#gate(entry, gate)
        if (proof !== undefined) return this.#chain(entry, proof)
      }
    return undefined
  }

  /** A tuple that names the user, or what is one step away. */
  *#neighbours(entry: Entry): Generator<number | Entry> {
    const { view } = this.#edges
    const { object, plan, depth } = entry
    const step = (at: number, relation: number, by: 'userset' | 'computed' | 'from', tuple: number) => {
      const bound = this.#edges.relation(at, relation)
      return bound === undefined
        ? []
        : [{ object: at, relation, plan: bound.plan, depth: depth + 1, from: entry, by, tuple }]
    }
    if (plan.direct >= 0) {
      const target = view.node(object, plan.direct + 1)
      for (const subject of [this.#user, this.#everybody]) {
        const tuple = target < 0 || subject < 0 ? -1 : view.stored(target, subject)
        if (tuple >= 0 && this.#edges.value(tuple) === TRUE) yield tuple
      }
      for (const tuple of view.localOf(target)) {
        const named = [this.#user, this.#everybody].includes(view.subjectOf(tuple))
        if (named && this.#edges.value(tuple) === TRUE) yield tuple
      }
      for (const tuple of this.#tuples(target, 'userset')) {
        const subject = view.subjectOf(tuple)
        yield* step(view.objectOf(subject), view.slotOf(subject) - 1, 'userset', tuple)
      }
    }
    for (const relation of plan.computed) yield* step(object, relation, 'computed', -1)
    for (const { tupleset, relation } of plan.from)
      for (const tuple of this.#tuples(view.node(object, tupleset + 1), 'plain'))
        yield* step(view.objectOf(view.subjectOf(tuple)), relation, 'from', tuple)
  }

  /** Tuples of a target that count. */
  *#tuples(target: number, kind: 'plain' | 'userset'): Generator<number> {
    const { view } = this.#edges
    if (target < 0) return
    const first = kind === 'plain' ? view.firstPlain(target) : view.firstUserset(target)
    for (let tuple = first; tuple >= 0; tuple = view.graph.next(tuple)) {
      this.#spend()
      if (this.#edges.value(tuple) === TRUE) yield tuple
    }
    for (const tuple of view.localOf(target))
      if (
        view.slotOf(view.subjectOf(tuple)) > 0 === (kind === 'userset') &&
        this.#edges.value(tuple) === TRUE
      )
        yield tuple
  }

  #gate(entry: Entry, gate: BoundGate): Proof<number> | undefined {
    const { object, relation, depth } = entry
    const key = `${object} ${gate.id}`
    if (this.#running.has(key) || this.#resolver.gate(object, gate) !== TRUE) return undefined
    this.#running.add(key)
    const proofs: Proof<number>[] = []
    for (const operand of gate.kind === 'and' ? gate.operands : gate.operands.slice(0, 1)) {
      const proof = this.#plan(object, relation, operand, depth)
      if (proof === undefined) break
      proofs.push(proof)
    }
    const [first] = proofs
    const wanted = gate.kind === 'and' ? gate.operands.length : 1
    this.#running.delete(key)
    if (proofs.length !== wanted || first === undefined) return undefined
    const holds = this.#text(object, relation)
    if (gate.kind === 'and') return { holds, by: 'intersection', proofs }
    const proof: Proof<number> = { holds, by: 'exclusion', proof: first }
    const [, subtract] = gate.operands
    if (subtract !== undefined) this.#bans.set(proof, start(object, relation, subtract, depth))
    return proof
  }

  /** Adds the tuples of a proof, and those that keep its bans from holding. */
  collect(proof: Proof<number>, into: Set<number>): void {
    if ('tuple' in proof) into.add(proof.tuple)
    if ('proof' in proof) this.collect(proof.proof, into)
    if ('proofs' in proof) for (const one of proof.proofs) this.collect(one, into)
    const ban = this.#bans.get(proof)
    if (ban !== undefined) this.#refute(ban, into, new Set())
  }

  /** Adds the tuples that lift bans on the way. Of what is absent there is nothing to add. */
  #refute(ban: Entry, into: Set<number>, seen: Set<string>): void {
    const entries: Entry[] = [ban]
    for (const entry of entries) {
      this.#spend()
      if (entry.depth >= this.#bounds.maxDepth) break
      for (const next of this.#neighbours(entry)) {
        if (typeof next === 'number') continue
        const key = `${next.object} ${next.relation}`
        if (seen.has(key)) continue
        seen.add(key)
        entries.push(next)
      }
      for (const gate of entry.plan.gates) {
        const [base, subtract] = gate.operands
        for (const operand of gate.kind === 'and' ? gate.operands : [base])
          if (operand !== undefined)
            this.#refute(start(entry.object, entry.relation, operand, entry.depth), into, seen)
        const lifted = `${entry.object} ${gate.id}`
        if (gate.kind === 'and' || subtract === undefined || this.#running.has(lifted)) continue
        this.#running.add(lifted)
        const proof = this.#plan(entry.object, entry.relation, subtract, entry.depth)
        if (proof !== undefined) this.collect(proof, into)
        this.#running.delete(lifted)
      }
    }
  }

  #named(entry: Entry, tuple: number): Proof<number> {
    return { holds: this.#text(entry.object, entry.relation), by: 'tuple', tuple }
  }

  /** The proof of the walk's start, given that of one of its entries. */
  #chain(last: Entry, proof: Proof<number>): Proof<number> {
    let whole = proof
    for (let entry = last; entry.from !== undefined; entry = entry.from) {
      const holds = this.#text(entry.from.object, entry.from.relation)
      if (entry.by === 'userset' || entry.by === 'from') {
        whole = { holds, by: entry.by, tuple: entry.tuple, proof: whole }
      } else whole = { holds, by: 'computed', proof: whole }
    }
    return whole
  }

  #isAsker(object: number, relation: number): boolean {
    return object === this.#asker.object && relation === this.#asker.relation
  }

  #text(object: number, relation: number): string {
    const { view } = this.#edges
    return `${view.nameOf(object)}#${view.graph.relations.name(relation)}`
  }

  #spend(): void {
    if (++this.#work > this.#bounds.maxWork) throw tooComplex()
  }
}

function withTuples<T>(proof: Proof<number>, show: (tuple: number) => T): Proof<T> {
  switch (proof.by) {
    case 'itself':
      return proof
    case 'tuple':
      return { ...proof, tuple: show(proof.tuple) }
    case 'userset':
    case 'from':
      return { ...proof, tuple: show(proof.tuple), proof: withTuples(proof.proof, show) }
    case 'intersection':
      return { ...proof, proofs: proof.proofs.map((one) => withTuples(one, show)) }
    default:
      return { ...proof, proof: withTuples(proof.proof, show) }
  }
}
