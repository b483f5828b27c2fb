/**
 * @module What the published clients make of the gateway's answers: DPoP with its nonce, questions of servers, approvals,
 * refusals.
 */
import assert from 'node:assert/strict'
import path from 'node:path'
import { afterEach, describe, it } from 'node:test'
import {
  type ClientOptions,
  DpopSession,
  Client as NewClient,
  StreamableHTTPClientTransport as NewTransport,
  withDpop,
} from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  ElicitRequestSchema,
  ListRootsRequestSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js'
import { type FakeDecider, fakeDecider } from '../../packages/gateway/src/testing/fake-decider.ts'
import {
  createWorld,
  httpServer,
  stdioServer,
  upstream,
  type World,
} from '../../packages/gateway/src/testing/world.ts'
import { json, sessionUpstream } from './raw.ts'

const root = path.resolve(import.meta.dirname, '../..')
const everything = path.join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js')

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function scene(settings: { samplingServers?: string[]; approvalWait?: number } = {}) {
  const decider = fakeDecider()
  const plain = await upstream(
    sessionUpstream((message, _request, response) =>
      json(response, {
        jsonrpc: '2.0',
        id: message.id,
        result: { content: [{ type: 'text', text: 'paid' }] },
      }),
    ),
  )
  const world = await createWorld({
    decider,
    settings,
    servers: [stdioServer('everything', [process.execPath, everything]), httpServer('bank', plain.url)],
  })
  cleanups.push(plain.close, world.close)
  return { decider, world }
}

async function newClient(world: World, server: string, capabilities: ClientOptions['capabilities'] = {}) {
  const client = new NewClient(
    { name: 'new', version: '1' },
    { capabilities, versionNegotiation: { mode: 'auto' } },
  )
  const connect = () =>
    client.connect(
      new NewTransport(new URL(world.url(server)), { requestInit: { headers: world.bearer(server) } }),
    )
  cleanups.push(() => client.close())
  return { client, connect }
}

function oldClient(
  world: World,
  server: string,
  capabilities: ConstructorParameters<typeof OldClient>[1] = {},
) {
  const client = new OldClient({ name: 'old', version: '1' }, capabilities)
  const connect = () =>
    client.connect(
      new OldTransport(new URL(world.url(server)), { requestInit: { headers: world.bearer(server) } }),
    )
  cleanups.push(() => client.close())
  return { client, connect }
}

describe('DPoP with the published client', () => {
  it('learns the nonce, proves every request anew, and is seen as proven', async () => {
    const { world, decider } = await scene()
    const session = await DpopSession.create({ alg: 'ES256' })
    const token = world.issuer.token(world.url('bank'), { cnf: { jkt: session.thumbprint } })
    const challenges: string[] = []
    const watching: typeof fetch = async (input, init) => {
      const response = await fetch(input, init)
      if (response.status === 401) challenges.push(response.headers.get('www-authenticate') ?? '')
      return response
    }
    const client = new NewClient({ name: 'dpop', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    cleanups.push(() => client.close())
    const proving = withDpop(session, () => token)(watching)
    await client.connect(new NewTransport(new URL(world.url('bank')), { fetch: proving }))
    await client.callTool({ name: 'work', arguments: {} })
    assert.equal(challenges.length, 1)
    assert.match(challenges[0] ?? '', /^DPoP error="use_dpop_nonce"/)
    assert.equal(decider.prepared.at(-1)?.proof.kind, 'dpop')
    assert.equal(decider.prepared.at(-1)?.grant.jkt, session.thumbprint)
  })

  it('with the key of another agent gets nowhere', async () => {
    const { world } = await scene()
    const thief = await DpopSession.create({ alg: 'ES256' })
    const token = world.issuer.token(world.url('bank'), { cnf: { jkt: world.issuer.agentJkt } })
    const client = new NewClient({ name: 'thief', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    const proving = withDpop(thief, () => token)(fetch)
    await assert.rejects(client.connect(new NewTransport(new URL(world.url('bank')), { fetch: proving })))
  })
})

describe('questions of a server', () => {
  const content = { name: 'Ada', firstName: 'Ada', check: true }

  it('reach a session client and its answer goes back, recorded by its digest with the call', async () => {
    const { world, decider } = await scene()
    const { client, connect } = oldClient(world, 'everything', {
      capabilities: { elicitation: {}, roots: {} },
    })
    let asked = 0
    client.setRequestHandler(ElicitRequestSchema, () => {
      asked += 1
      return { action: 'accept', content }
    })
    client.setRequestHandler(ListRootsRequestSchema, () => ({
      roots: [{ uri: 'file:///project', name: 'work' }],
    }))
    await connect()
    const result = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} })
    assert.match(JSON.stringify(result), /Ada/)
    assert.equal(asked, 1)
    assert.match(
      JSON.stringify(await client.callTool({ name: 'get-roots-list', arguments: {} })),
      /file:\/\/\/project/,
    )
    const answers = decider.prepared.filter(({ operation }) => operation.method === 'elicitation/create')
    const call = decider.prepared.find(({ operation }) => operation.name === 'trigger-elicitation-request')
    assert.deepEqual(
      answers.map(({ operation: { kind, args } }) => [kind, args.call, Object.keys(args).sort()]),
      [['session', call?.id, ['answer', 'call', 'question']]],
    )
    assert.match(String(answers[0]?.operation.args.answer), /^sha256:[0-9a-f]{64}$/)
    assert.doesNotMatch(JSON.stringify(decider.prepared), /Ada/)
    assert.ok(decider.settled.some(({ id }) => id === answers[0]?.id))
  })

  it('reach nobody when the answer is refused', async () => {
    const { world, decider } = await scene()
    const { client, connect } = oldClient(world, 'everything', { capabilities: { elicitation: {} } })
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content }))
    client.onerror = () => undefined
    await connect()
    decider.script = ({ operation }) =>
      operation.method === 'elicitation/create' ? { outcome: 'deny', code: 'denied' } : { outcome: 'allow' }
    const result = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} }).catch(String)
    assert.doesNotMatch(JSON.stringify(result), /Ada/)
  })

  it('become input_required for a stateless client, each round a decision of its own', async () => {
    const { world, decider } = await scene()
    const { client, connect } = await newClient(world, 'everything', { elicitation: { form: {} } })
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content }))
    await connect()
    assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28')
    const result = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} })
    assert.match(JSON.stringify(result), /Ada/)
    assert.deepEqual(
      decider.prepared.map(({ operation }) => operation.name),
      ['trigger-elicitation-request', 'trigger-elicitation-request', null],
    )
    assert.deepEqual(
      decider.settled.map(({ result: { status } }) => status),
      ['ok', 'ok', 'ok'],
    )
    const [, again, answer] = decider.prepared
    assert.equal(answer?.operation.args.call, again?.id, 'the answer is recorded with its call')
    assert.equal(world.gateway.status().suspended, 0)
  })

  it('about sampling are answered by us, unless the owner switched it on', async () => {
    const { world } = await scene()
    const { client, connect } = oldClient(world, 'everything', {
      capabilities: { sampling: {}, elicitation: {} },
    })
    await connect()
    const { tools } = await client.listTools()
    assert.ok(tools.every(({ name }) => name !== 'trigger-sampling-request'))
    assert.ok(tools.some(({ name }) => name === 'trigger-elicitation-request'))
  })
})

