/**
 * Public keys as they come from outside: parsed, thumbprinted (RFC 7638), imported once.
 * @module
 */
import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { type PublicJwk, SafeconductError } from '@safeconduct/protocol'

/** The algorithms we accept for anything signed by somebody else (RFC 7518, RFC 8037, RFC 9864). */
export const SIGNATURE_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'] as const
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number]

export function isSignatureAlgorithm(value: unknown): value is SignatureAlgorithm {
  return SIGNATURE_ALGORITHMS.some((name) => name === value)
}

/** A public key that was checked: only P-256 and Ed25519, only the members that make the key. */
export interface SigningKey {
  readonly jwk: PublicJwk
  readonly kind: 'ES256' | 'Ed25519'
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
  readonly key: KeyObject
}

const COORDINATE = /^[A-Za-z0-9_-]{43}$/
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']

/**
 * Checks a JWK from outside and imports it.
 * @throws {SafeconductError} `invalid_token` for a private part, another curve or malformed coordinates
 */
export function parsePublicJwk(value: unknown): SigningKey {
  if (value === null || typeof value !== 'object') throw bad('The key is not a JWK.')
  const jwk: Readonly<Record<string, unknown>> = { ...value }
  for (const member of PRIVATE_MEMBERS) if (member in jwk) throw bad('The JWK has a private part.')
  const canonical = canonicalMembers(jwk)
  const kind = canonical.kty === 'EC' ? 'ES256' : 'Ed25519'
  let key: KeyObject
  try {
    key = createPublicKey({ key: { ...canonical }, format: 'jwk' })
  } catch (cause) {
    throw bad('The JWK is not a point on its curve.', cause)
  }
  return { jwk: canonical, kind, thumbprint: thumbprintOf(canonical), key }
}

/** RFC 7638 §3.2: the required members, in lexical order, without white space. */
export function jwkThumbprint(value: unknown): string {
  return parsePublicJwk(value).thumbprint
}

function canonicalMembers(jwk: Readonly<Record<string, unknown>>): PublicJwk {
  const { kty, crv, x, y } = jwk
  if (typeof x !== 'string' || !COORDINATE.test(x)) throw bad('The JWK has no proper x coordinate.')
  if (kty === 'EC' && crv === 'P-256') {
    if (typeof y !== 'string' || !COORDINATE.test(y)) throw bad('The JWK has no proper y coordinate.')
    return { crv, kty, x, y }
  }
  if (kty === 'OKP' && crv === 'Ed25519') return { crv, kty, x }
  throw bad('Only P-256 and Ed25519 keys are accepted.')
}

function thumbprintOf(members: PublicJwk): string {
  const ordered = Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)))
  return hash('sha256', JSON.stringify(ordered), 'base64url')
}

function bad(message: string, cause?: unknown): SafeconductError {
  return new SafeconductError('invalid_token', { message, cause })
}

/**
 * Importing a key costs as much as half a signature check, so keys seen before are kept, least recently used
 * first out. Keyed by the exact coordinates, so a cache hit can never stand for another key.
 */
export interface KeyCache {
  import(jwk: unknown): SigningKey
}

export function createKeyCache(limit = 10_000): KeyCache {
  const kept = new Map<string, SigningKey>()
  return {
    import(jwk) {
      const id = cacheId(jwk)
      const hit = id === null ? undefined : kept.get(id)
      if (id === null || hit === undefined) {
        const parsed = parsePublicJwk(jwk)
        if (id !== null) {
          kept.set(id, parsed)
          if (kept.size > limit) evictOldest(kept)
        }
        return parsed
      }
      kept.delete(id)
      kept.set(id, hit)
      return hit
    },
  }
}

/** null when the JWK has anything but plain public members: then it is parsed (and refused) anew. */
function cacheId(jwk: unknown): string | null {
  if (jwk === null || typeof jwk !== 'object') return null
  const { kty, crv, x, y }: Readonly<Record<string, unknown>> = { ...jwk }
  for (const member of PRIVATE_MEMBERS) if (member in jwk) return null
  return [kty, crv, x, y].every((part) => part === undefined || typeof part === 'string')
    ? JSON.stringify([kty, crv, x, y])
    : null
}

function evictOldest(kept: Map<string, unknown>): void {
  for (const oldest of kept.keys()) {
    kept.delete(oldest)
    return
  }
}
