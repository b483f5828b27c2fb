/**
 * Retrieval over HTTP with the SDK: nothing leaks, nothing permitted is missed, and a revoked errand sees nothing.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Agent, Delegation, Task } from '@safeconduct/protocol'
import { createDocuments, type Documents, DocumentsError } from '@safeconduct/sdk'
import { createDecisionPoint, type DecisionPoint } from '../authzen/decision-point.ts'
import { TENANT } from '../server/world.ts'

const MODEL = `model
  schema 1.1
type user
type agent
type document
  relations
    define viewer: [user, user:*, agent, agent:*]
`
const DOCUMENTS = Array.from({ length: 60 }, (_, i) => `d${String(i).padStart(2, '0')}`)

let point: DecisionPoint
let documents: Documents
let secret = ''
let number = 0
let errand = { user: '', agent: '', task: '' }

const viewer = (user: string, id: string) => ({ user, relation: 'viewer', object: `document:${id}` })
const space = () => point.world.relations.policySpace(TENANT)?.record.id ?? ''
const put = (writes: ReturnType<typeof viewer>[], deletes: ReturnType<typeof viewer>[] = []) =>
  point.world.relations.write(TENANT, space(), { writes, deletes, options: {} }, 'test')

function agentOf(id: string): Agent {
  const none = { jwks: [], redirectUris: [], composition: [], trustCeiling: null }
  const rest = { registration: 'owner', autonomous: false, status: 'active' } as const
  return { tenant: TENANT, id, version: 1, name: id, owner: 'o', createdAt: 0, ...none, ...rest }
}

/** A new errand of a new user and a new agent, who may both see what is listed. */
async function open(ids: readonly string[], more: Partial<Task> = {}): Promise<void> {
  const { store, clock } = point.world
  const n = ++number
  errand = { user: `u${n}`, agent: `a${n}`, task: `t${n}` }
  await store.agents.insert(agentOf(errand.agent))
  for (const kind of ['user', 'agent', 'task'] as const) await store.epochs.ensure(TENANT, kind, errand[kind])
  await store.tasks.insert({
    tenant: TENANT,
    id: errand.task,
    version: 1,
    agent: errand.agent,
    user: errand.user,
    intent: null,
    intentDigest: null,
    implicit: false,
    details: { type: 'safeconduct_task' },
    status: 'active',
    createdAt: clock.now(),
    expiresAt: clock.now() + 3_600_000,
    ...more,
  })
  await put(ids.flatMap((id) => [viewer(`user:${errand.user}`, id), viewer(`agent:${errand.agent}`, id)]))
}

const seen = () => documents.filterDocuments({ ...errand, ids: DOCUMENTS })
async function all(): Promise<string[]> {
  const found: string[] = []
  for await (const id of documents.authorizedIds(errand)) found.push(id.slice('document:'.length))
  return found.sort()
}

before(async () => {
  point = await createDecisionPoint()
  const { relations, origin } = point.world
  const { id } = await relations.create(TENANT, 'documents', 'owner')
  await relations.writeModel(TENANT, id, { dsl: MODEL }, 'owner')
  secret = (await point.register('retrieval', { scopes: ['documents'] })).secret
  documents = createDocuments({ issuer: origin, secret })
})
after(() => point.close())
beforeEach(() => open(['d01', 'd02', 'd03']))

