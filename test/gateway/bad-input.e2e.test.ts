/**
 * @module Bad input of clients: always a clear typed error, and nothing reaches the upstream.
 */
import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { type FakeDecider, fakeDecider } from '../../packages/gateway/src/testing/fake-decider.ts'
import {
  answerOf,
  createWorld,
  httpServer,
  TENANT,
  upstream,
  type World,
} from '../../packages/gateway/src/testing/world.ts'
import { ENVELOPE, json, openSession, type RawSession, sessionUpstream, stateless } from './raw.ts'

let world: World
let decider: FakeDecider
let session: RawSession
let closeUpstream: () => Promise<void>
const seen: JsonObject[] = []

before(async () => {
  const echo = await upstream(
    sessionUpstream((message, _request, response) => {
      seen.push(message)
      json(response, {
        jsonrpc: '2.0',
        id: message.id,
        result: { content: [{ type: 'text', text: 'done' }] },
      })
    }),
  )
  closeUpstream = echo.close
  decider = fakeDecider()
  world = await createWorld({
    decider,
    servers: [httpServer('market', echo.url)],
    settings: { maxBody: 50_000 },
  })
  session = await openSession(world, 'market')
})

after(async () => {
  await world.close()
  await closeUpstream()
})

const errorOf = (answer: JsonObject) => answer.error as JsonObject
const codeOf = (answer: JsonObject) => (errorOf(answer).data as JsonObject | undefined)?.code

describe('bodies', () => {
  const call = (args: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work","arguments":${args}}}`
  for (const [name, body, status, code] of [
    ['no JSON', '{oops', 400, 'invalid_json'],
    ['nothing', '', 400, 'invalid_json'],
    ['a key twice', call('{"a":1,"a":2}'), 400, 'duplicate_key'],
    ['a key twice, once escaped', call('{"a":1,"\\u0061":2}'), 400, 'duplicate_key'],
    ['10,000 levels', call(`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`), 400, 'too_deep'],
    ['too many bytes', call(`{"a":"${'x'.repeat(60_000)}"}`), 413, 'too_large'],
    ['a batch', `[${call('{}')}]`, 400, 'invalid_request'],
    ['another JSON-RPC', '{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, 'invalid_request'],
    ['an id that is none', '{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, 'invalid_request'],
    [
      'params that are a list',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}',
      400,
      'invalid_request',
    ],
    ['half a surrogate pair in the arguments', call('{"a":"\\ud800"}'), 400, 'invalid_json'],
  ] as const) {
    it(`with ${name}: ${status} ${code}`, async () => {
      const before = seen.length
      const response = await session.send(body)
      const answer = await answerOf(response)
      assert.deepEqual([response.status, codeOf(answer)], [status, code], JSON.stringify(answer))
      assert.equal(seen.length, before)
    })
  }

  it('that are not UTF-8 are refused', async () => {
    const response = await fetch(world.url('market'), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...world.bearer('market'),
        'mcp-session-id': session.id,
      },
      body: Buffer.from([0x7b, 0xff, 0x7d]),
    })
    assert.equal(response.status, 400)
  })

  it('of another type, or for clients that take nothing, are refused', async () => {
    assert.equal((await session.send('{}', { 'content-type': 'text/plain' })).status, 415)
    assert.equal((await session.send('{}', { accept: 'image/png' })).status, 406)
  })

  it('that end early leave nothing behind', async () => {
    await new Promise<void>((resolve) => {
      const request = httpRequest(world.url('market'), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': 1000, ...world.bearer('market') },
      })
      request.on('error', () => resolve())
      request.write('{"jsonrpc"', () => request.destroy())
      request.on('close', () => resolve())
    })
    assert.ok((await answerOf(await session.request('ping'))).result !== undefined)
  })
})

