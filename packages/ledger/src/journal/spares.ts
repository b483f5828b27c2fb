/**
 * @module journal/spares
 * Segments made ahead of need, filled with written zeros: `next`, which any entry may use, and `reserve`, which only
 * essential entries may use and only when the disk has no room for a new `next`. The reserve is room already
 * owned: nobody else can take it between releasing and using it.
 */
import * as path from 'node:path'
import { isDiskFull } from '../errors.ts'
import type { Files } from '../files.ts'

export type Spare = 'next' | 'reserve'

const ZERO_BYTES = 1 << 20
const RETRY_MS = 1000

/** Owned by one journal. At most one preparation runs; `settled` waits for it. */
export class Spares {
  readonly #files: Files
  readonly #directory: string
  readonly #bytes: number
  readonly #clock: () => number
  readonly #have = { next: false, reserve: false }
  #preparing: Promise<void> | undefined
  #failure: unknown
  #full = false
  #tried = Number.NEGATIVE_INFINITY

  constructor(files: Files, directory: string, bytes: number, clock: () => number) {
    this.#files = files
    this.#directory = directory
    this.#bytes = bytes
    this.#clock = clock
  }

  /** True after the disk had no room for a spare, until one could be made again. */
  get full(): boolean {
    return this.#full
  }

  /** Takes over what an earlier run left and makes what is missing. */
  async open(): Promise<void> {
    for (const kind of ['reserve', 'next'] as const) {
      await this.#files.remove(`${this.#file(kind)}.new`)
      this.#have[kind] = await this.#usable(kind)
    }
    await this.#prepare()
  }

  async #usable(kind: Spare): Promise<boolean> {
    const names = await this.#files.list(this.#directory)
    if (!names.includes(kind)) return false
    const handle = await this.#files.open(this.#file(kind), 'read')
    try {
      return (await handle.size()) === this.#bytes
    } finally {
      await handle.close()
    }
  }

  #file(kind: Spare): string {
    return path.join(this.#directory, kind)
  }

  /** Starts making what is missing in the background; failures show in `full` or at the next `take`. */
  prepare(): void {
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = undefined
    })
  }

  /** Looks for room again, at most once a second. */
  retry(): void {
    if (this.#clock() - this.#tried >= RETRY_MS) this.prepare()
  }

  async settled(): Promise<void> {
    await this.#preparing
  }

  async #prepare(): Promise<void> {
    this.#tried = this.#clock()
    this.#failure = undefined
    try {
      for (const kind of ['reserve', 'next'] as const) {
        if (!this.#have[kind]) await this.#make(kind)
        this.#have[kind] = true
      }
      this.#full = false
    } catch (error) {
      if (isDiskFull(error)) this.#full = true
      else this.#failure = error
    }
  }

  async #make(kind: Spare): Promise<void> {
    const file = this.#file(kind)
    const temporary = `${file}.new`
    const zeros = Buffer.alloc(Math.min(ZERO_BYTES, this.#bytes))
    try {
      const handle = await this.#files.open(temporary, 'create')
      try {
        for (let at = 0; at < this.#bytes; at += zeros.length) {
          await handle.write(zeros.subarray(0, Math.min(zeros.length, this.#bytes - at)), at)
          // Little by little: entries that await the disk meanwhile must not wait behind a whole segment.
          await handle.datasync()
        }
      } finally {
        await handle.close()
      }
    } catch (error) {
      // Half a spare must not eat the room that checkpoints and tiles still need.
      await this.#files.remove(temporary).catch(() => undefined)
      throw error
    }
    await this.#files.rename(temporary, file)
    await this.#files.syncDirectory(this.#directory)
  }

  /**
   * The file of a spare, which the caller now owns and renames; undefined when the disk has no room for one.
   * Throws the failure that kept it from being made, unless that was a full disk.
   */
  async take(kind: Spare): Promise<string | undefined> {
    await this.#preparing
    if (!this.#have[kind] && kind === 'next') {
      this.prepare()
      await this.#preparing
    }
    if (this.#failure !== undefined && !this.#have[kind]) throw this.#failure
    if (!this.#have[kind]) return undefined
    this.#have[kind] = false
    return this.#file(kind)
  }
}
