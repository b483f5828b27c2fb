/**
 * A gateway with keys, tokens and a directory of its own, on a free loopback port. For tests only.
 * @module
 */
import { generateKeyPairSync, hash, type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { parsePublicJwk, type SigningKey, signJws } from '@safeconduct/engine'
import { type Grant, type JsonObject, SafeconductError, type Server } from '@safeconduct/protocol'
import { createAttemptBook } from '../auth/attempts.ts'
import { createAuthenticate } from '../auth/authenticate.ts'
import { createMcpGateway, type McpGateway, type McpGatewayOptions } from '../gateway.ts'
import { checkHost, checkOrigin, type OriginRules, originRules } from '../http/origin.ts'
import type { Deciding, Identity } from '../ports.ts'
import { fakeDecider } from './fake-decider.ts'

export const TENANT = 'acme'

export async function listen(server: HttpServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  return `http://127.0.0.1:${address.port}`
}

export function stop(server: HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** An upstream that answers by a handler. */
export async function upstream(
  handler: RequestListener,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(handler)
  const origin = await listen(server)
  return { url: `${origin}/mcp`, close: () => stop(server) }
}

export function httpServer(name: string, url: string, extra: Partial<Server> = {}): Server {
  return serverRecord(name, { kind: 'http', url, allowPrivate: true }, extra)
}

export function stdioServer(
  name: string,
  argv: readonly [string, ...string[]],
  extra: Partial<Server> = {},
): Server {
  return serverRecord(name, { kind: 'stdio', argv }, extra)
}

function serverRecord(name: string, transport: Server['transport'], extra: Partial<Server>): Server {
  return {
    tenant: TENANT,
    id: `server-${name}`,
    version: 1,
    name,
    transport,
    standing: 'approved',
    credential: null,
    trustedOutput: false,
    createdAt: 0,
    ...extra,
  }
}

/** Issues access tokens and DPoP proofs as the authorization server and an agent would. */
export interface Issuer {
  readonly keys: ReadonlyMap<string, SigningKey>
  readonly agentKey: KeyObject
  readonly agentJkt: string
  token(audience: string, extra?: JsonObject): string
  proof(input: {
    method: string
    url: string
    token: string
    nonce?: string | undefined
    extra?: JsonObject
  }): string
}

export function createIssuer(issuer: string): Issuer {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const agent = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const agentPublic = parsePublicJwk(agent.publicKey.export({ format: 'jwk' }))
  const seconds = () => Math.floor(Date.now() / 1000)
  return {
    keys: new Map([['k1', parsePublicJwk(own.publicKey.export({ format: 'jwk' }))]]),
    agentKey: agent.privateKey,
    agentJkt: agentPublic.thumbprint,
    token(audience, extra = {}) {
      const claims = {
        iss: issuer,
        sub: 'user-1',
        aud: audience,
        client_id: 'agent-1',
        scope: 'mcp:read mcp:write',
        iat: seconds(),
        exp: seconds() + 300,
        jti: randomUUID(),
        act: { sub: 'agent-1' },
        authorization_details: [{ type: 'safeconduct_task' }],
        safeconduct: { tenant: TENANT, task: 'task-1', epochs: [] },
        ...extra,
      }
      return signJws({ typ: 'at+jwt', kid: 'k1' }, claims, own.privateKey)
    },
    proof({ method, url, token, nonce, extra = {} }) {
      const claims = {
        htm: method,
        htu: url,
        iat: seconds(),
        jti: randomUUID(),
        ath: hash('sha256', token, 'base64url'),
        ...(nonce === undefined ? {} : { nonce }),
        ...extra,
      }
      return signJws({ typ: 'dpop+jwt', jwk: { ...agentPublic.jwk } }, claims, agent.privateKey)
    },
  }
}

export interface World {
  readonly origin: string
  readonly gateway: McpGateway
  readonly issuer: Issuer
  readonly servers: Map<string, Server>
  url(server: string): string
  /** A bearer token for the server, and the headers that present it. */
  bearer(server: string, extra?: JsonObject): Record<string, string>
  /** Posts a message and reads whatever comes back. */
  post(server: string, message: unknown, headers?: Record<string, string>): Promise<Response>
  close(): Promise<void>
}

export interface WorldOptions {
  readonly servers?: readonly Server[]
  readonly decider?: Deciding
  readonly settings?: Partial<McpGatewayOptions['settings']>
  readonly credentials?: McpGatewayOptions['credentials']
  readonly upstreamCa?: string
  readonly log?: McpGatewayOptions['log']
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const holder: { gateway: McpGateway | null } = { gateway: null }
  const guard: { rules: OriginRules | null } = { rules: null }
  const http = createServer((request, response) => {
    try {
      if (guard.rules !== null) {
        checkHost(request, guard.rules)
        checkOrigin(request, guard.rules)
      }
    } catch {
      response.writeHead(403).end()
      return
    }
    holder.gateway?.handler(request, response).then((served) => {
      if (!served) response.writeHead(404).end()
    })
  })
  const origin = await listen(http)
  guard.rules = originRules(origin, Number(new URL(origin).port))
  const issuer = createIssuer(origin)
  const servers = new Map((options.servers ?? []).map((server) => [server.name, server]))
  const clock = { now: () => Date.now() }
  const gateway = createMcpGateway({
    decider: options.decider ?? fakeDecider(),
    authenticate: createAuthenticate({
      issuer: origin,
      keys: () => issuer.keys,
      clock,
      attempts: createAttemptBook(clock),
    }),
    directory: {
      server: (tenant, name) => (tenant === TENANT ? (servers.get(name) ?? null) : null),
      known: (name) => servers.has(name),
    },
    credentials: options.credentials ?? { headers: async () => ({}) },
    clock,
    ids: { next: () => randomUUID() },
    settings: { publicUrl: origin, ...options.settings },
    log: options.log ?? (() => undefined),
    ...(options.upstreamCa === undefined ? {} : { upstreamCa: options.upstreamCa }),
  })
  holder.gateway = gateway
  const url = (server: string) => `${origin}/mcp/${server}`
  const bearer = (server: string, extra: JsonObject = {}) => ({
    authorization: `Bearer ${issuer.token(url(server), extra)}`,
  })
  return {
    origin,
    gateway,
    issuer,
    servers,
    url,
    bearer,
    post: (server, message, headers = {}) =>
      fetch(url(server), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...bearer(server),
          ...headers,
        },
        body: typeof message === 'string' ? message : JSON.stringify(message),
      }),
    async close() {
      await gateway.close()
      await stop(http)
    },
  }
}

export function grant(extra: Partial<Grant> = {}): Grant {
  return {
    id: 'grant-1',
    tenant: TENANT,
    agent: 'agent-1',
    user: 'user-1',
    via: [],
    clientId: 'agent-1',
    audience: [],
    scope: ['mcp:read', 'mcp:write'],
    task: 'task-1',
    details: { type: 'safeconduct_task' },
    epochs: [],
    jkt: null,
    issuedAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    authenticatedAt: null,
    ...extra,
  }
}

export function identity(extra: Partial<Grant> = {}): Identity {
  return { grant: grant(extra), proof: { kind: 'local', provenAt: null } }
}

/** The messages of a response, whether it came as JSON or as an event stream. */
export async function messagesOf(response: Response): Promise<JsonObject[]> {
  const text = await response.text()
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return text === '' ? [] : [JSON.parse(text)]
  }
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line): JsonObject => JSON.parse(line.slice(6)))
}

/** The last message: the answer. */
export async function answerOf(response: Response): Promise<JsonObject> {
  const last = (await messagesOf(response)).at(-1)
  if (last === undefined) throw new SafeconductError('internal', { message: 'no message' })
  return last
}