describe('parameters', () => {
  for (const [name, params] of [
    ['no name', {}],
    ['a name that is a number', { name: 7 }],
    ['an empty name', { name: '' }],
    ['arguments that are a list', { name: 'work', arguments: [] }],
    ['arguments that are null', { name: 'work', arguments: null }],
    ['a task', { name: 'work', task: { ttl: 1 } }],
    ['a very long name', { name: 'x'.repeat(5_000) }],
  ] as const) {
    it(`with ${name} are refused before the decision`, async () => {
      const asked = decider.prepared.length
      const answer = await answerOf(await session.request('tools/call', params))
      assert.equal(errorOf(answer).code, -32602)
      assert.equal(decider.prepared.length, asked)
    })
  }

  it('with a cursor we never gave are refused', async () => {
    assert.equal(errorOf(await answerOf(await session.request('tools/list', { cursor: 'x' }))).code, -32602)
  })

  it('with unicode tricks in the name reach the decision exactly as sent', async () => {
    for (const name of ['wоrk', 'work\u200b', 'work\u202e', 'ｗork', 'WORK', 'work ', '__proto__']) {
      decider.script = ({ operation }) =>
        operation.name === 'work' || operation.kind !== 'tool'
          ? { outcome: 'allow' }
          : { outcome: 'deny', code: 'unknown_tool' }
      const before = seen.length
      const answer = await answerOf(await session.request('tools/call', { name }))
      assert.equal(errorOf(answer).code, -32602, name)
      assert.equal(decider.prepared.at(-1)?.operation.name, name)
      assert.equal(seen.length, before)
    }
    decider.script = () => ({ outcome: 'allow' })
  })

  it('named __proto__ are arguments like any other', async () => {
    await session.send(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work","arguments":{"__proto__":{"admin":true}}}}',
    )
    const args = decider.prepared.at(-1)?.operation.args
    assert.deepEqual(Object.keys(args ?? {}), ['__proto__'])
    assert.equal((args as { admin?: boolean }).admin, undefined)
  })
})

describe('methods', () => {
  for (const method of [
    'tasks/get',
    'sampling/createMessage',
    'tools/Call',
    'constructor',
    'server/discover',
    'resources/delete',
  ]) {
    it(`${method} is denied on a session`, async () => {
      const response = await session.request(method)
      const answer = await answerOf(response)
      assert.deepEqual([response.status, errorOf(answer).code], [200, -32601])
    })
  }
  for (const method of [
    'tasks/get',
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'constructor',
  ]) {
    it(`${method} is denied without a session: 404`, async () => {
      const response = await stateless(world, 'market', method)
      const answer = await answerOf(response)
      assert.deepEqual([response.status, errorOf(answer).code, answer.id], [404, -32601, 1])
    })
  }
  it('unlisted notifications are dropped', async () => {
    const before = seen.length
    const response = await session.send({ jsonrpc: '2.0', method: 'notifications/evil', params: {} })
    assert.equal(response.status, 202)
    assert.equal(seen.length, before)
  })
  it('PUT and PATCH are not HTTP methods here', async () => {
    for (const method of ['PUT', 'PATCH', 'OPTIONS']) {
      assert.equal((await fetch(world.url('market'), { method })).status, 405)
    }
  })
})

