import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import * as oauth from 'oauth4webapi'
import { ASSERTION_TYPE, type AssertionChange, assertion, post, proof } from './assertions.ts'
import { claimsOf, grantOf, headerOf } from './claims.ts'
import { clientCredentials, errorOf, newDpop } from './requests.ts'
import { type AgentKeys, createWorld, INSECURE, TENANT, type World } from './world.ts'

const details = (more: object) => JSON.stringify([{ type: 'safeconduct_task', ...more }])

describe('client_credentials', () => {
  let world: World
  let robot: AgentKeys
  let market: string
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    await world.addServer('mail')
    robot = await world.addAgent('robot', { autonomous: true })
    market = world.resource('market')
  })
  beforeEach(() => {
    world.gate = async () => ({ allow: true })
  })
  after(() => world.close())

  const raw = async (
    change: AssertionChange = {},
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
    from = robot,
  ) =>
    post(
      world,
      '/oauth/token',
      {
        grant_type: 'client_credentials',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await assertion(world, from, change),
        resource: market,
        ...fields,
      },
      headers,
    )

  it('is for autonomous agents only', async () => {
    const tame = await world.addAgent('tame')
    assert.equal(await errorOf(clientCredentials(world, tame, { resource: market })), 'unauthorized_client')
  })

  it('works with ES256 and Ed25519 keys', async () => {
    const edwards = await world.addAgent('edwards', { autonomous: true, alg: 'Ed25519' })
    const token = await clientCredentials(world, edwards, { resource: market })
    assert.equal(grantOf(world, token.access_token, 'market').jkt, null)
    assert.equal(token.token_type, 'bearer')
  })

  it('names one audience or several, all of them ours', async () => {
    const token = await clientCredentials(world, robot, [
      ['resource', market],
      ['resource', world.resource('mail')],
    ])
    const grant = grantOf(world, token.access_token, 'mail')
    assert.deepEqual(grant.audience, [market, world.resource('mail')])
    assert.deepEqual(grant.details.servers, ['market', 'mail'])
    for (const bad of [
      `${world.issuer}/mcp/nowhere`,
      `${world.issuer}/mcp/market/`,
      `${market}?x`,
      'https://elsewhere.example/mcp/market',
      `${world.issuer}/mcp/../mcp/market`,
    ]) {
      assert.equal(await errorOf(clientCredentials(world, robot, { resource: bad })), 'invalid_target', bad)
    }
  })

  it('gives only known scopes', async () => {
    const token = await clientCredentials(world, robot, { resource: market, scope: 'mcp:read' })
    assert.deepEqual(grantOf(world, token.access_token, 'market').scope, ['mcp:read'])
    for (const scope of ['admin', 'mcp:read admin', 'openid']) {
      assert.equal(
        await errorOf(clientCredentials(world, robot, { resource: market, scope })),
        'invalid_scope',
      )
    }
  })

  it('stays on one implicit task while it is busy, and on another for other limits', async () => {
    const task = async (params: Record<string, string>) =>
      claimsOf((await clientCredentials(world, robot, { resource: market, ...params })).access_token)
        .safeconduct.task
    const first = await task({})
    assert.equal(await task({}), first)
    const limited = await task({ authorization_details: details({ tools: ['market/quote'] }) })
    assert.notEqual(limited, first)
    const stored = await world.store.tasks.get(TENANT, limited)
    assert.equal(stored?.implicit, true)
    assert.equal(stored?.user, null)
    assert.deepEqual(stored?.details.tools, ['market/quote'])
    assert.deepEqual(stored?.details.servers, ['market'])
    world.clock.offset += 31 * 60_000
    assert.notEqual(await task({}), first, 'half an hour idle')
    world.clock.offset = 0
  })

  it('refuses details of other servers, of another task, and ones that have expired', async () => {
    for (const bad of [{ servers: ['mail'] }, { task: 'x' }, { intent_digest: 'sha256:1' }, { expires: 1 }]) {
      const params = { resource: market, authorization_details: details(bad) }
      assert.equal(await errorOf(clientCredentials(world, robot, params)), 'invalid_authorization_details')
    }
  })

  it('once revoked gets nothing more until a person lets it loose again', async () => {
    const loose = await world.addAgent('loose', { autonomous: true })
    const token = await clientCredentials(world, loose, { resource: market })
    await world.as.revoke({ tenant: TENANT, kind: 'agent', id: loose.agent.id, by: world.user.id })
    assert.equal(await errorOf(clientCredentials(world, loose, { resource: market })), 'unauthorized_client')
    assert.ok(
      world.control.some(
        (event) => event.type === 'agent' && event.agent.id === loose.agent.id && !event.agent.autonomous,
      ),
    )
    const agent = await world.store.agents.get(TENANT, loose.agent.id)
    assert.ok(agent !== null)
    await world.store.agents.replace({ ...agent, autonomous: true, version: agent.version + 1 })
    const next = await clientCredentials(world, loose, { resource: market })
    assert.notEqual(
      claimsOf(next.access_token).safeconduct.task,
      claimsOf(token.access_token).safeconduct.task,
      'the old task is not taken up again',
    )
  })

  it('does not take up a task that was revoked', async () => {
    const token = await clientCredentials(world, robot, { resource: market })
    const { task } = claimsOf(token.access_token).safeconduct
    await world.as.revoke({ tenant: TENANT, kind: 'task', id: task, by: 'user-1' })
    const next = await clientCredentials(world, robot, { resource: market })
    assert.notEqual(claimsOf(next.access_token).safeconduct.task, task)
  })

  it('is refused when the agent is disabled', async () => {
    const off = await world.addAgent('off', { autonomous: true, status: 'disabled' })
    assert.equal(await errorOf(clientCredentials(world, off, { resource: market })), 'invalid_client')
  })

  it('issues nothing when the gate refuses or cannot record', async () => {
    world.gate = async () => ({ allow: false, code: 'denied' })
    assert.equal(await errorOf(clientCredentials(world, robot, { resource: market })), 'access_denied')
    world.gate = async () => ({ allow: false, code: 'disk_full' })
    const full = await raw()
    assert.deepEqual([full.status, full.body.error], [503, 'temporarily_unavailable'])
    world.gate = async () => {
      throw new Error('secret detail')
    }
    const failed = await raw()
    assert.deepEqual([failed.status, failed.body.error], [500, 'server_error'])
    assert.ok(!JSON.stringify(failed.body).includes('secret detail'))
  })

  describe('actor tokens', () => {
    it('prove who an agent is, and open nothing', async () => {
      const tame = await world.addAgent('actor')
      const dpop = await newDpop(tame.client)
      const token = await clientCredentials(world, tame, { resource: world.issuer }, dpop)
      assert.equal(headerOf(token.access_token).typ, 'safeconduct-actor+jwt')
      assert.throws(() => grantOf(world, token.access_token, 'market'), /not an access token/)
      assert.equal(token.scope, undefined)
    })

    it('carry no scope and no task', async () => {
      for (const more of [{ scope: 'mcp:read' }, { authorization_details: details({}) }] as Record<
        string,
        string
      >[]) {
        const params = { resource: world.issuer, ...more }
        assert.equal(await errorOf(clientCredentials(world, robot, params)), 'invalid_scope')
      }
    })
  })

  describe('client assertions', () => {
    it('work, once', async () => {
      const jti = randomUUID()
      assert.equal((await raw({ payload: { jti } })).status, 200)
      const again = await raw({ payload: { jti } })
      assert.deepEqual([again.status, again.body.error], [401, 'invalid_client'])
    })

    it('work once also after a restart, and when sent many times at once', async () => {
      const jti = randomUUID()
      const all = await Promise.all(Array.from({ length: 8 }, () => raw({ payload: { jti } })))
      assert.equal(all.filter((one) => one.status === 200).length, 1)
      await world.restart()
      assert.equal((await raw({ payload: { jti } })).status, 401)
    })

    it('used at one endpoint are used up at every other', async () => {
      const host = await world.addAgent('par-host', {
        autonomous: true,
        redirectUris: ['http://127.0.0.1/cb'],
      })
      const jti = randomUUID()
      const fields = async () => ({
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await assertion(world, host, { payload: { jti } }),
        client_id: host.agent.id,
      })
      const par = async () =>
        post(world, '/oauth/par', {
          ...(await fields()),
          response_type: 'code',
          redirect_uri: 'http://127.0.0.1/cb',
          code_challenge: 'A'.repeat(43),
          code_challenge_method: 'S256',
          resource: market,
        })
      const token = async () =>
        post(world, '/oauth/token', {
          ...(await fields()),
          grant_type: 'client_credentials',
          resource: market,
        })
      assert.equal((await par()).status, 201)
      assert.equal((await token()).status, 401)
      assert.equal((await par()).status, 401)
    })

    const now = Math.floor(Date.now() / 1000)
    const bad: Record<string, AssertionChange> = {
      'another issuer': { payload: { iss: 'somebody' } },
      'another subject': { payload: { sub: 'somebody', iss: 'somebody' } },
      'no audience': { payload: { aud: undefined } },
      'another audience': { payload: { aud: 'https://elsewhere.example' } },
      'no expiry': { payload: { exp: undefined } },
      'an expiry in the past': { payload: { exp: now - 60 } },
      'an expiry far ahead': { payload: { exp: now + 86_400 } },
      'a textual expiry': { payload: { exp: '9999999999' } },
      'not valid yet': { payload: { nbf: now + 3600 } },
      'issued in the future': { payload: { iat: now + 3600 } },
      'no jti': { payload: { jti: undefined } },
      'a jti that is no text': { payload: { jti: 7 } },
      'the type of an access token': { header: { typ: 'at+jwt' } },
      'the type of a proof': { header: { typ: 'dpop+jwt' } },
      'no algorithm': { header: { alg: 'none' } },
      HS256: { header: { alg: 'HS256' } },
      RS256: { header: { alg: 'RS256' } },
      'an algorithm of another key': { header: { alg: 'EdDSA' } },
      'an unknown extension': { header: { crit: ['x'], x: 1 } },
    }
    for (const [name, change] of Object.entries(bad)) {
      it(`with ${name} are refused`, async () => {
        const answer = await raw(change)
        assert.deepEqual([answer.status, answer.body.error], [401, 'invalid_client'])
        assert.equal(answer.body.access_token, undefined)
      })
    }

    it('signed by another key are refused, whatever they name', async () => {
      const other = await oauth.generateKeyPair('ES256', { extractable: true })
      const jwk = await crypto.subtle.exportKey('jwk', other.publicKey)
      for (const change of [{ key: other.privateKey }, { key: other.privateKey, header: { jwk } }]) {
        assert.equal((await raw(change)).status, 401)
      }
    })

    it('are the only way in: no secret, no name, no other type', async () => {
      for (const fields of [
        { client_id: robot.agent.id, client_secret: 'x' },
        { client_id: robot.agent.id },
        {},
        { client_assertion: 'a.b.c', client_assertion_type: ASSERTION_TYPE },
        { client_assertion: await assertion(world, robot), client_assertion_type: 'urn:x' },
        {
          client_assertion: await assertion(world, robot),
          client_assertion_type: ASSERTION_TYPE,
          client_id: 'somebody',
        },
        {
          client_assertion: await assertion(world, robot),
          client_assertion_type: ASSERTION_TYPE,
          client_secret: 'x',
        },
      ] as Record<string, string>[]) {
        const answer = await post(world, '/oauth/token', {
          grant_type: 'client_credentials',
          resource: market,
          ...fields,
        })
        assert.equal(answer.status, 401, JSON.stringify(fields))
      }
      const basic = Buffer.from(`${robot.agent.id}:x`).toString('base64')
      const answer = await post(
        world,
        '/oauth/token',
        { grant_type: 'client_credentials' },
        { authorization: `Basic ${basic}` },
      )
      assert.equal(answer.status, 401)
    })

    it('may be meant for the issuer, the token endpoint, or the endpoint itself', async () => {
      for (const aud of [world.issuer, `${world.issuer}/oauth/token`, [world.issuer]]) {
        assert.equal((await raw({ payload: { aud } })).status, 200, String(aud))
      }
      assert.equal((await raw({ payload: { aud: `${world.issuer}/` } })).status, 401)
      const beside = await raw({ payload: { aud: [world.issuer, 'https://elsewhere.example'] } })
      assert.equal(beside.status, 401, 'one that also names somebody else could be played on by them')
    })

    it('with a key set of several keys find theirs', async () => {
      const other = await world.addAgent('other')
      const many = await world.addAgent('many', { autonomous: true })
      const strange = { kty: 'RSA', n: 'AQAB', e: 'AQAB' }
      await world.store.agents.replace({
        ...many.agent,
        jwks: [strange, ...other.agent.jwks, ...many.agent.jwks],
        version: 2,
      })
      assert.equal((await raw({}, {}, {}, many)).status, 200)
      assert.equal((await raw({ header: { kid: undefined } }, {}, {}, many)).status, 200)
    })
  })

  describe('DPoP proofs', () => {
    let pair: oauth.CryptoKeyPair
    before(async () => {
      pair = await oauth.generateKeyPair('ES256', { extractable: true })
    })
    const withProof = async (change: Parameters<typeof proof>[2] = {}) =>
      raw({}, {}, { DPoP: await proof(world, pair, change) })

    it('bind the token', async () => {
      const answer = await withProof()
      assert.equal(answer.body.token_type, 'DPoP')
    })

    it('work once, also after a restart', async () => {
      const jti = randomUUID()
      const all = await Promise.all(Array.from({ length: 6 }, () => withProof({ payload: { jti } })))
      assert.equal(all.filter((one) => one.status === 200).length, 1)
      await world.restart()
      const later = await withProof({ payload: { jti } })
      assert.deepEqual([later.status, later.body.error], [400, 'invalid_dpop_proof'])
    })

    const now = Math.floor(Date.now() / 1000)
    const bad: Record<string, Parameters<typeof proof>[2]> = {
      'another URL': { payload: { htu: 'https://elsewhere.example/oauth/token' } },
      'another method': { payload: { htm: 'GET' } },
      'an old time': { payload: { iat: now - 3600 } },
      'a future time': { payload: { iat: now + 3600 } },
      'no time': { payload: { iat: undefined } },
      'no jti': { payload: { jti: undefined } },
      'another type': { header: { typ: 'JWT' } },
      'no algorithm': { header: { alg: 'none' } },
      HS256: { header: { alg: 'HS256' } },
      'a private key in it': { jwk: { d: 'AAAA' } },
      'another curve': { jwk: { crv: 'P-384' } },
      'no key': { header: { jwk: undefined } },
    }
    for (const [name, change] of Object.entries(bad)) {
      it(`with ${name} are refused`, async () => {
        const answer = await withProof(change)
        assert.deepEqual([answer.status, answer.body.error], [400, 'invalid_dpop_proof'])
      })
    }

    it('for another endpoint of ours are refused', async () => {
      const answer = await withProof({ payload: { htu: `${world.issuer}/oauth/par` } })
      assert.equal(answer.body.error, 'invalid_dpop_proof')
    })

    it('that are two are refused', async () => {
      const both = `${await proof(world, pair)}, ${await proof(world, pair)}`
      assert.equal((await raw({}, {}, { DPoP: both })).body.error, 'invalid_dpop_proof')
    })

    it('need our nonce when the configuration says so', async () => {
      const strict = await createWorld({ settings: { dpopNonce: true } })
      await strict.addServer('market')
      const agent = await strict.addAgent('agent', { autonomous: true })
      const key = await oauth.generateKeyPair('ES256', { extractable: true })
      const params = new URLSearchParams({ resource: strict.resource('market') })
      const handle = oauth.DPoP(agent.client, key)
      const ask = () =>
        oauth.clientCredentialsGrantRequest(strict.metadata, agent.client, agent.auth, params, {
          ...INSECURE,
          DPoP: handle,
        })
      const first = await ask()
      assert.ok(first.headers.get('dpop-nonce'))
      await assert.rejects(
        oauth.processClientCredentialsResponse(strict.metadata, agent.client, first),
        (error) => oauth.isDPoPNonceError(error),
      )
      const second = await ask()
      assert.equal(
        (await oauth.processClientCredentialsResponse(strict.metadata, agent.client, second)).token_type,
        'dpop',
      )
      await strict.close()
    })
  })

  describe('bad input', () => {
    it('is answered clearly and leaves the server standing', async () => {
      const send = (body: string, type: string) =>
        fetch(`${world.issuer}/oauth/token`, { method: 'POST', body, headers: { 'content-type': type } })
      const form = 'application/x-www-form-urlencoded'
      for (const [body, type] of [
        ['{}', 'application/json'],
        ['', form],
        ['grant_type=', form],
        ['grant_type=client_credentials&grant_type=client_credentials', form],
        ['grant_type=password&username=a&password=b', form],
        ['x='.repeat(3000), form],
        [Array.from({ length: 100 }, (_, at) => `p${at}=1`).join('&'), form],
        [`grant_type=client_credentials&x=${'y'.repeat(100_000)}`, form],
        ['%%%=%zz', form],
      ] as const) {
        const answer = await send(body, type)
        assert.ok(answer.status >= 400 && answer.status < 500, `${body.slice(0, 60)}: ${answer.status}`)
        const { error } = (await answer.json()) as { error: string }
        assert.equal(typeof error, 'string')
      }
      assert.equal((await raw()).status, 200)
    })

    it('given twice is refused', async () => {
      const answer = await post(world, '/oauth/token', [
        ['grant_type', 'client_credentials'],
        ['client_assertion_type', ASSERTION_TYPE],
        ['client_assertion', await assertion(world, robot)],
        ['scope', 'mcp:read'],
        ['scope', 'mcp:write'],
      ])
      assert.equal(answer.body.error, 'invalid_request')
    })
  })
})
