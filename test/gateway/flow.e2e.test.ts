/**
 * @module The flow of a call and the life of sessions and streams: what is forwarded, in which order things happen, and
 * how calls end that do not end well.
 */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import { type JsonObject, SafeconductError } from '@safeconduct/protocol'
import { type FakeDecider, fakeDecider } from '../../packages/gateway/src/testing/fake-decider.ts'
import {
  answerOf,
  createWorld,
  httpServer,
  messagesOf,
  upstream,
  type World,
  type WorldOptions,
} from '../../packages/gateway/src/testing/world.ts'
import { json, openSession, sessionUpstream, stateless, TOOL, until } from './raw.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Scene {
  readonly world: World
  readonly decider: FakeDecider
  readonly received: { readonly message: JsonObject; readonly headers: IncomingMessage['headers'] }[]
}

type Answer = (response: ServerResponse, message: JsonObject, request: IncomingMessage) => void

/** A stream that ends too early must not be read for ever. */
async function more(reader: ReadableStreamDefaultReader<string> | undefined): Promise<string> {
  const { value, done: ended } = (await reader?.read()) ?? { value: '', done: true }
  assert.equal(ended, false, 'the stream ended')
  return value ?? ''
}

const done: Answer = (response, { id }) => json(response, { jsonrpc: '2.0', id, result: { content: [] } })

async function scene(
  answer: Answer,
  settings: WorldOptions['settings'] = {},
  more: Parameters<typeof sessionUpstream>[1] = () => false,
): Promise<Scene> {
  const received: Scene['received'] = []
  const server = await upstream(
    sessionUpstream(
      (message, request, response) => answer(response, message, request),
      (message, request, response) => {
        received.push({ message, headers: request.headers })
        return more(message, request, response)
      },
    ),
  )
  const decider = fakeDecider()
  const world = await createWorld({
    decider,
    servers: [httpServer('market', server.url)],
    settings,
    credentials: { headers: async () => ({ authorization: 'Bearer upstream-secret' }) },
  })
  cleanups.push(server.close, world.close)
  return { world, decider, received }
}

const codeOf = (answer: JsonObject) => ((answer.error as JsonObject).data as JsonObject).code

