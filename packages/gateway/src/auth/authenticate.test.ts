import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { type ErrorCode, isSafeconductError, type JsonObject } from '@safeconduct/protocol'
import type { Authenticate, Identity } from '../ports.ts'
import { createIssuer, type Issuer } from '../testing/world.ts'
import { createAttemptBook } from './attempts.ts'
import { createAuthenticate } from './authenticate.ts'

const ISSUER = 'https://issuer.example'
const RESOURCE = 'https://gate.example/mcp/market'
let issuer: Issuer
let authenticate: Authenticate
let now = 0

function present(authorization: string | undefined, dpop?: string, method = 'POST'): Identity {
  return authenticate.verify({ method, url: RESOURCE, resource: RESOURCE, authorization, dpop })
}

function refused(code: ErrorCode, attempt: () => unknown): void {
  assert.throws(attempt, (error) => isSafeconductError(error) && error.code === code)
}

function bound(extra: JsonObject = {}): string {
  return issuer.token(RESOURCE, { cnf: { jkt: issuer.agentJkt }, ...extra })
}

function proof(token: string, extra: Partial<Parameters<Issuer['proof']>[0]> = {}): string {
  return issuer.proof({ method: 'POST', url: RESOURCE, token, nonce: authenticate.nonce(), ...extra })
}

