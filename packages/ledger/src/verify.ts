/**
 * @module verify
 * The offline verifier, whole in this file: it needs Node and nothing else, and shares no line with the log it checks, so
 * that a mistake in one shows in the other. It checks receipts, and whole log directories (checkpoint, tiles, entry
 * bundles, journal). Formats: C2SP signed-note, tlog-checkpoint and tlog-tiles; RFC 6962 §2.1; RFC 9162 §2.1.3.2.
 *
 *     node verify.ts RECEIPT|DIR [--vkey KEY|FILE] [--since CHECKPOINT|RECEIPT]... [--json]
 *
 * Exit code 0 when everything holds, 1 when something does not, 2 when the arguments make no sense.
 */
import { createPublicKey, hash, verify as verifySignature } from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { crc32 } from 'node:zlib'

export type VerifyFailureCode =
  | 'malformed'
  | 'missing'
  | 'no_key'
  | 'bad_key'
  | 'bad_signature'
  | 'wrong_origin'
  | 'bad_proof'
  | 'root_mismatch'
  | 'corrupt_tile'
  | 'corrupt_journal'

export interface VerifyFailure {
  ok: false
  code: VerifyFailureCode
  message: string
}

interface Verified {
  ok: true
  origin: string
  /** Tree size and base64 root of the checkpoint. */
  size: number
  root: string
  /** Key hash, 8 hex digits. */
  keyId: string
  /** Where the key came from that checked the signature: only `given` says anything about who signed. */
  keyFrom: 'given' | 'receipt' | 'directory'
}

export interface VerifiedReceipt extends Verified {
  kind: 'receipt'
  entries: { index: number; entry: Buffer }[]
}

export interface VerifiedDirectory extends Verified {
  kind: 'directory'
  tiles: number
  bundles: number
  /** Sizes of older checkpoints that this log is an extension of. */
  extends: number[]
  /** Undefined when the directory is a published copy without a journal. */
  journal: { segments: number; entries: number; attachments: number; tornBytes: number } | undefined
}

export interface VerifyOptions {
  /** The verifier key, obtained apart from what is verified. */
  vkey?: string
}

class Failure extends Error {
  readonly code: VerifyFailureCode
  constructor(code: VerifyFailureCode, message: string) {
    super(message)
    this.code = code
  }
}

const HASH = 32
const WIDTH = 256
const MAX_ENTRIES = 256
const MAX_PROOF = 64
const MAX_RECEIPT = 64 << 20
const MAX_NOTE = 1 << 20

// --- RFC 6962 ---

const sha256 = (bytes: Uint8Array) => hash('sha256', bytes, 'buffer')
const leafOf = (entry: Uint8Array) => sha256(Buffer.concat([Buffer.of(0), entry]))
const nodeOf = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.concat([Buffer.of(1), left, right]))

