/**
 * One sealed form for everything kept encrypted: AES-256-GCM (NIST SP 800-38D) behind a key commitment.
 *
 *     version 1 | commitment 32 | nonce 12 | ciphertext | tag 16
 *
 * GCM does not commit to its key: one ciphertext can be made to open under two. The commitment is an HMAC of the key
 * and is compared first. Nonces are random, so one key must not seal more than 2^32 values (SP 800-38D §8.3).
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { SafeconductError } from '@safeconduct/protocol'
import { encodeKey } from '../key-text.ts'

const VERSION = 1
const COMMIT_AT = 1
const NONCE_AT = COMMIT_AT + 32
const TEXT_AT = NONCE_AT + 12
const TAG_BYTES = 16

export const KEY_BYTES = 32
/** Bytes that sealing adds. */
export const SEAL_OVERHEAD = TEXT_AT + TAG_BYTES

/** A key and its commitment. Whoever made it owns it and wipes it. */
export interface SealingKey {
  readonly bytes: Uint8Array
  readonly commitment: Uint8Array
  /** The bytes as Node's ciphers take them, from the first use on: importing them costs more than sealing a record. */
  handle: KeyObject | null
}

/** Takes the bytes over. @throws {SafeconductError} `internal` when they are not 32 */
export function sealingKey(bytes: Uint8Array): SealingKey {
  if (bytes.length !== KEY_BYTES) throw broken('a key must have 32 bytes')
  const commitment = createHmac('sha256', bytes).update('safeconduct key commitment v1').digest()
  return { bytes, commitment, handle: null }
}

/** The handle's own copy is cleared by Node when it is collected. */
export function wipe(key: SealingKey): void {
  key.bytes.fill(0)
  key.handle = null
}

function handleOf(key: SealingKey): KeyObject {
  key.handle ??= createSecretKey(key.bytes)
  return key.handle
}

/** A key for one purpose: HKDF-SHA-256 (RFC 5869), empty salt, `parts` as info. */
export function deriveKey(root: Uint8Array, parts: readonly string[]): SealingKey {
  if (root.length !== KEY_BYTES) throw broken('a root key must have 32 bytes')
  return sealingKey(
    new Uint8Array(hkdfSync('sha256', root, new Uint8Array(0), unambiguous(parts), KEY_BYTES)),
  )
}

/** Every part behind its length (u32, big-endian): no two lists of parts give the same bytes. */
export function unambiguous(parts: readonly string[]): Uint8Array {
  // Encoded, because UTF-8 alone would let two strings with lone surrogates meet.
  const texts = parts.map(encodeKey)
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const bytes = Buffer.alloc(lengths.reduce((sum, length) => sum + 4 + length, 0))
  let at = 0
  for (const [i, text] of texts.entries()) {
    at = bytes.writeUInt32BE(lengths[i] ?? 0, at)
    at += bytes.write(text, at)
  }
  return bytes
}

/** Bytes of a nonce of GCM. */
const NONCE_BYTES = TEXT_AT - NONCE_AT
const DRAWN = 256

/** Random nonces for whoever seals often: drawing one costs what drawing many does. Each is given once. */
export function createNonces(): () => Uint8Array {
  let drawn: Uint8Array = new Uint8Array(0)
  let at = 0
  return () => {
    if (at === drawn.length) {
      drawn = randomBytes(NONCE_BYTES * DRAWN)
      at = 0
    }
    const nonce = drawn.subarray(at, at + NONCE_BYTES)
    at += NONCE_BYTES
    return nonce
  }
}

/** Seals bytes to a key and a place; they open only with the same parts. */
export function sealBlob(
  key: SealingKey,
  parts: readonly string[],
  plain: Uint8Array,
  nonce: Uint8Array = randomBytes(NONCE_BYTES),
): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', handleOf(key), nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(unambiguous(parts))
  const sealed = new Uint8Array(plain.length + SEAL_OVERHEAD)
  sealed[0] = VERSION
  sealed.set(key.commitment, COMMIT_AT)
  sealed.set(nonce, NONCE_AT)
  sealed.set(cipher.update(plain), TEXT_AT)
  // GCM is a stream: what is final is only the tag.
  cipher.final()
  sealed.set(cipher.getAuthTag(), TEXT_AT + plain.length)
  return sealed
}

/** The commitment of the key a value was sealed with. @throws {SafeconductError} `internal` when it is none of ours */
export function commitmentOf(sealed: Uint8Array): Uint8Array {
  if (sealed.length < SEAL_OVERHEAD || sealed[0] !== VERSION) throw broken('the sealed form is not known')
  return sealed.subarray(COMMIT_AT, NONCE_AT)
}

export function sealedWith(key: SealingKey, sealed: Uint8Array): boolean {
  return timingSafeEqual(commitmentOf(sealed), key.commitment)
}

/** @throws {SafeconductError} `internal` when the key, the parts or the bytes are not those of the sealing */
export function openBlob(key: SealingKey, parts: readonly string[], sealed: Uint8Array): Uint8Array {
  if (!sealedWith(key, sealed)) throw broken('it was sealed with another key')
  const tagAt = sealed.length - TAG_BYTES
  const nonce = sealed.subarray(NONCE_AT, TEXT_AT)
  const decipher = createDecipheriv('aes-256-gcm', handleOf(key), nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(unambiguous(parts))
  decipher.setAuthTag(sealed.subarray(tagAt))
  try {
    const plain = Buffer.concat([decipher.update(sealed.subarray(TEXT_AT, tagAt)), decipher.final()])
    return new Uint8Array(plain)
  } catch (cause) {
    throw broken('it does not open', cause)
  }
}

/** Says nothing in public: which check failed is no business of whoever sent the bytes. */
export function broken(why: string, cause?: unknown): SafeconductError {
  return new SafeconductError('internal', { cause: new Error(why, { cause }) })
}
