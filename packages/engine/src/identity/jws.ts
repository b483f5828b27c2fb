/**
 * Compact JWS (RFC 7515 §3.1), synchronous, with an explicit list of what is accepted.
 * @module
 */
import { type KeyObject, sign as signBytes, verify as verifyBytes } from 'node:crypto'
import { isJsonObject, type JsonObject, parseJson, SafeconductError } from '@safeconduct/protocol'
import { fromDer, toDer } from './ecdsa-signature.ts'
import { isSignatureAlgorithm, type SignatureAlgorithm, type SigningKey } from './jwk.ts'

export interface ParsedJws {
  readonly header: JsonObject
  readonly payload: JsonObject
  readonly algorithm: SignatureAlgorithm
  /** What was signed: the first two parts as they came. */
  readonly signed: string
  readonly signature: Buffer
}

/** Bytes of a token we are willing to look at. */
export const MAX_JWS_LENGTH = 16_384
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/
const JWS_JSON_LIMITS = { maxLength: MAX_JWS_LENGTH, maxDepth: 16 }

/**
 * Takes a compact JWS apart without trusting it. `crit` and unencoded payloads are refused: we know no extension.
 * @throws {SafeconductError} `invalid_token`
 */
export function parseJws(token: string): ParsedJws {
  if (token.length > MAX_JWS_LENGTH || !COMPACT.test(token)) throw bad('It is not a compact JWS.')
  const [head = '', body = '', tail = ''] = token.split('.')
  const header = parseSegment(head)
  const algorithm = header.alg
  if (!isSignatureAlgorithm(algorithm)) throw bad('Its algorithm is not accepted.')
  if ('crit' in header || 'b64' in header) throw bad('It has header extensions that are not understood.')
  const signature = Buffer.from(tail, 'base64url')
  // Base64url can be written in several ways for the same bytes; only one of them is taken.
  if (signature.length !== 64 || signature.toString('base64url') !== tail)
    throw bad('Its signature is malformed.')
  return { header, payload: parseSegment(body), algorithm, signed: `${head}.${body}`, signature }
}

/** @throws {SafeconductError} `invalid_token` when the key does not fit the algorithm or the signature is wrong */
export function verifyJws(jws: ParsedJws, key: SigningKey): void {
  const wanted = jws.algorithm === 'ES256' ? 'ES256' : 'Ed25519'
  if (key.kind !== wanted) throw bad('Its algorithm does not fit the key.')
  const data = Buffer.from(jws.signed, 'ascii')
  const good =
    wanted === 'ES256'
      ? verifyBytes('sha256', data, key.key, toDer(jws.signature))
      : verifyBytes(null, data, key.key, jws.signature)
  if (!good) throw bad('Its signature does not verify.')
}

/** Signs a compact JWS with a P-256 or Ed25519 private key. */
export function signJws(header: JsonObject, payload: JsonObject, key: KeyObject): string {
  const curve = key.asymmetricKeyType
  const alg = curve === 'ed25519' ? 'EdDSA' : 'ES256'
  const signed = `${encodeSegment({ ...header, alg })}.${encodeSegment(payload)}`
  const data = Buffer.from(signed, 'ascii')
  const signature = curve === 'ed25519' ? signBytes(null, data, key) : fromDer(signBytes('sha256', data, key))
  return `${signed}.${signature.toString('base64url')}`
}

function encodeSegment(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url')
}

function parseSegment(segment: string): JsonObject {
  const bytes = Buffer.from(segment, 'base64url')
  if (bytes.toString('base64url') !== segment) throw bad('It is not proper base64url.')
  try {
    const value = parseJson(bytes, JWS_JSON_LIMITS)
    if (isJsonObject(value)) return value
  } catch (cause) {
    throw bad('It does not hold JSON.', cause)
  }
  throw bad('It does not hold a JSON object.')
}

function bad(why: string, cause?: unknown): SafeconductError {
  return new SafeconductError('invalid_token', { message: `The token is not valid. ${why}`, cause })
}
