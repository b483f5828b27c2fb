/**
 * @module tile-reader
 * Hashes of complete subtrees for proofs: from the tree's memory while they are there, else from full tiles on disk.
 */
import * as path from 'node:path'
import { LedgerError } from './errors.ts'
import type { Files } from './files.ts'
import { completeRoot, HASH_BYTES } from './merkle/hash.ts'
import { fullTilePath, TILE_HEIGHT, TILE_WIDTH } from './tiles.ts'
import type { Tree } from './tree.ts'

const TILE_BYTES = TILE_WIDTH * HASH_BYTES
const MAX_CACHED_TILES = 256

/** Owned by one log. Tiles are immutable, so the cache only ever forgets the least recently used. */
export class TileReader {
  readonly #files: Files
  readonly #directory: string
  readonly #tree: Tree
  readonly #cache = new Map<string, Buffer>()

  constructor(files: Files, directory: string, tree: Tree) {
    this.#files = files
    this.#directory = directory
    this.#tree = tree
  }

  /** See `HashReader`. @throws LedgerError `corrupt_tile` when a tile that must be there is not */
  readonly hash = async (height: number, index: number): Promise<Uint8Array> => {
    const level = Math.floor(height / TILE_HEIGHT)
    const width = 2 ** (height % TILE_HEIGHT)
    const first = index * width
    const tile = await this.#tile(level, Math.floor(first / TILE_WIDTH))
    const at = (first % TILE_WIDTH) * HASH_BYTES
    const end = at + width * HASH_BYTES
    if (end > tile.length) throw new LedgerError('out_of_range', 'the tree is not that large')
    return width === 1 ? tile.subarray(at, end) : completeRoot(tile.subarray(at, end))
  }

  async #tile(level: number, index: number): Promise<Buffer> {
    const inMemory = this.#tree.tile(level, index)
    if (inMemory !== undefined) return inMemory
    const name = fullTilePath(level, index)
    const cached = this.#cache.get(name)
    if (cached !== undefined) this.#cache.delete(name)
    const tile = cached ?? (await this.#files.read(path.join(this.#directory, name), TILE_BYTES))
    if (tile?.length !== TILE_BYTES) throw new LedgerError('corrupt_tile', `${name} is missing or cut short`)
    this.#cache.set(name, tile)
    if (this.#cache.size > MAX_CACHED_TILES) {
      const [oldest] = this.#cache.keys()
      if (oldest !== undefined) this.#cache.delete(oldest)
    }
    return tile
  }
}
