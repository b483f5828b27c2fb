/**
 * Tuples as a graph of integers.
 *
 * A node is an object (`slot` 0) or a relation of an object (`slot` = relation id + 1); a tuple is an edge from the
 * subject's node to the node of `object#relation`. Each node heads three doubly linked lists: plain subjects, userset
 * subjects, and the tuples that it is the subject of. The nodes of an object hang in one chain; those beyond the
 * eighth are found by an index. Objects and nodes are kept when their last tuple goes: their numbers are stable, which
 * cursors need.
 *
 * Owned by one store; nothing else writes to it. Rows of deleted tuples are used again.
 *
 * @module
 */
import { subjectClass } from '../model/subject-class.ts'
import { Interner } from './interner.ts'
import { Shapes } from './shapes.ts'
import { hashPair, PairIndex, Table } from './table.ts'

/** What few tuples have. */
export interface Extra {
  readonly condition?: { readonly name: string; readonly context: Readonly<Record<string, unknown>> }
  /** Milliseconds since 1970; the tuple counts before this instant only. */
  readonly expiresAt?: number
}

/** The graph at one moment, as it stands in a snapshot. Names only ever follow, so `nameOf` stays right. */
export interface GraphImage {
  readonly types: readonly string[]
  readonly relations: readonly string[]
  readonly objects: number
  readonly nameOf: (object: number) => string
  /** Object and slot of every node. */
  readonly nodes: Int32Array
  /** Target and subject of every row; a free row has target -1. */
  readonly rows: Int32Array
  readonly extras: readonly (readonly [number, Extra])[]
}

// Fields of a row. Heads, links and chains hold a row plus one, so that zeros mean an empty list.
const OBJECT = { type: 0, firstNode: 1, width: 2 } as const
const NODE = {
  object: 0,
  slot: 1,
  plain: 2,
  userset: 3,
  reverse: 4,
  sibling: 5,
  type: 6,
  targets: 7,
  width: 8,
} as const
const TUPLE = {
  target: 0,
  subject: 1,
  next: 2,
  previous: 3,
  nextReverse: 4,
  previousReverse: 5,
  shape: 6,
  width: 8,
} as const
const MAX_CHAIN = 8

/** One of 32 bits for a relation of a type. */
export const targetBit = (type: number, relation: number): number => 1 << (hashPair(type, relation) & 31)

export class Graph {
  readonly types = new Interner()
  readonly relations = new Interner()
  readonly objects = new Interner()
  readonly shapes = new Shapes()
  readonly #objects = new Table(OBJECT.width)
  /** Object `type:*` by type, plus one. */
  readonly #wildcards: number[] = []
  readonly #nodes = new Table(NODE.width)
  readonly #farNodes = new PairIndex(this.#nodes)
  readonly #tuples = new Table(TUPLE.width)
  readonly #tupleIndex = new PairIndex(this.#tuples)
  readonly #extras = new Map<number, Extra>()
  #free: number[] = []
  #count = 0

  internObject(name: string, type: string): number {
    const before = this.objects.size
    const id = this.objects.intern(name)
    if (id === before) this.#newObject(id, name, type)
    return id
  }

  /** Of a restored graph, in order. False, and the graph of no use any more, when the name is there already. */
  appendObject(name: string, type: string): boolean {
    const fresh = this.objects.append(name)
    if (fresh) this.#newObject(this.objects.size - 1, name, type)
    return fresh
  }

