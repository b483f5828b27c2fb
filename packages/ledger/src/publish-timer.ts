/**
 * @module publish-timer
 * Publishes a set time after the first entry that no checkpoint covers. Idle logs set no timer.
 */
import { asLedgerError, type LedgerError } from './errors.ts'
import type { Publisher } from './publisher.ts'

/** Owned by one log, which calls `stop`. */
export class PublishTimer {
  readonly #publisher: Publisher
  readonly #everyMs: number
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #error: LedgerError | undefined

  constructor(publisher: Publisher, everyMs: number) {
    this.#publisher = publisher
    this.#everyMs = everyMs
  }

  /** Why the last publication failed. */
  get error(): LedgerError | undefined {
    return this.#error
  }

  /** Call when entries became durable. */
  touch(): void {
    if (this.#everyMs === 0 || this.#stopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => void this.#tick(), this.#everyMs)
    this.#timer.unref()
  }

  async #tick(): Promise<void> {
    const size = await this.publish().then(
      (checkpoint) => checkpoint.size,
      () => -1,
    )
    this.#timer = undefined
    // Entries that came meanwhile, and failures, wait for the next turn.
    if (!this.#publisher.covers(size)) this.touch()
  }

  /** Publishes now. @throws LedgerError `disk_full` or `io_error`; nothing was signed twice, so it may be repeated */
  async publish(): ReturnType<Publisher['publish']> {
    try {
      const checkpoint = await this.#publisher.publish()
      this.#error = undefined
      return checkpoint
    } catch (error) {
      this.#error = asLedgerError(error)
      throw this.#error
    }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
