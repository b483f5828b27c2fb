/**
 * One token endpoint in a process of its own: ours; `oidc-provider` alone with the same checks switched on
 * (`private_key_jwt`, DPoP, resource indicators, ES256 throughout, JWT access tokens); or the least that any could do in
 * Node: read the request, check its signatures, sign one token, answer. The last looks at nothing that it is told.
 * @module
 */
import {
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Agent, PublicJwk } from '@safeconduct/protocol'
import { createAuthorizationServer } from '@safeconduct/server'
import { createClock, createIds, createMemoryStore } from '@safeconduct/store'
import { bareProvider } from '../../packages/server/src/testing/bare-provider.ts'
import { serveBench } from '../lib/child.ts'

export interface TokenServerInput {
  readonly kind: 'ours' | 'bare' | 'least'
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

const P1363 = { dsaEncoding: 'ieee-p1363' } as const

function least(clientKey: PublicJwk): RequestListener {
  const client = createPublicKey({ key: { ...clientKey } as JsonWebKey, format: 'jwk' })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const known = new Map<string, KeyObject>()
  const keyOf = (jwk: JsonWebKey): KeyObject => {
    const found = known.get(String(jwk.x)) ?? createPublicKey({ key: jwk, format: 'jwk' })
    known.set(String(jwk.x), found)
    return found
  }
  const check = (jws: string, key: KeyObject): void => {
    const end = jws.lastIndexOf('.')
    const signature = Buffer.from(jws.slice(end + 1), 'base64url')
    if (!verify('sha256', Buffer.from(jws.slice(0, end)), { key, ...P1363 }, signature))
      throw new Error('a signature does not verify')
  }
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return (req, res) => {
    const parts: Buffer[] = []
    req.on('data', (some: Buffer) => parts.push(some))
    req.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(parts).toString())
      check(form.get('client_assertion') ?? '', client)
      const proof = req.headers.dpop
      if (typeof proof === 'string') {
        const header = JSON.parse(Buffer.from(proof.split('.', 1)[0] ?? '', 'base64url').toString())
        check(proof, keyOf(header.jwk))
      }
      const text = `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part({ sub: CLIENT, scope: form.get('scope') })}`
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, ...P1363 })
      const body = JSON.stringify({
        access_token: `${text}.${signature.toString('base64url')}`,
        token_type: proof === undefined ? 'Bearer' : 'DPoP',
      })
      res.setHeader('Content-Type', 'application/json')
      res.setHeader('Content-Length', Buffer.byteLength(body))
      res.end(body)
    })
  }
}

serveBench<TokenServerInput, TokenServerReady>(async ({ kind, clientKey }) => {
  let listener: RequestListener = (_req, res) => res.writeHead(503).end()
  const http = createServer((req, res) => listener(req, res))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://localhost:${(http.address() as AddressInfo).port}`
  if (kind === 'ours') listener = await ours(issuer, clientKey)
  else listener = kind === 'least' ? least(clientKey) : bareProvider(issuer, CLIENT, clientKey)
  return {
    ready: { issuer, client: CLIENT, resource: `${issuer}/mcp/market` },
    close: async () => {
      http.closeAllConnections()
      http.close()
    },
  }
})