  #newObject(id: number, name: string, type: string): void {
    const typeId = this.types.intern(type)
    this.#objects.set(this.#objects.add() * OBJECT.width + OBJECT.type, typeId)
    if (name.length === type.length + 2 && name.endsWith(':*')) this.#wildcards[typeId] = id + 1
  }

  typeOf(object: number): number {
    return this.#objects.get(object * OBJECT.width + OBJECT.type)
  }

  /** The object `type:*`, or -1. */
  wildcardOf(type: number): number {
    return (this.#wildcards[type] ?? 0) - 1
  }

  isWildcard(object: number): boolean {
    return this.wildcardOf(this.typeOf(object)) === object
  }

  internNode(object: number, slot: number): number {
    const known = this.findNode(object, slot)
    if (known >= 0) return known
    const node = this.#nodes.add()
    const at = node * NODE.width
    const head = object * OBJECT.width + OBJECT.firstNode
    const first = this.#objects.get(head)
    this.#nodes.set(at + NODE.object, object)
    this.#nodes.set(at + NODE.slot, slot)
    this.#nodes.set(at + NODE.type, this.typeOf(object))
    if (this.#chainLength(first) >= MAX_CHAIN) this.#farNodes.add(node)
    else {
      this.#nodes.set(at + NODE.sibling, first)
      this.#objects.set(head, node + 1)
    }
    return node
  }

  #chainLength(first: number): number {
    let length = 0
    for (let next = first; next > 0; next = this.#nodes.get((next - 1) * NODE.width + NODE.sibling)) length++
    return length
  }

  /** The node, or -1. */
  findNode(object: number, slot: number): number {
    const nodes = this.#nodes
    let steps = 0
    for (let next = this.#objects.get(object * OBJECT.width + OBJECT.firstNode); next > 0; steps++) {
      const at = (next - 1) * NODE.width
      if (nodes.get(at + NODE.slot) === slot) return next - 1
      next = nodes.get(at + NODE.sibling)
    }
    return steps < MAX_CHAIN ? -1 : this.#farNodes.find(object, slot)
  }

  objectOf(node: number): number {
    return this.#nodes.get(node * NODE.width + NODE.object)
  }

  slotOf(node: number): number {
    return this.#nodes.get(node * NODE.width + NODE.slot)
  }

  /** Type of the node's object. */
  typeOfNode(node: number): number {
    return this.#nodes.get(node * NODE.width + NODE.type)
  }

  /**
   * Which kinds of targets (`targetBit`) tuples with this subject have, or once had: what is not among them need not
   * be looked for.
   */
  targetsOf(node: number): number {
    return this.#nodes.get(node * NODE.width + NODE.targets)
  }

  /** The tuple, or -1. */
  findTuple(target: number, subject: number): number {
    return this.#tupleIndex.find(target, subject)
  }

  targetOf(tuple: number): number {
    return this.#tuples.get(tuple * TUPLE.width + TUPLE.target)
  }

  subjectOf(tuple: number): number {
    return this.#tuples.get(tuple * TUPLE.width + TUPLE.subject)
  }

  shapeOf(tuple: number): number {
    return this.#tuples.get(tuple * TUPLE.width + TUPLE.shape)
  }

  extraOf(tuple: number): Extra | undefined {
    return this.#extras.size === 0 ? undefined : this.#extras.get(tuple)
  }

  /** First tuple of a list, or -1; go on with `next` (or `nextOfSubject` for the last kind). */
  firstPlain(node: number): number {
    return this.#nodes.get(node * NODE.width + NODE.plain) - 1
  }

  firstUserset(node: number): number {
    return this.#nodes.get(node * NODE.width + NODE.userset) - 1
  }

  firstOfSubject(node: number): number {
    return this.#nodes.get(node * NODE.width + NODE.reverse) - 1
  }

  next(tuple: number): number {
    return this.#tuples.get(tuple * TUPLE.width + TUPLE.next) - 1
  }

  nextOfSubject(tuple: number): number {
    return this.#tuples.get(tuple * TUPLE.width + TUPLE.nextReverse) - 1
  }

  /** The tuple must not exist yet. */
  add(target: number, subject: number, extra: Extra | undefined): number {
    const tuple = this.#free.pop() ?? this.#tuples.add()
    const at = tuple * TUPLE.width
    this.#tuples.set(at + TUPLE.target, target)
    this.#tuples.set(at + TUPLE.subject, subject)
    this.#link(tuple, target, this.#headOf(subject), TUPLE.next, TUPLE.previous)
    this.#link(tuple, subject, NODE.reverse, TUPLE.nextReverse, TUPLE.previousReverse)
    this.#tupleIndex.add(tuple)
    const targets = subject * NODE.width + NODE.targets
    const bit = targetBit(this.typeOfNode(target), this.slotOf(target) - 1)
    this.#nodes.set(targets, this.#nodes.get(targets) | bit)
    this.setExtra(tuple, extra)
    this.#count++
    return tuple
  }

  remove(tuple: number): void {
    const target = this.targetOf(tuple)
    const subject = this.subjectOf(tuple)
    this.#tupleIndex.remove(tuple)
    this.#unlink(tuple, target, this.#headOf(subject), TUPLE.next, TUPLE.previous)
    this.#unlink(tuple, subject, NODE.reverse, TUPLE.nextReverse, TUPLE.previousReverse)
    this.#extras.delete(tuple)
    this.#tuples.set(tuple * TUPLE.width + TUPLE.target, -1)
    this.#free.push(tuple)
    this.#count--
  }

  setExtra(tuple: number, extra: Extra | undefined): void {
    if (extra !== undefined) this.#extras.set(tuple, extra)
    const target = this.targetOf(tuple)
    const subject = this.subjectOf(tuple)
    const object = this.objectOf(subject)
    const slot = this.slotOf(subject)
    const kind = slot > 0 ? slot + 1 : this.isWildcard(object) ? 1 : 0
    const shape = this.shapes.intern(
      this.typeOfNode(target),
      this.slotOf(target) - 1,
      subjectClass(this.typeOfNode(subject), kind),
      extra?.condition?.name ?? '',
      extra !== undefined,
    )
    this.#tuples.set(tuple * TUPLE.width + TUPLE.shape, shape)
  }

  /** A row that no tuple has, so that the rows after it keep their numbers. */
  addFree(): void {
    this.#tuples.set(this.#tuples.add() * TUPLE.width + TUPLE.target, -1)
  }

  /** Makes the free rows of a restored graph usable. */
  collectFree(): void {
    this.#free = []
    for (let row = 0; row < this.rowCount; row++) if (this.targetOf(row) < 0) this.#free.push(row)
  }

  image(): GraphImage {
    const nodes = new Int32Array(this.nodeCount * 2)
    for (let node = 0; node < this.nodeCount; node++) {
      nodes[node * 2] = this.objectOf(node)
      nodes[node * 2 + 1] = this.slotOf(node)
    }
    const rows = new Int32Array(this.rowCount * 2)
    for (let row = 0; row < this.rowCount; row++) {
      const target = this.targetOf(row)
      rows[row * 2] = target
      rows[row * 2 + 1] = target < 0 ? 0 : this.subjectOf(row)
    }
    return {
      types: this.types.names(),
      relations: this.relations.names(),
      objects: this.objects.size,
      nameOf: (object) => this.objects.name(object),
      nodes,
      rows,
      extras: [...this.#extras],
    }
  }

  /** Tuples that carry a condition or an end. */
  extras(): IterableIterator<[number, Extra]> {
    return this.#extras.entries()
  }

  /** Rows in use or free again; a free one has no target (-1). */
  get rowCount(): number {
    return this.#tuples.rows
  }

  get hasExtras(): boolean {
    return this.#extras.size > 0
  }

  get tupleCount(): number {
    return this.#count
  }

  get nodeCount(): number {
    return this.#nodes.rows
  }

  /** Bytes of the tables and indexes; names and extras come on top. */
  get columnBytes(): number {
    const all = [this.#objects, this.#nodes, this.#farNodes, this.#tuples, this.#tupleIndex]
    return all.reduce((sum, one) => sum + one.bytes, 0)
  }

  /** The list of the target's that a tuple with this subject is in. */
  #headOf(subject: number): number {
    return this.slotOf(subject) === 0 ? NODE.plain : NODE.userset
  }

  #link(tuple: number, node: number, list: number, next: number, previous: number): void {
    const at = tuple * TUPLE.width
    const head = this.#nodes.get(node * NODE.width + list)
    this.#tuples.set(at + next, head)
    this.#tuples.set(at + previous, 0)
    if (head > 0) this.#tuples.set((head - 1) * TUPLE.width + previous, tuple + 1)
    this.#nodes.set(node * NODE.width + list, tuple + 1)
  }

  #unlink(tuple: number, node: number, list: number, next: number, previous: number): void {
    const at = tuple * TUPLE.width
    const after = this.#tuples.get(at + next)
    const before = this.#tuples.get(at + previous)
    if (before > 0) this.#tuples.set((before - 1) * TUPLE.width + next, after)
    else this.#nodes.set(node * NODE.width + list, after)
    if (after > 0) this.#tuples.set((after - 1) * TUPLE.width + previous, before)
  }
}
