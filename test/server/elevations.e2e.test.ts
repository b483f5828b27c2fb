/**
 * Just in time: asked for with a reason, decided by a rule or the owner, held for one errand and a time; the report says
 * what it saved.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { STARTER_POLICIES } from '@safeconduct/engine'
import type { JsonObject } from '@safeconduct/protocol'
import { policy } from '../../packages/engine/src/testing/world.ts'
import { furnish, quote } from './desk.ts'
import { createWorld, kindsIn, TENANT, type World } from './world.ts'

const NEEDS_ROLE = `${STARTER_POLICIES.agentPolicies}
@id("readers-only") forbid (principal is Agent, action == Action::"market/get_quote", resource)
unless { principal in Role::"reader" };`
const RULE = `${NEEDS_ROLE}
@id("an-hour-by-rule") permit (principal is Agent, action == Action::"elevate", resource == Role::"reader")
when { context.elevation.minutes <= 60 };`

const HOUR = 3_600_000

describe('elevations', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())

  async function rule(agentPolicies: string, id: string): Promise<void> {
    const version = policy({ ...STARTER_POLICIES, agentPolicies }, { id })
    world.decider.control({ type: 'policy', tenant: TENANT, version })
  }
  const outcome = () => world.decider.dry(quote(world))
  const ask = (more: object = {}, who: 'local' | 'owner' | 'anonymous' = 'local') =>
    world.post(who, '/api/v1/elevations', {
      task: 'task-1',
      role: 'reader',
      reason: 'the report is due',
      ...more,
    })
  const decide = (id: unknown, grant: boolean) =>
    world.post('owner', `/api/v1/elevations/${id}/decide`, { grant })

  it('a permit for everything is no rule: the owner decides, and it holds from the next call on until it lapses', async () => {
    await rule(NEEDS_ROLE, 'p-1')
    assert.equal(outcome().outcome, 'deny')
    const asked = await ask({ minutes: 30 })
    assert.equal(asked.status, 200, asked.text)
    assert.deepEqual(
      [asked.json.status, asked.json.principal, asked.json.decidedBy],
      ['pending', 'agent-1', null],
    )
    assert.equal((await ask()).json.id, asked.json.id, 'asked twice, it is one')
    assert.equal(outcome().outcome, 'deny')
    const waits = await world.post('local', `/api/v1/elevations/${asked.json.id}/decide`, { grant: true })
    assert.equal(waits.status, 202)
    const sentence = String((waits.json.request as JsonObject).summary)
    for (const part of ['reader', 'agent-1', '30 minutes', 'task-1', 'the report is due'])
      assert.ok(sentence.includes(part), sentence)
    assert.equal(outcome().outcome, 'deny', 'the agent cannot grant itself anything over the socket')

    const granted = await decide(asked.json.id, true)
    assert.deepEqual([granted.json.status, granted.json.decidedBy], ['active', 'user-1'], granted.text)
    const now = outcome()
    assert.equal(now.outcome, 'allow')
    assert.match(now.why.join(' '), /holds the role reader for this errand until .*the report is due/)
    world.clock.advance(HOUR / 2 - 1)
    assert.equal(outcome().outcome, 'allow')
    world.clock.advance(1)
    assert.equal(outcome().outcome, 'deny', 'it lapsed by itself')
    const { json } = await world.get('local', '/api/v1/elevations')
    assert.equal((json.elevations as JsonObject[])[0]?.status, 'lapsed')
  })

  it('revoked while the owner decides, it stays revoked', async () => {
    await rule(NEEDS_ROLE, 'p-race')
    const { json } = await ask({ minutes: 30 })
    const { elevations } = world.store
    const { get } = elevations
    let reads = 0
    const meanwhile: typeof get = async (...which) => {
      const found = await get(...which)
      if (++reads === 1) await world.post('local', `/api/v1/elevations/${json.id}/revoke`, {})
      return found
    }
    Object.assign(elevations, { get: meanwhile })
    const granted = await decide(json.id, true)
    Object.assign(elevations, { get })
    assert.equal(granted.status, 409, granted.text)
    assert.equal((await elevations.get(TENANT, String(json.id)))?.status, 'revoked')
    assert.equal(outcome().outcome, 'deny')
  })

  it('a rule grants at once, for as long as it says; what is revoked ends at the next call', async () => {
    await rule(RULE, 'p-2')
    const long = await ask({ minutes: 61 }, 'owner')
    assert.equal(long.json.status, 'pending', 'beyond the rule a person decides')
    assert.equal((await decide(long.json.id, false)).json.status, 'refused')
    assert.equal((await decide(long.json.id, true)).status, 409)
    const local = await ask({ minutes: 59 })
    assert.equal(local.json.status, 'pending', 'whoever runs as this user is not whom the rule was made for')
    assert.equal((await decide(local.json.id, false)).json.status, 'refused')
    const short = await ask({ minutes: 60 }, 'owner')
    assert.deepEqual([short.json.status, short.json.decidedBy], ['active', 'policy:an-hour-by-rule'])
    assert.equal(outcome().outcome, 'allow')
    const revoked = await world.post('local', `/api/v1/elevations/${short.json.id}/revoke`, {})
    assert.equal(revoked.json.status, 'revoked')
    assert.equal(outcome().outcome, 'deny')
    assert.equal((await world.post('local', `/api/v1/elevations/${short.json.id}/revoke`, {})).status, 409)
  })

  it('is refused for errands that are not there, strangers and nonsense', async () => {
    assert.equal((await ask({}, 'anonymous')).status, 401)
    assert.equal((await ask({ task: 'task-x' })).status, 403)
    for (const wrong of [
      { role: 'No Role' },
      { minutes: 0 },
      { minutes: 481 },
      { reason: ' ' },
      { for: 'all' },
      { more: 1 },
    ]) {
      assert.equal((await ask(wrong)).status, 400, JSON.stringify(wrong))
    }
    assert.equal(
      (await world.post('local', '/api/v1/elevations', { role: 'reader', reason: 'x' })).status,
      400,
    )
    assert.equal((await decide('el_none', true)).status, 404)
    await rule('forbid (principal, action, resource);', 'p-3')
    assert.equal((await ask()).status, 403)
  })

  it('a role for good does the same, and the report tells them apart', async () => {
    await rule(NEEDS_ROLE, 'p-4')
    const given = await world.post('owner', '/api/v1/agents/trader/roles', { role: 'reader', held: true })
    assert.deepEqual(given.json, { agent: 'agent-1', roles: ['reader'] })
    assert.equal(outcome().outcome, 'allow')
    assert.equal(
      (await world.post('owner', '/api/v1/agents/trader/roles', { role: 'reader', held: true })).status,
      409,
    )
    world.clock.advance(2 * HOUR)
    assert.equal(
      (await world.post('owner', '/api/v1/agents/trader/roles', { role: 'reader', held: false })).status,
      200,
    )
    assert.equal(outcome().outcome, 'deny')
    const { json } = await world.get('local', '/api/v1/privileges?hours=10')
    const [row] = json.rows as JsonObject[]
    assert.deepEqual([row?.principal, row?.role, row?.standing, row?.before], ['agent-1', 'reader', 2, 10])
    assert.ok(Number(row?.elevated) >= 0.5 && Number(row?.elevated) < 0.6)
    assert.ok(Number(json.after) < Number(json.before))
    await world.decider.drainOutbox()
    const kinds = kindsIn(world.ledger)
    for (const kind of [
      'elevation.pending',
      'elevation.active',
      'elevation.revoked',
      'elevation.refused',
      'agent.roles',
    ])
      assert.ok(kinds.includes(kind), `${kind} is not among ${kinds.join(' ')}`)
  })

  it('zones keep an agent out, and the owner says which', async () => {
    await rule(STARTER_POLICIES.agentPolicies, 'p-5')
    assert.equal(outcome().outcome, 'allow')
    const set = await world.post('owner', '/api/v1/servers/market/zone', {
      zone: 'production',
      sensitivity: 2,
    })
    assert.deepEqual(set.json, { server: 'market', zone: 'production', sensitivity: 2 })
    // What would allow it is looked for where the refusal is recorded, for whoever reads the record.
    const { decision: kept } = await world.decider.prepare(quote(world))
    assert.equal(kept.outcome, 'deny')
    assert.deepEqual(kept.counterfactual?.steps, [
      { kind: 'zone-flow', from: '', to: 'production', effect: 'read' },
    ])
    assert.equal(
      (await world.post('owner', '/api/v1/agents/trader/zone', { zone: 'production' })).status,
      200,
    )
    assert.equal(outcome().outcome, 'allow')
    assert.equal((await world.post('local', '/api/v1/agents/trader/zone', { zone: null })).status, 202)
    assert.equal((await world.post('owner', '/api/v1/agents/trader/zone', { zone: 'A zone' })).status, 400)
  })
})