function inclusionRoot(index: number, size: number, leaf: Buffer, proof: readonly Buffer[]): Buffer {
  let at = index
  let last = size - 1
  let root = leaf
  for (const sibling of proof) {
    if (last === 0) throw new Failure('bad_proof', `the proof of entry ${index} is too long`)
    if (at % 2 === 1 || at === last) {
      root = nodeOf(sibling, root)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = Math.floor(last / 2)
      }
    } else {
      root = nodeOf(root, sibling)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  if (last !== 0) throw new Failure('bad_proof', `the proof of entry ${index} is too short`)
  return root
}

/** A growing tree that keeps one hash per complete subtree. */
class Accumulator {
  size = 0
  #range: Buffer[] = []

  push(leaf: Buffer): void {
    let node = leaf
    for (let rest = this.size; rest % 2 === 1; rest = (rest - 1) / 2) {
      node = nodeOf(this.#range.pop() ?? node, node)
    }
    this.#range.push(node)
    this.size++
  }

  root(): Buffer {
    const [first, ...rest] = this.#range.toReversed()
    if (first === undefined) return sha256(Buffer.alloc(0))
    return rest.reduce((root, left) => nodeOf(left, root), first)
  }
}

/** Pushes leaves and compares the root whenever a size is reached for which one is claimed. */
class CheckedTree {
  readonly tree = new Accumulator()
  readonly #claims: readonly Claim[]
  readonly #what: string

  constructor(what: string, claims: readonly Claim[]) {
    this.#what = what
    this.#claims = claims
    this.#check()
  }

  push(leaf: Buffer): void {
    this.tree.push(leaf)
    this.#check()
  }

  #check(): void {
    for (const { size, root, from } of this.#claims) {
      if (size !== this.tree.size || root.equals(this.tree.root())) continue
      throw new Failure('root_mismatch', `the ${this.#what} give another root for size ${size} than ${from}`)
    }
  }

  /** Every claim must have been reached. */
  finish(): void {
    for (const { size, from } of this.#claims) {
      if (size <= this.tree.size) continue
      const why = `the ${this.#what} end at size ${this.tree.size}, but ${from} is of size ${size}`
      throw new Failure('missing', why)
    }
  }
}

interface Claim {
  size: number
  root: Buffer
  from: string
}

// --- Signed notes and checkpoints ---

interface Key {
  name: string
  id: string
  verify: (text: string, signature: Buffer) => boolean
}

function base64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function parseKey(vkey: string): Key {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey)
  const [, name = '', id = '', text = ''] = match ?? []
  const encoded = base64(text)
  if (encoded?.length !== 1 + HASH || encoded[0] !== 1) {
    throw new Failure('bad_key', 'the verifier key is not an Ed25519 key of the form name+hash+key')
  }
  const digest = sha256(Buffer.concat([Buffer.from(`${name}\n`), encoded]))
  if (digest.toString('hex', 0, 4) !== id)
    throw new Failure('bad_key', 'the hash in the verifier key is wrong')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encoded.subarray(1).toString('base64url') }
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return { name, id, verify: (body, signature) => verifySignature(null, Buffer.from(body), key, signature) }
}

interface Checkpoint {
  origin: string
  size: number
  root: Buffer
}

/** Verifies the signature of the key, which must be there, and reads the text. */
function openCheckpoint(note: string, key: Key): Checkpoint {
  const at = note.lastIndexOf('\n\n')
  const text = note.slice(0, at + 1)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (at < 0 || !note.endsWith('\n') || /[\u0000-\u0009\u000b-\u001f]/.test(note)) {
    throw new Failure('malformed', 'the checkpoint is not a signed note')
  }
  let signed = false
  for (const line of note.slice(at + 2, -1).split('\n')) {
    const match = /^— ([^+\s]+) (\S+)$/.exec(line)
    const [, name = '', text64 = ''] = match ?? []
    const blob = base64(text64)
    if (match === null || blob === undefined || blob.length < 5) {
      throw new Failure('malformed', 'the checkpoint has a malformed signature line')
    }
    if (name !== key.name || blob.toString('hex', 0, 4) !== key.id) continue
    if (!key.verify(text, blob.subarray(4))) {
      throw new Failure('bad_signature', 'the signature of the checkpoint does not verify')
    }
    signed = true
  }
  if (!signed)
    throw new Failure('bad_signature', `no signature of the checkpoint is by ${key.name} (${key.id})`)
  const match = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([^\n]+)\n(?:[^\n]+\n)*$/.exec(text)
  const [, origin = '', digits = '', root64 = ''] = match ?? []
  const root = base64(root64)
  const size = Number(digits)
  if (match === null || root?.length !== HASH || !Number.isSafeInteger(size)) {
    throw new Failure('malformed', 'the checkpoint does not state origin, size and root')
  }
  return { origin, size, root }
}

// --- Receipts ---

