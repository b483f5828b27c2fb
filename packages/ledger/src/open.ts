/**
 * @module open
 * Everything that is checked before a log accepts its first entry. A log that contradicts itself is refused, never
 * repaired silently; the only thing ever cut is a torn last batch, whose bytes are set aside and reported.
 */
import * as path from 'node:path'
import { crc32 } from 'node:zlib'
import { openCheckpoint } from './checkpoint.ts'
import { LedgerError } from './errors.ts'
import { type Files, replaceFile } from './files.ts'
import { type JournalScan, scanJournal, type TornTail } from './journal/scan.ts'
import { completeRoot, emptyRoot, HASH_BYTES, leafHash, prefixedLeafHash } from './merkle/hash.ts'
import { MAX_NOTE_BYTES, type NoteVerifier } from './note.ts'
import type { SignedCheckpoint } from './publisher.ts'
import { readSigningState, type SigningState } from './signing-state.ts'
import {
  decodeBundle,
  edgeTiles,
  fullTilePath,
  levelCount,
  levelWidth,
  TILE_WIDTH,
  tilePath,
} from './tiles.ts'
import { type StoredTile, Tree } from './tree.ts'

const TILE_BYTES = TILE_WIDTH * HASH_BYTES
const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 65_535)

export interface OpenRequest {
  files: Files
  directory: string
  origin: string
  key: NoteVerifier
  /** Re-hash the whole journal instead of what follows the last full tile. */
  full: boolean
  /** Ignore the published tiles: all are made again from the journal. Implies `full`. */
  rebuildTiles: boolean
}

/** A torn last batch that was cut: it had never been acknowledged. */
export interface Recovery {
  /** First index that was cut, which the next entry gets. */
  index: number
  bytes: number
  /** Where the cut bytes were set aside. */
  file: string
}

export interface OpenedState {
  tree: Tree
  latest: SignedCheckpoint | undefined
  scan: JournalScan
  recovered: Recovery | undefined
}

async function readCheckpoint(request: OpenRequest): Promise<SignedCheckpoint | undefined> {
  const bytes = await request.files.read(path.join(request.directory, 'checkpoint'), MAX_NOTE_BYTES)
  if (bytes === undefined) return undefined
  return { ...openCheckpoint(bytes, request.key, request.origin), note: bytes.toString() }
}

/** What the three witnesses on disk (signing state, checkpoint, journal) may say together. */
function checkStates(
  request: OpenRequest,
  signing: SigningState | undefined,
  checkpoint: SignedCheckpoint | undefined,
): void {
  const refuse = (why: string) => new LedgerError('corrupt_state', `${request.directory}: ${why}`)
  if (signing === undefined) {
    if (checkpoint !== undefined) throw refuse('there is a checkpoint but no signing state')
    return
  }
  if (signing.origin !== request.origin) {
    throw new LedgerError('wrong_origin', `the log is ${signing.origin}, not ${request.origin}`)
  }
  if (checkpoint === undefined) {
    // Only the very first publication, of the empty log, can have been cut off here.
    if (signing.size > 0) {
      throw new LedgerError(
        'bad_checkpoint',
        `${request.directory}: size ${signing.size} was signed but there is no checkpoint`,
      )
    }
    return
  }
  if (checkpoint.size > signing.size) {
    throw refuse(`size ${checkpoint.size} was signed but only ${signing.size} was to be signed`)
  }
  if (checkpoint.size === signing.size && !checkpoint.root.equals(signing.root)) {
    throw new LedgerError('root_mismatch', `${request.directory}: two roots for size ${signing.size}`)
  }
}

async function readTile(request: OpenRequest, name: string, bytes: number): Promise<Buffer> {
  const file = path.join(request.directory, name)
  const tile = await request.files.read(file, TILE_BYTES)
  if (tile?.length !== bytes) {
    const found = tile === undefined ? 'is missing' : `has ${tile.length} bytes instead of ${bytes}`
    throw new LedgerError('corrupt_tile', `${file} ${found}`)
  }
  return tile
}

