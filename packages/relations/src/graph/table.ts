/**
 * Rows of 32-bit integers in one array, and a hash index over rows by two of their values. No object per row: a million
 * tuples are a few arrays, and what belongs together lies together.
 *
 * @module
 */

/** Grows by half when it is full. */
export class Table {
  readonly width: number
  #data: Int32Array
  #rows = 0

  constructor(width: number) {
    this.width = width
    this.#data = new Int32Array(16 * width)
  }

  get rows(): number {
    return this.#rows
  }

  /** A row of zeros. */
  add(): number {
    const row = this.#rows++
    const needed = this.#rows * this.width
    if (needed > this.#data.length) {
      const grown = new Int32Array(Math.ceil((needed * 1.5) / this.width) * this.width)
      grown.set(this.#data)
      this.#data = grown
    }
    return row
  }

  /** `at` is row times width plus field. Reading past the end gives 0. */
  get(at: number): number {
    return this.#data[at] ?? 0
  }

  set(at: number, value: number): void {
    this.#data[at] = value
  }

  get bytes(): number {
    return this.#data.byteLength
  }
}

const EMPTY = 0
const GONE = -1

/**
 * Rows by the first two of their values, open addressing. The pair is read from the table: only its hash is kept beside
 * the row's number, so that a look for what is not there touches nothing else.
 */
export class PairIndex {
  readonly #table: Table
  /** Hash, then row number plus one; 0 is empty, -1 was removed. */
  #slots = new Int32Array(64)
  #used = 0
  #live = 0

  constructor(table: Table) {
    this.#table = table
  }

  /** The row, or -1. */
  find(a: number, b: number): number {
    const slots = this.#slots
    const mask = slots.length - 2
    const hash = hashPair(a, b)
    for (let i = (hash << 1) & mask; ; i = (i + 2) & mask) {
      const slot = slots[i + 1] ?? EMPTY
      if (slot === EMPTY) return -1
      if (slot !== GONE && slots[i] === hash && this.#is(slot - 1, a, b)) return slot - 1
    }
  }

  /** The pair must be in the table already and not yet in the index. */
  add(row: number): void {
    if ((this.#used + 1) * 3 > this.#slots.length) this.#rebuild()
    const at = row * this.#table.width
    this.#put(hashPair(this.#table.get(at), this.#table.get(at + 1)), row + 1)
    this.#used++
    this.#live++
  }

  remove(row: number): void {
    const slots = this.#slots
    const mask = slots.length - 2
    const at = row * this.#table.width
    const hash = hashPair(this.#table.get(at), this.#table.get(at + 1))
    for (let i = (hash << 1) & mask; ; i = (i + 2) & mask) {
      const slot = slots[i + 1] ?? EMPTY
      if (slot === EMPTY) return
      if (slot === row + 1) {
        slots[i + 1] = GONE
        this.#live--
        return
      }
    }
  }

  get bytes(): number {
    return this.#slots.byteLength
  }

  #is(row: number, a: number, b: number): boolean {
    const at = row * this.#table.width
    return this.#table.get(at) === a && this.#table.get(at + 1) === b
  }

  #put(hash: number, slot: number): void {
    const slots = this.#slots
    const mask = slots.length - 2
    let i = (hash << 1) & mask
    while ((slots[i + 1] ?? EMPTY) !== EMPTY) i = (i + 2) & mask
    slots[i] = hash
    slots[i + 1] = slot
  }

  #rebuild(): void {
    const old = this.#slots
    let size = 32
    while (size < this.#live * 2 + 2) size *= 2
    this.#slots = new Int32Array(size * 2)
    this.#used = this.#live
    for (let i = 0; i < old.length; i += 2) {
      const slot = old[i + 1] ?? EMPTY
      if (slot > 0) this.#put(old[i] ?? 0, slot)
    }
  }
}

/** A signed 32-bit number. */
export function hashPair(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return h ^ (h >>> 13)
}
