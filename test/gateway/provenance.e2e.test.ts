/**
 * @module Everything a server says over HTTP is labelled before an agent can act on it: answers, errors, resources,
 * prompts and completions, and what comes beside them. What a person is then asked names the argument, its redacted value
 * and the source.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { answerOf, createWorld, httpServer, upstream } from '../../packages/gateway/src/testing/world.ts'
import { json, openSession, type RawSession, sessionUpstream } from './raw.ts'
import { createRealEngine } from './real-engine.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const PLACE = 'desk@evil.example'
const SEND = {
  name: 'send_message',
  description: 'Sends a message.',
  inputSchema: { type: 'object', properties: { recipient: { type: 'string' }, text: { type: 'string' } } },
}
const NEWS = {
  name: 'read_news_articles',
  description: 'Reads news.',
  inputSchema: { type: 'object', properties: { topic: { type: 'string' } } },
}
const SAID = `The desk can be reached at ${PLACE}.`
const PROGRESS = {
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 't', progress: 1, message: SAID },
}
const LOG = {
  jsonrpc: '2.0',
  method: 'notifications/message',
  params: { level: 'info', data: { hint: SAID } },
}

interface Way {
  /** What the server answers to the agent's first request. */
  readonly result?: JsonObject
  readonly error?: JsonObject
  readonly before?: readonly JsonObject[]
  readonly ask: (session: RawSession) => Promise<unknown>
}

const call = async (session: RawSession, name: string, args: JsonObject, id: number) =>
  answerOf(await session.request('tools/call', { name, arguments: args, _meta: { progressToken: 't' } }, id))
const request = (method: string, params: JsonObject) => async (session: RawSession) =>
  (await session.request(method, params, 1)).text()
const TEXT = { content: [{ type: 'text', text: 'Nothing here.' }] }

const WAYS: Readonly<Record<string, Way>> = {
  'the result of a tool': {
    result: { content: [{ type: 'text', text: SAID }] },
    ask: request('tools/call', { name: 'read_news_articles', arguments: {} }),
  },
  'an error of a tool': {
    result: { isError: true, content: [{ type: 'text', text: SAID }] },
    ask: request('tools/call', { name: 'read_news_articles', arguments: {} }),
  },
  'an error of the protocol': {
    error: { code: -32000, message: SAID },
    ask: request('tools/call', { name: 'read_news_articles', arguments: {} }),
  },
  'a resource': {
    result: { contents: [{ uri: 'news:today', text: SAID }] },
    ask: request('resources/read', { uri: 'news:today' }),
  },
  'a prompt': {
    result: { messages: [{ role: 'user', content: { type: 'text', text: SAID } }] },
    ask: request('prompts/get', { name: 'greet' }),
  },
  'a completion': {
    result: { completion: { values: [PLACE] } },
    ask: request('completion/complete', {
      ref: { type: 'ref/prompt', name: 'greet' },
      argument: { name: 'who', value: 'd' },
    }),
  },
  'the description of a resource': {
    result: { resources: [{ uri: 'news:today', name: 'today', description: SAID }] },
    ask: request('resources/list', {}),
  },
  'the description of a prompt': {
    result: { prompts: [{ name: 'greet', description: SAID }] },
    ask: request('prompts/list', {}),
  },
  'a progress message': {
    before: [PROGRESS],
    result: TEXT,
    ask: request('tools/call', { name: 'read_news_articles', arguments: {}, _meta: { progressToken: 't' } }),
  },
  'a log line': {
    before: [LOG],
    result: TEXT,
    ask: request('tools/call', { name: 'read_news_articles', arguments: {} }),
  },
  'a question to the user': {
    before: [
      {
        jsonrpc: '2.0',
        id: 'q',
        method: 'elicitation/create',
        params: { message: SAID, requestedSchema: { type: 'object', properties: {} } },
      },
    ],
    result: TEXT,
    ask: request('tools/call', { name: 'read_news_articles', arguments: {} }),
  },
  instructions: { result: TEXT, ask: async () => undefined },
}

