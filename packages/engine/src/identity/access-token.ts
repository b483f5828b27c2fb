/**
 * From an access token (RFC 9068) to a verified {@link Grant}: the only way a grant comes to be.
 * @module
 */
import {
  type AccessTokenClaims,
  type ActClaim,
  accessTokenSchema,
  type Grant,
  MAX_CHAIN_DEPTH,
  SafeconductError,
  TASK_DETAILS_TYPE,
  type TaskDetails,
  taskDetailsSchema,
} from '@safeconduct/protocol'
import type { SigningKey } from './jwk.ts'
import { parseJws, verifyJws } from './jws.ts'

export interface AccessTokenRules {
  readonly issuer: string
  /** The resource that is asked; the token must name it. null only where any of our resources will do. */
  readonly audience: string | null
  /** The issuer's keys, by `kid`. */
  readonly keys: ReadonlyMap<string, SigningKey>
  /** Milliseconds. */
  readonly now: number
  /** Clock skew that is forgiven, milliseconds. */
  readonly skew?: number
}

const DEFAULT_SKEW = 5_000
const MAX_LIFETIME = 24 * 60 * 60

/**
 * Verifies signature, type, issuer, audience and times, and parses every claim once.
 * Epochs are not looked at: that is the delegate stage, in the owner's memory.
 * @throws {SafeconductError} `invalid_token`
 */
export function verifyAccessToken(token: string, rules: AccessTokenRules): Grant {
  const jws = parseJws(token)
  if (jws.header.typ !== 'at+jwt' && jws.header.typ !== 'application/at+jwt')
    throw bad('It is not an access token.')
  const key = typeof jws.header.kid === 'string' ? rules.keys.get(jws.header.kid) : undefined
  if (key === undefined) throw bad('It was signed with an unknown key.')
  verifyJws(jws, key)
  const parsed = accessTokenSchema.safeParse(jws.payload)
  if (!parsed.success) throw bad('Its claims are not those of a grant.', parsed.error)
  const claims = parsed.data
  if (claims.iss !== rules.issuer) throw bad('It comes from another issuer.')
  checkTimes(claims, rules)
  const audience = typeof claims.aud === 'string' ? [claims.aud] : claims.aud
  if (rules.audience !== null && !audience.includes(rules.audience))
    throw bad('It is meant for another server.')
  return toGrant(claims, audience)
}

function checkTimes(claims: AccessTokenClaims, rules: AccessTokenRules): void {
  const skew = rules.skew ?? DEFAULT_SKEW
  if (claims.exp * 1000 + skew <= rules.now) throw bad('It has expired.')
  if (claims.iat * 1000 - skew > rules.now) throw bad('It was issued in the future.')
  if (claims.exp - claims.iat > MAX_LIFETIME) throw bad('It lives longer than allowed.')
}

function toGrant(claims: AccessTokenClaims, audience: readonly string[]): Grant {
  const actors = actorChain(claims.act)
  const [agent = claims.sub, ...via] = actors
  return {
    id: claims.jti,
    tenant: claims.safeconduct.tenant,
    agent,
    user: actors.length === 0 ? null : claims.sub,
    via,
    clientId: claims.client_id,
    audience,
    scope: claims.scope.split(' ').filter((word) => word !== ''),
    task: claims.safeconduct.task,
    details: detailsOf(claims),
    epochs: claims.safeconduct.epochs.map(([kind, id, epoch]) => ({ kind, id, epoch })),
    jkt: claims.cnf?.jkt ?? null,
    issuedAt: claims.iat * 1000,
    expiresAt: claims.exp * 1000,
    authenticatedAt: claims.auth_time === undefined ? null : claims.auth_time * 1000,
  }
}

/** RFC 8693 §4.1: the outermost `act` is who acts now. */
function actorChain(act: ActClaim | undefined): string[] {
  const actors: string[] = []
  for (let link = act; link !== undefined; link = link.act) {
    if (actors.length >= MAX_CHAIN_DEPTH) throw bad('Its delegation chain is too long.')
    actors.push(link.sub)
  }
  return actors
}

/** Exactly one task per token: with none or several, nobody could say what the errand is. */
function detailsOf(claims: AccessTokenClaims): TaskDetails {
  const ours = (claims.authorization_details ?? []).filter((details) => details.type === TASK_DETAILS_TYPE)
  const [details, ...more] = ours.map((item) => taskDetailsSchema.safeParse(item))
  if (details === undefined || !details.success || more.length > 0)
    throw bad('It does not name exactly one task.')
  return details.data
}

function bad(why: string, cause?: unknown): SafeconductError {
  return new SafeconductError('invalid_token', { message: `The access token is not valid. ${why}`, cause })
}
