/**
 * `private_key_jwt` (RFC 7523 §3) for the endpoints that are answered in front of the library: synchronous
 * cryptography, keys imported once.
 * @module
 */
import {
  createKeyCache,
  type KeyCache,
  type ParsedJws,
  parseJws,
  type SigningKey,
  verifyJws,
} from '@safeconduct/engine'
import type { Agent } from '@safeconduct/protocol'
import type Provider from 'oidc-provider'
import { claimedClient } from './claimed-client.ts'
import { MAX_CLIENT_ID } from './clients.ts'
import { OAuthError } from './errors.ts'
import type { Form } from './http.ts'
import { type Context, PATHS } from './options.ts'
import { MAX_ASSERTION_LIFETIME } from './provider.ts'
import { claimOnce, replayId } from './replay.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const TYPES = new Set(['JWT', 'jwt', 'client-authentication+jwt'])
const SKEW = 5
const MAX_KEYS = 8

export interface ClientAuth {
  /** An agent that proved one of its keys. @throws {OAuthError} `invalid_client` */
  proven(form: Form, endpoint: string, ip: string | null): Promise<Agent>
  /** The id of a client that proved a key, or of a public one that only said who it is. @throws {OAuthError} */
  named(form: Form, endpoint: string, ip: string | null): Promise<string>
}

/** One sentence for every failure: which of them it was is for the log. */
function unknown(cause?: unknown): OAuthError {
  return new OAuthError('invalid_client', 'Client authentication failed.', cause)
}

export function createClientAuth(context: Context, provider: Provider): ClientAuth {
  const keys = createKeyCache()
  const prove = async (form: Form, endpoint: string): Promise<Agent> => {
    const { jws, clientId } = readAssertion(form)
    checkClaims(jws, context, clientId, endpoint)
    const agent = await context.store.agents.get(context.tenant, clientId)
    if (agent === null || agent.status !== 'active') throw unknown()
    checkSignature(jws, await candidates(agent, jws, keys, provider))
    const { jti, exp } = jws.payload
    const until = (Number(exp) + 2 * SKEW) * 1000
    if (!(await claimOnce(context, replayId(clientId, String(jti)), until))) throw unknown()
    return agent
  }
  const proven: ClientAuth['proven'] = async (form, endpoint, ip) => {
    try {
      return await prove(form, endpoint)
    } catch (cause) {
      if (cause instanceof OAuthError && cause.error === 'invalid_client')
        context.onFailedClient?.(
          claimedClient({
            client_assertion: form.one('client_assertion'),
            client_id: form.one('client_id'),
          }),
          ip,
        )
      throw cause
    }
  }
  return {
    proven,
    async named(form, endpoint, ip) {
      if (form.one('client_assertion') !== null) return (await proven(form, endpoint, ip)).id
      const id = form.one('client_id')
      if (id === null || id.length > MAX_CLIENT_ID || form.one('client_secret') !== null) throw unknown()
      const client = await provider.Client.find(id).catch((cause: unknown) => {
        throw unknown(cause)
      })
      if (client?.clientAuthMethod !== 'none') throw unknown()
      return id
    },
  }
}

function readAssertion(form: Form): { jws: ParsedJws; clientId: string } {
  const assertion = form.one('client_assertion')
  if (assertion === null || form.one('client_assertion_type') !== ASSERTION_TYPE) throw unknown()
  if (form.one('client_secret') !== null) throw unknown()
  let jws: ParsedJws
  try {
    jws = parseJws(assertion)
  } catch (cause) {
    throw unknown(cause)
  }
  const { sub } = jws.payload
  const named = form.one('client_id')
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_CLIENT_ID) throw unknown()
  if (named !== null && named !== sub) throw unknown()
  return { jws, clientId: sub }
}

function checkClaims(jws: ParsedJws, context: Context, clientId: string, endpoint: string): void {
  const { iss, aud, exp, nbf, iat, jti } = jws.payload
  const { typ } = jws.header
  const now = context.clock.now() / 1000
  if (typ !== undefined && !(typeof typ === 'string' && TYPES.has(typ))) throw unknown()
  if (iss !== clientId) throw unknown()
  const accepted = [context.issuer, `${context.issuer}${PATHS.token}`, `${context.issuer}${endpoint}`]
  // One audience only: an assertion that also names somebody else could be played on by them.
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (typeof audience !== 'string' || !accepted.includes(audience)) throw unknown()
  if (typeof exp !== 'number' || exp + SKEW <= now || exp > now + MAX_ASSERTION_LIFETIME + SKEW)
    throw unknown()
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf - SKEW > now)) throw unknown()
  if (iat !== undefined && (typeof iat !== 'number' || iat - SKEW > now)) throw unknown()
  if (typeof jti !== 'string' || jti === '' || jti.length > 512) throw unknown()
}

/** The keys the assertion could have been signed with: the one it names, or all of the agent's. */
async function candidates(
  agent: Agent,
  jws: ParsedJws,
  keys: KeyCache,
  provider: Provider,
): Promise<SigningKey[]> {
  const { kid } = jws.header
  let jwks: readonly object[] = agent.jwks
  if (agent.registration === 'cimd' || agent.registration === 'dcr') {
    const client = await provider.Client.find(agent.id).catch((cause: unknown) => {
      throw unknown(cause)
    })
    if (client?.clientAuthMethod !== 'private_key_jwt') throw unknown()
    jwks = client.jwks?.keys ?? []
  }
  const named = jwks.filter((key) => 'kid' in key && key.kid === kid)
  const chosen = named.length > 0 ? named : jwks
  return chosen.slice(0, MAX_KEYS).flatMap((key) => importOrSkip(keys, key))
}

/** A key of a kind we do not know stands in a set beside one we do. */
function importOrSkip(keys: KeyCache, jwk: object): SigningKey[] {
  try {
    return [keys.import(jwk)]
  } catch {
    return []
  }
}

function checkSignature(jws: ParsedJws, keys: readonly SigningKey[]): void {
  if (!keys.some((key) => verifies(jws, key))) throw unknown()
}

function verifies(jws: ParsedJws, key: SigningKey): boolean {
  try {
    verifyJws(jws, key)
    return true
  } catch {
    return false
  }
}
