/**
 * Growable columns of 32-bit integers, and a hash index over rows by two of their values. No object per row: a million
 * tuples are a few arrays.
 *
 * @module
 */

/** A column that grows by half when it is full. Reading past the end gives 0. */
export class Column {
  #data = new Int32Array(16)

  get(i: number): number {
    return this.#data[i] ?? 0
  }

  set(i: number, value: number): void {
    if (i >= this.#data.length) {
      const grown = new Int32Array(Math.max(i + 1, Math.ceil(this.#data.length * 1.5)))
      grown.set(this.#data)
      this.#data = grown
    }
    this.#data[i] = value
  }

  get bytes(): number {
    return this.#data.byteLength
  }
}

const EMPTY = 0
const GONE = -1

/** Rows by a pair of integers, open addressing. The pair is read from the owner's columns: nothing is stored twice. */
export class PairIndex {
  readonly #first: Column
  readonly #second: Column
  /** Row number plus one; 0 is empty, -1 was removed. */
  #slots = new Int32Array(32)
  #used = 0
  #live = 0

  constructor(first: Column, second: Column) {
    this.#first = first
    this.#second = second
  }

  /** The row, or -1. */
  find(a: number, b: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let i = hash(a, b) & mask; ; i = (i + 1) & mask) {
      const slot = slots[i] ?? EMPTY
      if (slot === EMPTY) return -1
      if (slot !== GONE && this.#first.get(slot - 1) === a && this.#second.get(slot - 1) === b)
        return slot - 1
    }
  }

  /** The pair must be in the columns already and not yet in the index. */
  add(row: number): void {
    if ((this.#used + 1) * 4 > this.#slots.length * 3) this.#rebuild()
    this.#put(row)
    this.#used++
    this.#live++
  }

  remove(row: number): void {
    const mask = this.#slots.length - 1
    for (let i = hash(this.#first.get(row), this.#second.get(row)) & mask; ; i = (i + 1) & mask) {
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

  #put(row: number): void {
    const mask = this.#slots.length - 1
    let i = hash(this.#first.get(row), this.#second.get(row)) & mask
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

function hash(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 0
}