describe('what goes upstream', () => {
  it('is the decided value, written anew, with injected credentials and none of the client’s headers', async () => {
    const { world, decider, received } = await scene(done)
    decider.script = () => ({ outcome: 'allow', args: { to: 'ada', amount: 5 } })
    const session = await openSession(world, 'market')
    await session.send(
      '{ "id": 7, "jsonrpc": "2.0", "x": "dropped",  "method": "tools/call", "params": {"name": "work", "arguments": {"amount": 500, "to": "eve"}, "_meta": {"a": 1, "progressToken": "mine"}, "later": true} }',
      {
        cookie: 'a=b',
        'x-forwarded-for': '1.2.3.4',
        dpop: 'x',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
    )
    const call = received.find(({ message }) => message.method === 'tools/call')
    assert.ok(call !== undefined)
    assert.deepEqual(JSON.parse(JSON.stringify(call.message.params)), {
      name: 'work',
      arguments: { to: 'ada', amount: 5 },
      // The gateway's own token: neither the client's, nor anything else that stood beside it.
      _meta: { progressToken: call.message.id },
    })
    assert.ok(!('x' in call.message))
    assert.equal(call.headers.authorization, 'Bearer upstream-secret')
    assert.equal(call.headers.traceparent, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
    for (const name of ['cookie', 'x-forwarded-for', 'dpop', 'origin'])
      assert.equal(call.headers[name], undefined)
    assert.equal(call.headers['mcp-session-id'], 'upstream-session')
    assert.notEqual(session.id, 'upstream-session')
  })

  it('is nothing when the call is refused', async () => {
    const { world, decider, received } = await scene(done)
    const session = await openSession(world, 'market')
    decider.script = () => ({ outcome: 'deny' })
    await session.request('tools/call', { name: 'work' })
    assert.ok(received.every(({ message }) => message.method !== 'tools/call'))
  })

  it('is listed first when it never was, and again after a change', async () => {
    const { world, decider } = await scene(done)
    const session = await openSession(world, 'market')
    await session.request('tools/call', { name: 'work' })
    assert.deepEqual(decider.log.slice(0, 2), ['list tools/list', 'prepare work'])
    await session.request('tools/call', { name: 'work' })
    assert.equal(decider.log.filter((line) => line.startsWith('list')).length, 1)
  })

  it('is told of no capability that is off', async () => {
    const { world, received } = await scene(done)
    await openSession(world, 'market', {
      sampling: {},
      elicitation: {},
      roots: {},
      tasks: {},
      experimental: { x: {} },
    })
    const hello = received.find(({ message }) => message.method === 'initialize')
    const params = hello?.message.params as JsonObject
    assert.deepEqual(JSON.parse(JSON.stringify(params.capabilities)), { elicitation: {}, roots: {} })
  })
})

describe('an observing decision', () => {
  it('lets the call through', async () => {
    const { world, decider } = await scene(done)
    decider.script = () => ({ outcome: 'deny', enforcement: 'observe' })
    const session = await openSession(world, 'market')
    const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.deepEqual((answer.result as JsonObject).content, [])
    assert.deepEqual(decider.log.slice(-2), ['prepare work', 'settle ok'])
  })
})

describe('an obligation that cannot be met', () => {
  it('refuses and settles the intent', async () => {
    const { world, decider, received } = await scene(done)
    decider.script = () => ({
      outcome: 'allow',
      obligations: [{ id: 'o', type: 'watermark', properties: {} }],
    })
    const session = await openSession(world, 'market')
    const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.equal((answer.result as JsonObject).isError, true)
    assert.equal(decider.settled.at(-1)?.result.status, 'failed')
    assert.ok(received.every(({ message }) => message.method !== 'tools/call'))
  })
})

describe('an obligation on the result', () => {
  const mask = (target: string) =>
    ({ outcome: 'allow', obligations: [{ id: 'o', type: 'mask', properties: { target } }] }) as const
  const told =
    (result: JsonObject) =>
    (response: ServerResponse, { id }: JsonObject) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    }

  it('is met before the result is settled and released', async () => {
    const { world, decider } = await scene(told({ content: [{ type: 'text', text: 'ask ann@example.com' }] }))
    decider.script = () => mask('emails')
    const session = await openSession(world, 'market')
    const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
    const text = 'ask ***om'
    assert.deepEqual((answer.result as JsonObject).content, [{ type: 'text', text }])
    assert.deepEqual(decider.settled.at(-1)?.result.text, [text])
  })

  it('withholds a result on which it cannot be met', async () => {
    const { world, decider } = await scene(told({ content: [{ type: 'text', text: 'the IBAN is DE02' }] }))
    decider.script = () => mask('result.iban')
    const session = await openSession(world, 'market')
    const { error, result } = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.equal(result, undefined)
    assert.ok(!JSON.stringify(error).includes('DE02'))
    assert.equal(decider.settled.at(-1)?.result.status, 'failed')
  })
})

describe('the order of things', () => {
  it('passes progress as it comes, and the result once it is settled', async () => {
    const finish: (() => void)[] = []
    const { world, decider } = await scene((response, { id, params }) => {
      const token = ((params as JsonObject)._meta as JsonObject).progressToken
      const progress = {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: token, progress: 1 },
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify(progress)}\n\n`)
      finish.push(() =>
        response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`),
      )
    })
    const session = await openSession(world, 'market')
    const response = await session.request('tools/call', { name: 'work', _meta: { progressToken: 'mine' } })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('notifications/progress')) text += await more(reader)
    assert.match(text, /"progressToken":"mine"/)
    assert.deepEqual(decider.settled, [])
    finish[0]?.()
    while (!text.includes('"result"')) text += await more(reader)
    assert.equal(decider.settled.length, 1)
  })

  it('releases nothing whose outcome could not be recorded', async () => {
    const { world, decider } = await scene((response, { id }) =>
      json(response, { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'the secret' }] } }),
    )
    const session = await openSession(world, 'market')
    decider.settleFails = new SafeconductError('disk_full')
    const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.equal(codeOf(answer), 'disk_full')
    assert.ok(!JSON.stringify(answer).includes('the secret'))
  })

  it('records text, structure, digest and size of what is released', async () => {
    const result = {
      content: [
        { type: 'text', text: 'one' },
        { type: 'resource', resource: { uri: 'a:b', text: 'two' } },
      ],
      structuredContent: { n: 1 },
    }
    const { world, decider } = await scene((response, { id }) =>
      json(response, { jsonrpc: '2.0', id, result }),
    )
    const session = await openSession(world, 'market')
    await session.request('tools/call', { name: 'work' })
    const record = decider.settled[0]?.result
    assert.deepEqual(record?.text, ['one', 'a:b', 'two'])
    assert.deepEqual(JSON.parse(JSON.stringify(record?.structured)), { n: 1 })
    assert.match(record?.digest ?? '', /^sha256:[0-9a-f]{64}$/)
    assert.ok((record?.bytes ?? 0) > 50)
  })
})

