/**
 * The authenticate stage at the gateway: an `Authorization` header and, with DPoP, a proof; out comes an identity.
 * @module
 */
import { hash, randomBytes } from 'node:crypto'
import {
  type Clock,
  createKeyCache,
  createNonces,
  type SigningKey,
  verifyAccessToken,
  verifyDpop,
} from '@safeconduct/engine'
import { isSafeconductError, SafeconductError } from '@safeconduct/protocol'
import type { Authenticate } from '../ports.ts'
import type { AttemptBook } from './attempts.ts'
import { createGrantCache } from './grant-cache.ts'
import { createReplaySet } from './replay.ts'

export interface AuthenticateOptions {
  readonly issuer: string
  /** The issuer's public keys by `kid`; asked on every call, so that a rotation shows at once. */
  readonly keys: () => ReadonlyMap<string, SigningKey>
  readonly clock: Clock
  /** Proofs remembered at once; more are refused until some expire. */
  readonly replayLimit?: number
  /** Where trouble with credentials is counted. */
  readonly attempts?: AttemptBook
}

const MAX_HEADER = 32_768
const CREDENTIALS = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i

/**
 * The nonce secret is made here and kept in memory only, so proofs made for an earlier process are refused.
 * Bearer tokens must be unbound and DPoP tokens bound: neither can pass for the other (RFC 9449 §7.1).
 */
export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  const { clock, attempts } = options
  const nonces = createNonces(randomBytes(32))
  const proofKeys = createKeyCache()
  const grants = createGrantCache()
  const replay = createReplaySet(options.replayLimit)
  return {
    nonce: () => nonces.current(clock.now()),
    attempts: (agent, ip) => attempts?.around(agent, ip),
    verify(presented) {
      const now = clock.now()
      const { scheme, token } = readCredentials(presented.authorization)
      const keys = options.keys()
      const { issuer } = options
      const { resource } = presented
      const grant = counting(
        (cause) => {
          // One that ran out was genuine; tokens of another kind than ours are told apart by their digests.
          if (isSafeconductError(cause) && cause.code === 'invalid_token')
            attempts?.failed(presented.ip ?? null, hash('sha256', token, 'base64url').slice(0, 16))
        },
        () =>
          grants.get({ token, resource, keys, now }, () =>
            verifyAccessToken(token, { issuer, audience: resource, keys, now }),
          ),
      )
      if (scheme === 'bearer') {
        if (grant.jkt !== null) {
          attempts?.unproven(grant.agent)
          throw new SafeconductError('invalid_token', { message: 'The access token needs a DPoP proof.' })
        }
        return { grant, proof: { kind: 'bearer', provenAt: null } }
      }
      if (grant.jkt === null) {
        throw new SafeconductError('invalid_token', { message: 'The access token is not bound to a key.' })
      }
      const { dpop } = presented
      const { jkt } = grant
      if (dpop === undefined) {
        attempts?.unproven(grant.agent)
        throw new SafeconductError('invalid_dpop_proof', { message: 'The DPoP proof is missing.' })
      }
      const proof = counting(
        (cause) => {
          // A nonce that ran out is the ordinary way of things.
          if (isSafeconductError(cause) && cause.code === 'invalid_dpop_proof')
            attempts?.unproven(grant.agent)
        },
        () =>
          verifyDpop(dpop, {
            method: presented.method,
            url: presented.url,
            accessToken: token,
            jkt,
            nonces,
            keys: proofKeys,
            now,
          }),
      )
      if (!replay.claim({ holder: proof.jkt, id: proof.jti }, proof.expiresAt, now)) {
        attempts?.replayed(grant.agent)
        throw new SafeconductError('invalid_dpop_proof', { message: 'The DPoP proof was used before.' })
      }
      return { grant, proof: { kind: 'dpop', provenAt: now } }
    },
  }
}

function counting<T>(count: (cause: unknown) => void, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    count(cause)
    throw cause
  }
}

function readCredentials(header: string | undefined): { scheme: 'bearer' | 'dpop'; token: string } {
  if (header === undefined || header === '') throw new SafeconductError('unauthenticated')
  const match = header.length > MAX_HEADER ? null : CREDENTIALS.exec(header.trim())
  const token = match?.[2]
  if (match === null || token === undefined) {
    throw new SafeconductError('invalid_token', { message: 'The Authorization header is not understood.' })
  }
  return { scheme: match[1]?.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token }
}
