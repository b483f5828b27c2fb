/**
 * Questions about our agents' calls: the decision of the gateway, taken dry; asking for approval; the MCP binding.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { isJsonObject, type JsonObject } from '@safeconduct/protocol'
import { definition, pinned } from '../../packages/engine/src/testing/world.ts'
import { payment } from '../server/desk.ts'
import { type AgentsPoint, createAgentsPoint, SERVER } from './agents.ts'
import type { Asking } from './decision-point.ts'

const EVALUATION = '/access/v1/evaluation'

/** By the default mapping of the binding. */
function mcp(method: string, params: JsonObject, more: JsonObject = {}): JsonObject {
  const type = method.startsWith('tools/call')
    ? 'tool'
    : method.startsWith('prompts/get')
      ? 'prompt'
      : 'resource'
  return {
    subject: { type: 'identity', id: 'user-1' },
    action: { name: method },
    resource: { type, id: String(params.name ?? params.uri) },
    context: { agent: 'agent-1', mcp: { method, params }, ...more },
  }
}
const call = (name: string, args: JsonObject, more: JsonObject = {}) =>
  mcp('tools/call', { name, arguments: args }, more)
const QUOTE = call('get_quote', { symbol: 'ACME' })
const PAYMENT = { recipient: 'bob@example.com', amount: 50 }

