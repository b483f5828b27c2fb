/**
 * @module tile-writer
 * Writes the files of one publication: each one whole or not at all, all of them durable after `sync`.
 */
import * as path from 'node:path'
import { type Files, replaceFile } from './files.ts'

/** Few at once, so that the journal's syncs never queue behind tiles in the thread pool. */
const CONCURRENCY = 2

/** Owned by one log; remembers which directories exist. */
export class TileWriter {
  readonly #files: Files
  readonly #root: string
  readonly #known = new Set<string>()
  readonly #touched = new Set<string>()

  constructor(files: Files, root: string) {
    this.#files = files
    this.#root = root
  }

  /** Writes files given as [path below the log's directory, bytes] as they come. */
  async write(items: AsyncIterator<readonly [string, Uint8Array]>): Promise<void> {
    const worker = async () => {
      for (let item = await items.next(); item.done !== true; item = await items.next()) {
        const [name, bytes] = item.value
        const file = path.join(this.#root, name)
        const directory = path.dirname(file)
        await this.#makeDirectory(directory)
        await replaceFile(this.#files, file, bytes, { syncDirectory: false })
        this.#touched.add(directory)
      }
    }
    // All workers end before an error is passed on: nothing of this publication may run into the next.
    const results = await Promise.allSettled(Array.from({ length: CONCURRENCY }, worker))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  async #makeDirectory(directory: string): Promise<void> {
    if (this.#known.has(directory)) return
    if (directory !== this.#root) {
      const parent = path.dirname(directory)
      await this.#makeDirectory(parent)
      await this.#files.makeDirectory(directory)
      this.#touched.add(parent)
    }
    this.#known.add(directory)
  }

  /** Makes every name written since the last sync durable. */
  async sync(): Promise<void> {
    for (const directory of this.#touched) {
      await this.#files.syncDirectory(directory)
      this.#touched.delete(directory)
    }
  }

  /** Removes a directory of partial tiles that a full tile has replaced. */
  async remove(name: string): Promise<void> {
    const directory = path.join(this.#root, name)
    this.#known.delete(directory)
    this.#touched.delete(directory)
    await this.#files.remove(directory)
  }
}
