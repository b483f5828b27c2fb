/**
 * Results kept between the pages of a listing, so that a page does not cost a whole walk.
 *
 * Owned by one store; holds numbers only, at most `limit` of them, the listing read least recently goes first.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'

export interface HeldListing {
  readonly key: string
  readonly question: string
  /** Stored objects in ascending order. */
  readonly ids: Int32Array
  /** Objects that exist in the question's contextual tuples only, in order. */
  readonly names: readonly string[]
  readonly revision: number
}

export class HeldListings {
  readonly #limit: number
  readonly #held = new Map<string, HeldListing>()
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The listing, kept only when it fits at all. */
  keep(question: string, ids: Int32Array, names: readonly string[], revision: number): HeldListing {
    const listing = { key: randomUUID(), question, ids, names, revision }
    if (sizeOf(listing) > this.#limit) return listing
    this.#held.set(listing.key, listing)
    this.#size += sizeOf(listing)
    for (const [key, oldest] of this.#held) {
      if (this.#size <= this.#limit) break
      this.#held.delete(key)
      this.#size -= sizeOf(oldest)
    }
    return listing
  }

  find(key: string, question: string): HeldListing | undefined {
    const found = this.#held.get(key)
    if (found === undefined || found.question !== question) return undefined
    this.#held.delete(key)
    this.#held.set(key, found)
    return found
  }

  drop(key: string): void {
    const found = this.#held.get(key)
    if (found === undefined) return
    this.#held.delete(key)
    this.#size -= sizeOf(found)
  }

  get size(): number {
    return this.#size
  }
}

// A name is a small object of its own.
const sizeOf = ({ ids, names }: HeldListing): number => ids.length + names.length * 16
