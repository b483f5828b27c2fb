/**
 * @module Attacks on the chain of delegation: an agent that holds somebody else's token may take up what was handed to
 * it, and nothing else: no scope, no server, no fresh purse.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type * as oauth from 'oauth4webapi'
import { grantOf } from '../oauth/claims.ts'
import { codeFlow, REDIRECT } from '../oauth/code-flow.ts'
import {
  accessTokenOf,
  assertError,
  clientCredentials,
  exchange,
  JWT_TOKEN,
  newDpop,
} from '../oauth/requests.ts'
import { type AgentKeys, createWorld, TENANT, type World } from '../oauth/world.ts'

const details = (more: object) => JSON.stringify([{ type: 'safeconduct_task', ...more }])

describe('an agent that was handed a part of an errand', () => {
  let world: World
  let planner: AgentKeys
  let trader: AgentKeys
  let plannerKey: oauth.DPoPHandle
  let traderKey: oauth.DPoPHandle
  let market: string
  let mail: string
  /** The planner's own grant, which the trader came to see. */
  let above: string
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    await world.addServer('mail')
    market = world.resource('market')
    mail = world.resource('mail')
    planner = await world.addAgent('planner', { redirectUris: [REDIRECT] })
    trader = await world.addAgent('trader')
    plannerKey = await newDpop(planner.client)
    traderKey = await newDpop(trader.client)
  })
  beforeEach(async () => {
    const flow = await codeFlow(world, {
      client: planner.client,
      auth: planner.auth,
      dpop: plannerKey,
      params: { resource: market, authorization_details: details({ budget: { calls: 100 } }) },
    })
    above = flow.access_token
  })
  after(() => world.close())

  const hand = async (params: Record<string, string>) => {
    const actor = await clientCredentials(world, trader, { resource: world.issuer }, traderKey)
    const given = { actor_token: actor.access_token, actor_token_type: JWT_TOKEN, ...params }
    return grantOf(world, accessTokenOf(await exchange(world, planner, above, given, plannerKey)), 'market')
  }
  const takeUp = (params: Record<string, string> = {}) => exchange(world, trader, above, params, traderKey)

  it('does not get the scope that was kept back', async () => {
    assert.deepEqual((await hand({ scope: 'mcp:read' })).scope, ['mcp:read'])
    assert.deepEqual(grantOf(world, accessTokenOf(await takeUp()), 'market').scope, ['mcp:read'])
    assertError(await takeUp({ scope: 'mcp:read mcp:write' }), 'invalid_scope')
    assertError(await takeUp({ scope: 'mcp:write' }), 'invalid_scope')
  })

  it('does not get a server that was kept back', async () => {
    assert.deepEqual((await hand({ resource: market })).audience, [market])
    assertError(await takeUp({ resource: mail }), 'invalid_target')
  })

  it('draws on the same purse however it words what it takes up', async () => {
    const given = await hand({ authorization_details: details({ budget: { calls: 3 } }) })
    const purse = given.epochs.at(-1)
    assert.equal(purse?.kind, 'delegation')
    for (const more of [{}, { purpose: 'again' }, { budget: { calls: 2 } }, { tools: ['market/quote'] }]) {
      const taken = accessTokenOf(await takeUp({ authorization_details: details(more) }))
      assert.deepEqual(grantOf(world, taken, 'market').epochs.at(-1), purse)
    }
    const links = await world.store.delegations.find(TENANT, 'task', given.task)
    assert.equal(links.filter((link) => link.to === trader.agent.id).length, 1)
  })

  it('takes up nothing longer than the hand-over was made for', async () => {
    const until = Math.floor(world.clock.now() / 1000) + 60
    await hand({ authorization_details: details({ expires: until }) })
    const taken = grantOf(world, accessTokenOf(await takeUp()), 'market')
    assert.ok(taken.expiresAt <= until * 1000)
  })
})
