/**
 * @module Upstreams that die, hang or talk nonsense: a clear JSON-RPC error, the decision settled, the gateway alive.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import type { ErrorCode, JsonObject } from '@safeconduct/protocol'
import { type FakeDecider, fakeDecider } from '../../packages/gateway/src/testing/fake-decider.ts'
import {
  answerOf,
  createWorld,
  httpServer,
  upstream,
  type World,
} from '../../packages/gateway/src/testing/world.ts'
import { json, openSession, sessionUpstream, stateless } from './raw.ts'

type Behaviour = (response: ServerResponse, id: JsonObject[string] | undefined) => void

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function worldWith(behave: Behaviour): Promise<{ world: World; decider: FakeDecider }> {
  const good: Behaviour = (response, id) => json(response, { jsonrpc: '2.0', id, result: { content: [] } })
  const nasty = await upstream(
    sessionUpstream((message, _request, response) => {
      const { name } = message.params as JsonObject
      if (name === 'work') behave(response, message.id)
      else good(response, message.id)
    }),
  )
  const decider = fakeDecider()
  const world = await createWorld({
    decider,
    servers: [httpServer('nasty', nasty.url)],
    settings: { upstreamTimeout: 400, maxBody: 100_000 },
  })
  cleanups.push(nasty.close, world.close)
  return { world, decider }
}

const sse = (response: ServerResponse, ...frames: string[]) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const frame of frames) response.write(`data: ${frame}\n\n`)
}
const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`

const CASES: readonly (readonly [string, ErrorCode, 'failed' | 'unknown', Behaviour])[] = [
  ['closes the connection', 'upstream_unavailable', 'unknown', (response) => response.destroy()],
  [
    'closes it in mid-body',
    'upstream_unavailable',
    'unknown',
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
      response.write('{"jsonrpc"', () => response.destroy())
    },
  ],
  ['never answers', 'upstream_timeout', 'unknown', () => undefined],
  [
    'answers headers and then nothing',
    'upstream_timeout',
    'unknown',
    (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
  ],
  [
    'sends no JSON',
    'upstream_invalid',
    'unknown',
    (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
  ],
  ['sends no JSON in an event', 'upstream_invalid', 'unknown', (response) => sse(response, '{oops')],
  [
    'sends HTML',
    'upstream_invalid',
    'unknown',
    (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  ],
  ['sends no content type', 'upstream_invalid', 'unknown', (response) => response.writeHead(200).end('{}')],
  [
    'sends an empty body',
    'upstream_invalid',
    'unknown',
    (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(),
  ],
  [
    'sends a batch',
    'upstream_invalid',
    'unknown',
    (response, id) => json(response, [{ jsonrpc: '2.0', id, result: {} }]),
  ],
  [
    'sends no result',
    'upstream_invalid',
    'unknown',
    (response, id) => json(response, { jsonrpc: '2.0', id }),
  ],
  [
    'sends a result that is no object',
    'upstream_invalid',
    'unknown',
    (response, id) => json(response, { jsonrpc: '2.0', id, result: 'x' }),
  ],
  [
    'answers another id',
    'upstream_invalid',
    'unknown',
    (response) => json(response, { jsonrpc: '2.0', id: 999_999, result: {} }),
  ],
  [
    'answers another id in an event',
    'upstream_invalid',
    'unknown',
    (response) => sse(response, '{"jsonrpc":"2.0","id":999999,"result":{}}'),
  ],
  [
    'sends too much',
    'upstream_invalid',
    'unknown',
    (response, id) => json(response, { jsonrpc: '2.0', id, result: { x: 'x'.repeat(200_000) } }),
  ],
  [
    'sends an event without end',
    'upstream_invalid',
    'unknown',
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${'x'.repeat(200_000)}`)
    },
  ],
  [
    'nests too deeply',
    'upstream_invalid',
    'unknown',
    (response, id) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`{"jsonrpc":"2.0","id":${id},"result":{"x":${deep}}}`)
    },
  ],
  [
    'gives a key twice',
    'upstream_invalid',
    'unknown',
    (response, id) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`{"jsonrpc":"2.0","id":${id},"result":{"a":1,"a":2}}`)
    },
  ],
  [
    'sends bytes that are not UTF-8',
    'upstream_invalid',
    'unknown',
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from([0x7b, 0xff, 0x7d]))
    },
  ],
  [
    'redirects',
    'upstream_invalid',
    'failed',
    (response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
  ],
  [
    'refuses our credential',
    'upstream_unavailable',
    'failed',
    (response) => response.writeHead(401, { 'www-authenticate': 'Bearer realm="theirs"' }).end(),
  ],
  ['answers 500', 'upstream_unavailable', 'unknown', (response) => response.writeHead(500).end('boom')],
  [
    'ends the stream before the answer',
    'upstream_unavailable',
    'unknown',
    (response) => {
      sse(response, '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}')
      response.end()
    },
  ],
]

describe('an upstream that', () => {
  for (const [name, code, status, behave] of CASES) {
    it(`${name}: ${code}, settled as ${status}`, async () => {
      const { world, decider } = await worldWith(behave)
      const session = await openSession(world, 'nasty')
      const response = await session.request('tools/call', { name: 'work' }, 'my-id')
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('www-authenticate'), null)
      const answer = await answerOf(response)
      assert.equal(answer.id, 'my-id')
      const error = answer.error as JsonObject
      assert.equal((error.data as JsonObject).code, code, JSON.stringify(answer))
      assert.doesNotMatch(JSON.stringify(answer), /theirs|169\.254|boom|<html>/)
      assert.equal(decider.settled.at(-1)?.result.status, status)
      // It lives on, on the same session.
      const after = await answerOf(await session.request('tools/call', { name: 'other' }, 2))
      assert.ok(after.result !== undefined, JSON.stringify(after))
    })
  }

  it('is not there at all: nothing was sent, so the call failed', async () => {
    const decider = fakeDecider()
    const world = await createWorld({ decider, servers: [httpServer('gone', 'http://127.0.0.1:9/mcp')] })
    cleanups.push(world.close)
    for (const response of [
      await stateless(world, 'gone', 'tools/call', { name: 'work' }),
      await world.post('gone', {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} },
      }),
    ]) {
      const answer = await answerOf(response)
      assert.equal(((answer.error as JsonObject).data as JsonObject).code, 'upstream_unavailable')
    }
  })

  it('gives JSON-RPC errors of its own: they pass, data and all', async () => {
    const data = { uri: 'a:b', elicitations: [{ mode: 'url' }] }
    const { world, decider } = await worldWith((response, id) =>
      json(response, { jsonrpc: '2.0', id, error: { code: -32042, message: 'Open this', data } }),
    )
    const session = await openSession(world, 'nasty')
    const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.deepEqual(answer.error, { code: -32042, message: 'Open this', data })
    assert.equal(decider.settled.at(-1)?.result.status, 'failed')
  })

  it('sends half a surrogate pair: released and digested as the same text', async () => {
    const { world, decider } = await worldWith((response, id) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"a\\ud800b"}]}}`)
    })
    const session = await openSession(world, 'nasty')
    const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.deepEqual((answer.result as JsonObject).content, [{ type: 'text', text: 'a\ufffdb' }])
    assert.deepEqual(decider.settled.at(-1)?.result.text, ['a\ufffdb'])
  })

  it('keeps saying something is not timed out', async () => {
    const { world } = await worldWith((response, id) => {
      sse(response)
      let sent = 0
      const timer = setInterval(() => {
        sent += 1
        if (sent < 8)
          response.write(
            'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}\n\n',
          )
        else {
          clearInterval(timer)
          response.end(`data: {"jsonrpc":"2.0","id":${id},"result":{"content":[]}}\n\n`)
        }
      }, 100)
    })
    const session = await openSession(world, 'nasty')
    const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.ok(answer.result !== undefined)
  })

  it('lists forever is stopped', async () => {
    const decider = fakeDecider()
    const endless = await upstream(
      sessionUpstream(
        () => undefined,
        (message, _request, response) => {
          if (message.method !== 'tools/list') return false
          json(response, { jsonrpc: '2.0', id: message.id, result: { tools: [], nextCursor: 'more' } })
          return true
        },
      ),
    )
    const world = await createWorld({
      decider,
      servers: [httpServer('endless', endless.url)],
      settings: { maxListPages: 5 },
    })
    cleanups.push(endless.close, world.close)
    const session = await openSession(world, 'endless')
    const answer = await answerOf(await session.request('tools/list'))
    assert.equal(((answer.error as JsonObject).data as JsonObject).code, 'upstream_invalid')
    const call = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.equal(((call.error as JsonObject).data as JsonObject).code, 'upstream_invalid')
    assert.deepEqual(decider.prepared, [])
  })

  it('forgot our session gets a new one, and the call goes through', async () => {
    const known = new Set<string>()
    let opened = 0
    const forgetful = await upstream(
      sessionUpstream(
        (message, _request, response) =>
          json(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }),
        (message, request, response) => {
          if (message.method === 'initialize') {
            opened += 1
            known.add(`s${opened}`)
            const result = {
              protocolVersion: '2025-06-18',
              capabilities: { tools: {} },
              serverInfo: { name: 'f', version: '1' },
            }
            json(response, { jsonrpc: '2.0', id: message.id, result }, 200, {
              'mcp-session-id': `s${opened}`,
            })
            return true
          }
          if (known.has(String(request.headers['mcp-session-id']))) return false
          json(response, { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' } }, 404)
          return true
        },
      ),
    )
    const world = await createWorld({ servers: [httpServer('forgetful', forgetful.url)] })
    cleanups.push(forgetful.close, world.close)
    const session = await openSession(world, 'forgetful')
    known.clear()
    const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
    assert.ok(answer.result !== undefined, JSON.stringify(answer))
    assert.equal(opened, 2)
  })
})
