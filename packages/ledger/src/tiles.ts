/**
 * @module tiles
 * C2SP tlog-tiles coordinates: which tiles and bundles a tree has, their paths, and the only paths that may be
 * served. A path is built from, or parsed into, whole numbers; nothing else reaches the file system.
 */
import { LedgerError } from './errors.ts'

export const TILE_WIDTH = 256
export const TILE_HEIGHT = 8

/** `level` is a tile level (0 = leaf hashes) or `entries`; `width` is 256 for a full tile. */
export interface TileId {
  level: number | 'entries'
  index: number
  width: number
}

/** `entries` needs auditor rights; `checkpoint` and `tile` are public. */
export type LogPath = { kind: 'checkpoint' } | { kind: 'tile' | 'entries'; tile: TileId }

/** Index in groups of three digits, all but the last marked with x: 1234067 is x001/x234/067. */
function indexPath(index: number): string {
  const digits = String(index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const groups = padded.match(/\d{3}/g) ?? []
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/')
}

/** Path below the log's directory, without its partial suffix. */
export function fullTilePath(level: TileId['level'], index: number): string {
  return `tile/${level}/${indexPath(index)}`
}

export function tilePath({ level, index, width }: TileId): string {
  const full = fullTilePath(level, index)
  return width === TILE_WIDTH ? full : `${full}.p/${width}`
}

const grammar =
  /^tile\/(entries|0|[1-9]|[1-5][0-9]|6[0-3])\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

/** Parses a path relative to the log's prefix; undefined for anything that is not exactly a path of the format. */
export function parseLogPath(path: string): LogPath | undefined {
  if (path === 'checkpoint') return { kind: 'checkpoint' }
  const match = grammar.exec(path)
  const [, level, digits, suffix] = match ?? []
  if (level === undefined || digits === undefined) return undefined
  const index = Number(digits.replace(/[x/]/g, ''))
  const width = suffix === undefined ? TILE_WIDTH : Number(suffix)
  if (!Number.isSafeInteger(index) || (suffix !== undefined && width >= TILE_WIDTH)) return undefined
  const tile: TileId = { level: level === 'entries' ? 'entries' : Number(level), index, width }
  // One name a tile: x000/001 would be a second name of 001.
  if (tilePath(tile) !== path) return undefined
  return { kind: level === 'entries' ? 'entries' : 'tile', tile }
}

/** How many hashes a tree of `size` leaves has at a tile level. */
export function levelWidth(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/** Tile levels that a tree of `size` leaves has. */
export function levelCount(size: number): number {
  let levels = 0
  while (levelWidth(size, levels) > 0) levels++
  return levels
}

/** The partial tiles at the right edge of a tree of `size` leaves, lowest level first; a level that ends full has none. */
export function edgeTiles(size: number): TileId[] {
  const edge: TileId[] = []
  for (let level = 0; level < levelCount(size); level++) {
    const hashes = levelWidth(size, level)
    const width = hashes % TILE_WIDTH
    if (width > 0) edge.push({ level, index: (hashes - width) / TILE_WIDTH, width })
  }
  return edge
}

/** Appends `entries` as u16-length-prefixed records (C2SP tlog-tiles, "Log entries"). */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  let bytes = 0
  for (const entry of entries) bytes += 2 + entry.length
  const bundle = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const entry of entries) {
    at = bundle.writeUInt16BE(entry.length, at)
    bundle.set(entry, at)
    at += entry.length
  }
  return bundle
}

/** The entries of a bundle. @throws LedgerError `corrupt_tile` when the lengths do not add up. */
export function decodeBundle(bundle: Buffer): Buffer[] {
  const entries: Buffer[] = []
  let at = 0
  while (at < bundle.length) {
    if (at + 2 > bundle.length) throw new LedgerError('corrupt_tile', 'an entry bundle ends inside a length')
    const end = at + 2 + bundle.readUInt16BE(at)
    if (end > bundle.length) throw new LedgerError('corrupt_tile', 'an entry bundle ends inside an entry')
    if (entries.length === TILE_WIDTH)
      throw new LedgerError('corrupt_tile', 'an entry bundle has over 256 entries')
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  return entries
}
