/**
 * What is asked of a policy before it is tried or rules: the same check for every way in, and nothing without it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { STARTER_POLICIES } from '@safeconduct/engine'
import type { JsonObject } from '@safeconduct/protocol'
import { furnish, payment } from './desk.ts'
import { createWorld, type World } from './world.ts'

const NO_SUCH_FACT = {
  agent: `${STARTER_POLICIES.agentPolicies}\n@id("x") forbid (principal, action, resource) when { context.no_such_fact };`,
  user: STARTER_POLICIES.userPolicies,
}
const BROKEN_MODEL = 'model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define viewer: [usr]\n'

describe('a policy that is not strictly valid', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())
  const post = (path: string, body: object) => world.post('local', `/api/v1/${path}`, body)

  it('is neither replayed, nor put into the shadow, nor asked about', async () => {
    for (const [path, body] of [
      ['policy/replay', { candidate: NO_SUCH_FACT }],
      ['policy/shadow/start', { candidate: NO_SUCH_FACT }],
      ['policy/apply', NO_SUCH_FACT],
    ] as const) {
      const answer = await post(path, body)
      assert.deepEqual([path, answer.status, answer.json.error], [path, 422, 'policy_invalid'])
    }
    const { problems } = (await post('policy/check', NO_SUCH_FACT)).json
    assert.match(String((problems as JsonObject[])[0]?.message), /no_such_fact/)
  })

  it('nor is the owner asked about a policy store or a model of relations that could not be used', async () => {
    const store = await post('stores/app', { policies: 'permit (', schema: '', entities: [] })
    assert.deepEqual([store.status, store.json.error], [422, 'policy_invalid'])
    const model = await post('relations/model', { dsl: BROKEN_MODEL })
    assert.deepEqual([model.status, model.json.error], [400, 'invalid_params'])
    assert.match(String(model.json.message), /usr.*did you mean `user`/)
    const { requests } = (await world.get('local', '/api/v1/owner-requests')).json
    assert.deepEqual(requests, [])
  })
})

describe('a change of policy as its owner is asked', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())
  const { agentPolicies, userPolicies: user } = STARTER_POLICIES
  const waiting = async () =>
    (await world.get('owner', '/api/v1/owner-requests')).json.requests as readonly JsonObject[]
  const decide = async (id: unknown) =>
    (await world.post('owner', `/api/v1/owner-requests/${id}/decide`, { confirm: true })).json
      .result as JsonObject

  it('names forbids that go first, and counts the recorded calls that would be decided otherwise', async () => {
    const forbidden = payment(world)
    await world.decider.prepare(forbidden)
    const agent = '@id("all") permit (principal, action, resource);\n'
    await world.post('local', '/api/v1/policy/apply', { agent, user })
    const [request] = await waiting()
    assert.ok(request)
    const { shown, body } = request.params as { shown: Record<string, string[]>; body: JsonObject }
    const names = Object.keys(shown)
    assert.deepEqual([names[0], names.at(-1)], ['forbids removed', 'recorded calls decided differently'])
    const gone = [...agentPolicies.matchAll(/@id\("([^"]+)"\)[^;]*?\b(permit|forbid)\b/g)]
    assert.deepEqual(
      shown['forbids removed'],
      gone.filter(([, , effect]) => effect === 'forbid').map(([, id]) => `agent:${id}`),
    )
    assert.deepEqual(shown['permits added'], ['agent:all'])
    assert.deepEqual(shown['recorded calls decided differently'], [
      '1 of the latest 1',
      '1 × market/transfer_money: approval → allow',
    ])
    assert.match(String(request.summary), /1 of the latest 1 recorded calls .*, 1 of them LESS STRICTLY\)$/)
    assert.equal(body.over, 'policy-1')
  })

  it('is not made over another policy than the one it was told of', async () => {
    const [first] = await waiting()
    const stricter = `${agentPolicies}\n@id("mine") forbid (principal, action, resource);`
    assert.equal((await world.post('owner', '/api/v1/policy/apply', { agent: stricter, user })).status, 200)
    const result = await decide(first?.id)
    assert.deepEqual(
      [result.error, /Another policy was activated/.test(String(result.message))],
      ['conflict', true],
    )
    const { active } = (await world.get('local', '/api/v1/policy')).json
    assert.equal((active as JsonObject).agentPolicies, stricter)
  })

  it('going back is told the same way, and done', async () => {
    await world.post('local', '/api/v1/policy/rollback', { id: 'policy-1' })
    const request = (await waiting()).find(({ verb }) => String(verb).endsWith('/rollback'))
    assert.ok(request)
    const { shown } = request.params as { shown: Record<string, string[]> }
    assert.deepEqual(shown['forbids removed'], ['agent:mine'])
    assert.equal((await decide(request.id)).agentPolicies, agentPolicies)
  })
})
