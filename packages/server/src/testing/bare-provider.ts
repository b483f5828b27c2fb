/**
 * `oidc-provider` alone, with the checks that ours makes at its token endpoint: what the bench compares against.
 * @module
 */
import { generateKeyPairSync } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type { PublicJwk } from '@safeconduct/protocol'
import Provider, { type Adapter, type AdapterPayload, type JWK } from 'oidc-provider'

/** Unbounded: the library's own default evicts replay keys before they expire. */
class MapAdapter implements Adapter {
  readonly #kept = new Map<string, AdapterPayload>()
  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#kept.set(id, payload)
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#kept.get(id)
  }
  async findByUid(): Promise<undefined> {
    return undefined
  }
  async findByUserCode(): Promise<undefined> {
    return undefined
  }
  async consume(): Promise<undefined> {
    return undefined
  }
  async destroy(id: string): Promise<void> {
    this.#kept.delete(id)
  }
  async revokeByGrantId(): Promise<undefined> {
    return undefined
  }
}

/** A token endpoint at `/oauth/token` for one client with a key. */
export function bareProvider(issuer: string, client: string, clientKey: PublicJwk): RequestListener {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ format: 'jwk' }) as JWK
  const provider = new Provider(issuer, {
    adapter: MapAdapter,
    jwks: { keys: [{ ...key, kid: 'k', alg: 'ES256', use: 'sig' }] },
    routes: { token: '/oauth/token' },
    responseTypes: ['code'],
    clientAuthMethods: ['private_key_jwt'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      {
        client_id: client,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...clientKey } as JWK] },
      },
    ],
    ttl: { ClientCredentials: 300 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => `${issuer}/mcp/market`,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: 'mcp:read mcp:write',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  })
  return provider.callback()
}
