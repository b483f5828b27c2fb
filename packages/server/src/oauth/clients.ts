/**
 * Agents as OAuth clients. An agent the owner registered is a client by its record; a client that came by a metadata
 * document or by dynamic registration becomes an agent when a person first consents to it, and not before.
 * @module
 */
import type { Agent, JsonObject, JsonValue } from '@safeconduct/protocol'
import { isJsonObject, TASK_DETAILS_TYPE } from '@safeconduct/protocol'
import { OAuthError } from './errors.ts'

const CODE_GRANTS = ['authorization_code', 'refresh_token']
const MAX_URIS = 16
/** An agent id also names an epoch, and those are at most this long. */
export const MAX_CLIENT_ID = 256

/** Metadata of an agent from our own records; null when the agent has neither keys nor a place to redirect to. */
export function agentMetadata(agent: Agent): JsonObject | null {
  const redirects = agent.redirectUris.length > 0
  if (!redirects && agent.jwks.length === 0) return null
  return {
    client_id: agent.id,
    client_name: agent.name,
    application_type: 'native',
    redirect_uris: [...agent.redirectUris],
    grant_types: redirects ? CODE_GRANTS : [],
    response_types: redirects ? ['code'] : [],
    authorization_details_types: [TASK_DETAILS_TYPE],
    ...(agent.jwks.length === 0
      ? { token_endpoint_auth_method: 'none' }
      : {
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: agent.jwks.map((key) => JSON.parse(JSON.stringify(key)) as JsonObject) },
        }),
  }
}

/** What may come from a client about itself; everything else is dropped unread. */
const KEPT = [
  'client_id',
  'client_name',
  'client_uri',
  'redirect_uris',
  'token_endpoint_auth_method',
  'jwks',
  'jwks_uri',
  'software_id',
  'software_version',
  'dpop_bound_access_tokens',
] as const

/**
 * What a client says about itself (RFC 7591, draft-ietf-oauth-client-id-metadata-document), cut down to what we do:
 * the code flow, without a shared secret. RFC 7591 §3.2.1 lets a server replace what it does not support.
 * @throws {OAuthError} `invalid_client_metadata` when it does not describe a client
 */
export function selfDescribed(document: JsonValue, keysByUrl: boolean): JsonObject {
  if (!isJsonObject(document))
    throw new OAuthError('invalid_client_metadata', 'Client metadata is a JSON object.')
  const kept: Record<string, JsonValue> = {}
  for (const member of KEPT) {
    const value = document[member]
    if (value !== undefined && (member !== 'jwks_uri' || keysByUrl)) kept[member] = value
  }
  const uris = kept.redirect_uris
  if (!Array.isArray(uris) || uris.length === 0 || uris.length > MAX_URIS) {
    throw new OAuthError('invalid_client_metadata', `A client names 1 to ${MAX_URIS} redirect URIs.`)
  }
  const method = document.token_endpoint_auth_method ?? 'none'
  if (method !== 'none' && method !== 'private_key_jwt') {
    throw new OAuthError(
      'invalid_client_metadata',
      'A client authenticates with private_key_jwt or not at all.',
    )
  }
  const asked = Array.isArray(document.grant_types) ? document.grant_types : CODE_GRANTS
  return {
    ...kept,
    application_type: 'native',
    token_endpoint_auth_method: method,
    grant_types: CODE_GRANTS.filter((grant) => grant === 'authorization_code' || asked.includes(grant)),
    response_types: ['code'],
    authorization_details_types: [TASK_DETAILS_TYPE],
  }
}

const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]'])

export function isLoopbackUrl(text: string): boolean {
  return URL.canParse(text) && LOOPBACK_HOSTS.has(new URL(text).hostname)
}

/** Host of a redirect, for the person who consents; an app's own scheme is shown as such. */
export function redirectHost(uri: string): string {
  if (!URL.canParse(uri)) return uri
  const url = new URL(uri)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.host : `the app behind ${url.protocol}//`
}

/** What a form may lead to after consent (CSP `form-action` also binds redirects). */
export function redirectTarget(uri: string): string {
  if (!URL.canParse(uri)) return "'none'"
  const url = new URL(uri)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.origin : url.protocol
}
