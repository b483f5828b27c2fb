/**
 * Bad input over the wire: always a typed error, nothing done, and the next request is served.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { createWorld, TENANT, type World } from './world.ts'

const PATH = '/api/v1/agents'

describe('bodies', () => {
  let world: World
  before(async () => {
    world = await createWorld()
  })
  after(() => world.close())
  const send = (raw: string | Uint8Array, headers: Record<string, string> = {}) =>
    world.ask('local', 'POST', PATH, { raw, headers })

  const deep = (depth: number) => `{"name":${'['.repeat(depth)}${']'.repeat(depth)}}`
  const cases: [string, string | Uint8Array, number, string][] = [
    ['malformed', '{"name":', 400, 'invalid_json'],
    ['not JSON', 'name=x', 400, 'invalid_json'],
    ['trailing', '{"name":"x"}{"name":"y"}', 400, 'invalid_json'],
    ['comment', '{"name":"x"/**/}', 400, 'invalid_json'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'invalid_json'],
    ['UTF-16', Buffer.from('{"name":"x"}', 'utf16le'), 400, 'invalid_json'],
    ['byte order mark', '\ufeff{"name":"x"}', 400, 'invalid_json'],
    ['duplicate key', '{"name":"x","name":"y"}', 400, 'duplicate_key'],
    ['duplicate after unescaping', '{"name":"x","n\\u0061me":"y"}', 400, 'duplicate_key'],
    ['duplicate within', '{"name":"x","jwks":{"keys":[],"keys":[]}}', 400, 'duplicate_key'],
    ['deep', deep(32), 400, 'too_deep'],
    ['10,000 deep', deep(10_000), 400, 'too_deep'],
    ['large', `{"name":"${'x'.repeat(1024 * 1024)}"}`, 413, 'too_large'],
    ['prototype', '{"name":"x","__proto__":{"admin":true}}', 400, 'invalid_request'],
    ['array', '[]', 400, 'invalid_request'],
    ['text', '"x"', 400, 'invalid_request'],
    ['null', 'null', 400, 'invalid_request'],
    ['number', '1e999', 400, 'invalid_request'],
  ]
  for (const [what, raw, status, error] of cases) {
    it(`${what}: ${error}`, async () => {
      const answer = await send(raw)
      assert.deepEqual([answer.status, answer.json.error], [status, error], answer.text)
      assert.match(String(answer.headers['content-type']), /^application\/json/)
      assert.equal((await world.get('local', '/healthz')).status, 200)
    })
  }

  it('are JSON and say so', async () => {
    const types = [
      '',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json-patch+json',
      'application/jsonx',
      'text/plain; application/json',
    ]
    for (const type of types) {
      const answer = await send('{"name":"typed"}', { 'content-type': type })
      assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], type)
      assert.match(answer.text, /content type/)
    }
    for (const [i, type] of [
      'application/json',
      'Application/JSON',
      'application/json; charset=utf-8',
    ].entries()) {
      assert.equal((await send(`{"name":"typed-${i}"}`, { 'content-type': type })).status, 200, type)
    }
  })

  it('beyond the limit are refused whether or not their length is said', async () => {
    const said = await send('{}', { 'content-length': String(2 ** 40), connection: 'close' }).catch(String)
    assert.match(JSON.stringify(said), /too_large|ECONNRESET|hang up/)
    const chunked = await send(`{"name":"${'x'.repeat(3 * 1024 * 1024)}"}`, {
      'transfer-encoding': 'chunked',
    })
    assert.deepEqual([chunked.status, chunked.json.error], [413, 'too_large'])
    assert.deepEqual(chunked.json.details, { limit: 1024 * 1024 })
  })

  it('that never end are refused when they are too large, not when they are over', async () => {
    const socket = createConnection(Number(new URL(world.origin).port), '127.0.0.1')
    socket.on('error', () => undefined)
    const { cookie, csrf } = world.session
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncookie: ${cookie}\r\nx-csrf-token: ${csrf}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    )
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    for (let i = 0; i < 32; i++) socket.write(piece)
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1.1 413 .*"error":"too_large"/s)
    socket.destroy()
  })

  it('are not read before it is known who asks', async () => {
    const answer = await world.ask('anonymous', 'POST', PATH, { raw: '{"name":' })
    assert.deepEqual([answer.status, answer.json.error], [401, 'unauthenticated'])
    const forged = await world.ask('owner', 'POST', PATH, { raw: '{', headers: { 'x-csrf-token': 'no' } })
    assert.deepEqual([forged.status, forged.json.error], [403, 'forbidden'])
  })

  it('cut off in the middle do nothing and are nobody’s fault here', async () => {
    const { port } = new URL(world.origin)
    const socket = createConnection(Number(port), '127.0.0.1')
    const { cookie, csrf } = world.session
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncookie: ${cookie}\r\nx-csrf-token: ${csrf}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"name":"cut"`,
    )
    await once(socket, 'connect')
    socket.destroy()
    await once(socket, 'close')
    assert.equal((await world.get('local', '/healthz')).status, 200)
    assert.deepEqual(await world.store.agents.find(TENANT, 'name', 'cut'), [])
    assert.deepEqual(world.errors, [])
  })

  it('of any shape never break it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.json(), fc.uint8Array({ maxLength: 64 })),
        fc.constantFrom(PATH, '/api/v1/revocations', '/api/v1/servers', '/api/v1/agents/x/composition'),
        async (raw, path) => {
          const answer = await world.ask('local', 'POST', path, { raw })
          assert.ok([400, 404].includes(answer.status), `${answer.status} ${answer.text}`)
          assert.equal(typeof answer.json.error, 'string')
        },
      ),
      { numRuns: 60 },
    )
    assert.deepEqual(world.errors, [])
  })
})

describe('requests that are not quite HTTP', () => {
  let world: World
  before(async () => {
    world = await createWorld()
  })
  after(() => world.close())

  async function raw(text: string): Promise<string> {
    const socket = createConnection(Number(new URL(world.origin).port), '127.0.0.1')
    socket.end(text)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  }

  it('get a typed error, and no stack', async () => {
    const host = 'host: localhost\r\nconnection: close\r\n'
    const answers = {
      old: await raw('GET /healthz HTTP/1.0\r\n\r\n'),
      host: await raw('GET /healthz HTTP/1.1\r\nhost: a/b\r\nconnection: close\r\n\r\n'),
      backslash: await raw(`GET /api\\v1 HTTP/1.1\r\n${host}\r\n`),
      star: await raw(`OPTIONS * HTTP/1.1\r\n${host}\r\n`),
      elsewhere: await raw(`GET http://evil.example/api/v1/status HTTP/1.1\r\n${host}\r\n`),
      percent: await raw(`GET /api/v1/agents/%zz HTTP/1.1\r\n${host}\r\n`),
    }
    assert.match(answers.old, /^HTTP\/1.1 200 .*\{"ok":true\}$/s)
    assert.match(answers.host, /^HTTP\/1.1 400 .*"error":"invalid_request"/s)
    assert.match(answers.backslash, /^HTTP\/1.1 400 .*"error":"invalid_request"/s)
    assert.match(answers.star, /^HTTP\/1.1 400 .*"error":"invalid_request"/s)
    assert.match(answers.elsewhere, /^HTTP\/1.1 401 .*"error":"unauthenticated"/s)
    assert.match(answers.percent, /^HTTP\/1.1 401 .*"error":"unauthenticated"/s)
    for (const text of Object.values(answers)) assert.doesNotMatch(text, /node_modules|\bat .*\.ts/)
    assert.deepEqual(world.errors, [])
  })
})
