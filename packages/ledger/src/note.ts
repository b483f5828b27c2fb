/**
 * @module note
 * C2SP signed-note: text, an empty line, signature lines. Ed25519 keys (type 0x01) sign and verify; lines of other
 * keys are kept and ignored. A line of a known key that does not verify rejects the whole note.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { LedgerError } from './errors.ts'
import { sha256 } from './merkle/hash.ts'

const ED25519 = 0x01
const ED25519_KEY_BYTES = 32
/** DER of a SubjectPublicKeyInfo for Ed25519 up to the key itself (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export const MAX_NOTE_BYTES = 1 << 20
const MAX_NOTE_SIGNATURES = 64

/** A public key that may sign notes. `id` is its key hash; name and id together identify it. */
export interface NoteVerifier {
  name: string
  id: number
  vkey: string
  publicKey: KeyObject
}

export interface NoteSigner extends NoteVerifier {
  privateKey: KeyObject
}

export interface NoteSignature {
  name: string
  id: number
  signature: Buffer
}

export interface Note {
  /** Ends in a newline, which is signed with the rest. */
  text: string
  signatures: NoteSignature[]
}

const badNote = (why: string) => new LedgerError('bad_note', `signed note: ${why}`)
const badKey = (why: string, cause?: unknown) => new LedgerError('bad_key', `note key: ${why}`, cause)

/** Standard base64 in its one canonical form: anything that does not encode back to itself is refused. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** Key names are not empty and have no Unicode space, plus or control character. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.length <= 1024 && !/[\s\u0085+]/u.test(name) && !hasControl(name)
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true
  return false
}

function keyId(name: string, encodedKey: Uint8Array): number {
  return sha256(Buffer.concat([Buffer.from(`${name}\n`), encodedKey])).readUInt32BE(0)
}

const hexId = (id: number) => id.toString(16).padStart(8, '0')

function describe(name: string, publicKey: KeyObject, raw: Uint8Array): NoteVerifier {
  const encoded = Buffer.concat([Buffer.of(ED25519), raw])
  const id = keyId(name, encoded)
  return { name, id, publicKey, vkey: `${name}+${hexId(id)}+${encoded.toString('base64')}` }
}

/**
 * Parses a verifier key, `name+hash+base64(type ‖ key)`.
 * @throws LedgerError `bad_key` when it is malformed, its hash is wrong or its type is not Ed25519
 */
export function parseVkey(vkey: string): NoteVerifier {
  const [name, hash, ...rest] = vkey.trim().split('+')
  const encoded = decodeBase64(rest.join('+'))
  if (name === undefined || !isKeyName(name)) throw badKey('the name is malformed')
  if (hash === undefined || !/^[0-9a-f]{8}$/.test(hash)) throw badKey('the key hash is malformed')
  if (encoded === undefined || encoded.length === 0) throw badKey('the key is not base64')
  if (encoded[0] !== ED25519) throw badKey(`type ${encoded[0]} is not supported, only Ed25519 (1)`)
  if (encoded.length !== 1 + ED25519_KEY_BYTES)
    throw badKey(`an Ed25519 key has 32 bytes, not ${encoded.length - 1}`)
  if (hexId(keyId(name, encoded)) !== hash) throw badKey('the key hash does not belong to name and key')
  const raw = encoded.subarray(1)
  try {
    const der = Buffer.concat([SPKI_PREFIX, raw])
    return describe(name, createPublicKey({ key: der, format: 'der', type: 'spki' }), raw)
  } catch (cause) {
    throw badKey('not a point on the curve', cause)
  }
}

/** The signer for a name. @throws LedgerError `bad_key` unless `privateKey` is an Ed25519 private key. */
export function noteSigner(name: string, privateKey: KeyObject): NoteSigner {
  if (!isKeyName(name)) throw badKey('the name is malformed')
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') {
    throw badKey('signing needs an Ed25519 private key')
  }
  const publicKey = createPublicKey(privateKey)
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length)
  return { ...describe(name, publicKey, raw), privateKey }
}

function formatSignature({ name, id, signature }: NoteSignature): string {
  const blob = Buffer.alloc(4 + signature.length)
  blob.writeUInt32BE(id, 0)
  blob.set(signature, 4)
  return `— ${name} ${blob.toString('base64')}\n`
}

/** Signs a text that ends in a newline. `others` are kept as further signature lines (cosignatures). */
export function signNote(text: string, signer: NoteSigner, others: readonly NoteSignature[] = []): string {
  if (!text.endsWith('\n')) throw badNote('the text must end in a newline')
  if (hasControl(text.replaceAll('\n', ''))) throw badNote('the text has a control character')
  const signature = sign(null, Buffer.from(text), signer.privateKey)
  const lines = [{ name: signer.name, id: signer.id, signature }, ...others].map(formatSignature)
  return `${text}\n${lines.join('')}`
}

function parseSignature(line: string): NoteSignature {
  const [dash, name, base64, ...more] = line.split(' ')
  if (dash !== '—' || name === undefined || base64 === undefined || more.length > 0) {
    throw badNote('a signature line is malformed')
  }
  if (!isKeyName(name)) throw badNote('a key name is malformed')
  const blob = decodeBase64(base64)
  if (blob === undefined) throw badNote('a signature is not base64')
  if (blob.length < 5) throw badNote('a signature is too short')
  return { name, id: blob.readUInt32BE(0), signature: blob.subarray(4) }
}

/** Splits a note into text and signatures; verifies nothing. @throws LedgerError `bad_note` */
export function parseNote(note: Uint8Array | string): Note {
  const bytes = typeof note === 'string' ? Buffer.from(note) : note
  if (bytes.length > MAX_NOTE_BYTES) throw badNote(`over ${MAX_NOTE_BYTES} bytes`)
  let whole: string
  try {
    whole = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new LedgerError('bad_note', 'signed note: not valid UTF-8', cause)
  }
  if (hasControl(whole.replaceAll('\n', ''))) throw badNote('it has a control character')
  // The last empty line separates, so a text may hold empty lines and a signature block may not.
  const at = whole.lastIndexOf('\n\n')
  if (at < 0) throw badNote('no empty line before the signatures')
  const block = whole.slice(at + 2)
  if (!block.endsWith('\n')) throw badNote('it does not end in a newline')
  const lines = block.slice(0, -1).split('\n')
  if (lines.length > MAX_NOTE_SIGNATURES) throw badNote(`over ${MAX_NOTE_SIGNATURES} signatures`)
  return { text: whole.slice(0, at + 1), signatures: lines.map(parseSignature) }
}

/**
 * The text of a note that at least one of the known keys signed.
 * @throws LedgerError `bad_note` when malformed, `bad_signature` when a known key's line fails or no known key signed
 */
export function openNote(note: Uint8Array | string, known: readonly NoteVerifier[]): Note {
  const parsed = parseNote(note)
  const text = Buffer.from(parsed.text)
  let verified = 0
  for (const { name, id, signature } of parsed.signatures) {
    const key = known.find((candidate) => candidate.name === name && candidate.id === id)
    if (key === undefined) continue
    if (!verify(null, text, key.publicKey, signature)) {
      throw new LedgerError('bad_signature', `signed note: the signature of ${name} does not verify`)
    }
    verified++
  }
  if (verified === 0) throw new LedgerError('bad_signature', 'signed note: no known key signed it')
  return parsed
}
