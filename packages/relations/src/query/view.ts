/**
 * The graph as one request sees it: the store's tuples and, in addition, the request's contextual ones.
 *
 * Nothing here writes to the graph. Names that the store does not know get numbers above the graph's, so a view is
 * good for one revision only: whoever lets a write happen must make a new one. A view without contextual tuples holds
 * next to nothing.
 *
 * @module
 */
import type { Extra, Graph } from '../graph/graph.ts'
import { PairMap } from '../graph/pair-map.ts'
import type { Subject } from '../names.ts'

interface LocalTuple {
  readonly target: number
  readonly subject: number
  readonly extra: Extra | undefined
}

export interface ViewTuple {
  readonly object: Subject
  readonly relation: string
  readonly user: Subject
  readonly extra: Extra | undefined
}

/** What contextual tuples bring. */
interface Local {
  readonly nodes: PairMap
  readonly nodeObjects: number[]
  readonly nodeSlots: number[]
  readonly tuples: LocalTuple[]
  readonly byTarget: Map<number, number[]>
  readonly bySubject: Map<number, number[]>
}

export class View {
  readonly graph: Graph
  readonly #objectBase: number
  readonly #nodeBase: number
  /** Objects that the store does not know. */
  readonly #names: string[] = []
  readonly #types: number[] = []
  readonly #local: Local | undefined

  constructor(graph: Graph, contextual: readonly ViewTuple[]) {
    this.graph = graph
    this.#objectBase = graph.objects.size
    this.#nodeBase = graph.nodeCount
    if (contextual.length === 0) return
    const local = {
      nodes: new PairMap(),
      nodeObjects: [],
      nodeSlots: [],
      tuples: [] as LocalTuple[],
      byTarget: new Map(),
      bySubject: new Map(),
    }
    this.#local = local
    for (const { object, relation, user, extra } of contextual) {
      const target = this.#internNode(local, this.object(object), graph.relations.find(relation) + 1)
      const slot = user.relation === undefined ? 0 : graph.relations.find(user.relation) + 1
      const subject = this.#internNode(local, this.object(user), slot)
      const id = -2 - local.tuples.length
      local.tuples.push({ target, subject, extra })
      push(local.byTarget, target, id)
      push(local.bySubject, subject, id)
    }
  }

  get hasLocal(): boolean {
    return this.#local !== undefined
  }

  /** The object's number; a local one when the store has never seen it. */
  object(subject: Pick<Subject, 'name' | 'type'>): number {
    const known = this.graph.objects.find(subject.name)
    if (known >= 0) return known
    const local = this.#names.indexOf(subject.name)
    if (local >= 0) return this.#objectBase + local
    this.#names.push(subject.name)
    this.#types.push(this.graph.types.find(subject.type))
    return this.#objectBase + this.#names.length - 1
  }

  #internNode(local: Local, object: number, slot: number): number {
    const known = this.node(object, slot)
    if (known >= 0) return known
    const id = this.#nodeBase + local.nodeObjects.length
    local.nodes.set(object, slot, id)
    local.nodeObjects.push(object)
    local.nodeSlots.push(slot)
    return id
  }

  /** The node, or -1. */
  node(object: number, slot: number): number {
    const known = object < this.#objectBase ? this.graph.findNode(object, slot) : -1
    return known >= 0 || this.#local === undefined ? known : this.#local.nodes.get(object, slot)
  }

  typeOf(object: number): number {
    return object < this.#objectBase
      ? this.graph.typeOf(object)
      : (this.#types[object - this.#objectBase] ?? -1)
  }

  nameOf(object: number): string {
    return object < this.#objectBase
      ? this.graph.objects.name(object)
      : (this.#names[object - this.#objectBase] ?? '')
  }

  isLocal(object: number): boolean {
    return object >= this.#objectBase
  }

  /** The object `type:*`, or -1. */
  wildcardOf(type: number): number {
    const known = this.graph.wildcardOf(type)
    if (known >= 0 || this.#names.length === 0) return known
    const local = this.#names.indexOf(`${this.graph.types.name(type)}:*`)
    return local < 0 ? -1 : this.#objectBase + local
  }

  objectOf(node: number): number {
    return node < this.#nodeBase
      ? this.graph.objectOf(node)
      : (this.#local?.nodeObjects[node - this.#nodeBase] ?? -1)
  }

  slotOf(node: number): number {
    return node < this.#nodeBase
      ? this.graph.slotOf(node)
      : (this.#local?.nodeSlots[node - this.#nodeBase] ?? 0)
  }

  targetOf(tuple: number): number {
    return tuple >= 0 ? this.graph.targetOf(tuple) : (this.#local?.tuples[-2 - tuple]?.target ?? -1)
  }

  subjectOf(tuple: number): number {
    return tuple >= 0 ? this.graph.subjectOf(tuple) : (this.#local?.tuples[-2 - tuple]?.subject ?? -1)
  }

  extraOf(tuple: number): Extra | undefined {
    return tuple >= 0 ? this.graph.extraOf(tuple) : this.#local?.tuples[-2 - tuple]?.extra
  }

  /** See `Graph.targetsOf`; of stored tuples. */
  targetsOf(node: number): number {
    return node >= 0 && node < this.#nodeBase ? this.graph.targetsOf(node) : 0
  }

  typeOfNode(node: number): number {
    return node < this.#nodeBase ? this.graph.typeOfNode(node) : this.typeOf(this.objectOf(node))
  }

  /** The stored tuple, or -1. */
  stored(target: number, subject: number): number {
    return target < this.#nodeBase && subject < this.#nodeBase ? this.graph.findTuple(target, subject) : -1
  }

  firstPlain(node: number): number {
    return node < this.#nodeBase ? this.graph.firstPlain(node) : -1
  }

  firstUserset(node: number): number {
    return node < this.#nodeBase ? this.graph.firstUserset(node) : -1
  }

  firstOfSubject(node: number): number {
    return node < this.#nodeBase ? this.graph.firstOfSubject(node) : -1
  }

  /** Contextual tuples of `object#relation`, of both kinds. */
  localOf(target: number): readonly number[] {
    return this.#local?.byTarget.get(target) ?? NONE
  }

  localOfSubject(subject: number): readonly number[] {
    return this.#local?.bySubject.get(subject) ?? NONE
  }
}

const NONE: readonly number[] = []

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
