/**
 * What was learned, in the hands of people, over HTTP: evidence answered by its id, calls contested, baselines saved and
 * brought back, subjects shown and erased, and every change of risk told on the event stream.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import type { Decision, JsonObject } from '@safeconduct/protocol'
import { call, ok } from '../../packages/engine/src/testing/world.ts'
import { furnish, quote } from './desk.ts'
import { createWorld, type World } from './world.ts'

const AGENT = '/api/v1/agents/trader'

describe('what was learned of an agent', () => {
  let world: World
  let told = ''
  before(async () => {
    world = await createWorld()
    await furnish(world)
    const stream = await world.open('owner', 'GET', '/api/v1/events')
    stream.setEncoding('utf8')
    stream.on('error', () => undefined)
    stream.on('data', (chunk: string) => {
      told += chunk
    })
    await once(stream, 'data')
  })
  after(() => world.close())

  async function work(count: number): Promise<string[]> {
    const ids: string[] = []
    for (let i = 0; i < count; i++) {
      world.clock.advance(20_000)
      const request = quote(world)
      const { forward } = await world.decider.prepare(request)
      if (forward) await world.decider.settle(request.id, ok())
      ids.push(request.id)
    }
    return ids
  }

  /** Looks for tools that are not there. */
  async function probe(count: number): Promise<Decision> {
    let last: Decision | undefined
    for (let i = 0; i < count; i++) {
      world.clock.advance(500)
      const at = world.clock.now()
      const request = call({ at, tool: `none_${i}`, proof: { kind: 'dpop', provenAt: at } })
      last = (await world.decider.prepare(request)).decision
    }
    assert.ok(last !== undefined)
    return last
  }

  it('is shown: level, why, baseline, trend, and each change of risk on the stream', async () => {
    await work(40)
    const before = (await world.get('local', AGENT)).json.learning as JsonObject
    assert.ok(Number(before.learned) > 0 && Number(before.learned) + Number(before.pending) === 40)
    await probe(8)
    const { json } = await world.get('local', AGENT)
    assert.equal(
      (json.learning as JsonObject).pending,
      0,
      'what it did just before an incident teaches nothing',
    )
    const trend = json.trend as { risk: number; level: string }[]
    assert.ok(trend.length > 1 && (trend.at(-1)?.risk ?? 0) > (trend[0]?.risk ?? 100))
    const said = told.split('\n\n').filter((frame) => frame.startsWith('event: risk'))
    const last = JSON.parse(said.at(-1)?.split('data: ')[1] ?? '{}') as {
      agent: string
      from: number
      to: number
    }
    assert.equal(last.agent, 'agent-1')
    assert.ok(last.to > last.from)
    assert.equal(last.to, json.risk)
  })

  it('evidence is answered by its id, by the owner only, and once', async () => {
    const { contributions = [], id } = await probe(1)
    const evidence = contributions[0]?.id ?? ''
    assert.ok(evidence.startsWith(`${id}/`))
    const shown = (await world.get('local', `/api/v1/decisions/${id}`)).json.decision as unknown as Decision
    assert.deepEqual(shown.contributions, contributions)
    const body = { evidence, verdict: 'dismiss' }
    const local = await world.post('local', `${AGENT}/feedback`, body)
    assert.equal(local.status, 202, 'over the socket it waits for the owner')
    assert.match(String((local.json.request as JsonObject).summary), /false alarm/)
    assert.equal((await world.post('anonymous', `${AGENT}/feedback`, body)).status, 401)
    const risk = world.decider.standing('t1', 'agent-1')?.risk ?? 0
    const answered = await world.post('owner', `${AGENT}/feedback`, body)
    assert.equal(answered.status, 200, answered.text)
    assert.ok((world.decider.standing('t1', 'agent-1')?.risk ?? 100) < risk)
    assert.equal((await world.post('owner', `${AGENT}/feedback`, body)).status, 409)
    for (const wrong of [`${id}/none`, 'none/denials', 'xxx'])
      assert.equal((await world.post('owner', `${AGENT}/feedback`, { ...body, evidence: wrong })).status, 404)
    assert.equal((await world.post('owner', `${AGENT}/feedback`, { ...body, verdict: 'no' })).status, 400)
  })

  it('a call is contested in time, or not any more', async () => {
    const reset = await world.post('owner', `${AGENT}/trust`, { ceiling: null })
    assert.equal(reset.status, 200, reset.text)
    world.clock.advance(700_000)
    const ids = await work(40)
    const path = (id: string | undefined) => `/api/v1/decisions/${id}/contest`
    assert.equal((await world.post('local', path(ids.at(-1)), {})).status, 202, 'it waits for the owner')
    const contest = (id: string | undefined) => world.post('owner', path(id), {})
    assert.deepEqual((await contest(ids.at(-1))).json, { decision: ids.at(-1), inTime: true })
    assert.equal((await contest(ids.at(-1))).json.inTime, false, 'nothing waits any more')
    assert.equal((await contest('none')).status, 404)
  })

  it('a baseline is saved and brought back by the owner', async () => {
    await world.post('local', '/api/v1/agents', { name: 'fresh' })
    const nothing = await world.post('local', '/api/v1/agents/fresh/baselines', {})
    assert.deepEqual([nothing.status, nothing.json.error], [409, 'conflict'], 'nobody is asked about nothing')
    assert.equal((await world.post('local', `${AGENT}/baselines`, {})).status, 202)
    const saved = await world.post('owner', `${AGENT}/baselines`, {})
    assert.equal(saved.status, 200, saved.text)
    assert.match(String(saved.json.digest), /^sha256:[0-9a-f]{64}$/)
    const { json } = await world.get('local', `${AGENT}/baselines`)
    assert.deepEqual(json.baselines, [saved.json])
    const path = `${AGENT}/baselines/${String(saved.json.id)}/restore`
    assert.equal((await world.post('local', path, {})).status, 202)
    assert.deepEqual((await world.post('owner', path, {})).json, saved.json)
    assert.equal((await world.post('owner', `${AGENT}/baselines/none/restore`, {})).status, 404)
    assert.equal((await world.post('local', `${AGENT}/baselines/none/restore`, {})).status, 404)
  })

  it('a subject is shown whole, and erased by the owner', async () => {
    const held = await world.get('local', '/api/v1/subjects/agent/trader')
    assert.doesNotMatch(held.text, /~map|~array/, 'maps as people read them')
    assert.match(held.text, /"used":\{/)
    assert.match(held.text, /get_quote/)
    assert.equal((await world.get('local', '/api/v1/subjects/server/market')).status, 404)
    assert.equal((await world.get('anonymous', '/api/v1/subjects/agent/trader')).status, 401)
    const user = await world.get('local', '/api/v1/subjects/user/user-1')
    assert.equal((user.json.learnedFrom as JsonObject[])[0]?.agent, 'agent-1', user.text)
    assert.equal((await world.post('local', '/api/v1/subjects/agent/trader/erase', {})).status, 202)
    const erased = await world.post('owner', '/api/v1/subjects/agent/trader/erase', {})
    assert.equal(erased.status, 200, erased.text)
    const left = await world.get('local', '/api/v1/subjects/agent/trader')
    assert.doesNotMatch(left.text, /get_quote/)
    assert.equal(world.decider.dry(quote(world)).code, 'revoked', 'its grants end with it')
    const user2 = await world.post('owner', '/api/v1/subjects/user/user-1/erase', {})
    assert.equal(user2.status, 200, user2.text)
    assert.deepEqual((await world.get('local', '/api/v1/subjects/user/user-1')).json.learnedFrom, [])
  })
})
