/**
 * @module Attacks on the doors of a running daemon: foreign hosts and origins on every kind of path, paths that climb, the
 * control socket asked for what only the owner may do.
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Place, place, type Up } from '../cli/daemon.ts'

interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

describe('a running daemon', () => {
  let at: Place
  let up: Up
  let port: number
  before(async () => {
    at = place()
    up = await at.up('--empty')
    port = Number(new URL(up.url).port)
  })
  after(() => at.remove())

  /** The path goes out as it is: no client tidies it up. */
  const ask = (target: { host: string; port: number } | { socketPath: string }, asked: Asked) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const headers = { host: `localhost:${port}`, 'content-type': 'application/json', ...asked.headers }
      const sent = request(
        { ...target, method: asked.method ?? 'GET', path: asked.path, headers },
        (answer) => {
          let text = ''
          answer.on('data', (chunk: Buffer) => {
            text += chunk.toString()
          })
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
        },
      )
      sent.on('error', reject)
      sent.end(asked.body === undefined ? undefined : JSON.stringify(asked.body))
    })
  const outside = (asked: Asked) => ask({ host: '127.0.0.1', port }, asked)
  const local = (asked: Asked) => ask({ socketPath: path.join(at.data, 'control.sock') }, asked)

  for (const target of [
    '/',
    '/healthz',
    '/api/v1/agents',
    '/mcp/market',
    '/oauth/token',
    '/signin',
    '/log/checkpoint',
  ]) {
    it(`answers nobody who came to ${target} by another name or from another page`, async () => {
      for (const headers of [
        { host: 'evil.example' },
        { host: `localhost:${port}.` },
        { host: `localhost:${port}@evil.example` },
        { origin: 'null' },
        { origin: 'http://evil.example' },
        { origin: `http://localhost:${port}.evil.example` },
      ]) {
        const { status } = await outside({ path: target, headers })
        assert.ok(status === 403 || status === 400, `${JSON.stringify(headers)}: ${status}`)
      }
    })
  }

  it('takes no request with two hosts, with an empty one or without any', async () => {
    const own = `Host: localhost:${port}\r\n`
    for (const hosts of [`${own}Host: evil.example\r\n`, `Host: evil.example\r\n${own}`, 'Host:\r\n', '']) {
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(`GET /healthz HTTP/1.1\r\n${hosts}\r\n`))
        socket.once('data', (data) => {
          resolve(data.toString())
          socket.destroy()
        })
      })
      assert.match(answer, /^HTTP\/1\.1 40[03] /, hosts)
    }
  })

  it('gives nothing to a path that climbs', async () => {
    for (const target of [
      '/log/tile/../../keys/root.key',
      '/log/tile/%2e%2e/%2e%2e/keys/root.key',
      '/log/tile/0/..%2f..%2f..%2fkeys%2froot.key',
      '/log/tile/entries/../../../keys/root.key',
      '/log/tile/0/000%00.key',
      '/assets/..%2f..%2fstatic.ts',
      '/oauth/../api/v1/agents',
      '//api/v1/agents',
      '/mcp/../api/v1/agents',
    ]) {
      const { status } = await outside({ path: target })
      assert.ok(status >= 400 && status < 500, `${target}: ${status}`)
    }
  })

  it('has no door to the local parts on its port', async () => {
    assert.equal((await outside({ path: '/local/mcp/market?agent=local' })).status, 404)
    const run = { agent: 'local', argv: ['/bin/true'], cwd: '/' }
    assert.equal((await outside({ method: 'POST', path: '/local/run', body: run })).status, 401)
  })

  it('lets its control socket ask, and decide nothing', async () => {
    const owner = [
      { path: '/api/v1/session' },
      { method: 'POST', path: '/api/v1/owner-requests/x/decide', body: { confirm: true } },
      { method: 'POST', path: '/api/v1/approvals/x/decide', body: { approve: true, args_digest: 'x' } },
      { method: 'POST', path: '/api/v1/servers/x/credential', body: { headers: { authorization: 'x' } } },
    ]
    for (const asked of owner) assert.equal((await local(asked)).status, 403, asked.path)
    // What widens waits for the owner, also when the program claims to be one.
    const csrf = { 'x-csrf-token': 'x', cookie: 'safeconduct_session=x' }
    const server = { name: 'elsewhere', url: 'https://mcp.example/mcp' }
    const widen = { method: 'POST', path: '/api/v1/servers', body: server }
    assert.equal((await local({ ...widen, headers: csrf })).status, 202)
  })
})