function fields(value: unknown, names: readonly string[], what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Failure('malformed', `${what} is not an object`)
  }
  const found = Object.keys(value)
  if (found.length !== names.length || !names.every((name) => found.includes(name))) {
    throw new Failure('malformed', `${what} must have exactly the fields ${names.join(', ')}`)
  }
  return { ...value }
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw new Failure('malformed', `${what} is not a string`)
}

function list(value: unknown, limit: number, what: string): unknown[] {
  if (Array.isArray(value) && value.length <= limit) return value
  throw new Failure('malformed', `${what} is not a list of at most ${limit}`)
}

function bytes(value: unknown, what: string): Buffer {
  const decoded = base64(text(value, what))
  if (decoded === undefined) throw new Failure('malformed', `${what} is not base64`)
  return decoded
}

function parseJson(json: string): unknown {
  if (json.length > MAX_RECEIPT) throw new Failure('malformed', 'the receipt is too large')
  try {
    return JSON.parse(json)
  } catch {
    throw new Failure('malformed', 'the receipt is not JSON')
  }
}

function verifyEntry(value: unknown, checkpoint: Checkpoint): { index: number; entry: Buffer } {
  const { index, entry, proof } = fields(value, ['index', 'entry', 'proof'], 'an entry of the receipt')
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) {
    throw new Failure('malformed', 'the index of an entry is not a whole number')
  }
  if (index >= checkpoint.size) {
    throw new Failure('bad_proof', `entry ${index} is not in a tree of ${checkpoint.size}`)
  }
  const leaf = bytes(entry, 'an entry')
  const hashes = list(proof, MAX_PROOF, 'a proof').map((item) => bytes(item, 'a hash of a proof'))
  if (hashes.some((item) => item.length !== HASH)) throw new Failure('malformed', 'a hash has not 32 bytes')
  if (!inclusionRoot(index, checkpoint.size, leafOf(leaf), hashes).equals(checkpoint.root)) {
    throw new Failure('bad_proof', `entry ${index} is not the one under the signed root`)
  }
  return { index, entry: leaf }
}

function checkReceipt(input: unknown, options: VerifyOptions): VerifiedReceipt {
  const json = typeof input === 'string' ? parseJson(input) : input
  const receipt = fields(json, ['version', 'origin', 'vkey', 'checkpoint', 'entries'], 'the receipt')
  if (receipt.version !== 1) throw new Failure('malformed', 'the receipt is of an unknown version')
  const own = text(receipt.vkey, 'vkey')
  const vkey = options.vkey ?? own
  const key = parseKey(vkey)
  if (own !== vkey) throw new Failure('bad_key', 'the receipt names another key than the one given')
  const origin = text(receipt.origin, 'origin')
  const checkpoint = openCheckpoint(text(receipt.checkpoint, 'checkpoint'), key)
  if (checkpoint.origin !== origin || key.name !== origin) {
    throw new Failure('wrong_origin', 'receipt, key and checkpoint name different logs')
  }
  const entries = list(receipt.entries, MAX_ENTRIES, 'entries').map((entry) => verifyEntry(entry, checkpoint))
  if (entries.length === 0) throw new Failure('malformed', 'the receipt carries no entry')
  const { size, root } = checkpoint
  const keyFrom = options.vkey === undefined ? 'receipt' : 'given'
  const checked = { origin, size, root: root.toString('base64'), keyId: key.id, keyFrom } as const
  return { ok: true, kind: 'receipt', ...checked, entries }
}

// --- Directories ---

function readFile(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file)
  } catch {
    return undefined
  }
}

function indexPath(index: number): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
}

/** A tile or bundle, or the full one when the partial one has gone. */
function readTile(directory: string, level: string, index: number, width: number) {
  const name = `tile/${level}/${indexPath(index)}`
  const partial = width < WIDTH ? readFile(path.join(directory, `${name}.p/${width}`)) : undefined
  const content = partial ?? readFile(path.join(directory, name))
  if (content === undefined) {
    throw new Failure('missing', `${width < WIDTH ? `${name}.p/${width}` : name} is missing`)
  }
  return {
    name: partial === undefined ? name : `${name}.p/${width}`,
    content,
    exact: width === WIDTH || !!partial,
  }
}