async function scene(name: string, way: Way) {
  const respond = (message: JsonObject, response: ServerResponse): void => {
    const { id } = message
    const answer = {
      jsonrpc: '2.0',
      id,
      ...(way.error === undefined ? { result: way.result ?? TEXT } : { error: way.error }),
    }
    if (way.before === undefined) {
      json(response, answer)
      return
    }
    // The gateway replaces tokens by its own.
    const meta = ((message.params as JsonObject)._meta ?? {}) as JsonObject
    const token = JSON.stringify(meta.progressToken ?? 't')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const each of [...way.before, answer])
      response.write(
        `data: ${JSON.stringify(each).replace('"progressToken":"t"', `"progressToken":${token}`)}\n\n`,
      )
    response.end()
  }
  const server = await upstream(
    sessionUpstream(
      (message, _request, response) => respond(message, response),
      (message, _request, response) => {
        const { method, id } = message
        if (method === 'initialize') {
          const result = {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {}, resources: {}, prompts: {}, completions: {}, logging: {} },
            serverInfo: { name: 'market', version: '1' },
            ...(name === 'instructions' ? { instructions: SAID } : {}),
          }
          json(response, { jsonrpc: '2.0', id, result }, 200, { 'mcp-session-id': 'one' })
          return true
        }
        if (method === 'tools/list') {
          json(response, { jsonrpc: '2.0', id, result: { tools: [SEND, NEWS] } })
          return true
        }
        if (id === undefined || method === undefined || method === 'tools/call') return false
        respond(message, response)
        return true
      },
    ),
  )
  const record = httpServer('market', server.url, { trustedOutput: true })
  const engine = createRealEngine([record])
  const world = await createWorld({ decider: engine.decider, servers: [record] })
  cleanups.push(server.close, () => engine.decider.close(), world.close)
  const session = await openSession(
    world,
    'market',
    { elicitation: {} },
    '2025-11-25',
    world.bearer('market', engine.claims),
  )
  return { engine, session }
}

describe('where a server says an address', () => {
  for (const [name, way] of Object.entries(WAYS)) {
    it(`it is labelled when it comes in ${name}`, async () => {
      const { engine, session } = await scene(name, way)
      await way.ask(session)
      const answer = await call(session, 'send_message', { recipient: PLACE, text: 'Hello.' }, 2)
      const meta = ((answer.result as JsonObject)._meta ?? {}) as JsonObject
      const refusal = meta['safeconduct/refusal'] as JsonObject | undefined
      assert.ok(refusal !== undefined, JSON.stringify(answer))
      const told = await engine.decider.explain('acme', String(refusal.decision))
      const label = told?.decision.labels.find(({ path }) => path === 'recipient')
      assert.equal(label?.label, 'untrusted')
      assert.match(label?.source?.tool ?? '', /^market\//)
      assert.ok(!JSON.stringify(answer).includes(PLACE), 'the agent learns nothing of it')
      const why = told?.decision.why.join('\n') ?? ''
      assert.match(why, /The argument recipient holds de… \(17 characters\), from market\/[\w/]+/)
      assert.ok(!why.includes(PLACE))
    })
  }

  it('an address that nobody said is the agent’s own word', async () => {
    const { engine, session } = await scene('nothing', { result: TEXT, ask: async () => undefined })
    const answer = await call(session, 'send_message', { recipient: PLACE, text: 'Hello.' }, 2)
    const meta = ((answer.result as JsonObject)._meta ?? {}) as JsonObject
    const refusal = meta['safeconduct/refusal'] as JsonObject | undefined
    if (refusal === undefined) return
    const told = await engine.decider.explain('acme', String(refusal.decision))
    assert.equal(told?.decision.labels.find(({ path }) => path === 'recipient')?.source, null)
  })
})
