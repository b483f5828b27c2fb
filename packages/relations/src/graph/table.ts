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

/** Rows by the first two of their values, open addressing. The pair is read from the table: nothing is stored twice. */
export class PairIndex {
  readonly #table: Table
  /** Row number plus one; 0 is empty, -1 was removed. */
  #slots = new Int32Array(32)
  #used = 0
  #live = 0

  constructor(table: Table) {
    this.#table = table
  }

  /** The row, or -1. */
  find(a: number, b: number): number {
    const slots = this.#slots
    const table = this.#table
    const { width } = table
    const mask = slots.length - 1
    for (let i = hashPair(a, b) & mask; ; i = (i + 1) & mask) {
      const slot = slots[i] ?? EMPTY
      if (slot === EMPTY) return -1
      if (slot === GONE) continue
      const at = (slot - 1) * width
      if (table.get(at) === a && table.get(at + 1) === b) return slot - 1
    }
  }

  /** The pair must be in the table already and not yet in the index. */
  add(row: number): void {
    if ((this.#used + 1) * 4 > this.#slots.length * 3) this.#rebuild()
    this.#put(row)
    this.#used++
    this.#live++
  }

  remove(row: number): void {
    const mask = this.#slots.length - 1
    for (let i = this.#start(row) & mask; ; i = (i + 1) & mask) {
      const slot = this.#slots[i] ?? EMPTY
      if (slot === EMPTY) return
      if (slot === row + 1) {
        this.#slots[i] = GONE
        this.#live--
        return
      }
    }
  }

  get bytes(): number {
    return this.#slots.byteLength
  }

  #start(row: number): number {
    const at = row * this.#table.width
    return hashPair(this.#table.get(at), this.#table.get(at + 1))
  }

  #put(row: number): void {
    const mask = this.#slots.length - 1
    let i = this.#start(row) & mask
    while ((this.#slots[i] ?? EMPTY) !== EMPTY) i = (i + 1) & mask
    this.#slots[i] = row + 1
  }

  #rebuild(): void {
    const old = this.#slots
    let size = 32
    while (size < this.#live * 2 + 2) size *= 2
    this.#slots = new Int32Array(size)
    this.#used = this.#live
    for (const slot of old) if (slot > 0) this.#put(slot - 1)
  }
}

export function hashPair(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 0
}
