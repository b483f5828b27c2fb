import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gatewaySettings } from '../settings.ts'
import { challenges, resourceMetadata, schemeOf } from './challenge.ts'

const settings = gatewaySettings({ publicUrl: 'https://gate.example' })
const METADATA = 'resource_metadata="https://gate.example/.well-known/oauth-protected-resource/mcp/market"'

describe('challenges', () => {
  it('names the metadata and all scopes, for both schemes, to a caller without a token', () => {
    const [bearer = '', dpop = ''] = challenges(settings, {
      code: 'unauthenticated',
      server: 'market',
      scheme: null,
    })
    assert.ok(bearer.startsWith('Bearer ') && dpop.startsWith('DPoP '))
    for (const challenge of [bearer, dpop]) {
      assert.ok(challenge.includes(METADATA))
      assert.ok(challenge.includes('scope="mcp:read mcp:write"'))
      assert.doesNotMatch(challenge, /error=/)
    }
    assert.match(dpop, /algs="ES256 EdDSA Ed25519"/)
  })

  it('answers in the scheme that was tried', () => {
    const [first = ''] = challenges(settings, { code: 'revoked', server: 'market', scheme: 'dpop' })
    assert.match(first, /^DPoP error="invalid_token"/)
  })

  it('puts every needed scope into one insufficient_scope challenge', () => {
    const [first = ''] = challenges(settings, {
      code: 'insufficient_scope',
      server: 'market',
      scopes: ['mcp:read', 'mcp:write'],
      scheme: 'bearer',
    })
    assert.match(first, /error="insufficient_scope"/)
    assert.match(first, /scope="mcp:read mcp:write"/)
  })

  it('asks for a fresh authentication as RFC 9470 says', () => {
    const [first = ''] = challenges(settings, { code: 'step_up_required', server: 'market', scheme: 'dpop' })
    assert.match(first, /error="insufficient_user_authentication"/)
    assert.match(first, /max_age="0"/)
  })

  it('speaks of proofs only to clients that make them', () => {
    const found = challenges(settings, { code: 'use_dpop_nonce', server: 'market', scheme: 'dpop' })
    assert.equal(found.length, 1)
    assert.match(found[0] ?? '', /^DPoP error="use_dpop_nonce"/)
  })

  it('lets no scope break out of its quotes', () => {
    const [first = ''] = challenges(settings, {
      code: 'insufficient_scope',
      server: 'market',
      scopes: ['ok', 'x", error="none', 'a b'],
      scheme: 'bearer',
    })
    assert.match(first, /scope="ok"/)
  })
})

describe('resource metadata (RFC 9728)', () => {
  it('says what the resource is and who issues tokens for it', () => {
    const metadata = resourceMetadata(settings, 'market')
    assert.equal(metadata.resource, 'https://gate.example/mcp/market')
    assert.deepEqual(metadata.authorization_servers, ['https://gate.example'])
    assert.deepEqual(metadata.bearer_methods_supported, ['header'])
    assert.deepEqual(metadata.scopes_supported, ['mcp:read', 'mcp:write'])
    assert.ok(!JSON.stringify(metadata).includes('offline_access'))
  })
})

it('knows the scheme of a header', () => {
  assert.equal(schemeOf(undefined), null)
  assert.equal(schemeOf('dpop x'), 'dpop')
  assert.equal(schemeOf('Bearer x'), 'bearer')
})
