/**
 * Who asks: a registered enforcement point by its secret, or an agent by its own grant and proof.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { parseJws, verifyAccessToken } from '@safeconduct/engine'
import { type Grant, SafeconductError } from '@safeconduct/protocol'
import { isLocal } from '../http/access.ts'
import type { Caller } from '../http/route.ts'
import { SECRET_PREFIX } from './enforcers.ts'
import type { AccessPorts } from './ports.ts'

const BEARER = /^bearer +/i

/** null when no credential is presented, and over the control socket. @throws what authentication throws */
export function createAsker(
  access: AccessPorts,
  tenant: string,
): (request: IncomingMessage) => Caller | null {
  return (request) => {
    const { authorization, dpop } = request.headers
    if (authorization === undefined || isLocal(request)) return null
    const secret = authorization.replace(BEARER, '')
    if (secret.startsWith(SECRET_PREFIX)) {
      const enforcer = access.enforcers.find(secret)
      if (enforcer === null) throw new SafeconductError('invalid_token')
      return { kind: 'enforcer', enforcer, tenant }
    }
    const { grant, proof } = access.authenticate.verify({
      method: request.method ?? '',
      url: `${access.issuer}${(request.url ?? '/').split('?', 1)[0]}`,
      resource: resourceOf(access.issuer, authorization.slice(authorization.indexOf(' ') + 1).trim()),
      authorization,
      dpop: typeof dpop === 'string' ? dpop : undefined,
    })
    if (grant.tenant !== tenant) throw new SafeconductError('invalid_token')
    return { kind: 'agent', grant, proof, tenant }
  }
}

/** The resource a token names, read before it is believed: whoever uses it verifies the token for it. */
function resourceOf(issuer: string, token: string): string {
  const { aud } = parseJws(token).payload
  const named = Array.isArray(aud) ? aud : [aud]
  const ours = named.find((one) => typeof one === 'string' && one.startsWith(`${issuer}/mcp/`))
  if (typeof ours === 'string') return ours
  throw new SafeconductError('invalid_token', {
    message: 'The access token is not valid. It is meant for another server.',
  })
}

const MAX_TOKENS = 10_000

/** A token that an enforcement point presents; without its proof, which the enforcement point saw. */
export type OpenToken = (token: string, resource: string | null, now: number) => Grant

/** Signatures are checked once per token and key ring; times on every use. */
export function createOpenToken(access: Pick<AccessPorts, 'issuer' | 'keys'>): OpenToken {
  const seen = new Map<string, { readonly grant: Grant; readonly keys: object }>()
  return (token, resource, now) => {
    const keys = access.keys()
    const known = seen.get(token)
    if (known?.keys === keys && known.grant.issuedAt <= now && now < known.grant.expiresAt)
      return meantFor(known.grant, resource)
    const grant = verifyAccessToken(token, { issuer: access.issuer, audience: null, keys, now })
    seen.delete(token)
    seen.set(token, { grant, keys })
    for (const oldest of seen.keys()) {
      if (seen.size <= MAX_TOKENS) break
      seen.delete(oldest)
    }
    return meantFor(grant, resource)
  }
}

function meantFor(grant: Grant, resource: string | null): Grant {
  if (resource === null || grant.audience.includes(resource)) return grant
  throw new SafeconductError('invalid_token', {
    message: 'The access token is not valid. It is meant for another server.',
  })
}
