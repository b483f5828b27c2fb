/**
 * @module publisher
 * Makes the log readable from outside: tiles, entry bundles and the signed checkpoint, in C2SP tlog-tiles layout. Order is
 * everything: what a checkpoint promises is durable before it is signed, and (size, root) is durable before that.
 */
import * as path from 'node:path'
import { type Checkpoint, signCheckpoint } from './checkpoint.ts'
import { type Files, replaceFile } from './files.ts'
import type { Positions } from './journal/positions.ts'
import { readRecords } from './journal/read.ts'
import type { NoteSigner } from './note.ts'
import { writeSigningState } from './signing-state.ts'
import { TileWriter } from './tile-writer.ts'
import { edgeTiles, encodeBundle, fullTilePath, levelWidth, TILE_WIDTH, tilePath } from './tiles.ts'
import type { Tree, TreeSnapshot } from './tree.ts'

export interface SignedCheckpoint extends Checkpoint {
  /** The signed note. */
  note: string
}

/** Path below the log's directory, and content. */
type OutputFile = readonly [string, Uint8Array]

/** Owned by one log. Publications run one after the other; callers that ask meanwhile share the next one. */
export class Publisher {
  readonly #files: Files
  readonly #directory: string
  readonly #signer: NoteSigner
  readonly #tree: Tree
  readonly #positions: Positions
  readonly #writer: TileWriter
  #latest: SignedCheckpoint | undefined
  #running: Promise<SignedCheckpoint> | undefined
  #runningSize = 0
  #waiting: Promise<SignedCheckpoint> | undefined

  constructor(start: {
    files: Files
    directory: string
    signer: NoteSigner
    tree: Tree
    positions: Positions
    latest: SignedCheckpoint | undefined
  }) {
    this.#files = start.files
    this.#directory = start.directory
    this.#signer = start.signer
    this.#tree = start.tree
    this.#positions = start.positions
    this.#latest = start.latest
    this.#writer = new TileWriter(start.files, start.directory)
  }

  get latest(): SignedCheckpoint | undefined {
    return this.#latest
  }

  /** True when a checkpoint of this size leaves no durable entry out. */
  covers(size: number): boolean {
    return size >= this.#tree.size
  }

  /** A checkpoint that covers every entry durable at the time of the call. */
  publish(): Promise<SignedCheckpoint> {
    const latest = this.#latest
    if (latest?.size === this.#tree.size) return Promise.resolve(latest)
    if (this.#running === undefined) return this.#begin()
    if (this.#runningSize === this.#tree.size) return this.#running
    const next = () => {
      this.#waiting = undefined
      return this.publish()
    }
    this.#waiting ??= this.#running.then(next, next)
    return this.#waiting
  }

  /** Waits until no publication runs: its last step is after its checkpoint. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => undefined)
  }

  #begin(): Promise<SignedCheckpoint> {
    const snapshot = this.#tree.snapshot()
    this.#runningSize = snapshot.size
    this.#running = this.#publish(snapshot).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #publish(snapshot: TreeSnapshot): Promise<SignedCheckpoint> {
    const { size, root } = snapshot
    const origin = this.#signer.name
    const before = this.#latest?.size ?? 0
    await this.#writer.write(this.#outputs(snapshot, before))
    await this.#writer.sync()
    await writeSigningState(this.#files, this.#directory, { origin, size, root })
    const note = signCheckpoint({ origin, size, root }, this.#signer)
    await replaceFile(this.#files, path.join(this.#directory, 'checkpoint'), Buffer.from(note))
    this.#latest = { origin, size, root, note }
    this.#tree.release(snapshot.full)
    await this.#removePartials(before, size)
    return this.#latest
  }

  async *#outputs(snapshot: TreeSnapshot, before: number): AsyncGenerator<OutputFile> {
    for (const { tile, hashes } of snapshot.full) yield [tilePath(tile), hashes]
    for (const { tile, hashes } of snapshot.partial) yield [tilePath(tile), hashes]
    yield* this.#bundles(before - (before % TILE_WIDTH), snapshot.size)
  }

  async *#bundles(from: number, to: number): AsyncGenerator<OutputFile> {
    let bundle: Buffer[] = []
    let index = from / TILE_WIDTH
    const encode = (): OutputFile => {
      const tile = { level: 'entries', index: index++, width: bundle.length } as const
      const bytes = encodeBundle(bundle)
      bundle = []
      return [tilePath(tile), bytes]
    }
    for await (const records of readRecords(this.#files, this.#positions, from, to)) {
      for (const { entry } of records) {
        bundle.push(entry)
        if (bundle.length === TILE_WIDTH) yield encode()
      }
    }
    if (bundle.length > 0) yield encode()
  }

  /** Partial tiles may go once the full tile is there. A leftover is harmless, so a failure is not one of publishing. */
  async #removePartials(before: number, size: number): Promise<void> {
    for (const { level, index } of edgeTiles(before)) {
      if (level === 'entries' || (index + 1) * TILE_WIDTH > levelWidth(size, level)) continue
      const levels = level === 0 ? ([0, 'entries'] as const) : [level]
      for (const name of levels) {
        await this.#writer.remove(`${fullTilePath(name, index)}.p`).catch(() => undefined)
      }
    }
  }
}