describe('authentication at the gateway', () => {
  beforeEach(() => {
    now = Date.now()
    issuer = createIssuer(ISSUER)
    authenticate = createAuthenticate({ issuer: ISSUER, keys: () => issuer.keys, clock: { now: () => now } })
  })

  it('takes a bearer token and says that no key was proven', () => {
    const { grant, proof: how } = present(`Bearer ${issuer.token(RESOURCE)}`)
    assert.equal(grant.agent, 'agent-1')
    assert.deepEqual(how, { kind: 'bearer', provenAt: null })
  })

  it('takes a bound token with a proof', () => {
    const token = bound()
    const { proof: how, grant } = present(`DPoP ${token}`, proof(token))
    assert.deepEqual(how, { kind: 'dpop', provenAt: now })
    assert.equal(grant.jkt, issuer.agentJkt)
  })

  for (const header of [undefined, '']) {
    it(`asks for a token when there is ${header === undefined ? 'none' : 'an empty header'}`, () => {
      refused('unauthenticated', () => present(header))
    })
  }

  for (const header of [
    'Basic YTpi',
    'Bearer',
    'Bearer a b',
    'Bearer ä',
    `Bearer ${'a'.repeat(40_000)}`,
    'bearerabc',
  ]) {
    it(`refuses the header ${JSON.stringify(header.slice(0, 20))}`, () => {
      refused('invalid_token', () => present(header))
    })
  }

  const wrongTokens: Readonly<Record<string, JsonObject>> = {
    'another server': { aud: 'https://gate.example/mcp/other' },
    'a longer resource': { aud: `${RESOURCE}-2` },
    'the origin alone': { aud: 'https://gate.example' },
    'another issuer': { iss: 'https://evil.example' },
    'no audience': { aud: [] },
    'an expired token': { exp: 1_000, iat: 900 },
    'a token from the future': { iat: 4_000_000_000, exp: 4_000_000_100 },
    'a token that lives for years': { exp: 4_000_000_000 },
  }
  for (const [name, claims] of Object.entries(wrongTokens)) {
    it(`refuses ${name}`, () => {
      refused('invalid_token', () => present(`Bearer ${issuer.token(RESOURCE, claims)}`))
    })
  }

  it('refuses a token whose signature or algorithm was changed', () => {
    const [head = '', body = '', tail = ''] = issuer.token(RESOURCE).split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid: 'k1' })).toString('base64url')
    const jwt = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'JWT', kid: 'k1' })).toString('base64url')
    const flipped = `${tail.slice(0, -1)}${tail.endsWith('A') ? 'B' : 'A'}`
    for (const token of [`${none}.${body}.${tail}`, `${jwt}.${body}.${tail}`, `${head}.${body}.${flipped}`]) {
      refused('invalid_token', () => present(`Bearer ${token}`))
    }
  })

  it('refuses a token it let in before: expired, at another resource, under a key that was taken back', () => {
    const header = `Bearer ${issuer.token(RESOURCE)}`
    present(header)
    const elsewhere = 'https://gate.example/mcp/other'
    refused('invalid_token', () =>
      authenticate.verify({
        method: 'POST',
        url: elsewhere,
        resource: elsewhere,
        authorization: header,
        dpop: undefined,
      }),
    )
    now += 310_000
    refused('invalid_token', () => present(header))
    now -= 310_000
    present(header)
    issuer = { ...issuer, keys: new Map() }
    refused('invalid_token', () => present(header))
  })

  it('lets neither kind of token pass for the other', () => {
    refused('invalid_token', () => present(`Bearer ${bound()}`))
    const unbound = issuer.token(RESOURCE)
    refused('invalid_token', () => present(`DPoP ${unbound}`, proof(unbound)))
  })

  it('refuses a bound token without a proof, with another key, token, method or URL', () => {
    const token = bound()
    refused('invalid_dpop_proof', () => present(`DPoP ${token}`))
    refused('invalid_dpop_proof', () => present(`DPoP ${token}`, proof(issuer.token(RESOURCE))))
    refused('invalid_dpop_proof', () => present(`DPoP ${token}`, proof(token), 'GET'))
    refused('invalid_dpop_proof', () => present(`DPoP ${token}`, proof(token, { url: `${RESOURCE}2` })))
    const stranger = createIssuer(ISSUER)
    const forged = stranger.proof({ method: 'POST', url: RESOURCE, token, nonce: authenticate.nonce() })
    refused('invalid_dpop_proof', () => present(`DPoP ${token}`, forged))
    refused('invalid_dpop_proof', () => present(`DPoP ${token}`, `${proof(token)},${proof(token)}`))
  })

  it('refuses a proof that was used before', () => {
    const token = bound()
    const once = proof(token)
    present(`DPoP ${token}`, once)
    refused('invalid_dpop_proof', () => present(`DPoP ${token}`, once))
  })

  it('asks for its own nonce, also when the proof has that of an earlier process', () => {
    const token = bound()
    refused('use_dpop_nonce', () => present(`DPoP ${token}`, proof(token, { nonce: undefined })))
    const earlier = createAuthenticate({ issuer: ISSUER, keys: () => issuer.keys, clock: { now: () => now } })
    refused('use_dpop_nonce', () => present(`DPoP ${token}`, proof(token, { nonce: earlier.nonce() })))
  })

  it('refuses proofs too old or too new for any skew', () => {
    const token = bound()
    for (const shift of [-120, 120]) {
      const iat = Math.floor(now / 1000) + shift
      refused('invalid_dpop_proof', () => present(`DPoP ${token}`, proof(token, { extra: { iat } })))
    }
  })

  it('refuses rather than forgets when the set of used proofs is full', () => {
    authenticate = createAuthenticate({
      issuer: ISSUER,
      keys: () => issuer.keys,
      clock: { now: () => now },
      replayLimit: 1,
    })
    const token = bound()
    present(`DPoP ${token}`, proof(token))
    refused('rate_limited', () => present(`DPoP ${token}`, proof(token)))
  })

  it('counts what was genuine against the agent, and anything else against the address', () => {
    const attempts = createAttemptBook({ now: () => now })
    const keys = () => issuer.keys
    authenticate = createAuthenticate({ issuer: ISSUER, keys, clock: { now: () => now }, attempts })
    const token = bound()
    const shown = { method: 'POST', url: RESOURCE, resource: RESOURCE, ip: '192.0.2.1' }
    const verify = (authorization: string, dpop?: string) => () =>
      authenticate.verify({ ...shown, authorization, dpop })
    const good = proof(token)
    verify(`DPoP ${token}`, good)()
    assert.equal(authenticate.attempts?.('agent-1', '192.0.2.1'), undefined)
    refused('invalid_dpop_proof', verify(`DPoP ${token}`, good))
    refused('invalid_dpop_proof', verify(`DPoP ${token}`))
    refused('invalid_dpop_proof', verify(`DPoP ${token}`, 'nonsense'))
    refused('invalid_token', verify(`Bearer ${token}`))
    const earlier = createAuthenticate({ issuer: ISSUER, keys, clock: { now: () => now } }).nonce()
    refused('use_dpop_nonce', verify(`DPoP ${token}`, proof(token, { nonce: earlier })))
    refused('invalid_token', verify('Bearer a.b.c'))
    refused('invalid_token', verify(`Bearer ${createIssuer(ISSUER).token(RESOURCE)}`))
    const { latest, latestHere, ...counts } = authenticate.attempts?.('agent-1', '192.0.2.1') ?? {}
    assert.deepEqual(counts, { replayed: 1, unproven: 3, clientsHere: 2 })
    assert.deepEqual([latest, latestHere], [now, now])
  })
})
