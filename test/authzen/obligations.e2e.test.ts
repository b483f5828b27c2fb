/**
 * Obligations and access requests of policy stores.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isJsonObject, type JsonObject } from '@safeconduct/protocol'
import { type Asking, createDecisionPoint, type DecisionPoint } from './decision-point.ts'

const STORE = {
  schema: `
    entity user;
    entity report;
    action read, list appliesTo { principal: [user], resource: [report] };
    action publish appliesTo { principal: [user], resource: [report], context: { approved: Bool, channel?: String } };`,
  policies: `
    @id("told") @obligation("{\\"type\\":\\"notification\\",\\"properties\\":{\\"to\\":\\"owner\\"}}")
    permit(principal, action == Action::"read", resource);
    @id("plain") permit(principal, action == Action::"list", resource);
    @id("fresh") @obligation("step-up") forbid(principal, action == Action::"list", resource == report::"secret");
    @id("approved") permit(principal, action == Action::"publish", resource) when { context.approved };`,
  entities: [
    { uid: { type: 'user', id: 'ann' } },
    { uid: { type: 'report', id: 'open' } },
    { uid: { type: 'report', id: 'secret' } },
  ],
}

function question(name: string, resource = 'open', context: JsonObject = {}): JsonObject {
  return {
    subject: { type: 'user', id: 'ann' },
    action: { name },
    resource: { type: 'report', id: resource },
    context,
  }
}
const EVALUATION = '/access/v1/evaluation'

describe('obligations', () => {
  let point: DecisionPoint
  let pep: Asking
  let meets: Asking
  before(async () => {
    point = await createDecisionPoint()
    await point.apply('reports', STORE)
    pep = await point.register('plain', { stores: ['reports'] })
    meets = await point.register('meets', { stores: ['reports'], obligations: ['notification'] })
  })
  after(() => point.close())

  it('come with the answer for whoever says that it meets them, and deny for everybody else', async () => {
    const shown = [{ id: 'told', type: 'notification', properties: { to: 'owner' } }]
    const yes = { decision: true, context: { obligations: shown } }
    assert.deepEqual((await meets.post(EVALUATION, question('read'))).json, yes)
    const told = question('read', 'open', { supported_obligations: ['notification', 'custom'] })
    assert.deepEqual((await pep.post(EVALUATION, told)).json, yes)
    for (const context of [
      {},
      { supported_obligations: ['step-up'] },
      { supported_obligations: 'notification' },
    ]) {
      const { json } = await pep.post(EVALUATION, question('read', 'open', context))
      assert.equal(json.decision, false)
      assert.equal(isJsonObject(json.context) && json.context.code, 'obligation_unsupported')
    }
  })

  it('come with a denial, too', async () => {
    const told = question('list', 'secret', { supported_obligations: ['step-up'] })
    const { json } = await pep.post(EVALUATION, told)
    assert.deepEqual(json, {
      decision: false,
      context: { obligations: [{ id: 'fresh', type: 'step-up', properties: {} }] },
    })
  })

  it('leave out of a search what they would deny', async () => {
    const search = async (by: Asking, name: string) => {
      const body = { ...question(name), resource: { type: 'report' } }
      const { json } = await by.post('/access/v1/search/resource', body)
      return Array.isArray(json.results) ? json.results.length : -1
    }
    assert.equal(await search(pep, 'read'), 0)
    assert.equal(await search(meets, 'read'), 2)
    assert.equal(await search(pep, 'list'), 1)
  })

  it('and approvals: a person lets one question through, for whoever asked and as it was asked', async () => {
    const { world } = point
    const body = question('publish', 'open', { channel: 'web' })
    const denied = await pep.post(EVALUATION, body)
    assert.equal(denied.text, (await pep.post(EVALUATION, body)).text, 'the same answer')
    const wanted = isJsonObject(denied.json.context) ? denied.json.context.access_request : null
    assert.ok(isJsonObject(wanted), denied.text)
    const path = new URL(String(wanted.endpoint)).pathname
    assert.equal(path, '/access/v1/stores/reports/requests')
    const submission = { ...body, binding_token: String(wanted.binding_token), justification: 'Quarterly' }
    assert.equal((await meets.post(path, submission)).status, 400, 'another asker')
    const task = await pep.post(path, submission)
    assert.equal(task.json.status, 'pending', task.text)
    const approval = { id: String(task.json.id) }
    const again = (who: Asking, context: JsonObject, name = 'publish') =>
      who.post(EVALUATION, question(name, 'open', { ...context, approval }))
    const waiting = await again(pep, { channel: 'web' })
    assert.equal(isJsonObject(waiting.json.context) && waiting.json.context.next_action, 'retry')

    const { json: asked } = await world.get('owner', `/api/v1/approvals/${approval.id}`)
    // Nobody approves what they were not shown.
    assert.ok(isJsonObject(asked.args))
    assert.deepEqual(asked.args.context, { channel: 'web' })
    await world.post('owner', `/api/v1/approvals/${approval.id}/decide`, {
      approve: true,
      args_digest: asked.argsDigest,
    })
    const handle = new URL(String(task.json.status_endpoint)).pathname
    const done = await pep.get(handle)
    assert.equal(done.json.status, 'approved')
    assert.deepEqual(
      isJsonObject(done.json.result) &&
        isJsonObject(done.json.result.approval) &&
        done.json.result.approval.id,
      approval.id,
    )
    assert.equal((await meets.get(handle)).status, 404)

    assert.equal((await again(pep, { channel: 'web' })).json.decision, true)
    assert.equal((await again(pep, { channel: 'print' })).json.decision, false, 'another question')
    assert.equal((await again(meets, { channel: 'web' })).json.decision, false, 'another asker')
    assert.equal((await pep.post(EVALUATION, body)).json.decision, false, 'without naming it')
    assert.equal(
      (await pep.post(EVALUATION, question('publish', 'open', { channel: 'web', approved: true }))).json
        .decision,
      false,
      'on its own word',
    )
    // The rules decide: they may have changed meanwhile.
    await point.apply('reports', { ...STORE, policies: 'forbid(principal, action, resource);' })
    assert.equal((await again(pep, { channel: 'web' })).json.decision, false)
    await point.apply('reports', STORE)
    world.clock.advance(3_600_000)
    assert.equal((await again(pep, { channel: 'web' })).json.decision, false, 'it lapses')
  })

  it('and refusals: a person says no, and nothing more is to be asked', async () => {
    const { world } = point
    const body = question('publish', 'secret')
    const { json } = await pep.post(EVALUATION, body)
    const wanted =
      isJsonObject(json.context) && isJsonObject(json.context.access_request)
        ? json.context.access_request
        : {}
    const path = '/access/v1/stores/reports/requests'
    const task = await pep.post(path, { ...body, binding_token: String(wanted.binding_token) })
    const id = String(task.json.id)
    const { json: asked } = await world.get('owner', `/api/v1/approvals/${id}`)
    await world.post('owner', `/api/v1/approvals/${id}/decide`, {
      approve: false,
      args_digest: asked.argsDigest,
    })
    const handle = new URL(String(task.json.status_endpoint)).pathname
    assert.equal((await pep.get(handle)).json.status, 'denied')
    const after = await pep.post(EVALUATION, { ...body, context: { approval: { id } } })
    assert.equal(isJsonObject(after.json.context) && after.json.context.next_action, 'none')
    world.clock.advance(7 * 60_000)
    const late = await pep.post(path, { ...body, binding_token: String(wanted.binding_token) })
    assert.equal(late.status, 400, 'a binding lapses')
  })

  it('and floods: one who asks fills neither the place of others nor the store, and what lapsed is over', async () => {
    const { world } = point
    const path = '/access/v1/stores/reports/requests'
    const submit = async (who: Asking, channel: string) => {
      const body = question('publish', 'open', { channel })
      const { json } = await who.post(EVALUATION, body)
      const wanted =
        isJsonObject(json.context) && isJsonObject(json.context.access_request)
          ? json.context.access_request
          : {}
      return who.post(path, { ...body, binding_token: String(wanted.binding_token) })
    }
    const pending = () => world.store.approvals.find('t1', 'status', 'pending', { limit: 1000 })
    world.clock.advance(3_600_000)
    const twice = await Promise.all([submit(pep, 'w0'), submit(pep, 'w0')])
    assert.equal(twice[0].json.id, twice[1].json.id, 'asked twice at once, it is one request')
    const answers = []
    for (let at = 1; at < 12; at++) answers.push((await submit(pep, `w${at}`)).status)
    assert.deepEqual(answers.filter((status) => status === 429).length, 4, answers.join(' '))
    assert.equal((await submit(meets, 'other')).status, 200, 'another one is not in its way')
    assert.equal((await pending()).length, 9)
    world.clock.advance(3_600_000)
    assert.equal((await submit(pep, 'later')).status, 200)
    assert.equal((await pending()).length, 1, 'what nobody answered waits no more')
  })
})
