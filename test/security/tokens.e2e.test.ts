/**
 * @module Attacks with tokens at the gateway: whatever else was signed by us, for somebody else, or by somebody else, opens
 * nothing; and a proof is good for one request at one place.
 */
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { parseJws, signJws } from '@safeconduct/engine'
import type { JsonObject } from '@safeconduct/protocol'
import { type FakeDecider, fakeDecider } from '../../packages/gateway/src/testing/fake-decider.ts'
import { createWorld, httpServer, type World } from '../../packages/gateway/src/testing/world.ts'

const HELLO = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('at the gateway', () => {
  let world: World
  let decider: FakeDecider
  before(async () => {
    decider = fakeDecider()
    const servers = ['market', 'mail'].map((name) => httpServer(name, 'http://127.0.0.1:9/mcp'))
    world = await createWorld({ decider, servers })
  })
  after(() => world.close())

  const status = async (authorization: string, headers: Record<string, string> = {}, server = 'market') =>
    (await world.post(server, HELLO, { authorization, ...headers })).status
  const token = (extra: JsonObject = {}) => world.issuer.token(world.url('market'), extra)
  const resigned = (header: JsonObject, change: JsonObject = {}) => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    return signJws(header, { ...parseJws(token()).payload, ...change }, stranger)
  }
  const bound = () => token({ cnf: { jkt: world.issuer.agentJkt } })
  const proven = async (of: string, how: { method?: string; url?: string; extra?: JsonObject } = {}) => {
    const nonce = (await world.post('market', HELLO, { authorization: `DPoP ${of}` })).headers.get(
      'dpop-nonce',
    )
    return world.issuer.proof({
      method: how.method ?? 'POST',
      url: how.url ?? world.url('market'),
      token: of,
      nonce: nonce ?? '',
      ...(how.extra === undefined ? {} : { extra: how.extra }),
    })
  }

  const forgeries: readonly (readonly [string, () => string])[] = [
    ['a key of a stranger under our kid', () => resigned({ typ: 'at+jwt', kid: 'k1' })],
    ['a key that the token brings along', () => resigned({ typ: 'at+jwt', jwk: {} })],
    ['a kid that is a path', () => resigned({ typ: 'at+jwt', kid: '../../k1' })],
    ['a kid of every object', () => resigned({ typ: 'at+jwt', kid: '__proto__' })],
    ['no signature', () => `${part({ alg: 'none', typ: 'at+jwt', kid: 'k1' })}.${token().split('.')[1]}.`],
    [
      'our public key as a shared secret',
      () => {
        const signed = `${part({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' })}.${token().split('.')[1]}`
        const key = JSON.stringify(world.issuer.keys.get('k1')?.jwk)
        return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
      },
    ],
    ['another audience', () => world.issuer.token(world.url('mail'))],
    ['the gateway as a whole as audience', () => world.issuer.token(`${world.origin}/mcp`)],
    ['an audience that only begins alike', () => world.issuer.token(`${world.url('market')}/`)],
    ['another issuer', () => token({ iss: 'https://evil.example' })],
    ['a time that has passed', () => token({ exp: Math.floor(Date.now() / 1000) - 60 })],
    ['a life longer than any of ours', () => token({ exp: Math.floor(Date.now() / 1000) + 864_000 })],
    [
      'two errands',
      () => token({ authorization_details: [{ type: 'safeconduct_task' }, { type: 'safeconduct_task' }] }),
    ],
    ['a key it is bound to, shown as bearer', bound],
    ['a refresh token', () => 'cmVmcmVzaC10b2tlbi10aGF0LWhhcy1uby1kb3Rz'],
  ]
  for (const [what, make] of forgeries) {
    it(`a token with ${what} opens nothing`, async () => {
      assert.equal(await status(`Bearer ${make()}`), 401)
    })
  }

  it('an unbound token is none of DPoP, whatever proof comes with it', async () => {
    const plain = token()
    assert.equal(await status(`DPoP ${plain}`, { dpop: await proven(plain) }), 401)
  })

  it('a proof is good once, at one place, for one method and one token', async () => {
    const held = bound()
    const once = await proven(held)
    assert.notEqual(await status(`DPoP ${held}`, { dpop: once }), 401)
    assert.equal(await status(`DPoP ${held}`, { dpop: once }), 401)
    for (const how of [
      { url: world.url('mail') },
      { url: `${world.url('market')}/../mail` },
      { url: world.url('market').replace('market', 'MARKET') },
      { url: `https${world.url('market').slice(4)}` },
      { method: 'GET' },
      { method: 'post' },
      { extra: { ath: 'x'.repeat(43) } },
      { extra: { nonce: 'A'.repeat(22) } },
      { extra: { jti: '' } },
    ]) {
      assert.equal(await status(`DPoP ${held}`, { dpop: await proven(held, how) }), 401, JSON.stringify(how))
    }
  })

  it('a proof by another key, made for a stolen token, opens nothing', async () => {
    const held = token({ cnf: { jkt: 'x'.repeat(43) } })
    assert.equal(await status(`DPoP ${held}`, { dpop: await proven(held) }), 401)
  })

  it('none of this was ever a call', () => assert.deepEqual(decider.prepared, []))
})
