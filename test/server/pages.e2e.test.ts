/**
 * What is served without asking the API: the live page's files, the ledger's files, the description of the API.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Log, openLog } from '@safeconduct/ledger'
import type { JsonObject } from '@safeconduct/protocol'
import { createWorld, type World } from './world.ts'

describe('the live page', () => {
  let world: World
  before(async () => {
    world = await createWorld()
  })
  after(() => world.close())

  const FILES: [string, RegExp][] = [
    ['/', /^text\/html; charset=utf-8$/],
    ['/approvals/any', /^text\/html; charset=utf-8$/],
    ['/assets/live.js', /^text\/javascript; charset=utf-8$/],
    ['/assets/live.css', /^text\/css; charset=utf-8$/],
    ['/assets/icon.svg', /^image\/svg\+xml$/],
  ]

  it('runs nothing but its own script, loads nothing from elsewhere, and is framed by nobody', async () => {
    for (const [file, type] of FILES) {
      const { status, headers, text } = await world.get('anonymous', file)
      assert.equal(status, 200, file)
      assert.ok(text.length > 100, file)
      assert.match(String(headers['content-type']), type, file)
      const policy = String(headers['content-security-policy'])
      const directives = new Map(policy.split('; ').map((one) => one.split(/ (.*)/s) as [string, string]))
      assert.equal(directives.get('default-src'), "'none'", file)
      assert.equal(directives.get('script-src'), "'self'", file)
      assert.equal(directives.get('connect-src'), "'self'", file)
      assert.equal(directives.get('frame-ancestors'), "'none'", file)
      assert.equal(directives.get('base-uri'), "'none'", file)
      assert.equal(directives.get('form-action'), "'self'", file)
      assert.doesNotMatch(policy, /unsafe|\*|http:|data:/, file)
      assert.equal(headers['x-frame-options'], 'DENY', file)
      assert.equal(headers['x-content-type-options'], 'nosniff', file)
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin', file)
      assert.equal(headers['access-control-allow-origin'], undefined, file)
    }
  })

  it('lets its forms say where they come from, so that signing out works', async () => {
    // Fetch standard, "append a request Origin header": under no-referrer a form says `Origin: null`.
    const { headers } = await world.get('anonymous', '/')
    assert.equal(headers['referrer-policy'], 'same-origin')
    const out = (origin: string) =>
      world.ask('anonymous', 'POST', '/signout', {
        raw: new URLSearchParams({ csrf: world.session.csrf }).toString(),
        headers: {
          origin,
          cookie: world.session.cookie,
          'content-type': 'application/x-www-form-urlencoded',
        },
      })
    assert.equal((await out('null')).status, 403)
    assert.equal((await world.get('owner', '/api/v1/session')).status, 200)
    assert.equal((await out(world.origin)).status, 303)
    assert.equal((await world.get('owner', '/api/v1/session')).status, 401)
  })
})

describe('the ledger’s files', () => {
  let world: World
  let log: Log
  let directory: string
  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'safeconduct-log-'))
    log = await openLog({
      directory: path.join(directory, 'ledger'),
      origin: 'localhost/test',
      key: generateKeyPairSync('ed25519').privateKey,
      publishEveryMs: 0,
    })
    await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(Buffer.from(`entry ${i}`))))
    await log.publish()
    writeFileSync(path.join(directory, 'secret'), 'not for the world')
    world = await createWorld({
      readLog: async (name) => {
        const file = await log.readPublic(name)
        return file === undefined ? null : { kind: file.kind, bytes: file.body }
      },
    })
  })
  after(async () => {
    await world.close()
    await log.close()
    rmSync(directory, { recursive: true })
  })

  it('checkpoint and tiles are for everybody', async () => {
    const checkpoint = await world.get('anonymous', '/log/checkpoint')
    assert.match(checkpoint.text, /^localhost\/test\n300\n/)
    assert.match(String(checkpoint.headers['content-type']), /^text\/plain/)
    assert.equal(checkpoint.headers['cache-control'], 'no-cache')
    const full = await world.get('anonymous', '/log/tile/0/000')
    assert.deepEqual([full.status, full.headers['content-type']], [200, 'application/octet-stream'])
    assert.equal(full.headers['content-length'], String(256 * 32))
    assert.match(String(full.headers['cache-control']), /immutable/)
    assert.equal(full.headers['x-content-type-options'], 'nosniff')
    const partial = await world.get('anonymous', '/log/tile/0/001.p/44')
    assert.deepEqual([partial.status, partial.headers['content-length']], [200, String(44 * 32)])
    assert.equal(partial.headers['cache-control'], 'no-cache')
  })

  it('entries are for readers, whatever way they are asked for', async () => {
    const file = '/log/tile/entries/000'
    const disguised = [
      file,
      '/log/tile/entries%2F000',
      '/log/tile/%65ntries/000',
      '/log/tile/0/../entries/000',
      '/log/tile/./entries/000',
      '/log//tile/entries/000',
      '/log/tile//entries/000',
      '/log/checkpoint/../tile/entries/000',
      '/log/tile/entries/000?who=local',
    ]
    for (const where of disguised) {
      const answer = await world.get('anonymous', where)
      assert.ok([401, 404].includes(answer.status), `${where}: ${answer.status}`)
      assert.doesNotMatch(answer.text, /entry 0/)
    }
    for (const who of ['local', 'owner'] as const) {
      assert.match((await world.get(who, file)).text, /entry 0/)
    }
  })

  it('and nothing else of the disk', async () => {
    world.logPaths.length = 0
    const asked = [
      '/log/tile/../../secret',
      '/log/tile/..%2F..%2Fsecret',
      '/log/tile/%2e%2e/%2e%2e/secret',
      '/log/tile/%252e%252e%252fsecret',
      '/log/tile/0/000%00',
      '/log/tile/..%5c..%5csecret',
      '/log/tile//etc/passwd',
      '/log/tile/%2Fetc%2Fpasswd',
      '/log/tile/entries/..%2F..%2F..%2Fsecret',
      '/log/tile/0/x000',
      '/log/tile/8/000',
      '/log/tile/0/000.p/256',
      '/log/journal',
      '/log/',
    ]
    for (const where of asked) {
      const answer = await world.get('owner', where)
      assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], where)
    }
    assert.ok(world.logPaths.length >= 8, 'it was the ledger that said no')
  })
})

describe('the description of the API', () => {
  let world: World
  before(async () => {
    world = await createWorld()
  })
  after(() => world.close())

  it('has every row of the API and nothing else, in the form of OpenAPI 3.1', async () => {
    const { json } = await world.get('anonymous', '/openapi.json')
    assert.equal(json.openapi, '3.1.0')
    assert.deepEqual(json.info, {
      title: 'Safeconduct',
      version: '0.0.0-test',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    })
    const paths = json.paths as Record<string, Record<string, JsonObject>>
    const described = Object.entries(paths).flatMap(([where, methods]) =>
      Object.entries(methods).map(
        ([method, { summary, ...row }]) => `${method} ${where} ${row['x-who']} ${summary}`,
      ),
    )
    const rows = world.plane.routes
      .filter((row) => /^\/(api\/|access\/|\.well-known\/authzen|log\/)/.test(row.path))
      .map((row) => {
        const where = row.path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')
        return `${row.method.toLowerCase()} ${where} ${row.who} ${row.summary}`
      })
    assert.ok(rows.length > 30)
    assert.deepEqual(described.sort(), rows.sort())
  })

  it('names every parameter of a path, and the body that each change takes', async () => {
    const { json } = await world.get('local', '/openapi.json')
    let bodies = 0
    for (const [where, methods] of Object.entries(json.paths as Record<string, Record<string, JsonObject>>)) {
      for (const [method, operation] of Object.entries(methods)) {
        const parameters = operation.parameters as JsonObject[]
        const named = parameters.filter((one) => one.in === 'path').map((one) => one.name)
        assert.deepEqual(
          named,
          [...where.matchAll(/\{(\w+)\}/g)].map((found) => found[1]),
          where,
        )
        for (const one of parameters) assert.ok(one.schema, `${where} ${one.name}`)
        assert.ok((operation.responses as JsonObject).default, where)
        if (method !== 'post') continue
        bodies++
        const { content } = operation.requestBody as { content: Record<string, { schema: JsonObject }> }
        const schema = content['application/json']?.schema
        const forms = (schema?.anyOf as JsonObject[] | undefined) ?? [schema]
        for (const form of forms) assert.equal(form?.type, 'object', where)
      }
    }
    assert.ok(bodies >= 15)
  })
})
