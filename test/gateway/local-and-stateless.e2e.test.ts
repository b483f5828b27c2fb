/**
 * @module Two more ways in and out: the control socket, where the host says who calls, and an upstream that speaks the
 * stateless revision (the fixture of the conformance run, made with the published server library).
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { JsonObject } from '@safeconduct/protocol'
import { type FakeDecider, fakeDecider } from '../../packages/gateway/src/testing/fake-decider.ts'
import {
  answerOf,
  createWorld,
  httpServer,
  identity,
  listen,
  stop,
  upstream,
  type World,
} from '../../packages/gateway/src/testing/world.ts'
import { startFixtureServer } from '../conformance/fixture-server.ts'
import { bodyOf, ENVELOPE, json, sessionUpstream, stateless, TOOL } from './raw.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

describe('the control socket', () => {
  async function scene() {
    const plain = await upstream(
      sessionUpstream((message, _request, response) =>
        json(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }),
      ),
    )
    const decider = fakeDecider()
    const world = await createWorld({ decider, servers: [httpServer('market', plain.url)] })
    const socket = createServer((request, response) => {
      void world.gateway.local(request, response, identity({ agent: 'local-agent' }))
    })
    const origin = await listen(socket)
    cleanups.push(plain.close, world.close, () => stop(socket))
    const post = (path: string, message: unknown, headers: Record<string, string> = {}) =>
      fetch(`${origin}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(message),
      })
    const initialize = {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'host', version: '1' } },
    }
    const hello = await post('/mcp/market', initialize)
    const session = { 'mcp-session-id': hello.headers.get('mcp-session-id') ?? '' }
    return { decider, post, session }
  }
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'work' } }

  it('goes the same way, without a token, known as local', async () => {
    const { decider, post, session } = await scene()
    const answer = await answerOf(await post('/mcp/market', call, session))
    assert.ok(answer.result !== undefined)
    const request = decider.prepared[0]
    assert.equal(request?.grant.agent, 'local-agent')
    assert.deepEqual(
      [request?.proof.kind, request?.context.channel, request?.context.ip],
      ['local', 'stdio', null],
    )
  })

  it('knows no challenges: what would be one is something the model can read', async () => {
    const { decider, post, session } = await scene()
    for (const verdict of [
      { outcome: 'deny', code: 'revoked' },
      { outcome: 'step_up' },
      { outcome: 'deny', code: 'insufficient_scope' },
    ] as const) {
      decider.script = () => verdict
      const response = await post('/mcp/market', call, session)
      assert.deepEqual([response.status, response.headers.get('www-authenticate')], [200, null])
      assert.equal(((await answerOf(response)).result as JsonObject).isError, true)
    }
  })

  it('says what is wrong in JSON-RPC', async () => {
    const { post, session } = await scene()
    const codeOf = async (response: Promise<Response>) =>
      (((await answerOf(await response)).error as JsonObject).data as JsonObject).code
    assert.equal(await codeOf(post('/mcp/nothing', call)), 'not_found')
    assert.equal(await codeOf(post('/elsewhere', call)), 'not_found')
    assert.equal(await codeOf(post('/mcp/market', [call], session)), 'invalid_request')
    assert.equal(await codeOf(post('/mcp/market', call, { 'mcp-session-id': 'other' })), 'not_found')
  })
})

describe('an upstream of the stateless revision', () => {
  async function scene(): Promise<{ world: World; decider: FakeDecider }> {
    const fixture = await startFixtureServer()
    const decider = fakeDecider()
    const world = await createWorld({ decider, servers: [httpServer('fixture', fixture.url)] })
    cleanups.push(fixture.close, world.close)
    return { world, decider }
  }

  const ELICITS = {
    ...ENVELOPE,
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} }, sampling: {} },
  }
  const resultOf = async (response: Response) => (await answerOf(response)).result as JsonObject

  it('serves the published client, questions and all', async () => {
    const { world, decider } = await scene()
    const client = new Client(
      { name: 'new', version: '1' },
      { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: 'auto' } },
    )
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: 'Ada' } }))
    cleanups.push(() => client.close())
    const requestInit = { headers: world.bearer('fixture') }
    await client.connect(new StreamableHTTPClientTransport(new URL(world.url('fixture')), { requestInit }))
    assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28')
    const result = await client.callTool({ name: 'test_input_required_result_elicitation', arguments: {} })
    assert.match(JSON.stringify(result), /Ada/)
    assert.deepEqual(
      decider.prepared.map(({ operation }) => operation.method),
      ['tools/call', 'tools/call', 'elicitation/create'],
    )
    assert.equal(world.gateway.status().servers[0]?.era, 'stateless')
  })

  it('sees its own state again, and nobody else can bring it', async () => {
    const { world } = await scene()
    const ask = { name: 'test_input_required_result_request_state', arguments: {}, _meta: ELICITS }
    const first = await resultOf(await stateless(world, 'fixture', 'tools/call', ask))
    assert.equal(first.resultType, 'input_required')
    const { requestState } = first
    assert.ok(typeof requestState === 'string')
    const [key = ''] = Object.keys(first.inputRequests as JsonObject)
    const retry = {
      ...ask,
      requestState,
      inputResponses: { [key]: { action: 'accept', content: { ok: true } } },
    }

    const stranger = await stateless(
      world,
      'fixture',
      'tools/call',
      retry,
      world.bearer('fixture', { sub: 'user-2' }),
    )
    assert.equal(((await answerOf(stranger)).error as JsonObject).code, -32602)
    const other = { ...retry, arguments: { other: true } }
    assert.equal(
      ((await answerOf(await stateless(world, 'fixture', 'tools/call', other))).error as JsonObject).code,
      -32602,
    )

    const second = await resultOf(await stateless(world, 'fixture', 'tools/call', retry))
    assert.equal(second.resultType, 'complete')
    const replayed = await answerOf(await stateless(world, 'fixture', 'tools/call', retry))
    assert.equal((replayed.error as JsonObject).code, -32602)
  })

  it('gets no answer to what it did not ask', async () => {
    const { world, decider } = await scene()
    const ask = { name: 'test_input_required_result_request_state', arguments: {}, _meta: ELICITS }
    const first = await resultOf(await stateless(world, 'fixture', 'tools/call', ask))
    assert.equal(first.resultType, 'input_required')
    const { requestState = null } = first
    const other = { ...ask, requestState, inputResponses: { another: { action: 'accept' } } }
    await stateless(world, 'fixture', 'tools/call', other)
    assert.deepEqual(
      decider.prepared.map(({ operation }) => operation.method),
      ['tools/call', 'tools/call'],
      'no answer was passed on, so none is recorded',
    )
    const unasked = { ...ask, inputResponses: { early: { action: 'accept', content: { ok: 'Ada' } } } }
    await stateless(world, 'fixture', 'tools/call', unasked)
    const record = decider.prepared.at(-1)
    assert.equal(record?.operation.method, 'inputResponses', 'a server that keeps nothing judges by itself')
    assert.equal(record?.operation.args.call, decider.prepared.at(-2)?.id)
    assert.doesNotMatch(JSON.stringify(record), /Ada/)
  })

  it('gets unasked answers that waited for a person recorded, too', async () => {
    const { world, decider } = await scene()
    const capabilities = { elicitation: { form: {}, url: {} } }
    const _meta = { ...ENVELOPE, 'io.modelcontextprotocol/clientCapabilities': capabilities }
    const ask = { name: 'test_input_required_result_request_state', arguments: {}, _meta }
    const early = { early: { action: 'accept', content: { ok: 'Ada' } } }
    decider.script = ({ operation }) =>
      operation.kind === 'tool'
        ? { outcome: 'approval', code: 'approval_required', approval: 'ap-1' }
        : { outcome: 'allow' }
    const waits = await resultOf(
      await stateless(world, 'fixture', 'tools/call', { ...ask, inputResponses: early }),
    )
    assert.equal(waits.resultType, 'input_required')
    assert.ok(typeof waits.requestState === 'string')
    decider.script = () => ({ outcome: 'allow' })
    const back = { safeconduct_approval: { action: 'accept' } }
    const retry = { ...ask, requestState: waits.requestState, inputResponses: back }
    await stateless(world, 'fixture', 'tools/call', retry)
    assert.deepEqual(
      decider.prepared.map(({ operation }) => operation.method),
      ['tools/call', 'tools/call', 'inputResponses'],
    )
    assert.equal(decider.prepared.at(-1)?.operation.args.call, decider.prepared.at(-2)?.id)
  })

  it('gets few answers a request, or none', async () => {
    const { world, decider } = await scene()
    const ask = { name: 'test_input_required_result_request_state', arguments: {}, _meta: ELICITS }
    const given = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, at]))
    const many = await stateless(world, 'fixture', 'tools/call', { ...ask, inputResponses: given(17) })
    assert.equal(((await answerOf(many)).error as JsonObject).code, -32602)
    assert.equal(decider.prepared.length, 0, 'nothing was decided')
    await stateless(world, 'fixture', 'tools/call', { ...ask, inputResponses: given(16) })
    assert.equal(decider.prepared.length, 17)
  })

  it('is not answered by a client where that would need a person', async () => {
    const { world, decider } = await scene()
    const ask = { name: 'test_input_required_result_request_state', arguments: {}, _meta: ELICITS }
    decider.script = ({ operation }) =>
      operation.kind === 'tool' ? { outcome: 'allow' } : { outcome: 'approval', approval: 'ap-1' }
    const early = { early: { action: 'accept' } }
    const refused = await stateless(world, 'fixture', 'tools/call', { ...ask, inputResponses: early })
    assert.ok((await answerOf(refused)).error)
    assert.deepEqual(
      decider.prepared.map(({ operation }) => operation.kind),
      ['tool'],
      'no approval is opened that could never be used',
    )
  })

  it('may ask few questions with one answer', async () => {
    const decider = fakeDecider()
    const asks = async (count: number) => {
      const questions = Array.from({ length: count }, (_, at): [string, JsonObject] => [
        `q${at}`,
        { method: 'elicitation/create', params: { mode: 'form', message: '?', requestedSchema: {} } },
      ])
      const plain = await upstream(async (request, response) => {
        const { id, method } = await bodyOf(request)
        const result =
          method === 'server/discover'
            ? { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, serverInfo: {} }
            : method === 'tools/list'
              ? { resultType: 'complete', tools: [TOOL] }
              : { resultType: 'input_required', inputRequests: Object.fromEntries(questions) }
        json(response, { jsonrpc: '2.0', id, result })
      })
      const world = await createWorld({ decider, servers: [httpServer('asking', plain.url)] })
      cleanups.push(plain.close, world.close)
      return answerOf(await stateless(world, 'asking', 'tools/call', { name: 'work', _meta: ELICITS }))
    }
    assert.equal(((await asks(16)).result as JsonObject).resultType, 'input_required')
    assert.equal(((await asks(17)).error as JsonObject).code, -32060)
  })

  it('gets no sampling out of a client, also not inside a result', async () => {
    const { world } = await scene()
    const ask = { name: 'test_input_required_result_sampling', arguments: {}, _meta: ELICITS }
    const answer = await answerOf(await stateless(world, 'fixture', 'tools/call', ask))
    assert.ok(
      answer.error !== undefined || (answer.result as JsonObject).resultType !== 'input_required',
      JSON.stringify(answer),
    )
  })

  it('has arguments repeated in headers compared here', async () => {
    const { world, decider } = await scene()
    const listed = await resultOf(await stateless(world, 'fixture', 'tools/list'))
    const tool = (listed.tools as JsonObject[]).find(({ name }) => name === 'test_custom_headers')
    assert.match(JSON.stringify(tool), /x-mcp-header/)
    const params = {
      name: 'test_custom_headers',
      arguments: { region: 'eu', priority: 'high', message: 'x' },
    }
    const before = decider.prepared.length
    const answer = await stateless(world, 'fixture', 'tools/call', params, { 'mcp-param-region': 'us' })
    assert.equal(answer.status, 400)
    assert.equal(((await answerOf(answer)).error as JsonObject).code, -32020)
    assert.equal(decider.prepared.length, before)
  })

  it('keeps the statuses the protocol gives to errors', async () => {
    const { world } = await scene()
    const missing = await stateless(world, 'fixture', 'tools/call', {
      name: 'test_missing_capability',
      arguments: {},
    })
    const answer = await answerOf(missing)
    assert.deepEqual([missing.status, (answer.error as JsonObject).code], [400, -32021])
  })

  it('says it serves this revision, whatever else it can do', async () => {
    const { world } = await scene()
    const result = await resultOf(await stateless(world, 'fixture', 'server/discover'))
    assert.deepEqual(result.supportedVersions, ['2026-07-28'])
    assert.ok(!('tasks' in (result.capabilities as JsonObject)))
    assert.equal(result.cacheScope, 'private')
  })
})
