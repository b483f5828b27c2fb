import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Provider, { type JWK } from 'oidc-provider'
import { loadKeys } from './keys.ts'
import type { Context } from './options.ts'
import { selfCheck } from './self-check.ts'

const context = {
  issuer: 'http://localhost:7070',
  tenant: 't',
  clock: { now: () => 1_700_000_000_000 },
} as unknown as Context

describe('the self-check', () => {
  it('finds at the start that every client would be refused: no RSA key, and RS256 the default (trap 2)', async () => {
    const kept = new Map<string, Uint8Array>()
    const keys = await loadKeys({
      get: async (name) => kept.get(name) ?? null,
      putIfAbsent: async (name, value) => {
        kept.set(name, value)
        return value
      },
    })
    const jwk = { ...keys.main.privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' } as JWK
    const setup = {
      jwks: { keys: [jwk] },
      clientAuthMethods: ['private_key_jwt', 'none'] as const,
      features: { devInteractions: { enabled: false } },
    }
    await assert.rejects(
      selfCheck(context, new Provider(context.issuer, setup), keys),
      /failed its self-check/,
    )
    const repaired = new Provider(context.issuer, {
      ...setup,
      responseTypes: ['code'],
      clientDefaults: { id_token_signed_response_alg: 'ES256' },
      features: {
        ...setup.features,
        richAuthorizationRequests: {
          enabled: true,
          types: { safeconduct_task: { validate: async () => undefined } },
          authorizationDetailsForGrantSource: async () => [],
          authorizationDetailsForAccessToken: async () => [],
          authorizationDetailsForIntrospection: async () => [],
        },
      },
    })
    await selfCheck(context, repaired, keys)
    const other = { ...keys, verifying: new Map() }
    await assert.rejects(selfCheck(context, repaired, other), /failed its self-check/)
  })
})
