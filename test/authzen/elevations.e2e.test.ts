/** An agent asks for more with its own grant: for its own errand, and it hears no more than how its request stands. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type AgentsPoint, createAgentsPoint } from './agents.ts'

const PATH = '/api/v1/elevations'

describe('elevations asked for by an agent', () => {
  let point: AgentsPoint
  before(async () => {
    point = await createAgentsPoint()
  })
  after(() => point.world.close())
  const ask = (more: object = {}, token = point.token()) =>
    point.world.ask('anonymous', 'POST', PATH, {
      body: { role: 'reader', reason: 'the report is due', ...more },
      headers: point.asAgent(PATH, token),
    })

  it('is made with its grant and proof, waits for the owner, and nothing else is reached with that', async () => {
    const { status, json, text } = await ask()
    assert.equal(status, 200, text)
    assert.deepEqual([json.status, json.task, json.askedBy], ['pending', 'task-1', 'agent-1'])
    const decide = `${PATH}/${json.id}/decide`
    const granted = await point.world.ask('anonymous', 'POST', decide, {
      body: { grant: true },
      headers: point.asAgent(decide),
    })
    assert.equal(granted.status, 401, 'an agent cannot decide about itself')
    assert.equal((await point.world.post('owner', decide, { grant: true })).json.status, 'active')
    assert.equal((await ask()).json.status, 'active')
  })

  it('is refused for another errand, without a proof, and once the grant is revoked', async () => {
    const other = await ask({ task: 'task-2' })
    assert.deepEqual([other.status, other.json.error], [403, 'denied'])
    assert.ok(!other.text.includes('errand'), 'why is not for the agent')
    const bare = await point.world.ask('anonymous', 'POST', PATH, {
      body: { role: 'reader', reason: 'x' },
      headers: { authorization: `DPoP ${point.token()}` },
    })
    assert.equal(bare.status, 401)
    await point.world.post('local', '/api/v1/revocations', { kind: 'agent', id: 'agent-1' })
    const dead = await ask({ role: 'writer' })
    assert.ok(dead.status === 401 || dead.status === 403, dead.text)
  })
})
