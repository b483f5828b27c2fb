import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as oauth from 'oauth4webapi'
import { claimsOf, grantOf, headerOf } from './claims.ts'
import { authorize, codeFlow, exchangeCode, REDIRECT } from './code-flow.ts'
import {
  accessTokenOf,
  assertError,
  clientCredentials,
  errorOf,
  exchange,
  newDpop,
  refresh,
} from './requests.ts'
import { type AgentKeys, createWorld, INSECURE, type World } from './world.ts'

/** One errand from end to end, as a client that knows only the standards sees it. */
describe('an independent OAuth client', () => {
  let world: World
  let planner: AgentKeys
  let trader: AgentKeys
  let robot: AgentKeys
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    await world.addServer('mail')
    planner = await world.addAgent('planner', { redirectUris: [REDIRECT] })
    trader = await world.addAgent('trader', { alg: 'Ed25519' })
    robot = await world.addAgent('robot', { autonomous: true })
  })
  after(() => world.close())

  it('gets a key-bound grant by client_credentials with private_key_jwt', async () => {
    const dpop = await newDpop(robot.client)
    const token = await clientCredentials(world, robot, { resource: world.resource('market') }, dpop)
    assert.equal(token.token_type, 'dpop')
    const claims = claimsOf(token.access_token)
    assert.equal(claims.aud, world.resource('market'))
    assert.equal(claims.cnf?.jkt, await dpop.calculateThumbprint())
    assert.equal(claims.sub, robot.agent.id)
    assert.equal(claims.act, undefined)
    assert.equal(headerOf(token.access_token).typ, 'at+jwt')
    assert.equal(headerOf(token.access_token).alg, 'ES256')
    const grant = grantOf(world, token.access_token, 'market')
    assert.equal(grant.user, null)
    assert.equal(grant.agent, robot.agent.id)
    assert.deepEqual(
      grant.epochs.map((ref) => ref.kind),
      ['tenant', 'agent', 'task'],
    )
  })

  it('goes through PAR, consent, code, refresh, exchange, nested exchange and revocation', async () => {
    const dpop = await newDpop(planner.client)
    const details = JSON.stringify([
      {
        type: 'safeconduct_task',
        purpose: 'rebalance',
        tools: ['market/*'],
        budget: { calls: 50, writes: 5 },
      },
    ])
    // PAR
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const pushed = await oauth.pushedAuthorizationRequest(
      world.metadata,
      planner.client,
      planner.auth,
      new URLSearchParams({
        response_type: 'code',
        redirect_uri: REDIRECT,
        resource: world.resource('market'),
        scope: 'mcp:read mcp:write',
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        authorization_details: details,
        state,
      }),
      { ...INSECURE, DPoP: dpop },
    )
    const { request_uri } = await oauth.processPushedAuthorizationResponse(
      world.metadata,
      planner.client,
      pushed,
    )
    const flow = await authorize(world, {
      client: planner.client,
      params: {
        request_uri,
        response_type: '',
        redirect_uri: '',
        code_challenge: '',
        code_challenge_method: '',
        state: '',
      },
      fill: (fields) => [...fields, ['intent', 'Sell what fell below its limit,\r\nnothing else.']],
    })
    // RFC 9207 iss: the client compares it.
    assert.equal(flow.redirect.searchParams.get('iss'), world.issuer)
    const options = { client: planner.client, auth: planner.auth, dpop }
    const token = await exchangeCode(world, options, { ...flow, verifier, state })
    const grant = grantOf(world, token.access_token, 'market')
    assert.equal(token.token_type, 'dpop')
    assert.equal(grant.user, world.user.id)
    assert.equal(grant.agent, planner.agent.id)
    assert.equal(grant.jkt, await dpop.calculateThumbprint())
    assert.deepEqual(grant.details.tools, ['market/*'])
    assert.deepEqual(grant.details.budget, { calls: 50, writes: 5 })
    assert.deepEqual(
      grant.epochs.map((ref) => ref.kind),
      ['tenant', 'user', 'agent', 'task', 'delegation'],
    )
    const task = await world.store.tasks.get('default', grant.task)
    assert.equal(task?.intent, 'Sell what fell below its limit,\nnothing else.')
    assert.equal(task?.implicit, false)
    assert.equal(grant.details.intent_digest, task?.intentDigest)

    // Refresh rotates.
    const second = await refresh(world, planner.client, token.refresh_token, { auth: planner.auth, dpop })
    assert.notEqual(second.refresh_token, token.refresh_token)
    assert.equal(grantOf(world, second.access_token, 'market').task, grant.task)

    // RFC 8693: planner hands on to trader, whose actor token is bound to its own key.
    const traderKey = await newDpop(trader.client)
    const actor = await clientCredentials(world, trader, { resource: world.issuer }, traderKey)
    assert.equal(headerOf(actor.access_token).typ, 'safeconduct-actor+jwt')
    const handed = await exchange(
      world,
      planner,
      second.access_token,
      {
        actor_token: actor.access_token,
        actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        scope: 'mcp:read',
        authorization_details: JSON.stringify([
          { type: 'safeconduct_task', tools: ['market/quote'], budget: { calls: 10 } },
        ]),
      },
      dpop,
    )
    const narrower = grantOf(world, accessTokenOf(handed), 'market')
    assert.equal(handed.body.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
    assert.equal(handed.body.token_type, 'DPoP')
    assert.equal(narrower.user, world.user.id)
    assert.equal(narrower.agent, trader.agent.id)
    assert.deepEqual(narrower.via, [planner.agent.id])
    assert.equal(narrower.jkt, await traderKey.calculateThumbprint())
    assert.deepEqual(narrower.scope, ['mcp:read'])
    assert.deepEqual(narrower.details.tools, ['market/quote'])
    assert.deepEqual(narrower.details.budget, { calls: 10, writes: 5 })
    assert.equal(narrower.authenticatedAt, grant.authenticatedAt)
    const claims = claimsOf(accessTokenOf(handed))
    assert.equal(claims.act?.sub, trader.agent.id)
    assert.equal(claims.act?.act?.sub, planner.agent.id)

    // The next link nests once more, and scope cannot grow back.
    const robotKey = await newDpop(robot.client)
    const robotActor = await clientCredentials(world, robot, { resource: world.issuer }, robotKey)
    const hand = (scope: string) =>
      exchange(
        world,
        trader,
        accessTokenOf(handed),
        {
          actor_token: robotActor.access_token,
          actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          scope,
        },
        traderKey,
      )
    assertError(await hand('mcp:read mcp:write'), 'invalid_scope')
    const third = await hand('mcp:read')
    assert.deepEqual(grantOf(world, accessTokenOf(third), 'market').via, [trader.agent.id, planner.agent.id])

    // Introspection and revocation by standard endpoints: the first link falls, and everything below it.
    const introspected = await oauth.processIntrospectionResponse(
      world.metadata,
      trader.client,
      await oauth.introspectionRequest(
        world.metadata,
        trader.client,
        trader.auth,
        accessTokenOf(handed),
        INSECURE,
      ),
    )
    assert.equal(introspected.active, true)
    assert.equal(introspected.sub, world.user.id)
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(
        world.metadata,
        planner.client,
        planner.auth,
        second.access_token,
        INSECURE,
      ),
    )
    const now = await oauth.processIntrospectionResponse(
      world.metadata,
      trader.client,
      await oauth.introspectionRequest(
        world.metadata,
        trader.client,
        trader.auth,
        accessTokenOf(handed),
        INSECURE,
      ),
    )
    assert.deepEqual(now, { active: false })
    assertError(await hand('mcp:read'), 'invalid_grant')
    assert.equal(
      await errorOf(refresh(world, planner.client, second.refresh_token, { auth: planner.auth, dpop })),
      'invalid_grant',
    )
  })

  it('is told of the error with iss as well', async () => {
    const flow = await authorize(world, {
      client: planner.client,
      params: { resource: world.resource('market') },
      answer: 'refuse',
    })
    assert.equal(flow.redirect.searchParams.get('iss'), world.issuer)
    assert.equal(flow.redirect.searchParams.get('error'), 'access_denied')
    assert.throws(
      () => oauth.validateAuthResponse(world.metadata, planner.client, flow.redirect, flow.state),
      oauth.AuthorizationResponseError,
    )
  })

  it('can ask for an id token', async () => {
    const token = await codeFlow(world, {
      client: planner.client,
      auth: planner.auth,
      params: { resource: world.resource('mail'), scope: 'openid mcp:read' },
    })
    const claims = oauth.getValidatedIdTokenClaims(token)
    assert.equal(claims?.sub, world.user.id)
    assert.equal(claims?.iss, world.issuer)
    assert.deepEqual(grantOf(world, token.access_token, 'mail').scope, ['mcp:read'])
  })
})