describe('cancellation', () => {
  it('by notification ends the call upstream and is settled as cancelled', async () => {
    let waiting = false
    const { world, decider, received } = await scene(() => {
      waiting = true
    })
    const session = await openSession(world, 'market')
    const call = session.request('tools/call', { name: 'work' }, 'to-cancel')
    await until(() => waiting)
    await session.send({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 'to-cancel' },
    })
    assert.deepEqual(await messagesOf(await call), [])
    assert.deepEqual(
      decider.settled.map(({ result }) => result.status),
      ['cancelled'],
    )
    await until(() => received.some(({ message }) => message.method === 'notifications/cancelled'))
  })

  it('of a client without a session is the end of its connection', async () => {
    let waiting = false
    let closed = false
    const { world, decider } = await scene((response) => {
      waiting = true
      response.on('close', () => {
        closed = true
      })
    })
    const controller = new AbortController()
    const body = {
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
    }
    const call = fetch(world.url('market'), {
      method: 'POST',
      signal: controller.signal,
      headers: {
        'content-type': 'application/json',
        ...world.bearer('market'),
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'work',
      },
      body: JSON.stringify(body),
    })
    call.catch(() => undefined)
    await until(() => waiting)
    controller.abort()
    await until(() => decider.settled.length === 1 && closed)
    assert.equal(decider.settled[0]?.result.status, 'cancelled')
  })

  it('of a client that could resume waits, and then is one', async () => {
    let waiting = false
    const { world, decider } = await scene(
      (response) => {
        waiting = true
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(
          'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}\n\n',
        )
      },
      { resumeWindow: 50 },
    )
    const session = await openSession(world, 'market')
    const response = await session.request('tools/call', { name: 'work' })
    await until(() => waiting)
    await response.body?.cancel()
    await until(() => decider.settled.length === 1)
    assert.equal(decider.settled[0]?.result.status, 'cancelled')
  })
})

describe('resumption', () => {
  it('gives the client what it missed, once, and only of its own session', async () => {
    const finish: (() => void)[] = []
    const { world } = await scene((response, { id }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(
        'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"first"}}\n\n',
      )
      finish.push(() =>
        response.end(
          `data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'late' }] } })}\n\n`,
        ),
      )
    })
    const session = await openSession(world, 'market')
    const response = await session.request('tools/call', { name: 'work' }, 'r1')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('first')) text += await more(reader)
    const ids = [...text.matchAll(/^id: (.+)$/gm)].map((match) => match[1] ?? '')
    const last = ids.at(-1) ?? ''
    await reader?.cancel()
    finish[0]?.()

    const again = await messagesOf(await session.get({ 'last-event-id': last }))
    assert.deepEqual(
      again.map(({ id }) => id),
      ['r1'],
    )
    assert.match(JSON.stringify(again), /late/)

    const stranger = await openSession(world, 'market')
    assert.deepEqual(await messagesOf(await stranger.get({ 'last-event-id': last })), [])
    assert.deepEqual(await messagesOf(await session.get({ 'last-event-id': 'no-such-1' })), [])
  })
})

