import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { mayAct, requireAdmitted } from '../../packages/server/src/admin/admission.ts'
import { ASSERTION_TYPE, assertion, post } from './assertions.ts'
import { grantOf } from './claims.ts'
import { codeFlow, REDIRECT } from './code-flow.ts'
import { clientCredentials, errorOf, refresh } from './requests.ts'
import { type AgentKeys, createWorld, TENANT, type World } from './world.ts'

describe('introspection and revocation', () => {
  let world: World
  let planner: AgentKeys
  let other: AgentKeys
  let host: AgentKeys
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    planner = await world.addAgent('planner', { redirectUris: [REDIRECT] })
    other = await world.addAgent('other')
    host = await world.addAgent('host', { redirectUris: [REDIRECT], jwks: [] })
  })
  after(() => world.close())

  const ask = async (path: string, from: AgentKeys, token: string) =>
    post(world, path, {
      token,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await assertion(world, from),
    })
  const introspect = async (from: AgentKeys, token: string) =>
    (await ask('/oauth/introspect', from, token)).body
  const flow = (agent: AgentKeys) =>
    codeFlow(world, {
      client: agent.client,
      params: { resource: world.resource('market') },
      ...(agent === host ? {} : { auth: agent.auth }),
    })

  it('tells an agent about its own access token and refresh token', async () => {
    const token = await flow(planner)
    const access = await introspect(planner, token.access_token)
    assert.equal(access.active, true)
    assert.equal(access.sub, world.user.id)
    assert.deepEqual(access.act, { sub: planner.agent.id, client_id: planner.agent.id })
    assert.equal(access.token_type, 'Bearer')
    const kept = await introspect(planner, token.refresh_token ?? '')
    assert.equal(kept.active, true)
    assert.equal(kept.client_id, planner.agent.id)
  })

  it('tells nobody about the tokens of others, and a public client nothing (trap 8)', async () => {
    const token = await flow(planner)
    assert.deepEqual(await introspect(other, token.access_token), { active: false })
    assert.deepEqual(await introspect(other, token.refresh_token ?? ''), { active: false })
    const mine = await flow(host)
    for (const value of [mine.access_token, mine.refresh_token ?? '']) {
      const answer = await post(world, '/oauth/introspect', { token: value, client_id: host.agent.id })
      assert.ok(answer.status === 401 || answer.body.active === false, JSON.stringify(answer.body))
      assert.equal((await post(world, '/oauth/introspect', { token: value })).status >= 400, true)
    }
  })

  it('says of junk what it says of a token that is none', async () => {
    for (const token of ['x', 'a.b.c', '....', 'é']) {
      assert.deepEqual(await introspect(planner, token), { active: false }, token)
    }
    const { status } = await ask('/oauth/introspect', planner, '')
    assert.equal(status, 400)
  })

  it('says inactive once expired, ended or revoked (trap 5)', async () => {
    const token = (await flow(planner)).access_token
    world.clock.offset = 301_000
    assert.deepEqual(await introspect(planner, token), { active: false })
    world.clock.offset = 0
    assert.equal((await introspect(planner, token)).active, true)
    await world.as.revoke({ tenant: TENANT, kind: 'task', id: grantOf(world, token, 'market').task, by: 'x' })
    assert.deepEqual(await introspect(planner, token), { active: false })
  })

  it('shows a revoked agent as revoked until a consent; that is for its errand, and admits nothing else', async () => {
    const { store } = world
    const stands = async () => {
      const admitted = requireAdmitted(store, planner.agent).then(
        () => true,
        () => false,
      )
      return { acts: await mayAct(store, planner.agent), runs: await admitted }
    }
    const end = () => world.as.revoke({ tenant: TENANT, kind: 'agent', id: planner.agent.id, by: 'x' })
    await flow(planner)
    assert.deepEqual(await stands(), { acts: true, runs: true })
    await end()
    assert.deepEqual(await stands(), { acts: false, runs: false })
    await flow(planner)
    assert.deepEqual(await stands(), { acts: true, runs: false })
    await end()
    assert.deepEqual(await stands(), { acts: false, runs: false })
  })

  it('revokes the link of an access token: refresh and all siblings fall with it', async () => {
    const token = await flow(planner)
    const sibling = await refresh(world, planner.client, token.refresh_token, { auth: planner.auth })
    world.control.length = 0
    assert.equal((await ask('/oauth/revoke', planner, token.access_token)).status, 200)
    assert.deepEqual(await introspect(planner, sibling.access_token), { active: false })
    assert.equal(
      await errorOf(refresh(world, planner.client, sibling.refresh_token, { auth: planner.auth })),
      'invalid_grant',
    )
    const link = grantOf(world, token.access_token, 'market').epochs.at(-1)
    assert.deepEqual(world.control, [
      { type: 'epoch', tenant: TENANT, ref: { kind: 'delegation', id: link?.id ?? '', epoch: 2 } },
    ])
    const told = (await world.store.outbox.take(1000)).map((one) => one.event)
    assert.ok(told.some((event) => event.event === 'revoked' && event.id === link?.id && event.epoch === 2))
  })

  it('revokes access tokens with their refresh token', async () => {
    for (const agent of [planner, host]) {
      const token = await flow(agent)
      const fields: Record<string, string> =
        agent === host
          ? { client_id: host.agent.id }
          : { client_assertion_type: ASSERTION_TYPE, client_assertion: await assertion(world, agent) }
      assert.equal(
        (await post(world, '/oauth/revoke', { token: token.refresh_token ?? '', ...fields })).status,
        200,
      )
      const link = grantOf(world, token.access_token, 'market').epochs.at(-1)
      assert.equal(await world.store.epochs.ensure(TENANT, 'delegation', link?.id ?? ''), 2)
    }
  })

  it('lets a public client revoke its own access token by name', async () => {
    const token = (await flow(host)).access_token
    assert.equal((await post(world, '/oauth/revoke', { token, client_id: host.agent.id })).status, 200)
    assert.equal(
      await world.store.epochs.ensure(
        TENANT,
        'delegation',
        grantOf(world, token, 'market').epochs.at(-1)?.id ?? '',
      ),
      2,
    )
  })

  it('revokes nothing of others, and nothing for whoever only claims to be a client with keys', async () => {
    const token = await flow(planner)
    assert.equal((await ask('/oauth/revoke', other, token.access_token)).status, 200)
    assert.equal((await ask('/oauth/revoke', other, token.refresh_token ?? '')).status, 200)
    const claimed = await post(world, '/oauth/revoke', {
      token: token.access_token,
      client_id: planner.agent.id,
    })
    assert.equal(claimed.status, 401)
    assert.equal((await introspect(planner, token.access_token)).active, true)
    assert.equal((await introspect(planner, token.refresh_token ?? '')).active, true)
  })

  it('ends the task of an agent that acts alone', async () => {
    const robot = await world.addAgent('robot', { autonomous: true })
    const token = (await clientCredentials(world, robot, { resource: world.resource('market') })).access_token
    assert.equal((await introspect(robot, token)).active, true)
    await ask('/oauth/revoke', robot, token)
    assert.deepEqual(await introspect(robot, token), { active: false })
  })

  it('once revoked stays revoked over a restart', async () => {
    const token = await flow(planner)
    await ask('/oauth/revoke', planner, token.access_token)
    await world.restart()
    assert.deepEqual(await introspect(planner, token.access_token), { active: false })
    assert.equal(
      await errorOf(refresh(world, planner.client, token.refresh_token, { auth: planner.auth })),
      'invalid_grant',
    )
  })

  it('tells the host who failed to prove itself, at every door, and of nobody else', async () => {
    const from = world.failed.length
    const claims = await assertion(world, planner, { key: other.key.privateKey })
    const asked = { client_assertion_type: ASSERTION_TYPE, client_assertion: claims }
    await post(world, '/oauth/token', { grant_type: 'client_credentials', ...asked })
    await post(world, '/oauth/token', { grant_type: 'refresh_token', refresh_token: 'x', ...asked })
    await post(world, '/oauth/token', {
      grant_type: 'refresh_token',
      refresh_token: 'x',
      client_id: 'nobody',
    })
    await post(world, '/oauth/token', { grant_type: 'client_credentials', client_id: 'n'.repeat(9999) })
    const told = world.failed.slice(from)
    assert.deepEqual(told.slice(0, 3), [planner.agent.id, planner.agent.id, 'nobody'])
    assert.ok((told[3]?.length ?? 0) <= 256)
    await flow(planner)
    assert.equal(world.failed.length, from + told.length)
  })
})
