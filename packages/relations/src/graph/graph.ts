/**
 * Tuples as a graph of integers.
 *
 * A node is an object (`slot` 0) or a relation of an object (`slot` = relation id + 1); a tuple is an edge from the
 * subject's node to the node of `object#relation`. Each node heads three doubly linked lists: plain subjects, userset
 * subjects, and the tuples that it is the subject of. Objects and nodes are kept when their last tuple goes: their
 * numbers are stable, which cursors need.
 *
 * Owned by one store; nothing else writes to it. Rows of deleted tuples are used again.
 *
 * @module
 */
import { Column, PairIndex } from './columns.ts'
import { Interner } from './interner.ts'

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

export class Graph {
  readonly types = new Interner()
  readonly relations = new Interner()
  readonly objects = new Interner()
  readonly #objectType = new Column()
  readonly #wildcardOfType = new Column()

  readonly #nodeObject = new Column()
  readonly #nodeSlot = new Column()
  readonly #plainHead = new Column()
  readonly #usersetHead = new Column()
  readonly #reverseHead = new Column()
  readonly #nodeIndex = new PairIndex(this.#nodeObject, this.#nodeSlot)
  #nodes = 0

  readonly #target = new Column()
  readonly #subject = new Column()
  readonly #next = new Column()
  readonly #previous = new Column()
  readonly #nextReverse = new Column()
  readonly #previousReverse = new Column()
  readonly #tupleIndex = new PairIndex(this.#target, this.#subject)
  readonly #extras = new Map<number, Extra>()
  #rows = 0
  #free: number[] = []
  #tuples = 0

  internObject(name: string, type: string): number {
    const before = this.objects.size
    const id = this.objects.intern(name)
    if (id === before) {
      const typeId = this.types.intern(type)
      this.#objectType.set(id, typeId)
      if (name.length === type.length + 2 && name.endsWith(':*')) this.#wildcardOfType.set(typeId, id + 1)
    }
    return id
  }

  typeOf(object: number): number {
    return this.#objectType.get(object)
  }

  /** The object `type:*`, or -1. */
  wildcardOf(type: number): number {
    return type < 0 ? -1 : this.#wildcardOfType.get(type) - 1
  }

  isWildcard(object: number): boolean {
    return this.wildcardOf(this.typeOf(object)) === object
  }

  internNode(object: number, slot: number): number {
    const known = this.#nodeIndex.find(object, slot)
    if (known >= 0) return known
    const node = this.#nodes++
    this.#nodeObject.set(node, object)
    this.#nodeSlot.set(node, slot)
    this.#plainHead.set(node, 0)
    this.#usersetHead.set(node, 0)
    this.#reverseHead.set(node, 0)
    this.#nodeIndex.add(node)
    return node
  }

  /** The node, or -1. */
  findNode(object: number, slot: number): number {
    return this.#nodeIndex.find(object, slot)
  }

  objectOf(node: number): number {
    return this.#nodeObject.get(node)
  }

  slotOf(node: number): number {
    return this.#nodeSlot.get(node)
  }

  /** The tuple, or -1. */
  findTuple(target: number, subject: number): number {
    return this.#tupleIndex.find(target, subject)
  }

  targetOf(tuple: number): number {
    return this.#target.get(tuple)
  }

  subjectOf(tuple: number): number {
    return this.#subject.get(tuple)
  }

  extraOf(tuple: number): Extra | undefined {
    return this.#extras.size === 0 ? undefined : this.#extras.get(tuple)
  }

  /** First tuple of a list, or -1; go on with `next` (or `nextOfSubject` for the last kind). */
  firstPlain(node: number): number {
    return this.#plainHead.get(node) - 1
  }

  firstUserset(node: number): number {
    return this.#usersetHead.get(node) - 1
  }

  firstOfSubject(node: number): number {
    return this.#reverseHead.get(node) - 1
  }

  next(tuple: number): number {
    return this.#next.get(tuple) - 1
  }

  nextOfSubject(tuple: number): number {
    return this.#nextReverse.get(tuple) - 1
  }

  /** The tuple must not exist yet. */
  add(target: number, subject: number, extra: Extra | undefined): number {
    const tuple = this.#free.pop() ?? this.#rows++
    this.#target.set(tuple, target)
    this.#subject.set(tuple, subject)
    const heads = this.slotOf(subject) === 0 ? this.#plainHead : this.#usersetHead
    link(tuple, target, heads, this.#next, this.#previous)
    link(tuple, subject, this.#reverseHead, this.#nextReverse, this.#previousReverse)
    this.#tupleIndex.add(tuple)
    if (extra !== undefined) this.#extras.set(tuple, extra)
    this.#tuples++
    return tuple
  }

  remove(tuple: number): void {
    const target = this.targetOf(tuple)
    const subject = this.subjectOf(tuple)
    const heads = this.slotOf(subject) === 0 ? this.#plainHead : this.#usersetHead
    this.#tupleIndex.remove(tuple)
    unlink(tuple, target, heads, this.#next, this.#previous)
    unlink(tuple, subject, this.#reverseHead, this.#nextReverse, this.#previousReverse)
    this.#extras.delete(tuple)
    this.#target.set(tuple, -1)
    this.#free.push(tuple)
    this.#tuples--
  }

  setExtra(tuple: number, extra: Extra): void {
    this.#extras.set(tuple, extra)
  }

  /** A row that no tuple has, so that the rows after it keep their numbers. */
  addFree(): void {
    this.#target.set(this.#rows++, -1)
  }

  /** Makes the free rows of a restored graph usable. */
  collectFree(): void {
    this.#free = []
    for (let row = 0; row < this.#rows; row++) if (this.targetOf(row) < 0) this.#free.push(row)
  }

  image(): GraphImage {
    const nodes = new Int32Array(this.#nodes * 2)
    for (let node = 0; node < this.#nodes; node++) {
      nodes[node * 2] = this.objectOf(node)
      nodes[node * 2 + 1] = this.slotOf(node)
    }
    const rows = new Int32Array(this.#rows * 2)
    for (let row = 0; row < this.#rows; row++) {
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
    return this.#rows
  }

  get hasExtras(): boolean {
    return this.#extras.size > 0
  }

  get tupleCount(): number {
    return this.#tuples
  }

  get nodeCount(): number {
    return this.#nodes
  }

  /** Bytes of the columns and indexes; names and extras come on top. */
  get columnBytes(): number {
    const columns = [this.#objectType, this.#nodeObject, this.#nodeSlot, this.#plainHead, this.#usersetHead]
    const more = [this.#reverseHead, this.#target, this.#subject, this.#next, this.#previous]
    const indexes = [this.#nextReverse, this.#previousReverse, this.#nodeIndex, this.#tupleIndex]
    return [...columns, ...more, ...indexes].reduce((sum, one) => sum + one.bytes, 0)
  }
}

/** Heads and links hold a row plus one, so that a fresh column means an empty list. */
function link(row: number, node: number, heads: Column, next: Column, previous: Column): void {
  const head = heads.get(node)
  next.set(row, head)
  previous.set(row, 0)
  if (head > 0) previous.set(head - 1, row + 1)
  heads.set(node, row + 1)
}

function unlink(row: number, node: number, heads: Column, next: Column, previous: Column): void {
  const after = next.get(row)
  const before = previous.get(row)
  if (before > 0) next.set(before - 1, after)
  else heads.set(node, after)
  if (after > 0) previous.set(after - 1, before)
}
