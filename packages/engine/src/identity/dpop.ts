/**
 * DPoP proofs (RFC 9449 §4.3), every check but replay: claiming the `jti` needs a store, and is the caller's.
 * @module
 */
import { hash, timingSafeEqual } from 'node:crypto'
import { SafeconductError } from '@safeconduct/protocol'
import type { KeyCache } from './jwk.ts'
import { parseJws, verifyJws } from './jws.ts'
import type { Nonces } from './nonces.ts'

export interface DpopRules {
  readonly method: string
  /** The public URL of the request; query and fragment do not count. */
  readonly url: string
  /** The token presented with the proof; null at the token endpoint, where there is none yet. */
  readonly accessToken: string | null
  /** Thumbprint the token is bound to; null where the binding is only now being made. */
  readonly jkt: string | null
  readonly nonces: Nonces | null
  readonly keys: KeyCache
  /** Milliseconds. */
  readonly now: number
  /** How old or how far ahead `iat` may be, milliseconds. */
  readonly window?: number
}

export interface DpopProof {
  readonly jkt: string
  /** Claim this together with `jkt` until `expiresAt`; a second claim is a replay. */
  readonly jti: string
  readonly expiresAt: number
}

export const DPOP_WINDOW = 60_000

/** @throws {SafeconductError} `invalid_dpop_proof`, or `use_dpop_nonce` when only the nonce is wrong */
export function verifyDpop(proof: string, rules: DpopRules): DpopProof {
  const { payload, thumbprint } = open(proof, rules.keys)
  const window = rules.window ?? DPOP_WINDOW
  if (payload.htm !== rules.method) throw bad('It was made for another method.')
  const { htu } = payload
  if (typeof htu !== 'string' || (htu !== rules.url && plainUrl(htu) !== plainUrl(rules.url))) {
    throw bad('It was made for another URL.')
  }
  const { jti, iat } = payload
  if (typeof jti !== 'string' || jti.length < 8 || jti.length > 256)
    throw bad('Its jti is missing or malformed.')
  if (typeof iat !== 'number' || Math.abs(rules.now - iat * 1000) > window)
    throw bad('It is too old or too new.')
  if (rules.accessToken !== null) {
    const ath = hash('sha256', rules.accessToken, 'base64url')
    if (typeof payload.ath !== 'string' || !same(payload.ath, ath))
      throw bad('It was made for another token.')
  }
  if (rules.jkt !== null && !same(thumbprint, rules.jkt)) throw bad('The token is bound to another key.')
  if (rules.nonces !== null) {
    const { nonce } = payload
    if (typeof nonce !== 'string' || !rules.nonces.accepts(nonce, rules.now)) {
      throw new SafeconductError('use_dpop_nonce')
    }
  }
  // Kept one window longer than the proof could be valid, whatever the caller's clock does in between.
  return { jkt: thumbprint, jti, expiresAt: iat * 1000 + 2 * window }
}

function open(proof: string, keys: KeyCache) {
  try {
    const jws = parseJws(proof)
    if (jws.header.typ !== 'dpop+jwt') throw bad('Its type is not dpop+jwt.')
    const key = keys.import(jws.header.jwk)
    verifyJws(jws, key)
    return { payload: jws.payload, thumbprint: key.thumbprint }
  } catch (cause) {
    if (cause instanceof SafeconductError && cause.code === 'invalid_dpop_proof') throw cause
    throw bad('It is not a properly signed proof.', cause)
  }
}

/** RFC 9449 §4.3: compared after normalisation, ignoring query and fragment. */
function plainUrl(text: string): string | null {
  if (text.length > 2048 || !URL.canParse(text)) return null
  const url = new URL(text)
  return `${url.origin}${url.pathname}`
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

function bad(why: string, cause?: unknown): SafeconductError {
  return new SafeconductError('invalid_dpop_proof', { message: `The DPoP proof is not valid. ${why}`, cause })
}