describe('sessions', () => {
  it('take no answer that nobody asked for', async () => {
    const { world, decider, received } = await scene(done)
    const session = await openSession(world, 'market', { elicitation: {} })
    const before = received.length
    for (const id of ['question-1', 7, null]) {
      const answer = await session.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: {} } })
      assert.equal(answer.status, 400, String(id))
    }
    assert.equal(received.length, before)
    assert.deepEqual(decider.prepared, [])
  })

  it('and listings that are refused leave a record of it; those that are allowed leave none', async () => {
    const { world, decider } = await scene(done)
    const session = await openSession(world, 'market')
    await session.request('ping')
    assert.deepEqual(decider.prepared, [])
    decider.script = () => ({ outcome: 'deny', code: 'denied' })
    await session.request('tools/list')
    await openSession(world, 'market').catch(() => undefined)
    assert.deepEqual(
      decider.prepared.map(({ operation: { method, kind } }) => [method, kind]),
      [
        ['tools/list', 'list'],
        ['initialize', 'session'],
      ],
    )
    decider.script = () => ({ outcome: 'approval', code: 'approval_required' })
    await session.request('tools/list')
    assert.equal(decider.prepared.length, 2, 'nobody is asked about a listing')
  })

  it('end with DELETE, upstream too, and are 404 from then on', async () => {
    const { world, received } = await scene(done, {}, (_message, request, response) => {
      if (request.method !== 'DELETE') return false
      response.writeHead(200).end()
      return true
    })
    const session = await openSession(world, 'market')
    assert.equal((await session.remove()).status, 200)
    assert.equal((await session.request('ping')).status, 404)
    await until(() =>
      received.some(
        ({ headers, message }) =>
          headers['mcp-session-id'] === 'upstream-session' && message.method === undefined,
      ),
    )
  })

  it('are limited: the one idle for longest makes room, and nobody else is hurt', async () => {
    const { world } = await scene(done, { maxSessionsPerPrincipal: 2 })
    const first = await openSession(world, 'market')
    const other = await openSession(
      world,
      'market',
      {},
      '2025-11-25',
      world.bearer('market', { sub: 'user-2' }),
    )
    await openSession(world, 'market')
    const third = await openSession(world, 'market')
    assert.equal((await first.request('ping')).status, 404)
    assert.equal((await third.request('ping')).status, 200)
    assert.equal((await other.request('ping')).status, 200)
  })

  it('speak the older revision where the client or the server knows no newer one', async () => {
    const { world } = await scene(done)
    const old = await openSession(world, 'market', {}, '2025-06-18')
    assert.equal((old.hello.result as JsonObject).protocolVersion, '2025-06-18')
    const ancient = await openSession(world, 'market', {}, '2024-11-05').catch(() => null)
    assert.equal((ancient?.hello.result as JsonObject | undefined)?.protocolVersion, '2025-11-25')
  })

  it('refuse an id that is under way already', async () => {
    const finish: (() => void)[] = []
    const { world } = await scene((response, message) => {
      finish.push(() => done(response, message, response.req))
    })
    const session = await openSession(world, 'market')
    const first = session.request('tools/call', { name: 'work' }, 5)
    await until(() => finish.length > 0)
    assert.equal((await session.request('tools/call', { name: 'work' }, 5)).status, 400)
    finish[0]?.()
    assert.equal((await first).status, 200)
  })
})