describe('approval', () => {
  const asking = {
    outcome: 'approval',
    code: 'approval_required',
    approval: 'ap-1',
    remedy: 'A person has to approve.',
  } as const

  it('is a page to open for a session client that can', async () => {
    const { world, decider } = await scene()
    decider.script = ({ operation }) => (operation.kind === 'tool' ? asking : { outcome: 'allow' })
    const { client, connect } = oldClient(world, 'bank', { capabilities: { elicitation: { url: {} } } })
    await connect()
    await assert.rejects(client.callTool({ name: 'work', arguments: {} }), (error) => {
      assert.ok(error instanceof UrlElicitationRequiredError)
      assert.deepEqual(
        error.elicitations.map(({ url, elicitationId }) => ({ url, elicitationId })),
        [{ url: `${world.origin}/approvals/ap-1`, elicitationId: 'ap-1' }],
      )
      return true
    })
    decider.script = () => ({ outcome: 'allow' })
    assert.match(JSON.stringify(await client.callTool({ name: 'work', arguments: {} })), /paid/)
  })

  it('is text for a client that cannot', async () => {
    const { world, decider } = await scene()
    decider.script = ({ operation }) => (operation.kind === 'tool' ? asking : { outcome: 'allow' })
    const { client, connect } = oldClient(world, 'bank')
    await connect()
    const result = JSON.stringify(await client.callTool({ name: 'work', arguments: {} }))
    assert.match(result, /"isError":true/)
    assert.match(result, /approvals\/ap-1/)
  })

  it('carries a stateless client through: it opens the page, waits, and gets its result in one call', async () => {
    const { world, decider } = await scene({ approvalWait: 5_000 })
    let approved = false
    decider.script = ({ operation }) =>
      operation.kind === 'tool' && !approved ? asking : { outcome: 'allow' }
    const opened: string[] = []
    const { client, connect } = await newClient(world, 'bank', { elicitation: { url: {} } })
    client.setRequestHandler('elicitation/create', ({ params }) => {
      opened.push('url' in params ? String(params.url) : '')
      approved = true
      return { action: 'accept' }
    })
    await connect()
    const result = await client.callTool({ name: 'work', arguments: { amount: 5 } })
    assert.match(JSON.stringify(result), /paid/)
    assert.deepEqual(opened, [`${world.origin}/approvals/ap-1`])
    assert.equal(decider.settled.length, 1)
  })

  it('that the person declines is not asked again by the same means', async () => {
    const { world, decider } = await scene()
    decider.script = ({ operation }) => (operation.kind === 'tool' ? asking : { outcome: 'allow' })
    let asked = 0
    const { client, connect } = await newClient(world, 'bank', { elicitation: { url: {} } })
    client.setRequestHandler('elicitation/create', () => {
      asked += 1
      return { action: 'decline' }
    })
    await connect()
    const result = JSON.stringify(await client.callTool({ name: 'work', arguments: {} }))
    assert.match(result, /"isError":true/)
    assert.equal(asked, 1)
  })
})

describe('doubt about the credential', () => {
  it('is a challenge that asks for a fresh authentication', async () => {
    const { world, decider } = await scene()
    decider.script = ({ operation }: Parameters<FakeDecider['script']>[0]) =>
      operation.kind === 'tool' && operation.method === 'tools/call'
        ? { outcome: 'step_up' }
        : { outcome: 'allow' }
    const { client, connect } = oldClient(world, 'bank')
    await connect()
    await assert.rejects(client.callTool({ name: 'work', arguments: {} }))
    const raw = await world.post(
      'bank',
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: 'work',
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      },
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'work' },
    )
    assert.equal(raw.status, 401)
    assert.match(
      raw.headers.get('www-authenticate') ?? '',
      /error="insufficient_user_authentication".*max_age="0"/,
    )
  })
})
