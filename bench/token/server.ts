/**
 * One token endpoint in a process of its own: ours, or `oidc-provider` alone with the same checks switched on
 * (`private_key_jwt`, DPoP, resource indicators, ES256 throughout, JWT access tokens).
 * @module
 */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Agent, PublicJwk } from '@safeconduct/protocol'
import { createAuthorizationServer } from '@safeconduct/server'
import { createClock, createIds, createMemoryStore } from '@safeconduct/store'
import { bareProvider } from '../../packages/server/src/testing/bare-provider.ts'
import { serveBench } from '../lib/child.ts'

export interface TokenServerInput {
  readonly kind: 'ours' | 'bare'
  readonly clientKey: PublicJwk
}

export interface TokenServerReady {
  readonly issuer: string
  readonly client: string
  readonly resource: string
}

const CLIENT = 'bench-client'

async function ours(issuer: string, clientKey: PublicJwk): Promise<RequestListener> {
  const clock = createClock()
  const ids = createIds(clock)
  const store = createMemoryStore()
  const kept = new Map<string, Uint8Array>()
  const agent: Agent = {
    tenant: 'default',
    id: CLIENT,
    version: 1,
    name: 'bench',
    owner: 'owner',
    registration: 'owner',
    jwks: [clientKey],
    redirectUris: [],
    composition: [],
    autonomous: true,
    status: 'active',
    trustCeiling: null,
    createdAt: 0,
  }
  await store.agents.insert(agent)
  await store.servers.insert({
    tenant: 'default',
    id: 'market',
    version: 1,
    name: 'market',
    transport: { kind: 'http', url: 'http://127.0.0.1:9/' },
    standing: 'approved',
    credential: null,
    trustedOutput: false,
    createdAt: 0,
  })
  const server = await createAuthorizationServer({
    store,
    clock,
    ids,
    secrets: {
      get: async (name) => kept.get(name) ?? null,
      putIfAbsent: async (name, value) => {
        kept.set(name, value)
        return value
      },
    },
    issuer: new URL(issuer),
    tenant: 'default',
    settings: { accessTokenTtl: 300, taskTtl: 28_800, registration: false, dpopNonce: false },
    gate: async () => ({ allow: true }),
    onControl: () => undefined,
    fetch: Object.assign(async () => new Response(''), { close: async () => undefined }),
  })
  return (req, res) => {
    server.handler(req, res)
  }
}

serveBench<TokenServerInput, TokenServerReady>(async ({ kind, clientKey }) => {
  let listener: RequestListener = (_req, res) => res.writeHead(503).end()
  const http = createServer((req, res) => listener(req, res))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://localhost:${(http.address() as AddressInfo).port}`
  listener = kind === 'ours' ? await ours(issuer, clientKey) : bareProvider(issuer, CLIENT, clientKey)
  return {
    ready: { issuer, client: CLIENT, resource: `${issuer}/mcp/market` },
    close: async () => {
      http.closeAllConnections()
      http.close()
    },
  }
})
