import assert from 'node:assert/strict'
import { generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { isSafeconductError, type JsonObject } from '@safeconduct/protocol'
import fc from 'fast-check'
import { verifyAccessToken } from './access-token.ts'
import { verifyDpop } from './dpop.ts'
import { createKeyCache, jwkThumbprint, parsePublicJwk } from './jwk.ts'
import { parseJws, signJws } from './jws.ts'
import { createNonces, NONCE_PERIOD } from './nonces.ts'

const NOW = 1_790_000_000_000
const SECONDS = NOW / 1000
const issuer = 'http://localhost:7070'
const audience = `${issuer}/mcp/market`

const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = () => generateKeyPairSync('ed25519')
const jwkOf = (key: KeyObject): Record<string, string> =>
  Object.fromEntries(
    Object.entries(key.export({ format: 'jwk' })).map(([name, part]) => [name, String(part)]),
  )

const as = ec()
const keys = new Map([['k1', parsePublicJwk(jwkOf(as.publicKey))]])
const rules = { issuer, audience, keys, now: NOW }

const TASK = { type: 'safeconduct_task', task: 't1', tools: ['market/*'] }
const claims = {
  iss: issuer,
  sub: 'u_ann',
  aud: audience,
  client_id: 'ag_trader',
  scope: 'mcp:read mcp:write',
  iat: SECONDS - 10,
  exp: SECONDS + 290,
  jti: 'token-0001',
  act: { sub: 'ag_worker', act: { sub: 'ag_trader' } },
  authorization_details: [TASK],
  safeconduct: { tenant: 'default', task: 't1', epochs: [['agent', 'ag_worker', 1]] },
} satisfies JsonObject

const token = (change: JsonObject = {}, header: JsonObject = {}, key = as.privateKey) =>
  signJws({ typ: 'at+jwt', kid: 'k1', ...header }, { ...claims, ...change }, key)

const code = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    assert.ok(isSafeconductError(error), `a typed error, not ${String(error)}`)
    return error.code
  }
  return 'accepted'
}

describe('access tokens', () => {
  it('become a grant whose acting agent is the outermost actor', () => {
    const grant = verifyAccessToken(token(), rules)
    assert.equal(grant.agent, 'ag_worker')
    assert.deepEqual(grant.via, ['ag_trader'])
    assert.equal(grant.user, 'u_ann')
    assert.deepEqual(grant.scope, ['mcp:read', 'mcp:write'])
    assert.deepEqual(grant.epochs, [{ kind: 'agent', id: 'ag_worker', epoch: 1 }])
  })

  it('without an actor speak for an autonomous agent', () => {
    const { act: _, ...rest } = claims
    const grant = verifyAccessToken(
      signJws({ typ: 'at+jwt', kid: 'k1' }, { ...rest, sub: 'ag_x' }, as.privateKey),
      rules,
    )
    assert.equal(grant.user, null)
    assert.equal(grant.agent, 'ag_x')
  })

  const deepAct = { sub: 'a', act: { sub: 'b', act: { sub: 'c', act: { sub: 'd', act: { sub: 'e' } } } } }
  const refused: readonly [string, () => string][] = [
    ['another issuer', () => token({ iss: 'http://evil.example' })],
    ['another audience', () => token({ aud: `${issuer}/mcp/other` })],
    ['an expired one', () => token({ exp: SECONDS - 60 })],
    ['one from the future', () => token({ iat: SECONDS + 60, exp: SECONDS + 120 })],
    ['one that lives for years', () => token({ exp: SECONDS + 10_000_000 })],
    ['a missing jti', () => token({ jti: 1 })],
    ['another typ', () => token({}, { typ: 'JWT' })],
    ['an unknown kid', () => token({}, { kid: 'k2' })],
    ['a critical extension', () => token({}, { crit: ['x'] })],
    ['another key', () => token({}, {}, ec().privateKey)],
    ['the wrong kind of key', () => token({}, {}, ed().privateKey)],
    ['two tasks', () => token({ authorization_details: [TASK, TASK] })],
    ['no task', () => token({ authorization_details: [] })],
    ['a chain that is too long', () => token({ act: deepAct })],
    ['no signature at all', () => `${token().split('.').slice(0, 2).join('.')}.`],
    ['alg none', () => `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.e30.AAAA`],
  ]
  for (const [name, make] of refused) {
    it(`refuses ${name}`, () =>
      assert.equal(
        code(() => verifyAccessToken(make(), rules)),
        'invalid_token',
      ))
  }

  it('refuses HS256 made with the public key', () => {
    const forged = token().replace(
      /^[^.]+/,
      Buffer.from('{"alg":"HS256","typ":"at+jwt","kid":"k1"}').toString('base64url'),
    )
    assert.equal(
      code(() => verifyAccessToken(forged, rules)),
      'invalid_token',
    )
  })

  it('survives any one changed character', () => {
    const good = token()
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.constantFrom(...'AZaz09-_.'), (at, letter) => {
        if (good[at] === letter) return
        assert.equal(
          code(() => verifyAccessToken(good.slice(0, at) + letter + good.slice(at + 1), rules)),
          'invalid_token',
        )
      }),
      { numRuns: 300 },
    )
  })

  it('parses any text into a token or a typed refusal', () => {
    fc.assert(
      fc.property(fc.string(), (text) => ['accepted', 'invalid_token'].includes(code(() => parseJws(text)))),
    )
  })
})

