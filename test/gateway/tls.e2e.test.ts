/** @module Certificates of upstreams: verified, always. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { answerOf, createWorld, httpServer, listen, stop } from '../../packages/gateway/src/testing/world.ts'
import { json, sessionUpstream, stateless } from './raw.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'safeconduct-tls-'))
const at = (name: string) => path.join(directory, name)
let available = true

before(() => {
  try {
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
    ]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    execFileSync('openssl', [...args, ...subject, '-keyout', at('key.pem'), '-out', at('cert.pem')], {
      stdio: 'ignore',
    })
  } catch {
    available = false
  }
})
after(() => rmSync(directory, { recursive: true, force: true }))

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function call(hostname: string, trusted: boolean): Promise<JsonObject> {
  const server = createServer(
    { key: readFileSync(at('key.pem')), cert: readFileSync(at('cert.pem')) },
    sessionUpstream((message, _request, response) =>
      json(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }),
    ),
  )
  const port = new URL(await listen(server)).port
  const world = await createWorld({
    servers: [httpServer('secure', `https://${hostname}:${port}/mcp`)],
    ...(trusted ? { upstreamCa: readFileSync(at('cert.pem'), 'utf8') } : {}),
  })
  cleanups.push(() => stop(server), world.close)
  return answerOf(await stateless(world, 'secure', 'tools/call', { name: 'work' }))
}

const codeOf = (answer: JsonObject) => ((answer.error as JsonObject).data as JsonObject).code

describe('the certificate of an upstream', () => {
  it('that is trusted is taken', async (context) => {
    if (!available) return context.skip('needs openssl')
    assert.ok((await call('localhost', true)).result !== undefined)
  })
  it('that nobody signed is refused', async (context) => {
    if (!available) return context.skip('needs openssl')
    assert.equal(codeOf(await call('localhost', false)), 'upstream_tls')
  })
  it('for another name is refused', async (context) => {
    if (!available) return context.skip('needs openssl')
    assert.equal(codeOf(await call('127.0.0.1', true)), 'upstream_tls')
  })
})