function bundleEntries(name: string, content: Buffer): Buffer[] {
  const entries: Buffer[] = []
  for (let at = 0; at < content.length; ) {
    const end = at + 2 + (at + 2 <= content.length ? content.readUInt16BE(at) : content.length)
    if (end > content.length) throw new Failure('corrupt_tile', `${name} ends inside entry ${entries.length}`)
    entries.push(content.subarray(at + 2, end))
    at = end
  }
  return entries
}

/** Compares the tiles of one level as their hashes come, and passes the hash of each full one to the level above. */
class TileLevel {
  readonly #directory: string
  readonly #level: number
  #pending: Buffer[] = []
  #index = 0
  #above: TileLevel | undefined
  tiles = 0

  constructor(directory: string, level: number) {
    this.#directory = directory
    this.#level = level
  }

  push(node: Buffer): void {
    this.#pending.push(node)
    if (this.#pending.length < WIDTH) return
    const tree = new Accumulator()
    for (const item of this.#pending) tree.push(item)
    this.#compare()
    this.#above ??= new TileLevel(this.#directory, this.#level + 1)
    this.#above.push(tree.root())
    this.#index++
    this.#pending = []
  }

  #compare(): void {
    const expected = Buffer.concat(this.#pending)
    const { name, content, exact } = readTile(
      this.#directory,
      String(this.#level),
      this.#index,
      this.#pending.length,
    )
    const found = exact ? content : content.subarray(0, expected.length)
    if (!found.equals(expected)) throw new Failure('corrupt_tile', `${name} is not what its entries hash to`)
    this.tiles++
  }

  /** Compares the partial tiles; returns how many tiles there were from here up. */
  finish(): number {
    if (this.#pending.length > 0) this.#compare()
    return this.tiles + (this.#above?.finish() ?? 0)
  }
}

function checkTiles(directory: string, claims: readonly Claim[], size: number) {
  const tree = new CheckedTree('entry bundles', claims)
  const level = new TileLevel(directory, 0)
  let bundles = 0
  let tiles = 0
  for (let first = 0; first < size; first += WIDTH) {
    const width = Math.min(WIDTH, size - first)
    const { name, content, exact } = readTile(directory, 'entries', first / WIDTH, width)
    const entries = bundleEntries(name, content)
    if (exact ? entries.length !== width : entries.length < width) {
      throw new Failure('corrupt_tile', `${name} has ${entries.length} entries instead of ${width}`)
    }
    const leaves = entries.slice(0, width).map(leafOf)
    // Tiles before roots: a failure then names the file.
    for (const leaf of leaves) level.push(leaf)
    if (first + width === size) tiles = level.finish()
    for (const leaf of leaves) tree.push(leaf)
    bundles++
  }
  tree.finish()
  return { tiles, bundles }
}

interface JournalSummary {
  segments: number
  entries: number
  attachments: number
  tornBytes: number
}

/** Format: see `journal/format.ts`. A damaged end of the last segment may be a batch that is being written. */
function checkJournal(directory: string, origin: string, claims: readonly Claim[]): JournalSummary {
  const names = fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.seg'))
    .sort()
  const tree = new CheckedTree('journal segments', claims)
  const summary: JournalSummary = { segments: 0, entries: 0, attachments: 0, tornBytes: 0 }
  let batch = 0
  for (const [i, name] of names.entries()) {
    const segment = fs.readFileSync(path.join(directory, name))
    const fail = (why: string) => {
      throw new Failure('corrupt_journal', `journal/${name}: ${why}, at entry ${summary.entries}`)
    }
    const intact = segment.length >= 4096 && crc32(segment.subarray(0, 4092)) === segment.readUInt32BE(4092)
    const known = intact && segment.toString('latin1', 0, 8) === 'SCLEDGER' && segment.readUInt32BE(8) === 1
    if (!known) fail('the header is damaged')
    const originEnd = 38 + segment.readUInt16BE(36)
    if (segment.toString('utf8', 38, originEnd) !== origin) fail('it belongs to another log')
    if (Number(segment.readBigUInt64BE(12)) !== summary.entries) fail('it does not continue the one before')
    const salt = segment.subarray(28, 36)
    let at = 4096
    for (;;) {
      const end = frameEnd(segment, at, salt, batch, summary.entries)
      const leaves = end === undefined ? undefined : frameLeaves(segment, at, end)
      if (end === undefined || leaves === undefined) break
      for (const leaf of leaves.hashes) tree.push(leaf)
      summary.entries += leaves.hashes.length
      summary.attachments += leaves.attachments
      batch++
      at = end
    }
    const rest = segment.subarray(at)
    const used = rest.findLastIndex((byte) => byte !== 0) + 1
    if (used > 0 && (i < names.length - 1 || laterFrame(rest, salt, batch))) fail('a batch is damaged')
    summary.tornBytes = used
    summary.segments++
  }
  tree.finish()
  return summary
}

function frameEnd(
  segment: Buffer,
  at: number,
  salt: Buffer,
  batch: number,
  index: number,
): number | undefined {
  if (at + 36 > segment.length || !segment.subarray(at, at + 8).equals(salt)) return undefined
  if (crc32(segment.subarray(at, at + 32)) !== segment.readUInt32BE(at + 32)) return undefined
  if (Number(segment.readBigUInt64BE(at + 8)) !== batch) return undefined
  if (Number(segment.readBigUInt64BE(at + 16)) !== index) return undefined
  const end = at + 36 + segment.readUInt32BE(at + 28)
  return end <= segment.length ? end : undefined
}

function frameLeaves(segment: Buffer, at: number, end: number) {
  const hashes: Buffer[] = []
  const count = segment.readUInt32BE(at + 24)
  let attachments = 0
  let seed = 0
  let next = at + 36
  while (next < end) {
    if (next + 13 > end) return undefined
    const entryEnd = next + 13 + segment.readUInt32BE(next + 4)
    const recordEnd = entryEnd + segment.readUInt32BE(next + 8)
    if (recordEnd > end) return undefined
    seed = crc32(segment.subarray(next + 4, recordEnd), seed)
    if (seed !== segment.readUInt32BE(next) || segment[next + 12] !== 0) return undefined
    hashes.push(sha256(segment.subarray(next + 12, entryEnd)))
    if (recordEnd > entryEnd) attachments++
    next = recordEnd
  }
  return hashes.length === count && count > 0 ? { hashes, attachments } : undefined
}

function laterFrame(rest: Buffer, salt: Buffer, batch: number): boolean {
  for (let at = rest.indexOf(salt); at >= 0; at = rest.indexOf(salt, at + 1)) {
    if (at + 36 > rest.length) return false
    const intact = crc32(rest.subarray(at, at + 32)) === rest.readUInt32BE(at + 32)
    if (intact && Number(rest.readBigUInt64BE(at + 8)) > batch) return true
  }
  return false
}

/** The (size, root) that the log persisted before it signed last. */
function signingClaim(directory: string, origin: string): Claim | undefined {
  const file = readFile(path.join(directory, 'signing'))
  if (file === undefined) return undefined
  const state = fields(parseJson(file.toString()), ['version', 'origin', 'size', 'root'], 'the signing state')
  const root = bytes(state.root, 'the root of the signing state')
  if (state.version !== 1 || typeof state.size !== 'number' || state.origin !== origin) {
    throw new Failure('malformed', 'the signing state is of another log, or of another version')
  }
  return { size: state.size, root, from: 'the signing state' }
}

export interface VerifyDirectoryOptions extends VerifyOptions {
  /** Older checkpoints (signed notes) that the log must be an extension of. */
  since?: readonly string[]
}

function checkDirectory(directory: string, options: VerifyDirectoryOptions): VerifiedDirectory {
  const note = readFile(path.join(directory, 'checkpoint'))
  if (note === undefined) throw new Failure('missing', 'there is no checkpoint')
  if (note.length > MAX_NOTE) throw new Failure('malformed', 'the checkpoint is too large')
  const vkey = options.vkey ?? readFile(path.join(directory, 'log.vkey'))?.toString().trim()
  if (vkey === undefined) throw new Failure('no_key', 'no verifier key was given and the directory has none')
  const key = parseKey(vkey)
  const { origin, size, root } = openCheckpoint(note.toString(), key)
  if (origin !== key.name) throw new Failure('wrong_origin', 'the checkpoint is of another log than the key')
  const claims: Claim[] = [{ size, root, from: 'the checkpoint' }]
  for (const older of options.since ?? []) {
    const checkpoint = openCheckpoint(older, key)
    if (checkpoint.origin !== origin)
      throw new Failure('wrong_origin', 'an older checkpoint is of another log')
    claims.push({ ...checkpoint, from: 'an older checkpoint' })
  }
  const { tiles, bundles } = checkTiles(directory, claims, size)
  const journalDirectory = path.join(directory, 'journal')
  const signing = signingClaim(directory, origin)
  const journal = fs.existsSync(journalDirectory)
    ? checkJournal(journalDirectory, origin, signing === undefined ? claims : [...claims, signing])
    : undefined
  const keyFrom = options.vkey === undefined ? 'directory' : 'given'
  const checked = { origin, size, root: root.toString('base64'), keyId: key.id, keyFrom } as const
  const extended = claims.slice(1).map((claim) => claim.size)
  return { ok: true, kind: 'directory', ...checked, tiles, bundles, extends: extended, journal }
}

function verdict<T>(check: () => T): T | VerifyFailure {
  try {
    return check()
  } catch (error) {
    if (error instanceof Failure) return { ok: false, code: error.code, message: error.message }
    throw error
  }
}

/** Checks a receipt, as JSON text or parsed: key, signature, origin, and the proof of every entry. Never throws. */
export function verifyReceipt(
  receipt: unknown,
  options: VerifyOptions = {},
): VerifiedReceipt | VerifyFailure {
  return verdict(() => checkReceipt(receipt, options))
}

/**
 * Re-hashes every entry of a log directory and compares bundles, tiles, journal, signing state and checkpoints. Attachments
 * are not hashed into the log: only their CRC is checked, as their digest is inside the entry. Synchronous.
 */
export function verifyDirectory(
  directory: string,
  options: VerifyDirectoryOptions = {},
): VerifiedDirectory | VerifyFailure {
  return verdict(() => checkDirectory(directory, options))
}

// --- Command line ---

/** Text of a file may not steer a terminal. */
const printable = (untrusted: string) =>
  untrusted.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** What was checked, or what failed, for people. */
export function describeVerdict(result: VerifiedReceipt | VerifiedDirectory | VerifyFailure): string {
  if (!result.ok) return `FAILED (${result.code}): ${printable(result.message)}\n`
  const lines = [`VERIFIED ${result.kind} of log ${printable(result.origin)}`]
  lines.push(`  checkpoint  size ${result.size}, root ${result.root}`)
  lines.push(`  signature   Ed25519, key ${result.keyId}`)
  if (result.kind === 'receipt') {
    for (const { index, entry } of result.entries) {
      lines.push(`  entry       ${index}: ${entry.length} bytes, under the signed root`)
    }
  } else {
    lines.push(
      `  entries     ${result.size}, every one re-hashed: ${result.bundles} bundles, ${result.tiles} tiles`,
    )
    for (const size of result.extends) lines.push(`  consistent  with the checkpoint of size ${size}`)
    const { journal } = result
    if (journal === undefined) lines.push('  journal     none here: this is a published copy')
    else {
      lines.push(
        `  journal     ${journal.entries} entries in ${journal.segments} segments, ${journal.attachments} attachments (CRC only)`,
      )
      const unsigned = journal.entries - result.size
      if (unsigned > 0) lines.push(`  note        ${unsigned} entries are newer than the checkpoint`)
      if (journal.tornBytes > 0)
        lines.push(`  note        ${journal.tornBytes} bytes of an unfinished batch at the end`)
    }
  }
  if (result.keyFrom !== 'given') {
    lines.push(
      `  CAUTION     the key was taken from the ${result.keyFrom} itself: this shows that nothing was changed`,
    )
    lines.push('              since signing, not who signed. Give --vkey with the key you trust.')
  }
  return `${lines.join('\n')}\n`
}

const USAGE = 'usage: verify RECEIPT|DIR [--vkey KEY|FILE] [--since CHECKPOINT|RECEIPT]... [--json]\n'

interface Arguments {
  target: string
  vkey: string | undefined
  since: string[]
  json: boolean
}

function parseArguments(argv: readonly string[]): Arguments | undefined {
  const parsed = { target: '', vkey: undefined as string | undefined, since: [] as string[], json: false }
  const rest = [...argv]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--json') parsed.json = true
    else if (arg === '--vkey' || arg === '--since') {
      const value = rest.shift()
      if (value === undefined) return undefined
      if (arg === '--vkey') parsed.vkey = value
      else parsed.since.push(value)
    } else if (arg.startsWith('-') || parsed.target !== '') return undefined
    else parsed.target = arg
  }
  return parsed.target === '' ? undefined : parsed
}

/** A checkpoint from a file that holds one, or holds a receipt. */
function checkpointIn(file: string): string {
  const content = readFile(file)?.toString()
  if (content === undefined) throw new Failure('missing', `${file} cannot be read`)
  if (!content.trimStart().startsWith('{')) return content
  const json = parseJson(content)
  const note = typeof json === 'object' && json !== null && 'checkpoint' in json ? json.checkpoint : undefined
  return text(note, `the checkpoint in ${file}`)
}

function run({ target, vkey, since }: Arguments): VerifiedReceipt | VerifiedDirectory | VerifyFailure {
  return verdict<VerifiedReceipt | VerifiedDirectory>(() => {
    const given = vkey === undefined ? {} : { vkey: (readFile(vkey)?.toString() ?? vkey).trim() }
    const stat = fs.statSync(target, { throwIfNoEntry: false })
    if (stat === undefined) throw new Failure('missing', `${target} does not exist`)
    if (stat.isDirectory()) return checkDirectory(target, { ...given, since: since.map(checkpointIn) })
    if (stat.size > MAX_RECEIPT) throw new Failure('malformed', 'the receipt is too large')
    return checkReceipt(fs.readFileSync(target, 'utf8'), given)
  })
}

/** The command line as a function: `argv` without program name; nothing is printed. */
export function runVerifier(argv: readonly string[]): { exitCode: 0 | 1 | 2; output: string } {
  const parsed = parseArguments(argv)
  if (parsed === undefined) return { exitCode: 2, output: USAGE }
  const result = run(parsed)
  const plain =
    result.ok && result.kind === 'receipt'
      ? {
          ...result,
          entries: result.entries.map(({ index, entry }) => ({ index, entry: entry.toString('base64') })),
        }
      : result
  const output = parsed.json ? `${JSON.stringify(plain)}\n` : describeVerdict(result)
  return { exitCode: result.ok ? 0 : 1, output }
}

if (import.meta.main) {
  const { exitCode, output } = runVerifier(process.argv.slice(2))
  process.stdout.write(output)
  process.exitCode = exitCode
}
