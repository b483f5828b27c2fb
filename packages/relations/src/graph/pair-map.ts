/**
 * Small integers by a pair of integers, for walks: set, found, emptied at once, used again.
 *
 * @module
 */
import { hashPair } from './table.ts'

const WIDTH = 4
const FIRST_SLOTS = 256
/** A map that grew beyond this many slots gives its memory back when it is emptied. */
const KEPT_SLOTS = 65_536

export class PairMap {
  /** First, second, value, round. A slot of an earlier round is empty. */
  #data = new Int32Array(FIRST_SLOTS * WIDTH)
  #slots = FIRST_SLOTS
  #round = 1
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The value, or -1. */
  get(a: number, b: number): number {
    const at = this.#find(a, b)
    return this.#data[at + 3] === this.#round ? (this.#data[at + 2] ?? -1) : -1
  }

  /** `value` is not negative. */
  set(a: number, b: number, value: number): void {
    const at = this.#find(a, b)
    const data = this.#data
    if (data[at + 3] !== this.#round) {
      data[at] = a
      data[at + 1] = b
      data[at + 3] = this.#round
      this.#size++
    }
    data[at + 2] = value
    if (this.#size * 2 > this.#slots) this.#grow()
  }

  clear(): void {
    this.#size = 0
    if (this.#slots > KEPT_SLOTS || this.#round === 0x7fffffff) {
      this.#slots = FIRST_SLOTS
      this.#data = new Int32Array(FIRST_SLOTS * WIDTH)
      this.#round = 0
    }
    this.#round++
  }

  /** Where the pair is, or where it would be put. */
  #find(a: number, b: number): number {
    const data = this.#data
    const mask = this.#slots - 1
    for (let i = hashPair(a, b) & mask; ; i = (i + 1) & mask) {
      const at = i * WIDTH
      if (data[at + 3] !== this.#round || (data[at] === a && data[at + 1] === b)) return at
    }
  }

  #grow(): void {
    const old = this.#data
    this.#slots *= 4
    this.#data = new Int32Array(this.#slots * WIDTH)
    this.#size = 0
    for (let at = 0; at < old.length; at += WIDTH)
      if (old[at + 3] === this.#round) this.set(old[at] ?? 0, old[at + 1] ?? 0, old[at + 2] ?? 0)
  }
}