describe('public keys', () => {
  it('have the thumbprint of RFC 8037 appendix A.3', () => {
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
    assert.equal(jwkThumbprint(key), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  it('with a private part are refused, also by the cache', () => {
    const secret = jwkOf(ec().privateKey)
    assert.equal(
      code(() => parsePublicJwk(secret)),
      'invalid_token',
    )
    const cache = createKeyCache(2)
    const { d: _, ...open } = secret
    cache.import(open)
    assert.equal(
      code(() => cache.import(secret)),
      'invalid_token',
    )
  })

  it('are kept by the cache up to its limit', () => {
    const cache = createKeyCache(1)
    const first = jwkOf(ec().publicKey)
    const kept = cache.import(first)
    assert.equal(cache.import({ ...first }), kept)
    cache.import(jwkOf(ed().publicKey))
    assert.notEqual(cache.import(first), kept)
  })

  it('off the curve are refused', () => {
    const point = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }
    assert.equal(
      code(() => parsePublicJwk(point)),
      'invalid_token',
    )
  })
})

describe('DPoP proofs', () => {
  const holder = ed()
  const jkt = jwkThumbprint(jwkOf(holder.publicKey))
  const nonces = createNonces(Buffer.alloc(32, 7))
  const accessToken = token({ cnf: { jkt } })
  const body = () => ({
    jti: 'proof-0001',
    htm: 'POST',
    htu: audience,
    iat: SECONDS,
    ath: hash('sha256', accessToken, 'base64url'),
    nonce: nonces.current(NOW),
  })
  const cache = createKeyCache()
  const want = { method: 'POST', url: `${audience}?x=1#y`, accessToken, jkt, nonces, keys: cache, now: NOW }
  const proof = (change: JsonObject = {}, header: JsonObject = {}, key = holder) =>
    signJws(
      { typ: 'dpop+jwt', jwk: jwkOf(key.publicKey), ...header },
      { ...body(), ...change },
      key.privateKey,
    )

  it('are accepted when everything fits', () => {
    assert.deepEqual(verifyDpop(proof(), want), { jkt, jti: 'proof-0001', expiresAt: NOW + 120_000 })
  })

  const refused: readonly [string, JsonObject, JsonObject, string][] = [
    ['another method', { htm: 'GET' }, {}, 'invalid_dpop_proof'],
    ['another URL', { htu: `${issuer}/mcp/other` }, {}, 'invalid_dpop_proof'],
    ['a relative URL', { htu: '/mcp/market' }, {}, 'invalid_dpop_proof'],
    ['another token', { ath: hash('sha256', 'x', 'base64url') }, {}, 'invalid_dpop_proof'],
    ['an old proof', { iat: SECONDS - 120 }, {}, 'invalid_dpop_proof'],
    ['a proof from the future', { iat: SECONDS + 120 }, {}, 'invalid_dpop_proof'],
    ['no jti', { jti: null }, {}, 'invalid_dpop_proof'],
    ['no nonce', { nonce: null }, {}, 'use_dpop_nonce'],
    ['a foreign nonce', { nonce: 'A'.repeat(22) }, {}, 'use_dpop_nonce'],
    ['another typ', {}, { typ: 'JWT' }, 'invalid_dpop_proof'],
    ['a private key in the header', {}, { jwk: jwkOf(holder.privateKey) }, 'invalid_dpop_proof'],
  ]
  for (const [name, change, header, expected] of refused) {
    it(`are refused for ${name}`, () =>
      assert.equal(
        code(() => verifyDpop(proof(change, header), want)),
        expected,
      ))
  }

  it('are refused when another key signed them', () => {
    assert.equal(
      code(() => verifyDpop(proof({}, {}, ed()), want)),
      'invalid_dpop_proof',
    )
  })

  it('keep a nonce for at least one period and at most two', () => {
    const given = nonces.current(NOW)
    assert.ok(nonces.accepts(given, NOW + NONCE_PERIOD))
    assert.ok(!nonces.accepts(given, NOW + 2 * NONCE_PERIOD))
    assert.ok(!createNonces(Buffer.alloc(32, 8)).accepts(given, NOW), 'another process, another secret')
  })
})