describe('documents of an errand over HTTP', () => {
  it('are those of the user and of the agent, in the order given', async () => {
    assert.deepEqual(
      await documents.filterDocuments({ ...errand, ids: ['d03', 'd09', 'd01', 'document:d02'] }),
      ['d03', 'd01', 'document:d02'],
    )
    await put([viewer(`user:${errand.user}`, 'd10'), viewer(`agent:${errand.agent}`, 'd11')])
    assert.deepEqual(await seen(), ['d01', 'd02', 'd03'], 'one of the two is not enough')
    await put([viewer('agent:*', 'd10')])
    assert.deepEqual(await all(), ['d01', 'd02', 'd03', 'd10'])
    await put([], [viewer('agent:*', 'd10'), viewer(`agent:${errand.agent}`, 'd02')])
    assert.deepEqual(await seen(), ['d01', 'd03'], 'what is taken back is gone at the next question')
  })

  it('are none once any link was revoked', async () => {
    const { admin, clock } = point.world
    for (const kind of ['agent', 'user', 'task'] as const) {
      await open(['d01'])
      assert.deepEqual(await seen(), ['d01'])
      await admin.revoke({ tenant: TENANT, kind, id: errand[kind], by: 'owner' })
      assert.deepEqual([await seen(), await all()], [[], []], kind)
    }
    await open(['d01'])
    clock.advance(3_600_000)
    assert.deepEqual(await seen(), [])
  })

  it("are none for somebody else's errand, or one that nobody knows", async () => {
    const mine = errand
    await open(['d01', 'd04'])
    for (const wrong of [
      { ...errand, user: mine.user },
      { ...errand, agent: mine.agent },
      { ...errand, task: mine.task },
      { ...errand, task: 'unknown' },
      { ...errand, user: null },
    ])
      assert.deepEqual(await documents.filterDocuments({ ...wrong, ids: DOCUMENTS }), [])
  })

  it('are narrowed by every agent on the way, and by each link', async () => {
    const { store, clock, admin } = point.world
    const sub = `${errand.agent}-sub`
    await store.agents.insert(agentOf(sub))
    const link = (id: string, from: string, to: string, parent: string | null): Delegation => ({
      tenant: TENANT,
      id,
      version: 1,
      task: errand.task,
      from,
      to,
      parent,
      depth: parent === null ? 0 : 1,
      details: { type: 'safeconduct_task' },
      createdAt: clock.now(),
      expiresAt: clock.now() + 1_000_000,
    })
    const first = `${errand.task}-1`
    await store.delegations.insert(link(first, errand.user, errand.agent, null))
    await store.delegations.insert(link(`${errand.task}-2`, errand.agent, sub, first))
    for (const id of [first, `${errand.task}-2`]) await store.epochs.ensure(TENANT, 'delegation', id)
    const below = { ...errand, agent: sub, ids: DOCUMENTS }
    assert.deepEqual(await documents.filterDocuments(below), [])
    await put([
      viewer(`agent:${sub}`, 'd01'),
      viewer(`agent:${sub}`, 'd05'),
      viewer(`user:${errand.user}`, 'd05'),
    ])
    assert.deepEqual(await documents.filterDocuments(below), ['d01'], 'never more than the agent above')
    await admin.revoke({ tenant: TENANT, kind: 'delegation', id: first, by: 'owner' })
    assert.deepEqual([await documents.filterDocuments(below), await seen()], [[], []])
  })

  it('are limited to the resources of the task', async () => {
    await open(['d01', 'd02'], { details: { type: 'safeconduct_task', resources: ['document:d02'] } })
    assert.deepEqual([await seen(), await all()], [['d02'], ['d02']])
  })

  it('fill the best k of a search, however many hits are closed', async () => {
    const permitted = ['d41', 'd42', 'd58']
    await open(permitted)
    let asked = 0
    const search = (count: number) => {
      asked++
      return DOCUMENTS.slice(0, count).map((id, rank) => ({ id, rank }))
    }
    const top = (k: number) => documents.topHits({ ...errand, k, search, idOf: ({ id }) => id })
    assert.deepEqual(
      (await top(2)).map(({ id }) => id),
      ['d41', 'd42'],
    )
    assert.ok(asked > 1, 'the first hits were not enough')
    assert.deepEqual(
      (await top(10)).map(({ id }) => id),
      permitted,
      'all there are, when there are fewer',
    )
    await put([], [viewer(`user:${errand.user}`, 'd41')])
    assert.deepEqual(
      (await top(2)).map(({ id }) => id),
      ['d42', 'd58'],
    )
  })

  it('come in pages without an end', async () => {
    const many = Array.from({ length: 2300 }, (_, i) => `m${i}`)
    await put(many.flatMap((id) => [viewer(`user:${errand.user}`, id), viewer('agent:*', id)]))
    const expected = [...many, 'd01', 'd02', 'd03'].sort()
    assert.deepEqual(await all(), expected)
    assert.deepEqual((await documents.filterDocuments({ ...errand, ids: expected })).length, 2303)
  })

  it('are told to enforcement points with the scope only', async () => {
    const refusal = (key: string) =>
      createDocuments({ issuer: point.world.origin, secret: key })
        .filterDocuments({ ...errand, ids: ['d01'] })
        .then(String, (error) => (error instanceof DocumentsError ? error.error : String(error)))
    const other = await point.register('other', { scopes: ['evaluate', 'relations:read'] })
    assert.equal(await refusal(other.secret), 'insufficient_scope')
    assert.equal(await refusal('sce_unknown'), 'invalid_token')
    const body = { ...errand, ids: ['d01'] }
    const asked = await point.world.ask('anonymous', 'POST', '/api/v1/documents/filter', { body })
    assert.equal(asked.status, 401)
    assert.deepEqual(
      (await point.world.ask('local', 'POST', '/api/v1/documents/filter', { body })).json.ids,
      ['d01'],
    )
  })

  it('of a type or relation that the model does not know are an error, not nothing', async () => {
    for (const wrong of [{ relation: 'reader' }, { type: 'paper' }])
      await assert.rejects(documents.filterDocuments({ ...errand, ...wrong, ids: ['d01'] }), {
        error: 'invalid_params',
      })
    await assert.rejects(documents.filterDocuments({ ...errand, space: 'unknown', ids: ['d01'] }), {
      error: 'not_found',
    })
  })
})