describe('headers against the body (2026-07-28)', () => {
  const call = { name: 'work', arguments: { to: 'ada' } }
  for (const [name, headers] of [
    ['another tool', { 'mcp-name': 'read' }],
    ['another method', { 'mcp-method': 'tools/list' }],
    ['another version', { 'mcp-protocol-version': '2025-11-25' }],
    ['a name that does not decode', { 'mcp-name': '=?base64?*?=' }],
  ] as const) {
    it(`name ${name}: 400 -32020, nothing decided`, async () => {
      const asked = decider.prepared.length
      const response = await stateless(world, 'market', 'tools/call', call, headers)
      assert.deepEqual([response.status, errorOf(await answerOf(response)).code], [400, -32020])
      assert.equal(decider.prepared.length, asked)
    })
  }
  it('must name a revision that is served', async () => {
    const params = {
      ...call,
      _meta: { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': '2031-01-01' },
    }
    const response = await stateless(world, 'market', 'tools/call', params, {
      'mcp-protocol-version': '2031-01-01',
    })
    assert.deepEqual([response.status, errorOf(await answerOf(response)).code], [400, -32022])
  })
  it('with an unknown revision and a session are refused', async () => {
    const response = await session.send(
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { 'mcp-protocol-version': '2024-01-01' },
    )
    assert.equal(response.status, 400)
  })
  it('a state that is not ours is refused before the decision', async () => {
    const asked = decider.prepared.length
    const response = await stateless(world, 'market', 'tools/call', { ...call, requestState: 'forged' })
    assert.equal(errorOf(await answerOf(response)).code, -32602)
    assert.equal(decider.prepared.length, asked)
  })
})

describe('callers', () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  for (const [name, headers, status, challenge] of [
    ['without a token', { authorization: '' }, 401, /resource_metadata="[^"]+\/mcp\/market"/],
    ['with nonsense', { authorization: 'Bearer abc' }, 401, /error="invalid_token"/],
    ['with another scheme', { authorization: 'Basic YTpi' }, 401, /error="invalid_token"/],
  ] as const) {
    it(`${name} are challenged`, async () => {
      const response = await world.post('market', ping, headers)
      assert.equal(response.status, status)
      assert.match(response.headers.get('www-authenticate') ?? '', challenge)
      assert.ok(!('id' in (await answerOf(response))))
    })
  }

  it('with a token for another server are refused', async () => {
    const authorization = `Bearer ${world.issuer.token(world.url('other'))}`
    assert.equal((await world.post('market', ping, { authorization })).status, 401)
  })

  it('without the scope are told all they need in one challenge', async () => {
    decider.script = () => ({
      outcome: 'deny',
      code: 'insufficient_scope',
      scopes: ['mcp:read', 'mcp:write'],
    })
    const response = await stateless(world, 'market', 'tools/call', { name: 'work' })
    decider.script = () => ({ outcome: 'allow' })
    assert.equal(response.status, 403)
    const challenge = response.headers.get('www-authenticate') ?? ''
    assert.match(challenge, /^Bearer error="insufficient_scope", scope="mcp:read mcp:write"/)
  })

  it('whose token has no scope of ours may not even list', async () => {
    const headers = world.bearer('market', { scope: 'openid' })
    const response = await stateless(world, 'market', 'tools/list', {}, headers)
    assert.equal(response.status, 403)
    assert.match(
      response.headers.get('www-authenticate') ?? '',
      /error="insufficient_scope", scope="mcp:read"/,
    )
  })

  it('of another tenant find no server', async () => {
    const headers = world.bearer('market', { safeconduct: { tenant: 'other', task: 't', epochs: [] } })
    assert.equal((await world.post('market', ping, headers)).status, 404)
  })

  it('cannot use the session of somebody else', async () => {
    for (const claims of [{ sub: 'user-2' }, { act: { sub: 'agent-2' } }, { client_id: 'client-2' }]) {
      const response = await session.send(ping, world.bearer('market', claims))
      assert.equal(response.status, 404)
    }
    assert.equal((await session.send(ping, world.bearer('market', { jti: 'a-new-token' }))).status, 200)
  })

  it('with a session nobody opened get 404, without any 400', async () => {
    assert.equal((await session.send(ping, { 'mcp-session-id': 'made-up' })).status, 404)
    assert.equal((await world.post('market', ping)).status, 400)
  })

  it('from a hostile page are refused whatever they hold', async () => {
    assert.equal((await session.send(ping, { origin: 'http://evil.example' })).status, 403)
  })

  it('are known by tenant', () => assert.equal(decider.prepared.at(-1)?.grant.tenant, TENANT))
})

describe('resource metadata', () => {
  const well = (server: string) => `${world.origin}/.well-known/oauth-protected-resource/mcp/${server}`
  it('is public', async () => {
    const response = await fetch(well('market'))
    assert.equal(response.status, 200)
    const metadata = (await response.json()) as JsonObject
    assert.equal(metadata.resource, world.url('market'))
    assert.equal(metadata.dpop_bound_access_tokens_required, false)
  })
  it('is not there for a server that is not', async () => {
    assert.equal((await fetch(well('nothing'))).status, 404)
  })
  it('takes GET alone', async () => {
    assert.equal((await fetch(well('market'), { method: 'POST' })).status, 405)
  })
  for (const path of [
    '/mcp',
    '/mcp/',
    '/mcp/a/b',
    '/mcp/UPPER',
    '/mcp/%2e%2e',
    '/mcp/market/',
    '/mcp/-x',
    `/mcp/${'a'.repeat(64)}`,
  ]) {
    it(`${path.slice(0, 20)} is not ours`, async () => {
      const response = await fetch(`${world.origin}${path}`, { headers: world.bearer('market') })
      assert.equal(response.status, 404)
      assert.equal(await response.text(), '')
    })
  }
})