describe('questions about calls of agents', () => {
  let point: AgentsPoint
  let pep: Asking
  before(async () => {
    point = await createAgentsPoint()
    await point.apply('tools', {
      schema: `
        entity identity;
        entity account;
        entity tool;
        action spend appliesTo { principal: [identity], resource: [account], context: { amount?: Long } };`,
      policies: `permit(principal, action == Action::"spend", resource == account::"own") when { context has amount && context.amount < 100 };`,
      entities: [],
    })
    pep = await point.register('front', {
      scopes: ['evaluate', 'search', 'calls'],
      servers: [SERVER],
      stores: ['tools'],
    })
  })
  after(() => point.close())
  // Room for questions comes back with time.
  beforeEach(() => point.world.clock.advance(120_000))

  const asAgent = async (body: JsonObject, path = EVALUATION, token?: string) =>
    point.world.ask('anonymous', 'POST', path, { body, headers: point.asAgent(path, token) })
  const asPep = (body: JsonObject, more: JsonObject = {}) => {
    const context = isJsonObject(body.context) ? body.context : {}
    return pep.post(EVALUATION, {
      ...body,
      context: { ...context, access_token: point.token(), proof_verified: true, ...more },
    })
  }

  it('are answered by the decision of the gateway, to the agent and to whoever stands before the server', async () => {
    const expected = point.world.decider.dry({ ...payment(point.world), id: 'x' })
    assert.equal(expected.outcome, 'approval')
    for (const ask of [asAgent, asPep]) {
      const allowed = await ask(QUOTE)
      assert.deepEqual(allowed.json, { decision: true, context: { enforcement: 'enforce' } }, allowed.text)
      const denied = await ask(call('transfer_money', PAYMENT))
      assert.equal(denied.json.decision, false)
      const context = denied.json.context
      assert.ok(isJsonObject(context))
      assert.equal(context.code, expected.code)
      assert.equal(context.next_action, 'request')
    }
  })

  it('move nothing, and the same question gets the same answer', async () => {
    const { world } = point
    const before = [world.ledger.rows.length, JSON.stringify(world.decider.standing('t1', 'agent-1'))]
    for (const body of [QUOTE, call('transfer_money', PAYMENT), call('no_such_tool', {})]) {
      const answers = new Set<string>()
      for (let time = 0; time < 3; time++) answers.add((await asAgent(body)).text)
      assert.equal(answers.size, 1, [...answers].join('\n'))
    }
    assert.deepEqual(
      [world.ledger.rows.length, JSON.stringify(world.decider.standing('t1', 'agent-1'))],
      before,
    )
    assert.equal((await world.store.approvals.list('t1')).length, 0)
  })

  it('need no arguments to be sent, and say of a list what the grant may', async () => {
    const { context: _context, ...bare } = QUOTE
    assert.equal((await asAgent(bare)).json.decision, true)
    const server = { type: 'mcp_server', id: `${point.world.origin}/mcp/${SERVER}` }
    for (const name of ['tools/list', 'initialize', 'ping', 'notifications/initialized'])
      assert.equal((await asAgent({ ...bare, action: { name }, resource: server })).json.decision, true, name)
    for (const [action, resource] of [
      ['tools/erase', server],
      ['sampling/createMessage', server],
      ['tools/list', { type: 'mcp_server', id: 'https://elsewhere.example/mcp/market' }],
      ['tools/call', server],
    ] as const)
      assert.equal(
        (await asAgent({ ...bare, action: { name: action }, resource })).json.decision,
        false,
        action,
      )
  })

  const FOREIGN: Readonly<Record<string, JsonObject>> = {
    'another subject': { ...QUOTE, subject: { type: 'identity', id: 'user-2' } },
    'another type of subject': { ...QUOTE, subject: { type: 'user', id: 'user-1' } },
    'another tool than the message': { ...QUOTE, resource: { type: 'tool', id: 'transfer_money' } },
    'another action than the message': { ...QUOTE, action: { name: 'prompts/get' } },
    'another server': call(
      'get_quote',
      {},
      { mcp: { server: 'bank', method: 'tools/call', params: { name: 'get_quote' } } },
    ),
    'arguments that are a list': call(
      'get_quote',
      {},
      { mcp: { method: 'tools/call', params: { name: 'get_quote', arguments: [] } } },
    ),
  }
  for (const [name, body] of Object.entries(FOREIGN)) {
    it(`are denied when they name ${name}`, async () => {
      for (const ask of [asAgent, asPep]) {
        const { status, json } = await ask(body)
        assert.equal(status, 200)
        assert.equal(json.decision, false)
      }
    })
  }

  it('are taken of an agent with its own proof only, and about itself only', async () => {
    const { world } = point
    const headers = point.asAgent(EVALUATION)
    const ask = (given: Record<string, string>, path = EVALUATION) =>
      world.ask('anonymous', 'POST', path, { body: QUOTE, headers: given })
    assert.equal((await ask(headers)).status, 200)
    assert.equal((await ask(headers)).json.error, 'invalid_dpop_proof', 'a used proof')
    assert.equal((await ask({ authorization: headers.authorization ?? '' })).json.error, 'invalid_dpop_proof')
    const stale = point.token()
    const proof = point.issuer.proof({
      method: 'POST',
      url: `${world.origin}${EVALUATION}`,
      token: stale,
      extra: { iat: world.clock.now() / 1000 },
    })
    const asked = await ask({ authorization: `DPoP ${stale}`, dpop: proof })
    assert.equal(asked.json.error, 'use_dpop_nonce')
    assert.equal(asked.headers['dpop-nonce'], world.nonce())
    const store = '/access/v1/stores/tools/evaluation'
    assert.equal((await ask(point.asAgent(store), store)).status, 403)
    const unmeant = point.issuer.token('https://elsewhere.example', { iat: 0, exp: 10 })
    assert.equal((await ask({ authorization: `Bearer ${unmeant}` })).json.error, 'invalid_token')
  })

  it('are taken of an enforcement point for its own servers only, with a token that is valid', async () => {
    const elsewhere = await point.register('elsewhere', { servers: ['bank'], stores: ['tools'] })
    const asked = {
      ...QUOTE,
      context: { mcp: { method: 'tools/call', params: { name: 'get_quote' } }, access_token: point.token() },
    }
    assert.equal((await elsewhere.post(EVALUATION, asked)).status, 403)
    const { status, json } = await asPep(QUOTE, { access_token: 'nonsense' })
    assert.deepEqual([status, json.error], [401, 'invalid_token'])
    assert.equal((await asPep(QUOTE, { access_token: point.token({ exp: 1000, iat: 900 }) })).status, 401)
    // Whoever holds the token without the key is trusted less.
    assert.equal((await asPep(QUOTE, { proof_verified: false })).status, 200)
  })

  it('list what an agent may call', async () => {
    const subject = { type: 'identity', id: 'user-1' }
    const search = async (kind: string, body: JsonObject) =>
      (await asAgent(body, `/access/v1/search/${kind}`)).json.results
    assert.deepEqual(
      await search('resource', { subject, action: { name: 'tools/call' }, resource: { type: 'tool' } }),
      [{ type: 'tool', id: 'get_quote' }],
    )
    assert.deepEqual(await search('action', { subject, resource: { type: 'tool', id: 'get_quote' } }), [
      { name: 'tools/call' },
    ])
    const who = { action: { name: 'tools/call' }, resource: { type: 'tool', id: 'get_quote' } }
    assert.deepEqual(await search('subject', { subject: { type: 'identity' }, ...who }), [subject])
    assert.deepEqual(
      await search('resource', {
        ...who,
        subject: { type: 'identity', id: 'user-2' },
        resource: { type: 'tool' },
      }),
      [],
    )
  })

  it('let a tool ask for more by its own mapping, never for less', async () => {
    const { world } = point
    const mapping = (evaluation: JsonObject) => {
      const base = definition('spend', { account: { type: 'string' }, amount: { type: 'integer' } })
      const schema = isJsonObject(base.inputSchema) ? base.inputSchema : {}
      return { ...base, inputSchema: { ...schema, 'x-authzen-mapping': evaluation } }
    }
    const tool = pinned(
      mapping({
        evaluation: {
          subject: { type: 'identity', id: '$token.sub' },
          action: { name: 'spend' },
          resource: { type: 'account', id: '$params.arguments.account' },
          context: { amount: '$params.arguments.amount', note: '$$5', agent: '$token.?client_id' },
        },
      }),
    )
    await world.store.tools.insert(tool)
    world.decider.control({ type: 'tool', tool })
    world.decider.control({
      type: 'policy',
      tenant: 't1',
      version: {
        tenant: 't1',
        id: 'all',
        version: 1,
        agentPolicies: 'permit(principal, action, resource);',
        userPolicies: 'permit(principal, action, resource);',
        digest: 'sha256:all',
        status: 'active',
        createdAt: 0,
        createdBy: 'user-1',
      },
    })
    const server = (await world.store.servers.find('t1', 'name', SERVER))[0]
    assert.ok(server !== undefined)
    world.decider.control({ type: 'server', server: { ...server, standing: 'approved' } })
    const spend = (account: string, amount: number) => call('spend', { account, amount })
    const decided = async (body: JsonObject) => (await asPep(body)).json.decision
    const dry = (account: string) =>
      world.decider.dry({
        ...payment(world),
        operation: {
          server: SERVER,
          method: 'tools/call',
          kind: 'tool',
          name: 'spend',
          args: { account, amount: 5 },
        },
      })
    assert.equal(dry('own').outcome, 'allow', dry('own').why.join(' '))
    assert.equal(await decided(spend('own', 5)), true)
    assert.equal(await decided(spend('own', 500)), false, 'the store denies')
    assert.equal(await decided(spend('other', 5)), false, 'the store denies')
    const mapped = { ...spend('own', 5), action: { name: 'spend' }, resource: { type: 'account', id: 'own' } }
    assert.equal(await decided(mapped), true, 'the mapped question itself')
    assert.equal(await decided({ ...mapped, resource: { type: 'account', id: 'other' } }), false)
    // What it makes a question of another subject is denied.
    const forged = mapping({
      evaluation: { subject: { type: 'identity', id: 'user-2' }, action: { name: 'spend' } },
    })
    await world.store.tools.replace({ ...tool, definition: forged, version: 2 })
    assert.equal(await decided(spend('own', 5)), false)
    world.decider.control({ type: 'server', server })
    const [policy] = await world.store.policies.find('t1', 'status', 'active')
    if (policy !== undefined) world.decider.control({ type: 'policy', tenant: 't1', version: policy })
  })

  it('can be put before a person, whose word counts for this question and asker alone', async () => {
    const { world } = point
    const body = call('transfer_money', PAYMENT)
    const denied = await asAgent(body)
    const { access_request: wanted } = isJsonObject(denied.json.context) ? denied.json.context : {}
    assert.ok(isJsonObject(wanted), denied.text)
    assert.equal(wanted.endpoint, `${world.origin}/access/v1/requests`)
    const path = '/access/v1/requests'
    const binding = { binding_token: String(wanted.binding_token) }

    const other = call('transfer_money', { ...PAYMENT, amount: 51 })
    assert.equal((await asAgent({ ...other, ...binding }, path)).status, 400, 'another question')
    assert.equal((await asAgent({ ...body, binding_token: 'nonsense' }, path)).status, 401)
    const byPep = {
      ...body,
      context: { ...(body.context as JsonObject), access_token: point.token(), proof_verified: true },
    }
    assert.equal((await pep.post(path, { ...byPep, ...binding })).status, 400, 'another asker')

    const submitted = await asAgent({ ...body, ...binding, justification: 'The user "said" so' }, path)
    assert.equal(submitted.status, 200, submitted.text)
    assert.equal(submitted.json.status, 'pending')
    assert.equal((await asAgent({ ...body, ...binding }, path)).json.id, submitted.json.id, 'once')
    const handle = new URL(String(submitted.json.status_endpoint)).pathname
    const status = () => {
      const token = point.token()
      const dpop = point.proof(token, `${world.origin}${handle}`, 'GET')
      return world.ask('anonymous', 'GET', handle, { headers: { authorization: `DPoP ${token}`, dpop } })
    }
    assert.equal((await status()).json.status, 'pending')
    assert.equal((await pep.get(handle)).status, 404, 'for whoever asked')
    const pending = await asAgent(body)
    assert.equal(isJsonObject(pending.json.context) && pending.json.context.next_action, 'retry')

    const { json: approval } = await world.get('owner', `/api/v1/approvals/${submitted.json.id}`)
    assert.deepEqual(approval.args, PAYMENT)
    assert.ok(JSON.stringify(approval.why).includes('Whoever asks says'))
    const decided = await world.post('owner', `/api/v1/approvals/${submitted.json.id}/decide`, {
      approve: true,
      args_digest: approval.argsDigest,
    })
    assert.equal(decided.status, 200, decided.text)
    const approved = await status()
    assert.equal(approved.json.status, 'approved')
    assert.equal(isJsonObject(approved.json.result) && approved.json.result.mode, 'reevaluate')
    assert.equal((await asAgent(body)).json.decision, true)
    assert.equal((await asAgent(other)).json.decision, false)
    const prepared = await world.decider.prepare(payment(world))
    assert.equal(prepared.forward, true, 'the call itself uses it up')
    assert.equal((await asAgent(body)).json.decision, false)
  })
})

