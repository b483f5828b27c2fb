import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Agent, JsonObject } from '@safeconduct/protocol'
import { agentMetadata, isLoopbackUrl, redirectHost, redirectTarget, selfDescribed } from './clients.ts'
import { OAuthError } from './errors.ts'

const agent = (more: Partial<Agent>): Agent => ({
  tenant: 't',
  id: 'a1',
  version: 1,
  name: 'agent',
  owner: 'ada',
  registration: 'owner',
  jwks: [],
  redirectUris: [],
  composition: [],
  autonomous: false,
  status: 'active',
  trustCeiling: null,
  createdAt: 0,
  ...more,
})
const KEY = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

describe('an agent as a client', () => {
  it('is none without keys and redirects', () => assert.equal(agentMetadata(agent({})), null))

  it('proves its key when it has one', () => {
    const metadata = agentMetadata(agent({ jwks: [KEY] }))
    assert.equal(metadata?.token_endpoint_auth_method, 'private_key_jwt')
    assert.deepEqual(metadata?.jwks, { keys: [KEY] })
    assert.deepEqual(metadata?.grant_types, [])
    assert.deepEqual(metadata?.response_types, [])
  })

  it('is public without one', () => {
    const metadata = agentMetadata(agent({ redirectUris: ['http://127.0.0.1/cb'] }))
    assert.equal(metadata?.token_endpoint_auth_method, 'none')
    assert.deepEqual(metadata?.grant_types, ['authorization_code', 'refresh_token'])
  })
})

describe('what a client says about itself', () => {
  const described = (more: JsonObject, keysByUrl = true) =>
    selfDescribed({ redirect_uris: ['https://a.example/cb'], ...more }, keysByUrl)

  it('is cut down to what is done here', () => {
    const result = described({
      client_id: 'https://a.example/c',
      client_name: 'A',
      client_secret: 's',
      scope: 'all',
      grant_types: ['authorization_code', 'password'],
      response_types: ['token'],
      default_max_age: 1,
      id_token_signed_response_alg: 'none',
      require_auth_time: true,
      application_type: 'web',
      sector_identifier_uri: 'https://x.example',
      jwks_uri: 'https://a.example/keys',
      __proto__: { polluted: true },
    })
    assert.deepEqual(Object.keys(result).sort(), [
      'application_type',
      'authorization_details_types',
      'client_id',
      'client_name',
      'grant_types',
      'jwks_uri',
      'redirect_uris',
      'response_types',
      'token_endpoint_auth_method',
    ])
    assert.deepEqual(result.grant_types, ['authorization_code'])
    assert.deepEqual(result.response_types, ['code'])
    assert.equal(result.application_type, 'native')
  })

  it('names no URL to fetch keys from unless that is allowed', () => {
    assert.equal(described({ jwks_uri: 'https://a.example/keys' }, false).jwks_uri, undefined)
  })

  it('may leave everything but the redirects out', () => {
    assert.deepEqual(described({}).grant_types, ['authorization_code', 'refresh_token'])
    assert.equal(described({}).token_endpoint_auth_method, 'none')
  })

  it('is refused with a shared secret, without redirects, or when it is no object', () => {
    for (const method of [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'tls_client_auth',
      7,
    ]) {
      assert.throws(() => described({ token_endpoint_auth_method: method }), OAuthError)
    }
    for (const bad of [null, 'x', [], {}, { redirect_uris: 'https://a' }, { redirect_uris: [] }]) {
      assert.throws(() => selfDescribed(bad, true), OAuthError)
    }
  })
})

describe('redirects', () => {
  it('are shown by host, and an app by its scheme', () => {
    assert.equal(redirectHost('https://a.example:8443/cb?x'), 'a.example:8443')
    assert.equal(redirectHost('https://a.example@evil.example/cb'), 'evil.example')
    assert.equal(redirectHost('cursor://callback'), 'the app behind cursor://')
    assert.equal(redirectHost('nonsense'), 'nonsense')
  })

  it('are where a form may lead', () => {
    assert.equal(redirectTarget('https://a.example:8443/cb'), 'https://a.example:8443')
    assert.equal(redirectTarget('cursor://callback'), 'cursor:')
    assert.equal(redirectTarget('nonsense'), "'none'")
  })

  it('that stay on this machine are known', () => {
    for (const url of ['http://localhost:1/', 'http://127.0.0.1/', 'http://[::1]:9/cb'])
      assert.equal(isLoopbackUrl(url), true)
    for (const url of ['http://localhost.evil.example/', 'https://a.example', 'cursor://localhost2', 'x']) {
      assert.equal(isLoopbackUrl(url), false)
    }
  })
})
