/**
 * A store's interned graph as bytes, and back.
 *
 * `SCREL001`, then five sections: header (JSON), names of objects (one a line), nodes (object, slot), tuples (target,
 * subject; a free row has target -1), conditions and ends (JSON, one a line). A section is a row of frames, each a
 * 32-bit length and that many bytes, ended by a frame of length 0. Numbers are 32-bit, little-endian. At the end
 * stands SHA-256 of all that.
 *
 * The digest guards against damage, not against forgery: whoever can write the file can write another one. Numbers read
 * back are looked at one by one all the same, because a wrong one would send a walk to another object.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { RelationsError } from '../errors.ts'
import type { Extra, Graph, GraphImage } from '../graph/graph.ts'
import { record } from '../model/rewrite.ts'
import { parseUser } from '../names.ts'
import { readExtra } from './replica.ts'

const MAGIC = Buffer.from('SCREL001', 'latin1')
const FRAME_BYTES = 1 << 20
const MAX_FRAME_BYTES = 8 << 20
const MAX_HEADER_BYTES = 64 << 20
const DIGEST_BYTES = 32
const LINES = 8192
/** Target of a row that no tuple has. */
const FREE = -1

/** What stands beside the graph. */
export interface SnapshotHeader {
  readonly store: string
  readonly revision: number
  /** Position of the next change. */
  readonly position: number
  /** The host's own word, such as where its journal stood. */
  readonly mark: string
  readonly models: readonly { readonly id: string; readonly dsl: string }[]
}

export const corrupt = (message: string, cause?: unknown): RelationsError =>
  new RelationsError('snapshot_corrupt', message, [], cause)

/** Chunks of about 1 MiB. The image does not change any more; between chunks others may run. */
export async function* writeSnapshot(
  header: SnapshotHeader,
  image: GraphImage,
): AsyncGenerator<Uint8Array, void> {
  const digest = createHash('sha256')
  const told = { types: image.types, relations: image.relations }
  const sections: readonly Iterable<Buffer>[] = [
    pieces(Buffer.from(JSON.stringify({ ...header, ...told }), 'utf8')),
    lines(image.objects, image.nameOf),
    pieces(bytesOf(image.nodes)),
    pieces(bytesOf(image.rows)),
    lines(image.extras.length, (i) => JSON.stringify(image.extras[i])),
  ]
  digest.update(MAGIC)
  yield MAGIC
  for (const section of sections) {
    for (const piece of section) {
      if (piece.length === 0) continue
      const frame = Buffer.concat([lengthOf(piece.length), piece])
      digest.update(frame)
      yield frame
      await turn()
    }
    digest.update(lengthOf(0))
    yield lengthOf(0)
  }
  yield digest.digest()
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) yield bytes.subarray(at, at + FRAME_BYTES)
}

function* lines(count: number, lineOf: (i: number) => string): Generator<Buffer> {
  for (let from = 0; from < count; from += LINES) {
    let text = ''
    for (let i = from; i < Math.min(count, from + LINES); i++) text += `${lineOf(i)}\n`
    yield Buffer.from(text, 'utf8')
  }
}

const bytesOf = (numbers: Int32Array): Buffer =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength)

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(length)
  return bytes
}

/** @throws RelationsError `snapshot_foreign`. */
export function expectKnown(
  header: SnapshotHeader,
  known: { readonly id?: string; readonly models?: readonly { readonly id: string; readonly dsl: string }[] },
): void {
  if (known.id !== undefined && known.id !== header.store)
    throw new RelationsError('snapshot_foreign', 'this is the snapshot of another store')
  if (known.models === undefined) return
  const texts = new Map(known.models.map(({ id, dsl }) => [id, dsl]))
  if (header.models.some(({ id, dsl }) => texts.get(id) !== dsl))
    throw new RelationsError('snapshot_foreign', 'this snapshot belongs to another model')
}

export type Bytes = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * `begin` gets the header before anything else is read, may refuse it, and gives the empty graph to fill.
 * @throws RelationsError `snapshot_corrupt`, and what `begin` throws; the graph is then of no use.
 */
export async function readSnapshot(
  source: Bytes,
  begin: (header: SnapshotHeader) => Graph,
): Promise<SnapshotHeader> {
  const reader = new Reader(source)
  if (!(await reader.take(MAGIC.length)).equals(MAGIC))
    throw corrupt('this is not a snapshot of this version')
  const { header, types, relations } = await headerOf(reader)
  const graph = begin(header)
  for (const type of types) graph.types.intern(type)
  for (const relation of relations) graph.relations.intern(relation)
  await reader.eachLine((line) => {
    const object = parseUser(line)
    if (object === undefined || object.relation !== undefined) throw corrupt('a name cannot be read')
    if (graph.types.find(object.type) < 0) throw corrupt('an object has no known type')
    if (!graph.appendObject(object.name, object.type)) throw corrupt('a name stands there twice')
  })
  await reader.eachPair((object, slot) => {
    if (object < 0 || object >= graph.objects.size || slot < 0 || slot > graph.relations.size)
      throw corrupt('a node points nowhere')
    const before = graph.nodeCount
    if (graph.internNode(object, slot) !== before) throw corrupt('a node stands there twice')
  })
  await reader.eachPair((target, subject) => {
    if (target === FREE) return graph.addFree()
    const nodes = graph.nodeCount
    if (target < 0 || target >= nodes || subject < 0 || subject >= nodes || graph.slotOf(target) === 0)
      throw corrupt('a tuple points nowhere')
    if (graph.findTuple(target, subject) >= 0) throw corrupt('a tuple stands there twice')
    graph.add(target, subject, undefined)
  })
  await reader.eachLine((line) => {
    const [row, extra] = extraLine(line)
    if (row >= graph.rowCount || graph.targetOf(row) === FREE || graph.extraOf(row) !== undefined)
      throw corrupt('a condition belongs to no tuple')
    graph.setExtra(row, extra)
  })
  await reader.end()
  graph.collectFree()
  return header
}

