/**
 * What was written and deleted, in order, and who waits for more.
 *
 * Owned by one store. Keeps the newest `maxChanges`; older positions are refused, never silently skipped.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { Tuple } from './tuple.ts'

export interface Change {
  readonly operation: 'write' | 'delete'
  readonly tuple: Tuple
  /** Revision of the store after the write that this change was part of. */
  readonly revision: number
  /** Milliseconds since 1970. */
  readonly at: number
}

export class ChangeLog {
  readonly #limit: number
  #changes: Change[] = []
  /** Number of the first change kept. */
  #first = 0
  readonly #listeners = new Set<() => void>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Number of the next change. */
  get end(): number {
    return this.#first + this.#changes.length
  }

  /** Who follows at present. */
  get followers(): number {
    return this.#listeners.size
  }

  /** Of a restored store: what was before is not kept. */
  startAt(position: number): void {
    this.#changes = []
    this.#first = position
  }

  append(changes: readonly Change[]): void {
    for (const change of changes) this.#changes.push(change)
    // Cutting only at twice the limit keeps the cost per change constant.
    if (this.#changes.length > this.#limit * 2) {
      const excess = this.#changes.length - this.#limit
      this.#changes = this.#changes.slice(excess)
      this.#first += excess
    }
    for (const listener of this.#listeners) listener()
  }

  /** @throws RelationsError `revision_invalid` when `from` is no longer, or not yet, in the log. */
  read(from: number, count: number): readonly Change[] {
    if (!Number.isSafeInteger(from) || from < this.#first || from > this.end)
      throw new RelationsError('revision_invalid', 'this position is not in the change log')
    return this.#changes.slice(from - this.#first, from - this.#first + count)
  }

  /**
   * Changes from `from` on, as they come, until the signal is aborted.
   * @throws RelationsError `limit_exceeded` when the reader is more than `backlog` changes behind.
   */
  async *follow(from: number, backlog: number, signal?: AbortSignal): AsyncGenerator<Change, void> {
    let position = from
    let wake = (): void => undefined
    const listener = (): void => wake()
    this.#listeners.add(listener)
    signal?.addEventListener('abort', listener)
    try {
      while (signal?.aborted !== true) {
        if (this.end - position > backlog)
          throw new RelationsError('limit_exceeded', 'this watcher is too far behind')
        const [change] = this.read(position, 1)
        if (change !== undefined) {
          position++
          yield change
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      this.#listeners.delete(listener)
      signal?.removeEventListener('abort', listener)
    }
  }
}
