import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { readConfig } from '@safeconduct/protocol'
import { registerServer } from '@safeconduct/server'
import { startDaemon, TENANT } from 'safeconduct'
import { AUTHORIZATION_SCENARIOS, runAuthorizationSuite } from './authorization.ts'
import { closeServer, listenOnLoopback } from './loopback.ts'

async function freePort(): Promise<number> {
  const probe = createServer()
  const origin = await listenOnLoopback(probe)
  await closeServer(probe)
  return Number(new URL(origin).port)
}

it('our authorization server passes the outside suite: a self-registered client, signed in and consented by hand', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-as-'))
  const daemon = await startDaemon(
    readConfig({ SAFECONDUCT_DATA: path.join(folder, 'd'), SAFECONDUCT_PORT: '0' }),
  )
  try {
    const port = await freePort()
    await registerServer(daemon.admin, TENANT, {
      name: 'docs',
      standing: 'approved',
      trustedOutput: false,
      transport: { kind: 'http', url: 'https://docs.example/mcp' },
    })
    const metadata = await (await fetch(`${daemon.url}/.well-known/oauth-authorization-server`)).json()
    const registered = await fetch(String(Object(metadata).registration_endpoint), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'conformance',
        redirect_uris: [`http://127.0.0.1:${port}/callback`],
        token_endpoint_auth_method: 'none',
      }),
    })
    assert.equal(registered.status, 201)
    const client: unknown = await registered.json()
    const run = await runAuthorizationSuite({
      issuer: daemon.url,
      clientId: String(Object(client).client_id),
      port,
      resource: `${daemon.url}/mcp/docs`,
      signInUrl: `${daemon.url}/signin`,
      fields: { secret: new URL(daemon.signInLink()).hash.slice(1), intent: 'Read the documentation.' },
      press: ['allow', 'sign in'],
    })
    for (const scenario of AUTHORIZATION_SCENARIOS) {
      assert.equal(run.verdicts.get(scenario), 'passed', `${scenario}: ${JSON.stringify(run.checks)}`)
    }
  } finally {
    await daemon.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
