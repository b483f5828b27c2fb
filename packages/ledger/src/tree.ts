/**
 * @module tree
 * The RFC 6962 tree of a log in memory: a compact range (one hash per set bit of the size), the right-most tile of
 * every level, and the full tiles that are not published yet. It only ever grows, and only by durable entries; one
 * pass of hashing feeds both the range and the tiles.
 */
import { completeRoot, emptyRoot, HASH_BYTES, nodeHash } from './merkle/hash.ts'
import { levelCount, levelWidth, TILE_HEIGHT, TILE_WIDTH, type TileId } from './tiles.ts'

interface Edge {
  index: number
  width: number
  /** Room for a full tile; bytes below `width` never change, so a view of them stays valid. */
  hashes: Buffer
}

export interface StoredTile {
  tile: TileId
  hashes: Buffer
}

/** What a tree was at one moment: later pushes do not change it. */
export interface TreeSnapshot {
  size: number
  root: Buffer
  full: StoredTile[]
  partial: StoredTile[]
}

const newEdge = (index: number): Edge => ({ index, width: 0, hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES) })
const key = (level: number, index: number) => `${level}/${index}`

/** Folds a compact range (largest subtree first) into a root. */
export function foldRange(range: readonly Buffer[]): Buffer {
  let root: Buffer | undefined
  for (let i = range.length - 1; i >= 0; i--) {
    const hash = range[i]
    if (hash !== undefined) root = root === undefined ? hash : nodeHash(hash, root)
  }
  return root ?? emptyRoot()
}

/** Owned by one log, which pushes leaf hashes in order after they became durable. */
export class Tree {
  #size = 0
  readonly #range: Buffer[] = []
  readonly #edges: Edge[] = []
  readonly #full = new Map<string, StoredTile>()

  /** A tree of `size` leaves from its edge tiles: `edge(level)` gives the partial tile of that level. */
  static restore(size: number, edge: (level: number) => Uint8Array): Tree {
    const tree = new Tree()
    tree.#size = size
    for (let level = levelCount(size) - 1; level >= 0; level--) {
      const hashes = levelWidth(size, level)
      const width = hashes % TILE_WIDTH
      const target = newEdge((hashes - width) / TILE_WIDTH)
      tree.#edges[level] = target
      if (width === 0) continue
      target.width = width
      target.hashes.set(edge(level).subarray(0, width * HASH_BYTES))
      let at = 0
      for (let part = TILE_WIDTH / 2; part >= 1; part /= 2) {
        if (Math.floor(width / part) % 2 === 0) continue
        tree.#range.push(completeRoot(target.hashes.subarray(at * HASH_BYTES, (at + part) * HASH_BYTES)))
        at += part
      }
    }
    return tree
  }

  get size(): number {
    return this.#size
  }

  push(leaf: Buffer): void {
    this.#store(0, leaf)
    let hash = leaf
    let height = 0
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#range.pop()
      if (left === undefined) throw new Error('the compact range has lost a hash')
      hash = nodeHash(left, hash)
      height++
      if (height % TILE_HEIGHT === 0) this.#store(height / TILE_HEIGHT, hash)
    }
    this.#range.push(hash)
    this.#size++
  }

  #store(level: number, hash: Buffer): void {
    let edge = this.#edges[level]
    if (edge === undefined) {
      edge = newEdge(0)
      this.#edges[level] = edge
    }
    hash.copy(edge.hashes, edge.width * HASH_BYTES)
    edge.width++
    if (edge.width < TILE_WIDTH) return
    const tile = { level, index: edge.index, width: TILE_WIDTH }
    this.#full.set(key(level, edge.index), { tile, hashes: edge.hashes })
    this.#edges[level] = newEdge(edge.index + 1)
  }

  root(): Buffer {
    return foldRange(this.#range)
  }

  /** The hashes of a tile while it is in memory: at the edge, or full and not yet released. */
  tile(level: number, index: number): Buffer | undefined {
    const edge = this.#edges[level]
    if (edge?.index === index) return edge.hashes.subarray(0, edge.width * HASH_BYTES)
    return this.#full.get(key(level, index))?.hashes
  }

  snapshot(): TreeSnapshot {
    const partial: StoredTile[] = []
    for (const [level, edge] of this.#edges.entries()) {
      if (edge.width === 0) continue
      const tile = { level, index: edge.index, width: edge.width }
      partial.push({ tile, hashes: edge.hashes.subarray(0, edge.width * HASH_BYTES) })
    }
    return { size: this.#size, root: this.root(), full: [...this.#full.values()], partial }
  }

  /** Forgets full tiles that can now be read from the disk. */
  release(tiles: readonly StoredTile[]): void {
    for (const { tile } of tiles) if (tile.level !== 'entries') this.#full.delete(key(tile.level, tile.index))
  }
}
