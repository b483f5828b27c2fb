/**
 * Access tokens as we write them (RFC 9068): one shape, one algorithm.
 * @module
 */
import { signJws } from '@safeconduct/engine'
import type { AccessTokenClaims, ActClaim, EpochRef, JsonObject, TaskDetails } from '@safeconduct/protocol'
import { toTuples } from './epochs.ts'
import type { OwnKey } from './keys.ts'

export interface TokenContent {
  readonly issuer: string
  readonly tenant: string
  readonly id: string
  /** The agent that calls. */
  readonly agent: string
  readonly user: string | null
  /** Who acts, then whoever handed on, nearest first; empty for an autonomous agent. */
  readonly actors: readonly string[]
  readonly audience: readonly string[]
  readonly scope: readonly string[]
  readonly task: string
  readonly details: TaskDetails
  readonly epochs: readonly EpochRef[]
  readonly jkt: string | null
  /** Milliseconds. */
  readonly now: number
  readonly expiresAt: number
  readonly authenticatedAt: number | null
}

/** RFC 8693 §4.1: the outermost `act` is who acts now, and each holds whoever acted before it. */
export function actClaim(actors: readonly string[]): ActClaim | undefined {
  return [...actors]
    .reverse()
    .reduce<ActClaim | undefined>(
      (inner, sub) => (inner === undefined ? { sub, client_id: sub } : { sub, client_id: sub, act: inner }),
      undefined,
    )
}

export function claimsOf(content: TokenContent): AccessTokenClaims {
  const act = actClaim(content.actors)
  const [only, ...more] = content.audience
  return {
    iss: content.issuer,
    sub: content.user ?? content.agent,
    aud: only !== undefined && more.length === 0 ? only : [...content.audience],
    client_id: content.agent,
    scope: content.scope.join(' '),
    iat: Math.floor(content.now / 1000),
    exp: Math.floor(content.expiresAt / 1000),
    jti: content.id,
    ...(content.authenticatedAt === null ? {} : { auth_time: Math.floor(content.authenticatedAt / 1000) }),
    ...(content.jkt === null ? {} : { cnf: { jkt: content.jkt } }),
    ...(act === undefined ? {} : { act }),
    authorization_details: [content.details],
    safeconduct: { tenant: content.tenant, task: content.task, epochs: toTuples(content.epochs) },
  }
}

export function mint(key: OwnKey, content: TokenContent): string {
  // The claims are JSON by their schema; the cast only drops the `undefined` of optional members, which stay out.
  const claims = claimsOf(content) as unknown as JsonObject
  return signJws({ typ: 'at+jwt', kid: key.kid }, claims, key.privateKey)
}