describe('limits', () => {
  it('of calls at once refuse the call that is too many', async () => {
    const open: (() => void)[] = []
    const { world } = await scene(
      (response, message, request) => {
        open.push(() => done(response, message, request))
      },
      { maxPerGrant: 1 },
    )
    const session = await openSession(world, 'market')
    const first = session.request('tools/call', { name: 'work' }, 1)
    await until(() => open.length === 1)
    const second = await session.request('tools/call', { name: 'work' }, 2)
    assert.equal(second.status, 429)
    assert.equal(codeOf(await answerOf(second)), 'rate_limited')
    assert.equal(second.headers.get('retry-after'), '1')
    for (const finish of open) finish()
    assert.equal((await first).status, 200)
  })
})

describe('a list that the engine filters', () => {
  it('is merged from all pages and marked private', async () => {
    const { world } = await scene(done, {}, (message, _request, response) => {
      if (message.method !== 'tools/list') return false
      const { cursor } = (message.params ?? {}) as JsonObject
      const result =
        cursor === undefined ? { tools: [TOOL], nextCursor: '2' } : { tools: [{ ...TOOL, name: 'more' }] }
      json(response, { jsonrpc: '2.0', id: message.id, result })
      return true
    })
    const answer = await answerOf(await stateless(world, 'market', 'tools/list'))
    const result = answer.result as JsonObject
    assert.deepEqual(
      (result.tools as JsonObject[]).map(({ name }) => name),
      ['work', 'more'],
    )
    assert.equal(result.cacheScope, 'private')
    assert.equal(result.ttlMs, 0)
    assert.equal(result.resultType, 'complete')
    assert.ok(!('nextCursor' in result))
  })
})

