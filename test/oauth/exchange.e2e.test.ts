import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { parseJws, signJws } from '@safeconduct/engine'
import type { JsonObject } from '@safeconduct/protocol'
import fc from 'fast-check'
import type * as oauth from 'oauth4webapi'
import { claimsOf, grantOf, headerOf } from './claims.ts'
import { codeFlow, REDIRECT } from './code-flow.ts'
import {
  ACCESS_TOKEN,
  accessTokenOf,
  assertError,
  clientCredentials,
  exchange,
  JWT_TOKEN,
  newDpop,
} from './requests.ts'
import { type AgentKeys, createWorld, TENANT, type World } from './world.ts'

const details = (more: object) => JSON.stringify([{ type: 'safeconduct_task', ...more }])
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token'

describe('token exchange', () => {
  let world: World
  let planner: AgentKeys
  let trader: AgentKeys
  let clerk: AgentKeys
  let dpop: oauth.DPoPHandle
  let plannerKey: oauth.DPoPHandle
  let market: string
  let mail: string
  /** Key-bound and bearer grants of the planner for the user. */
  let bound: string
  let bearer: string
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    await world.addServer('mail')
    market = world.resource('market')
    mail = world.resource('mail')
    planner = await world.addAgent('planner', { redirectUris: [REDIRECT] })
    trader = await world.addAgent('trader')
    clerk = await world.addAgent('clerk')
    plannerKey = await newDpop(planner.client)
    dpop = await newDpop(trader.client)
  })
  beforeEach(async () => {
    world.clock.offset = 0
    world.gate = async () => ({ allow: true })
    const flow = (more: object = {}) =>
      codeFlow(world, {
        client: planner.client,
        auth: planner.auth,
        params: {
          resource: market,
          authorization_details: details({ tools: ['market/*'], budget: { calls: 100 } }),
        },
        ...more,
      })
    bearer = (await flow()).access_token
    bound = (await flow({ dpop: plannerKey })).access_token
  })
  after(() => world.close())

  const actorOf = async (agent: AgentKeys, key?: oauth.DPoPHandle): Promise<Record<string, string>> => ({
    actor_token: (await clientCredentials(world, agent, { resource: world.issuer }, key)).access_token,
    actor_token_type: JWT_TOKEN,
  })
  const handToTrader = async (subject = bound, params: Record<string, string> = {}) =>
    exchange(world, planner, subject, { ...(await actorOf(trader, dpop)), ...params }, plannerKey)
  /** A token that carries our signature and anything else. */
  const forged = async (token: string, change: JsonObject, header: JsonObject = {}) => {
    const { payload } = parseJws(token)
    const key = await world.signingKey()
    return signJws(
      { typ: 'at+jwt', kid: String(headerOf(token).kid), ...header },
      { ...payload, ...change },
      key,
    )
  }

  describe('by the agent that holds the grant', () => {
    it('narrows its own grant without another link', async () => {
      const answer = await exchange(world, planner, bound, { scope: 'mcp:read' }, plannerKey)
      const grant = grantOf(world, accessTokenOf(answer), 'market')
      assert.equal(grant.agent, planner.agent.id)
      assert.deepEqual(grant.via, [])
      assert.deepEqual(grant.scope, ['mcp:read'])
      assert.deepEqual(grant.epochs, grantOf(world, bound, 'market').epochs)
    })

    it('hands on, with a record of the delegation under the one above it', async () => {
      const token = accessTokenOf(await handToTrader())
      const above = grantOf(world, bound, 'market').epochs.at(-1)?.id
      const link = grantOf(world, token, 'market').epochs.at(-1)
      const record = await world.store.delegations.get(TENANT, link?.id ?? '')
      assert.equal(link?.kind, 'delegation')
      assert.deepEqual(
        [record?.from, record?.to, record?.parent, record?.depth],
        [planner.agent.id, trader.agent.id, above, 1],
      )
      assert.ok(world.control.some((event) => event.type === 'epoch' && event.ref.id === link?.id))
      const told = (await world.store.outbox.take(1000)).map((one) => one.event)
      assert.ok(told.some((event) => event.event === 'delegation.made' && event.delegation === link?.id))
      assert.equal(world.intents.at(-1)?.kind, 'token_exchange')
      assert.deepEqual(world.intents.at(-1)?.via, [planner.agent.id])
    })

    it('uses one record for the same hand-over again', async () => {
      const link = (token: string) => grantOf(world, token, 'market').epochs.at(-1)?.id
      const first = link(accessTokenOf(await handToTrader()))
      assert.equal(link(accessTokenOf(await handToTrader())), first)
      const other = await handToTrader(bound, { authorization_details: details({ tools: ['market/quote'] }) })
      assert.notEqual(link(accessTokenOf(other)), first)
    })

    it('keeps what the user said and when', async () => {
      const [before, now] = [claimsOf(bound), claimsOf(accessTokenOf(await handToTrader()))]
      assert.equal(now.sub, before.sub)
      assert.equal(now.auth_time, before.auth_time)
      assert.equal(now.safeconduct.task, before.safeconduct.task)
      assert.equal(now.client_id, trader.agent.id)
    })
  })

  describe('the subject token', () => {
    it('that is bound needs a proof of its key', async () => {
      assertError(await exchange(world, planner, bound, {}), 'invalid_grant')
      assertError(await exchange(world, planner, bound, {}, dpop), 'invalid_grant')
      assertError(await exchange(world, planner, bound, await actorOf(trader, dpop)), 'invalid_grant')
      assertError(await exchange(world, planner, bound, await actorOf(trader, dpop), dpop), 'invalid_grant')
    })

    it('that was stolen is of no use to another agent', async () => {
      assertError(await exchange(world, trader, bearer, {}), 'invalid_grant')
      assertError(await exchange(world, trader, bearer, {}, dpop), 'invalid_grant')
      assertError(await exchange(world, trader, bound, {}, dpop), 'invalid_grant')
      assertError(await exchange(world, clerk, bearer, await actorOf(trader, dpop)), 'invalid_grant')
    })

    it('may be taken up by the agent it was handed to before, within those limits', async () => {
      await handToTrader(bound, {
        authorization_details: details({ tools: ['market/quote'], budget: { calls: 3 } }),
      })
      const taken = await exchange(world, trader, bound, {}, dpop)
      const grant = grantOf(world, accessTokenOf(taken), 'market')
      assert.deepEqual(grant.details.tools, ['market/quote'])
      assert.deepEqual(grant.details.budget, { calls: 3 })
      assert.equal(grant.jkt, await dpop.calculateThumbprint())
      assertError(
        await exchange(
          world,
          trader,
          bound,
          { authorization_details: details({ tools: ['market/*'] }) },
          dpop,
        ),
        'invalid_authorization_details',
      )
      assertError(await exchange(world, clerk, bound, {}, dpop), 'invalid_grant')
      assertError(await exchange(world, trader, bound, {}), 'invalid_grant', 400)
    })

    it('is not taken up once that hand-over was revoked', async () => {
      const link = grantOf(world, accessTokenOf(await handToTrader()), 'market').epochs.at(-1)
      assert.equal((await exchange(world, trader, bound, {}, dpop)).status, 200)
      await world.as.revoke({ tenant: TENANT, kind: 'delegation', id: link?.id ?? '', by: 'user-1' })
      assertError(await exchange(world, trader, bound, {}, dpop), 'invalid_grant')
    })

    it('with may_act is for that actor and nobody else', async () => {
      const allowed = await forged(bearer, { may_act: { sub: trader.agent.id } })
      assert.equal((await exchange(world, trader, allowed, {}, dpop)).status, 200)
      assertError(await exchange(world, clerk, allowed, {}, dpop), 'invalid_grant')
      assertError(await exchange(world, planner, allowed, {}), 'invalid_grant')
      assertError(
        await exchange(world, trader, await forged(bearer, { may_act: 'trader' }), {}, dpop),
        'invalid_grant',
      )
    })

    it('must be an access token of ours that carries a user', async () => {
      const robot = await world.addAgent(`robot-${world.fetched.length}-${Date.now()}`, { autonomous: true })
      const alone = (await clientCredentials(world, robot, { resource: market })).access_token
      assertError(await exchange(world, robot, alone, {}), 'invalid_grant')
      const actor = (await actorOf(planner)).actor_token ?? ''
      assertError(await exchange(world, planner, actor, {}), 'invalid_grant')
      for (const junk of ['x', 'a.b.c', `${bearer}x`, bearer.slice(0, -8)]) {
        assertError(await exchange(world, planner, junk, {}), 'invalid_grant')
      }
    })

    it('of another type than is said, or of a type we do not take, is refused', async () => {
      const openid = await codeFlow(world, {
        client: planner.client,
        auth: planner.auth,
        params: { resource: market, scope: 'openid mcp:read' },
      })
      const idToken = openid.id_token ?? ''
      assertError(
        await exchange(world, planner, idToken, { subject_token: idToken, subject_token_type: ID_TOKEN }),
        'invalid_request',
      )
      assertError(await exchange(world, planner, idToken, {}), 'invalid_grant')
      assertError(
        await exchange(world, planner, bearer, { subject_token_type: JWT_TOKEN }),
        'invalid_request',
      )
      assertError(
        await exchange(world, planner, bearer, {
          requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
        }),
        'invalid_request',
      )
    })

    it('with forged claims is refused though it carries our signature', async () => {
      const now = Math.floor(world.clock.now() / 1000)
      assert.equal(
        (await exchange(world, planner, await forged(bearer, {}), {})).status,
        200,
        'the forge works',
      )
      for (const change of [
        { exp: now - 1 },
        { iat: now + 600, exp: now + 900 },
        { iss: 'https://elsewhere.example' },
        { scope: '' },
        { authorization_details: [] },
        { safeconduct: { tenant: 'other', task: 't', epochs: [] } },
      ] as JsonObject[]) {
        const answer = await exchange(world, planner, await forged(bearer, change), {})
        assert.equal(answer.status, 400, JSON.stringify(change))
      }
      for (const header of [{ typ: 'JWT' }, { typ: 'safeconduct-actor+jwt' }, { kid: 'unknown' }]) {
        assertError(await exchange(world, planner, await forged(bearer, {}, header), {}), 'invalid_grant')
      }
    })

    it('without scope hands on nothing', async () => {
      assertError(await exchange(world, planner, await forged(bearer, { scope: '' }), {}), 'invalid_scope')
      assertError(
        await exchange(world, planner, await forged(bearer, { scope: '' }), { scope: 'mcp:read' }),
        'invalid_scope',
      )
      const { scope: _scope, ...rest } = parseJws(bearer).payload
      const key = await world.signingKey()
      const none = signJws({ typ: 'at+jwt', kid: String(headerOf(bearer).kid) }, rest, key)
      assertError(await exchange(world, planner, none, { scope: 'mcp:read' }), 'invalid_grant')
    })

    for (const kind of ['user', 'agent', 'task', 'delegation'] as const) {
      it(`whose ${kind} was revoked is refused, and so is everything below it`, async () => {
        const token = accessTokenOf(await handToTrader())
        const ref = grantOf(world, bound, 'market').epochs.find((one) => one.kind === kind)
        await world.as.revoke({ tenant: TENANT, kind, id: ref?.id ?? '', by: 'test' })
        assertError(await exchange(world, planner, bound, {}, plannerKey), 'invalid_grant')
        assertError(await exchange(world, trader, token, {}, dpop), 'invalid_grant')
      })
    }

    it('of an agent that was disabled meanwhile is refused', async () => {
      const token = accessTokenOf(await handToTrader())
      const agent = await world.store.agents.get(TENANT, planner.agent.id)
      assert.ok(agent !== null)
      await world.store.agents.replace({ ...agent, status: 'disabled', version: agent.version + 1 })
      assertError(await exchange(world, trader, token, {}, dpop), 'invalid_grant')
      await world.store.agents.replace({ ...agent, version: agent.version + 2 })
      assert.equal((await exchange(world, trader, token, {}, dpop)).status, 200)
    })

    it('of a task that ended is refused', async () => {
      const task = await world.store.tasks.get(TENANT, grantOf(world, bearer, 'market').task)
      assert.ok(task !== null)
      await world.store.tasks.replace({ ...task, status: 'ended', version: task.version + 1 })
      assertError(await exchange(world, planner, bearer, {}), 'invalid_grant')
    })
  })

  describe('the actor token', () => {
    it('of another agent must be bound to its key', async () => {
      assertError(await exchange(world, planner, bound, await actorOf(trader), plannerKey), 'invalid_grant')
    })

    it('may be the actor’s own grant, but not one that carries a user', async () => {
      const robot = await world.addAgent(`acting-${Date.now()}`, { autonomous: true })
      const key = await newDpop(robot.client)
      const own = (await clientCredentials(world, robot, { resource: market }, key)).access_token
      const answer = await exchange(
        world,
        planner,
        bound,
        { actor_token: own, actor_token_type: ACCESS_TOKEN },
        plannerKey,
      )
      assert.equal(grantOf(world, accessTokenOf(answer), 'market').agent, robot.agent.id)
      const handed = accessTokenOf(await handToTrader())
      assertError(
        await exchange(
          world,
          planner,
          bound,
          { actor_token: handed, actor_token_type: ACCESS_TOKEN },
          plannerKey,
        ),
        'invalid_grant',
      )
    })

    it('of another type than is said is refused', async () => {
      const actor = await actorOf(trader, dpop)
      for (const type of [ACCESS_TOKEN, ID_TOKEN, 'jwt']) {
        const answer = await exchange(world, planner, bound, { ...actor, actor_token_type: type }, plannerKey)
        assert.equal(answer.status, 400)
      }
      assertError(
        await exchange(world, planner, bound, { actor_token: actor.actor_token ?? '' }, plannerKey),
        'invalid_request',
      )
      assertError(
        await exchange(world, planner, bound, { actor_token_type: JWT_TOKEN }, plannerKey),
        'invalid_request',
      )
    })

    it('of a revoked agent is refused', async () => {
      const stale = await actorOf(clerk, await newDpop(clerk.client))
      await world.as.revoke({ tenant: TENANT, kind: 'agent', id: clerk.agent.id, by: 'test' })
      assertError(await exchange(world, planner, bound, stale, plannerKey), 'invalid_grant')
    })

    it('that has expired is refused', async () => {
      const stale = await actorOf(trader, dpop)
      const key = await world.signingKey()
      const { payload, header } = parseJws(stale.actor_token ?? '')
      const old = signJws({ typ: String(header.typ), kid: String(header.kid) }, { ...payload, exp: 1 }, key)
      assertError(
        await exchange(world, planner, bound, { ...stale, actor_token: old }, plannerKey),
        'invalid_grant',
      )
    })
  })

  describe('only narrows', () => {
    it('scope', async () => {
      const reader = accessTokenOf(await handToTrader(bound, { scope: 'mcp:read' }))
      for (const scope of ['mcp:write', 'mcp:read mcp:write', 'mcp:read admin', 'openid']) {
        assertError(await exchange(world, trader, reader, { scope }, dpop), 'invalid_scope')
      }
      assert.deepEqual(
        grantOf(world, accessTokenOf(await exchange(world, trader, reader, {}, dpop)), 'market').scope,
        ['mcp:read'],
      )
    })

    it('audience, under either name', async () => {
      for (const name of ['resource', 'audience']) {
        assertError(await exchange(world, planner, bound, { [name]: mail }, plannerKey), 'invalid_target')
      }
      const answer = await exchange(world, planner, bound, { resource: market, audience: market }, plannerKey)
      assert.equal(claimsOf(accessTokenOf(answer)).aud, market)
    })

    it('details', async () => {
      for (const wider of [
        { tools: ['mail/send'] },
        { tools: ['*'] },
        { servers: ['market', 'mail'] },
        { budget: { calls: 101 } },
        { expires: Math.floor(world.clock.now() / 1000) + 10_000_000 },
        { task: 'another' },
        { intent_digest: 'sha256:another' },
      ]) {
        assertError(
          await exchange(world, planner, bound, { authorization_details: details(wider) }, plannerKey),
          'invalid_authorization_details',
        )
      }
      for (const bad of ['x', '[]', '{}', JSON.stringify([{ type: 'other' }])]) {
        assertError(
          await exchange(world, planner, bound, { authorization_details: bad }, plannerKey),
          'invalid_authorization_details',
        )
      }
    })

    it('time: never longer than the subject, the details, the task', async () => {
      const subject = claimsOf(bound).exp
      world.clock.offset = 40_000
      const late = accessTokenOf(await exchange(world, planner, bound, {}, plannerKey))
      assert.equal(claimsOf(late).exp, subject)
      world.clock.offset = 0
      const expires = Math.floor(world.clock.now() / 1000) + 30
      const brief = await exchange(
        world,
        planner,
        bound,
        { authorization_details: details({ expires }) },
        plannerKey,
      )
      assert.ok(claimsOf(accessTokenOf(brief)).exp <= expires)
      assert.ok(Number(brief.body.expires_in) <= 30)
    })

    it('binding: a bound grant never becomes a bearer grant', async () => {
      await handToTrader()
      assertError(await exchange(world, trader, bound, {}), 'invalid_grant')
    })

    it('length: four agents and no more', async () => {
      let holder = { agent: planner, key: plannerKey, token: bound }
      for (let at = 0; at < 4; at++) {
        const next = await world.addAgent(`link-${at}-${Date.now()}`)
        const key = await newDpop(next.client)
        const answer = await exchange(world, holder.agent, holder.token, await actorOf(next, key), holder.key)
        if (at < 3) holder = { agent: next, key, token: accessTokenOf(answer) }
        else assertError(answer, 'invalid_grant')
      }
      assert.equal(grantOf(world, holder.token, 'market').via.length, 3)
    })
  })

  it('issues nothing when the gate refuses, and makes no delegation', async () => {
    world.gate = async (intent) =>
      intent.kind === 'token_exchange' ? { allow: false, code: 'denied' } : { allow: true }
    const before = (await world.store.delegations.list(TENANT, { limit: 1000 })).length
    assertError(await handToTrader(), 'access_denied', 403)
    assert.equal((await world.store.delegations.list(TENANT, { limit: 1000 })).length, before)
  })

  it('needs an agent that proves its key', async () => {
    const answer = await fetch(`${world.issuer}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: planner.agent.id,
        subject_token: bearer,
        subject_token_type: ACCESS_TOKEN,
      }),
    })
    assert.equal(answer.status, 401)
  })

  it('never widens over any chain of requests', { timeout: 60_000 }, async () => {
    const wish = fc.record(
      {
        scope: fc.subarray(['mcp:read', 'mcp:write'], { minLength: 1 }),
        // Mostly what the grant allows, so that chains grow long enough to be worth judging.
        tools: fc.oneof(
          {
            weight: 4,
            arbitrary: fc.subarray(['market/*', 'market/quote', 'market/order'], { minLength: 1 }),
          },
          { weight: 1, arbitrary: fc.subarray(['market/quote', 'mail/*']) },
        ),
        calls: fc.oneof(
          { weight: 4, arbitrary: fc.integer({ min: 1, max: 100 }) },
          { weight: 1, arbitrary: fc.integer({ min: 0, max: 1000 }) },
        ),
        life: fc.integer({ min: 1, max: 400 }),
        to: fc.constantFrom('self', 'next'),
      },
      { requiredKeys: ['to'] },
    )
    const second = await world.addAgent('second')
    const third = await world.addAgent('third')
    const people = [
      { agent: planner, key: plannerKey },
      { agent: second, key: await newDpop(second.client) },
      { agent: third, key: await newDpop(third.client) },
    ]
    let issued = 0
    await fc.assert(
      fc.asyncProperty(fc.array(wish, { minLength: 1, maxLength: 4 }), async (wishes) => {
        let token = bound
        let at = 0
        for (const one of wishes) {
          const holder = people[at]
          const target = one.to === 'next' ? people[at + 1] : holder
          if (holder === undefined || target === undefined) return
          const now = Math.floor(world.clock.now() / 1000)
          const answer = await exchange(
            world,
            holder.agent,
            token,
            {
              ...(one.scope === undefined ? {} : { scope: one.scope.join(' ') }),
              authorization_details: details({
                ...(one.tools === undefined ? {} : { tools: one.tools }),
                ...(one.calls === undefined ? {} : { budget: { calls: one.calls } }),
                ...(one.life === undefined ? {} : { expires: now + one.life }),
              }),
              ...(one.to === 'next' ? await actorOf(target.agent, target.key) : {}),
            },
            holder.key,
          )
          if (answer.status !== 200) return
          issued += 1
          const [above, below] = [
            grantOf(world, token, 'market'),
            grantOf(world, accessTokenOf(answer), 'market'),
          ]
          assert.ok(
            below.scope.every((word) => above.scope.includes(word) || above.scope.includes('mcp:write')),
          )
          assert.ok(below.audience.every((item) => above.audience.includes(item)))
          assert.ok(below.expiresAt <= above.expiresAt)
          assert.ok((below.details.budget?.calls ?? Infinity) <= (above.details.budget?.calls ?? Infinity))
          assert.ok((below.details.expires ?? Infinity) <= (above.details.expires ?? Infinity))
          assert.ok(below.details.tools?.every((tool) => tool.startsWith('market/')))
          for (const ref of above.epochs) {
            assert.ok(
              below.epochs.some(
                (other) => other.kind === ref.kind && other.id === ref.id && other.epoch === ref.epoch,
              ),
            )
          }
          assert.equal(below.user, above.user)
          assert.equal(below.task, above.task)
          token = accessTokenOf(answer)
          if (one.to === 'next') at += 1
        }
      }),
      { numRuns: 60, seed: 8693 },
    )
    assert.ok(issued > 20, `${issued} exchanges went through`)
  })
})