describe('an agent that asks without end', () => {
  let point: AgentsPoint
  before(async () => {
    point = await createAgentsPoint()
  })
  after(() => point.close())

  it('is refused with the time after which it may ask again, in batches and searches as well', async () => {
    const post = (path: string, body: JsonObject) =>
      point.world.ask('anonymous', 'POST', path, { body, headers: point.asAgent(path) })
    const denied = call('transfer_money', { recipient: 'eve@example.com', amount: 1_000_000 })
    let asked = 0
    let answer = await post(EVALUATION, denied)
    for (; answer.status === 200 && asked < 200; asked++) answer = await post(EVALUATION, denied)
    assert.ok(asked < 30, `${asked} refusals were told`)
    assert.deepEqual([answer.status, answer.json.error], [429, 'rate_limited'])
    assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/)
    const batch = await post('/access/v1/evaluations', { ...QUOTE, evaluations: [{}] })
    assert.equal(batch.status, 429)
    const { subject, action } = QUOTE
    const found = await post('/access/v1/search/resource', {
      subject,
      action,
      resource: { type: 'tool' },
    } as JsonObject)
    assert.equal(found.status, 429)
    point.world.clock.advance(20_000)
    assert.equal((await post(EVALUATION, QUOTE)).status, 200)
  })
})

describe('an agent that asks a person about what was not denied', () => {
  let point: AgentsPoint
  before(async () => {
    point = await createAgentsPoint()
  })
  after(() => point.close())

  it('pays for an error as for a refusal', async () => {
    const path = '/access/v1/requests'
    const body = { ...call('transfer_money', { recipient: 'eve@example.com' }), binding_token: 'none' }
    const ask = () => point.world.ask('anonymous', 'POST', path, { body, headers: point.asAgent(path) })
    let asked = 0
    let answer = await ask()
    assert.ok(answer.status >= 400, answer.text)
    assert.notEqual(answer.json.error, 'invalid_request')
    for (; answer.status !== 429 && asked < 200; asked++) answer = await ask()
    assert.ok(asked < 30, `${asked} errors were told`)
  })
})
