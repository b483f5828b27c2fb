/**
 * Decisions listed, explained and proven; revocation at the next call; policies that rule or do not.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { STARTER_POLICIES } from '@safeconduct/engine'
import type { DecisionSummary, JsonObject } from '@safeconduct/protocol'
import { ok } from '../../packages/engine/src/testing/world.ts'
import { furnish, payment, quote } from './desk.ts'
import { createWorld, kindsIn, TENANT, type World } from './world.ts'

function summary(id: string, more: Partial<DecisionSummary>): DecisionSummary {
  return {
    tenant: TENANT,
    id,
    version: 1,
    at: 0,
    agent: 'agent-1',
    user: 'user-1',
    task: 'task-1',
    server: 'market',
    tool: 'get_quote',
    outcome: 'allow',
    trust: 'standard',
    risk: 0,
    code: null,
    result: null,
    intentIndex: 0,
    outcomeIndex: null,
    ...more,
  }
}

describe('decisions', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())
  const list = async (query = '') => {
    const { json } = await world.get('local', `/api/v1/decisions${query}`)
    return { ids: (json.decisions as JsonObject[]).map((one) => one.id), next: json.next }
  }

  it('explains and proves a call to whoever may read', async () => {
    const request = quote(world)
    const { decision } = await world.decider.prepare(request)
    assert.equal(decision.outcome, 'allow', decision.why.join())
    await world.decider.settle(request.id, ok('42'))

    const why = await world.get('owner', `/api/v1/decisions/${request.id}`)
    assert.equal(why.status, 200, why.text)
    const told = why.json.decision as JsonObject
    assert.deepEqual([told.id, told.outcome], [request.id, 'allow'])
    assert.equal(((why.json.request as JsonObject).operation as JsonObject).name, 'get_quote')
    assert.equal((why.json.result as JsonObject).status, 'ok')
    const receipt = await world.get('local', `/api/v1/decisions/${request.id}/receipt`)
    assert.equal((receipt.json.indexes as number[]).length, 2)
  })

  it('says the same of one that never was as of one that is somebody else’s', async () => {
    await world.store.decisions.insert({ ...summary('foreign', {}), tenant: 'other' })
    const answers = []
    for (const id of ['none', 'foreign', '%2e%2e', encodeURIComponent('a/../b')]) {
      for (const more of ['', '/receipt']) {
        const answer = await world.get('owner', `/api/v1/decisions/${id}${more}`)
        assert.equal(answer.status, 404, id)
        answers.push(answer.text)
      }
    }
    const said = new Set(answers.filter((text) => text.includes('erased')))
    assert.equal(said.size, 1)
    assert.deepEqual((await list('?limit=1000')).ids.includes('foreign'), false)
  })

  it('lists newest first, in pages, by all the filters that are given', async () => {
    const rows = Array.from({ length: 60 }, (_, i) =>
      summary(`zz-${String(i).padStart(3, '0')}`, {
        task: i % 2 === 0 ? 'even' : 'odd',
        outcome: i % 3 === 0 ? 'deny' : 'allow',
      }),
    )
    for (const row of rows) await world.store.decisions.insert(row)
    const wanted = (keep: (row: DecisionSummary) => boolean) =>
      rows
        .filter(keep)
        .map((row) => row.id)
        .reverse()

    const even = await list('?task=even&limit=10')
    assert.deepEqual(even.ids, wanted((row) => row.task === 'even').slice(0, 10))
    const more = await list(`?task=even&limit=10&after=${even.next}`)
    assert.deepEqual(more.ids, wanted((row) => row.task === 'even').slice(10, 20))
    const both = await list('?task=even&outcome=deny&agent=trader')
    assert.deepEqual(both, {
      ids: wanted((row) => row.task === 'even' && row.outcome === 'deny'),
      next: null,
    })
    const few = await list('?task=odd&outcome=deny&limit=3')
    assert.deepEqual(few.ids, wanted((row) => row.task === 'odd' && row.outcome === 'deny').slice(0, 3))
    assert.equal(few.next, few.ids[2])
    assert.equal((await list()).ids.length, 50, 'unless asked otherwise')
  })

  it('refuses a filter that it does not know', async () => {
    for (const query of [
      '?limit=0',
      '?limit=1001',
      '?limit=x',
      '?outcome=maybe',
      '?agents=x',
      '?limit=1&limit=2',
    ]) {
      const answer = await world.get('owner', `/api/v1/decisions${query}`)
      assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], query)
    }
    assert.equal((await world.get('owner', '/api/v1/decisions?agent=nobody')).status, 404)
  })

  it('shows tasks with what was handed on', async () => {
    const { json } = await world.get('local', '/api/v1/tasks')
    assert.deepEqual(
      (json.tasks as JsonObject[]).map((one) => one.id),
      ['task-1'],
    )
    const one = await world.get('local', '/api/v1/tasks/task-1')
    assert.deepEqual([(one.json.task as JsonObject).agent, one.json.delegations], ['agent-1', []])
    assert.equal((await world.get('local', '/api/v1/tasks/none')).status, 404)
  })

  it('says of a task whose grants died that it is revoked, whoever was, and of one whose time is over that it is', async () => {
    const status = async () => (await world.get('local', '/api/v1/tasks/task-1')).json.task as JsonObject
    const { createdAt, ...task } = (await world.store.tasks.get(TENANT, 'task-1')) ?? assert.fail()
    assert.equal((await status()).status, 'active')
    const known = world.clock.now()
    world.clock.set(task.expiresAt)
    assert.equal((await status()).status, 'expired')
    world.clock.set(Math.max(known, createdAt) + 1)
    await world.post('local', '/api/v1/revocations', { kind: 'agent', id: 'agent-1' })
    assert.equal((await status()).status, 'revoked')
    const [listed] = (await world.get('local', '/api/v1/tasks')).json.tasks as JsonObject[]
    assert.equal(listed?.status, 'revoked')
    await world.store.tasks.insert({ ...task, id: 'task-2', createdAt: world.clock.now() + 1, version: 1 })
    const later = (await world.get('local', '/api/v1/tasks/task-2')).json.task as JsonObject
    assert.equal(later.status, 'active', 'granted after it')
  })
})

describe('revocations', () => {
  for (const [kind, id] of [
    ['agent', 'trader'],
    ['agent', 'agent-1'],
    ['user', 'user-1'],
    ['task', 'task-1'],
  ] as const) {
    it(`${kind} ${id}: holds at the next call, for a program as for the owner`, async () => {
      const world = await createWorld()
      try {
        await furnish(world)
        const told: unknown[] = []
        world.bus.subscribe((message) => told.push(message))
        const first = await world.decider.prepare(quote(world))
        assert.equal(first.forward, true)
        const answer = await world.post('local', '/api/v1/revocations', { kind, id })
        const ref = { kind, id: id === 'trader' ? 'agent-1' : id, epoch: 2 }
        assert.deepEqual(answer.json, { revoked: ref })
        const next = await world.decider.prepare(quote(world))
        assert.deepEqual([next.forward, next.decision.code], [false, 'revoked'])
        await new Promise(setImmediate)
        assert.ok(told.some((one) => JSON.stringify(one).includes('"type":"revoked"')))
        await world.decider.drainOutbox()
        assert.ok(kindsIn(world.ledger).includes('revoked'))
        if (kind === 'agent')
          assert.equal((await world.store.agents.get(TENANT, 'agent-1'))?.autonomous, false, 'tamed')
        if (kind === 'user')
          assert.equal((await world.get('owner', '/api/v1/session')).status, 401, 'and signed out')
      } finally {
        await world.close()
      }
    })
  }

  it('of nothing is not found', async () => {
    const world = await createWorld()
    try {
      for (const kind of ['agent', 'user', 'task', 'delegation']) {
        const answer = await world.post('local', '/api/v1/revocations', { kind, id: 'none' })
        assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], kind)
        assert.match(String(answer.json.message), /\.\/safeconduct \w+ (list|show)/, 'and where to look')
      }
      for (const body of [{ kind: 'tenant', id: 't1' }, { kind: 'agent' }, { kind: 'agent', id: '' }])
        assert.equal((await world.post('local', '/api/v1/revocations', body)).status, 400)
    } finally {
      await world.close()
    }
  })
})

describe('policy', () => {
  let world: World
  const STARTER = { agent: STARTER_POLICIES.agentPolicies, user: STARTER_POLICIES.userPolicies }
  const NOTHING = { agent: 'forbid (principal, action, resource);', user: STARTER.user }
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())
  const outcome = async () => (await world.decider.prepare(quote(world))).decision.outcome
  const active = async () => (await world.get('local', '/api/v1/policy')).json.active as JsonObject

  it('is checked without changing anything', async () => {
    const checked = await world.post('local', '/api/v1/policy/check', STARTER)
    assert.deepEqual(checked.json, { valid: true, problems: [] })
    assert.equal((await active()).id, 'policy-1')
    assert.equal((await world.store.policies.list(TENANT)).length, 1)
  })

  it('that is not valid says where, and activates nothing', async () => {
    const invalid: [string, object][] = [
      ['syntax', { ...STARTER, agent: 'permit (principal, action, resource)' }],
      [
        'unknown attribute',
        { ...STARTER, agent: 'permit (principal, action, resource) when { context.trust.rnak > 1 };' },
      ],
      ['the other layer', { ...STARTER, user: 'permit (' }],
    ]
    for (const [what, body] of invalid) {
      for (const caller of ['owner', 'local'] as const) {
        const answer = await world.post(caller, '/api/v1/policy/apply', body)
        assert.deepEqual([answer.status, answer.json.error], [422, 'policy_invalid'], `${what} ${caller}`)
        assert.ok(String(answer.json.message).length > 20, answer.text)
      }
      const { valid, problems } = (await world.post('local', '/api/v1/policy/check', body)).json
      assert.equal(valid, false, what)
      assert.ok(
        (problems as JsonObject[]).some((one) => one.line === 1 && one.severity === 'error'),
        what,
      )
    }
    assert.equal((await world.post('owner', '/api/v1/policy/apply', { agent: '' })).status, 400)
    const huge = { ...STARTER, agent: `//${'x'.repeat(262_144)}` }
    assert.equal((await world.post('owner', '/api/v1/policy/apply', huge)).status, 400)
    assert.equal((await world.store.policies.list(TENANT)).length, 1)
    assert.equal(await outcome(), 'allow')
  })

  it('rules from the next call on once the owner agreed, and goes back the same way', async () => {
    const asked = await world.post('local', '/api/v1/policy/apply', NOTHING)
    const { id, summary: sentence } = asked.json.request as JsonObject
    assert.match(
      String(sentence),
      /^Activate the policy sha256:[0-9a-f]{12}… \(LESS IS FORBIDDEN: \d+ forbids removed, \d+ permits removed, 0 policies changed, 1 added; \d+ of the latest \d+ recorded calls would be decided differently\)$/,
    )
    assert.equal(await outcome(), 'allow', 'asking changes nothing')

    const done = await world.post('owner', `/api/v1/owner-requests/${id}/decide`, { confirm: true })
    const applied = done.json.result as JsonObject
    assert.deepEqual([applied.status, applied.createdBy], ['active', world.user.id])
    assert.equal(await outcome(), 'deny')
    assert.equal((await active()).id, applied.id)
    assert.equal((await world.store.policies.find(TENANT, 'status', 'active')).length, 1)

    const back = await world.post('owner', '/api/v1/policy/rollback', { id: 'policy-1' })
    assert.equal(back.json.agentPolicies, STARTER.agent)
    assert.notEqual(back.json.id, 'policy-1', 'a version is never changed')
    assert.equal(await outcome(), 'allow')
    assert.equal((await world.store.policies.find(TENANT, 'status', 'active')).length, 1)
    assert.equal((await world.post('owner', '/api/v1/policy/rollback', { id: 'none' })).status, 404)
    const { json } = await world.get('local', '/api/v1/policy')
    assert.deepEqual(
      (json.versions as JsonObject[]).map((one) => [one.status, 'agentPolicies' in one]),
      [
        ['active', false],
        ['retired', false],
        ['retired', false],
      ],
    )
    await world.decider.drainOutbox()
    assert.equal(kindsIn(world.ledger).filter((kind) => kind === 'policy.activated').length, 2)
  })

  it('none left active means that nothing is allowed', async () => {
    const [version] = await world.store.policies.find(TENANT, 'status', 'active')
    assert.ok(version)
    world.decider.control({ type: 'policy', tenant: TENANT, version: { ...version, status: 'retired' } })
    const { decision } = await world.decider.prepare(payment(world))
    assert.deepEqual([decision.outcome, decision.code], ['deny', 'policy_missing'])
  })
})
