/**
 * The graph as one request sees it: the store's tuples and, in addition, the request's contextual ones.
 *
 * Nothing here writes to the graph. Names that the store does not know get numbers above the graph's, so a view is
 * good for one revision only: whoever lets a write happen must make a new one.
 *
 * @module
 */
import type { Extra, Graph } from '../graph/graph.ts'
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

export class View {
  readonly graph: Graph
  readonly #objects = new Map<string, number>()
  readonly #objectNames: string[] = []
  readonly #objectTypes: number[] = []
  readonly #nodes = new Map<string, number>()
  readonly #nodeParts: (readonly [number, number])[] = []
  readonly #tuples: LocalTuple[] = []
  readonly #byTarget = new Map<number, number[]>()
  readonly #bySubject = new Map<number, number[]>()
  readonly #objectBase: number
  readonly #nodeBase: number
  readonly hasLocal: boolean

  constructor(graph: Graph, contextual: readonly ViewTuple[]) {
    this.graph = graph
    this.#objectBase = graph.objects.size
    this.#nodeBase = graph.nodeCount
    this.hasLocal = contextual.length > 0
    for (const tuple of contextual) {
      const target = this.internNode(this.object(tuple.object), graph.relations.find(tuple.relation) + 1)
      const subject = this.subjectNode(tuple.user)
      const id = -2 - this.#tuples.length
      this.#tuples.push({ target, subject, extra: tuple.extra })
      push(this.#byTarget, target, id)
      push(this.#bySubject, subject, id)
    }
  }

  /** The object's number; a local one when the store has never seen it. */
  object(subject: Subject): number {
    const known = this.graph.objects.find(subject.name)
    if (known >= 0) return known
    const local = this.#objects.get(subject.name)
    if (local !== undefined) return local
    const id = this.#objectBase + this.#objectNames.length
    this.#objects.set(subject.name, id)
    this.#objectNames.push(subject.name)
    this.#objectTypes.push(this.graph.types.find(subject.type))
    return id
  }

  /** Number of the subject's node; the relation must be one of the store's. */
  subjectNode(subject: Subject): number {
    const slot = subject.relation === undefined ? 0 : this.graph.relations.find(subject.relation) + 1
    return this.internNode(this.object(subject), slot)
  }

  internNode(object: number, slot: number): number {
    const known = this.node(object, slot)
    if (known >= 0) return known
    const id = this.#nodeBase + this.#nodeParts.length
    this.#nodes.set(`${object} ${slot}`, id)
    this.#nodeParts.push([object, slot])
    return id
  }

  /** The node, or -1. */
  node(object: number, slot: number): number {
    const known = object < this.#objectBase ? this.graph.findNode(object, slot) : -1
    if (known >= 0 || this.#nodeParts.length === 0) return known
    return this.#nodes.get(`${object} ${slot}`) ?? -1
  }

  typeOf(object: number): number {
    return object < this.#objectBase
      ? this.graph.typeOf(object)
      : (this.#objectTypes[object - this.#objectBase] ?? -1)
  }

  nameOf(object: number): string {
    return object < this.#objectBase
      ? this.graph.objects.name(object)
      : (this.#objectNames[object - this.#objectBase] ?? '')
  }

  isLocal(object: number): boolean {
    return object >= this.#objectBase
  }

  /** The object `type:*`, or -1. */
  wildcardOf(type: number): number {
    const known = this.graph.wildcardOf(type)
    if (known >= 0 || this.#objectNames.length === 0) return known
    return this.#objects.get(`${this.graph.types.name(type)}:*`) ?? -1
  }

  objectOf(node: number): number {
    return node < this.#nodeBase
      ? this.graph.objectOf(node)
      : (this.#nodeParts[node - this.#nodeBase]?.[0] ?? -1)
  }

  slotOf(node: number): number {
    return node < this.#nodeBase
      ? this.graph.slotOf(node)
      : (this.#nodeParts[node - this.#nodeBase]?.[1] ?? 0)
  }

  targetOf(tuple: number): number {
    return tuple >= 0 ? this.graph.targetOf(tuple) : (this.#tuples[-2 - tuple]?.target ?? -1)
  }

  subjectOf(tuple: number): number {
    return tuple >= 0 ? this.graph.subjectOf(tuple) : (this.#tuples[-2 - tuple]?.subject ?? -1)
  }

  extraOf(tuple: number): Extra | undefined {
    return tuple >= 0 ? this.graph.extraOf(tuple) : this.#tuples[-2 - tuple]?.extra
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
    return this.hasLocal ? (this.#byTarget.get(target) ?? NONE) : NONE
  }

  localOfSubject(subject: number): readonly number[] {
    return this.hasLocal ? (this.#bySubject.get(subject) ?? NONE) : NONE
  }
}

const NONE: readonly number[] = []

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