async function headerOf(reader: Reader) {
  const parts: Buffer[] = []
  let size = 0
  await reader.eachFrame((frame) => {
    parts.push(frame)
    size += frame.length
    if (size > MAX_HEADER_BYTES) throw corrupt('the header is too long')
  })
  let json: Record<string, unknown>
  try {
    json = record(JSON.parse(Buffer.concat(parts).toString('utf8')))
  } catch (cause) {
    throw corrupt('the header cannot be read', cause)
  }
  const { store, revision, position, mark } = json
  const good = typeof store === 'string' && typeof mark === 'string' && isCount(revision) && isCount(position)
  if (!good) throw corrupt('the header is not complete')
  const models = texts(json.models, (one) => {
    const { id, dsl } = record(one)
    return typeof id === 'string' && typeof dsl === 'string' ? { id, dsl } : undefined
  })
  const text = (one: unknown) => (typeof one === 'string' ? one : undefined)
  return {
    header: { store, revision, position, mark, models },
    types: texts(json.types, text),
    relations: texts(json.relations, text),
  }
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

function texts<T>(value: unknown, read: (one: unknown) => T | undefined): T[] {
  if (!Array.isArray(value)) throw corrupt('the header is not complete')
  return value.map((one) => {
    const found = read(one)
    if (found === undefined) throw corrupt('the header is not complete')
    return found
  })
}

function extraLine(line: string): [number, Extra] {
  try {
    const [row, extra]: unknown[] = [JSON.parse(line)].flat()
    const found = readExtra(record(extra))
    if (isCount(row) && found !== undefined) return [row, found]
  } catch (cause) {
    throw corrupt('a condition cannot be read', cause)
  }
  throw corrupt('a condition cannot be read')
}

/** Bytes as they come, and the digest of what was taken. */
class Reader {
  readonly #source: AsyncIterator<Uint8Array> | Iterator<Uint8Array>
  readonly #digest = createHash('sha256')
  #ahead: Buffer = Buffer.alloc(0)

  constructor(source: Bytes) {
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  }

  async take(count: number): Promise<Buffer> {
    const bytes = await this.#read(count)
    this.#digest.update(bytes)
    return bytes
  }

  async eachFrame(use: (frame: Buffer) => void): Promise<void> {
    for (;;) {
      const length = (await this.take(4)).readUInt32LE()
      if (length === 0) return
      if (length > MAX_FRAME_BYTES) throw corrupt('a frame is too long')
      use(await this.take(length))
      await turn()
    }
  }

  /** Every frame ends with a whole line. */
  eachLine(use: (line: string) => void): Promise<void> {
    return this.eachFrame((frame) => {
      const lines = frame.toString('utf8').split('\n')
      if (lines.pop() !== '') throw corrupt('a line is cut off')
      for (const line of lines) use(line)
    })
  }

  eachPair(use: (first: number, second: number) => void): Promise<void> {
    return this.eachFrame((frame) => {
      if (frame.length % 8 !== 0) throw corrupt('a number is cut off')
      for (let at = 0; at < frame.length; at += 8) use(frame.readInt32LE(at), frame.readInt32LE(at + 4))
    })
  }

  /** Compares the digest, and that nothing follows it. */
  async end(): Promise<void> {
    const wanted = this.#digest.digest()
    if (!(await this.#read(DIGEST_BYTES)).equals(wanted)) throw corrupt('the digest does not fit')
    if (this.#ahead.length > 0 || (await this.#more())) throw corrupt('something follows the digest')
  }

  async #read(count: number): Promise<Buffer> {
    while (this.#ahead.length < count) if (!(await this.#more())) throw corrupt('the snapshot is cut off')
    const bytes = this.#ahead.subarray(0, count)
    this.#ahead = this.#ahead.subarray(count)
    return bytes
  }

  /** Skips empty chunks. False at the end. */
  async #more(): Promise<boolean> {
    for (;;) {
      const { value, done } = await this.#source.next()
      if (done === true) return false
      if (value.length === 0) continue
      this.#ahead = Buffer.concat([this.#ahead, value])
      return true
    }
  }
}
