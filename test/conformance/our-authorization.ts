/**
 * @module The outside suite in authorization mode against our own authorization server: a client that registers itself,
 * signed in by the one-time link and consented by hand, as a person would in a browser.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig } from '@safeconduct/protocol'
import { registerServer } from '@safeconduct/server'
import { startDaemon, TENANT } from 'safeconduct'
import { type AuthorizationRun, runAuthorizationSuite } from './authorization.ts'
import { closeServer, listenOnLoopback } from './loopback.ts'

async function freePort(): Promise<number> {
  const probe = createServer()
  const origin = await listenOnLoopback(probe)
  await closeServer(probe)
  return Number(new URL(origin).port)
}

/** The daemon lives as long as the run. */
export async function runOurAuthorization(): Promise<AuthorizationRun> {
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
    if (registered.status !== 201) throw new Error(`registration answered ${registered.status}`)
    const client: unknown = await registered.json()
    return await runAuthorizationSuite({
      issuer: daemon.url,
      clientId: String(Object(client).client_id),
      port,
      resource: `${daemon.url}/mcp/docs`,
      signInUrl: `${daemon.url}/signin`,
      fields: { secret: new URL(daemon.signInLink()).hash.slice(1), intent: 'Read the documentation.' },
      press: ['allow', 'sign in'],
    })
  } finally {
    await daemon.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