describe('streams that stand open', () => {
  const read = async (response: Response) => {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    return {
      until: async (part: string) => {
        while (!text.includes(part)) {
          const { value, done: ended } = (await reader?.read()) ?? { value: '', done: true }
          text += value ?? ''
          if (ended) return text
        }
        return text
      },
      cancel: () => reader?.cancel(),
    }
  }
  /** An upstream whose standing stream the test writes to. */
  const standing = () => {
    const streams: ServerResponse[] = []
    return {
      streams,
      more: (_message: JsonObject, request: IncomingMessage, response: ServerResponse) => {
        if (request.method !== 'GET') return false
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        streams.push(response)
        return true
      },
      say: (method: string) => {
        for (const stream of streams) stream.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method })}\n\n`)
      },
    }
  }

  it('carry changes of the tools, which are listed anew before the next call', async () => {
    const upstreamStream = standing()
    const { world, decider } = await scene(done, {}, upstreamStream.more)
    const session = await openSession(world, 'market')
    await session.request('tools/call', { name: 'work' })
    const stream = await read(await session.get())
    await until(() => upstreamStream.streams.length === 1)
    upstreamStream.say('notifications/tools/list_changed')
    upstreamStream.say('notifications/evil')
    await stream.until('list_changed')
    upstreamStream.say('notifications/resources/list_changed')
    assert.doesNotMatch(await stream.until('resources/list_changed'), /evil/)
    decider.log.length = 0
    await session.request('tools/call', { name: 'work' })
    assert.deepEqual(decider.log.slice(0, 2), ['list tools/list', 'prepare work'])
    await stream.cancel()
  })

  it('end when trust falls, for the agent that fell', async () => {
    const { world, decider } = await scene(done, {}, standing().more)
    const session = await openSession(world, 'market')
    const other = await openSession(
      world,
      'market',
      {},
      '2025-11-25',
      world.bearer('market', { act: { sub: 'agent-2' } }),
    )
    const mine = await read(await session.get())
    const theirs = await other.get()
    decider.script = ({ grant }) => ({ outcome: grant.agent === 'agent-1' ? 'deny' : 'allow' })
    world.gateway.onTrustChanged({ tenant: 'acme', agent: 'agent-2' })
    assert.equal(world.gateway.status().streams, 2)
    world.gateway.onTrustChanged({ tenant: 'acme', agent: 'agent-1' })
    await mine.until('never')
    assert.equal(world.gateway.status().streams, 1)
    await theirs.body?.cancel()
    assert.equal((await session.get()).status, 403)
  })

  it('end when something is revoked; so do calls under way, settled as unknown', async () => {
    let waiting = false
    const { world, decider } = await scene(
      () => {
        waiting = true
      },
      {},
      standing().more,
    )
    const session = await openSession(world, 'market')
    const stream = await read(await session.get())
    const call = session.request('tools/call', { name: 'work' })
    await until(() => waiting)
    decider.script = () => ({ outcome: 'deny', code: 'revoked' })
    world.gateway.onRevoked({ tenant: 'acme', kind: 'agent', id: 'agent-1' })
    await stream.until('never')
    const answer = await answerOf(await call)
    assert.equal(codeOf(answer), 'revoked')
    assert.equal(decider.settled[0]?.result.status, 'unknown')
    const next = await session.request('tools/call', { name: 'work' }, 9)
    assert.equal(next.status, 401)
    assert.match(next.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
  })

  it('carry only what was asked for, stamped, to clients without a session', async () => {
    const upstreamStream = standing()
    const { world, decider } = await scene(done, {}, (message, request, response) => {
      if (message.method === 'resources/subscribe' || message.method === 'resources/unsubscribe') {
        json(response, { jsonrpc: '2.0', id: message.id, result: {} })
        return true
      }
      return upstreamStream.more(message, request, response)
    })
    decider.script = ({ operation }) => ({ outcome: operation.name === 'file:///secret' ? 'deny' : 'allow' })
    const notifications = { toolsListChanged: true, resourceSubscriptions: ['file:///a', 'file:///secret'] }
    const response = await stateless(world, 'market', 'subscriptions/listen', { notifications })
    const stream = await read(response)
    const first = await stream.until('acknowledged')
    assert.match(first, /"io.modelcontextprotocol\/subscriptionId":1/)
    assert.match(first, /"toolsListChanged":true/)
    assert.doesNotMatch(first, /secret/)
    assert.deepEqual(
      decider.prepared.map(({ operation }) => operation.name),
      ['file:///a', 'file:///secret'],
    )
    await until(() => upstreamStream.streams.length === 1)
    upstreamStream.say('notifications/prompts/list_changed')
    upstreamStream.say('notifications/tools/list_changed')
    const rest = await stream.until('tools/list_changed')
    assert.doesNotMatch(rest, /prompts\/list_changed/)
    await world.gateway.close()
    const end = await stream.until('never')
    assert.match(end, /"result"/)
  })
})

describe('the end', () => {
  it('waits for calls under way and takes no new ones', async () => {
    const finish: (() => void)[] = []
    const { world, decider } = await scene((response, message, request) => {
      finish.push(() => done(response, message, request))
    })
    const session = await openSession(world, 'market')
    const call = session.request('tools/call', { name: 'work' })
    await until(() => finish.length > 0)
    const closing = world.gateway.close()
    const refused = await session.request('tools/call', { name: 'work' }, 2)
    assert.equal(refused.status, 503)
    assert.equal(codeOf(await answerOf(refused)), 'shutting_down')
    finish[0]?.()
    assert.ok((await answerOf(await call)).result !== undefined)
    await closing
    assert.deepEqual(
      decider.settled.map(({ result }) => result.status),
      ['ok'],
    )
  })

  it('comes to calls that do not end: unknown, told and recorded', async () => {
    let waiting = false
    const { world, decider } = await scene(
      () => {
        waiting = true
      },
      { drainTimeout: 20 },
    )
    const session = await openSession(world, 'market')
    const call = session.request('tools/call', { name: 'work' })
    await until(() => waiting)
    await world.gateway.close()
    assert.equal(codeOf(await answerOf(await call)), 'shutting_down')
    assert.deepEqual(
      decider.settled.map(({ result }) => result.status),
      ['unknown'],
    )
    assert.deepEqual(world.gateway.status().calls, 0)
  })
})
