/**
 * What is asked of a policy before it is tried or rules: the same check for every way in, and nothing without it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { STARTER_POLICIES } from '@safeconduct/engine'
import type { JsonObject } from '@safeconduct/protocol'
import { furnish } from './desk.ts'
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