/** The tree at the checkpoint, from its edge tiles; the last full tile of each level and the last bundle are checked too. */
async function restoreTree(request: OpenRequest, checkpoint: SignedCheckpoint): Promise<Tree> {
  const { size } = checkpoint
  const edges: Buffer[] = []
  for (const tile of edgeTiles(size)) {
    if (tile.level !== 'entries')
      edges[tile.level] = await readTile(request, tilePath(tile), tile.width * HASH_BYTES)
  }
  const none = Buffer.alloc(0)
  const tree = Tree.restore(size, (level) => edges[level] ?? none)
  if (!tree.root().equals(checkpoint.root)) {
    throw new LedgerError(
      'corrupt_tile',
      `${request.directory}: the last tiles do not give the root of size ${size}`,
    )
  }
  for (let level = 0; level < levelCount(size); level++) {
    const full = Math.floor(levelWidth(size, level) / TILE_WIDTH)
    if (full > 0) await checkFullTile(request, level, full - 1, edges[level + 1])
  }
  await checkBundle(request, size, edges[0])
  return tree
}

/** A full tile must hash to its place in the level above, when that place is in the edge tile. */
async function checkFullTile(request: OpenRequest, level: number, index: number, above: Buffer | undefined) {
  const name = fullTilePath(level, index)
  const tile = await readTile(request, name, TILE_BYTES)
  const at = (index % TILE_WIDTH) * HASH_BYTES
  const expected =
    above !== undefined && above.length > at
      ? above.subarray(at, at + HASH_BYTES)
      : (
          await readTile(request, fullTilePath(level + 1, Math.floor(index / TILE_WIDTH)), TILE_BYTES)
        ).subarray(at, at + HASH_BYTES)
  if (!completeRoot(tile).equals(expected)) {
    throw new LedgerError(
      'corrupt_tile',
      `${path.join(request.directory, name)} does not hash to the tile above it`,
    )
  }
}

async function checkBundle(request: OpenRequest, size: number, edge: Buffer | undefined): Promise<void> {
  if (size === 0) return
  const width = size % TILE_WIDTH === 0 ? TILE_WIDTH : size % TILE_WIDTH
  const index = Math.ceil(size / TILE_WIDTH) - 1
  const file = path.join(request.directory, tilePath({ level: 'entries', index, width }))
  const bytes = await request.files.read(file, MAX_BUNDLE_BYTES)
  const hashes = edge ?? (await readTile(request, fullTilePath(0, index), TILE_BYTES))
  const entries = bytes === undefined ? [] : decodeBundle(bytes)
  for (let i = 0; i < width; i++) {
    const entry = entries[i]
    const expected = hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)
    if (entries.length !== width || entry === undefined || !leafHash(entry).equals(expected)) {
      throw new LedgerError(
        'corrupt_tile',
        `${file}: entry ${index * TILE_WIDTH + i} is not the one that was signed`,
      )
    }
  }
}

/** Replays entries into the tree and compares every root that was promised when its size is reached. */
class Replay {
  readonly #tree: Tree
  readonly #promised: Map<number, Buffer>
  readonly #edge: Buffer | undefined
  readonly #edgeStart: number

