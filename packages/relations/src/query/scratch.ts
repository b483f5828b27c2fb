/**
 * Memory that checks use again and again, so that a check allocates next to nothing.
 *
 * Owned by one store. A check is synchronous and never asks the store anything, so two never use it at once; a listing
 * gives way to others, so it borrows a memory of its own.
 *
 * @module
 */
import { PairMap } from '../graph/pair-map.ts'
import type { BoundPlan } from '../model/bind.ts'

/** Entries kept between checks. */
const KEPT = 65_536
/** Memories of listings kept between them. */
const SPARE = 4

/** Answers that hold for the whole request: by object and relation, by object and gate. */
export interface Memory {
  readonly relations: PairMap
  readonly gates: PairMap
}

/** What a listing holds while it is on its way: a memory, and what it reached. */
export interface WalkMemory extends Memory {
  readonly state: PairMap
}

export const newMemory = (): Memory => ({ relations: new PairMap(), gates: new PairMap() })

export class Scratch {
  /** The walks in progress, one on top of the other: what is to be looked at. */
  objects: number[] = []
  relations: number[] = []
  nodes: number[] = []
  depths: number[] = []
  plans: BoundPlan[] = []
  top = 0
  /** By object and relation: the last walk that saw it. */
  readonly seen = new PairMap()
  walks = 0
  /** Work of all evaluations so far. */
  spent = 0
  /** By object and gate: place among the gates in progress plus one, or 0. */
  readonly progress = new PairMap()
  /** Right sides of `but not` entered before the gate in progress was. */
  readonly negations: number[] = []
  readonly #memory = newMemory()
  readonly #spare: WalkMemory[] = []

  /** Empty; whoever asked before has lost it. */
  memory(): Memory {
    this.#memory.relations.clear()
    this.#memory.gates.clear()
    return this.#memory
  }

  borrow(): WalkMemory {
    return this.#spare.pop() ?? { ...newMemory(), state: new PairMap() }
  }

  /** Whoever borrowed it must have forgotten it. */
  giveBack(memory: WalkMemory): void {
    if (this.#spare.length >= SPARE) return
    memory.relations.clear()
    memory.gates.clear()
    memory.state.clear()
    this.#spare.push(memory)
  }

  /** Before each evaluation, whatever became of the one before. */
  reset(): void {
    if (this.top > KEPT) {
      this.objects = []
      this.relations = []
      this.nodes = []
      this.depths = []
      this.plans = []
    }
    this.top = 0
    this.walks = 0
    this.seen.clear()
    this.progress.clear()
  }

  push(object: number, relation: number, node: number, depth: number, plan: BoundPlan): void {
    const at = this.top++
    this.objects[at] = object
    this.relations[at] = relation
    this.nodes[at] = node
    this.depths[at] = depth
    this.plans[at] = plan
  }
}