  constructor(tree: Tree, promised: Map<number, Buffer>) {
    this.#tree = tree
    this.#promised = promised
    this.#edgeStart = tree.size - (tree.size % TILE_WIDTH)
    const edge = tree.tile(0, this.#edgeStart / TILE_WIDTH)
    this.#edge = edge === undefined ? undefined : Buffer.from(edge)
    this.#check()
  }

  visit = (index: number, bytes: Buffer, start: number, end: number): void => {
    if (index < this.#edgeStart) return
    const leaf = prefixedLeafHash(bytes.subarray(start, end))
    if (index === this.#tree.size) {
      this.#tree.push(leaf)
      this.#check()
      return
    }
    const at = (index - this.#edgeStart) * HASH_BYTES
    if (this.#edge?.compare(leaf, 0, HASH_BYTES, at, at + HASH_BYTES) !== 0) {
      throw new LedgerError(
        'root_mismatch',
        `the journal holds another entry ${index} than the one that was signed`,
      )
    }
  }

  #check(): void {
    const root = this.#promised.get(this.#tree.size)
    if (root !== undefined && !root.equals(this.#tree.root())) {
      throw new LedgerError(
        'root_mismatch',
        `the journal gives another root for size ${this.#tree.size} than the one persisted`,
      )
    }
  }
}

async function cutTail(files: Files, torn: TornTail): Promise<Recovery> {
  // The name holds a checksum: what an earlier cut of other bytes set aside is never overwritten.
  const sum = crc32(torn.bytes).toString(16).padStart(8, '0')
  const file = path.join(path.dirname(torn.file), `cut-${torn.index}-${sum}`)
  await replaceFile(files, file, torn.bytes)
  const handle = await files.open(torn.file, 'write')
  try {
    await handle.write(Buffer.alloc(torn.bytes.length), torn.offset)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  return { index: torn.index, bytes: torn.bytes.length, file }
}

/**
 * The last frame may be in the page cache only, when its sync failed or never ran: written again, it is dirty again,
 * and the sync means what it says. All earlier frames were synced before the next one was written.
 */
async function confirmTail(files: Files, journal: string, scan: JournalScan): Promise<void> {
  const { lastFrame } = scan
  // The name of the last segment may be no more durable than its last frame.
  if (scan.positions.segments.length > 0) await files.syncDirectory(journal)
  if (lastFrame === undefined) return
  const handle = await files.open(lastFrame.file, 'write')
  try {
    await handle.write(lastFrame.bytes, lastFrame.offset)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

function checkReached(request: OpenRequest, scan: JournalScan, signed: number): void {
  if (scan.size >= signed) return
  if (scan.torn !== undefined) {
    throw new LedgerError(
      'corrupt_journal',
      `${scan.torn.file}: entry ${scan.torn.index} is damaged, and size ${signed} was signed`,
    )
  }
  const last = scan.positions.segments.at(-1)?.file ?? path.join(request.directory, 'journal')
  throw new LedgerError(
    'truncated',
    `${last}: the journal ends at entry ${scan.size}, but size ${signed} was signed`,
  )
}

/** A full replay keeps every full tile in memory; those of the checkpoint are on the disk. */
function releasePublished(tree: Tree, size: number): void {
  const onDisk = ({ tile }: StoredTile) =>
    tile.level !== 'entries' && (tile.index + 1) * TILE_WIDTH <= levelWidth(size, tile.level)
  tree.release(tree.snapshot().full.filter(onDisk))
}

/** Reads, checks and recovers a log directory. Writes only to cut a torn tail and to confirm the last frame. */
export async function openState(request: OpenRequest): Promise<OpenedState> {
  const { files, directory } = request
  const journal = path.join(directory, 'journal')
  const signing = await readSigningState(files, directory)
  const checkpoint = await readCheckpoint(request)
  checkStates(request, signing, checkpoint)
  const fresh = request.full || request.rebuildTiles || checkpoint === undefined
  const published =
    checkpoint === undefined || request.rebuildTiles ? undefined : await restoreTree(request, checkpoint)
  const tree = fresh || published === undefined ? new Tree() : published
  const promised = new Map<number, Buffer>([[0, emptyRoot()]])
  if (checkpoint !== undefined) promised.set(checkpoint.size, checkpoint.root)
  if (signing !== undefined) promised.set(signing.size, signing.root)
  const scan = await scanJournal(files, journal, request.origin, new Replay(tree, promised).visit)
  if (signing === undefined && scan.size > 0) {
    throw new LedgerError(
      'corrupt_state',
      `${directory}: there are ${scan.size} entries but no signing state`,
    )
  }
  if (signing !== undefined && scan.positions.segments.length === 0) {
    throw new LedgerError('truncated', `${journal}: the journal is missing`)
  }
  checkReached(request, scan, signing?.size ?? 0)
  if (published !== undefined && tree !== published) releasePublished(tree, published.size)
  const recovered = scan.torn === undefined ? undefined : await cutTail(files, scan.torn)
  await confirmTail(files, journal, scan)
  return { tree, latest: request.rebuildTiles ? undefined : checkpoint, scan, recovered }
}
