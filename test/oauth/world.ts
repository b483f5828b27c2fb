/**
 * An authorization server on a free loopback port over a memory store, with agents, servers and a person to consent.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ControlEvent, Store } from '@safeconduct/engine'
import type { Agent, PublicJwk, Server, User } from '@safeconduct/protocol'
import {
  type AuthorizationServer,
  type AuthorizationSettings,
  createAuthorizationServer,
  type GrantGate,
  type GrantIntent,
  type SecretStore,
} from '@safeconduct/server'
import { createIds, createMemoryStore } from '@safeconduct/store'
import * as oauth from 'oauth4webapi'

export const TENANT = 'default'

export interface AgentKeys {
  readonly agent: Agent
  readonly client: oauth.Client
  readonly auth: oauth.ClientAuth
  readonly key: oauth.CryptoKeyPair
}

export interface World {
  readonly issuer: string
  readonly as: AuthorizationServer
  readonly store: Store
  readonly control: ControlEvent[]
  readonly intents: GrantIntent[]
  readonly logs: string[]
  /** Clients that failed to prove themselves, as the server told of them. */
  readonly failed: string[]
  readonly metadata: oauth.AuthorizationServer
  readonly clock: { now(): number; offset: number }
  readonly user: User
  gate: GrantGate
  /** Documents that the guarded fetch of the server under test finds, by URL. */
  readonly documents: Map<string, { body: string; status?: number; headers?: Record<string, string> }>
  readonly fetched: string[]
  resource(server: string): string
  addServer(name: string): Promise<Server>
  addAgent(name: string, more?: Partial<Agent> & { alg?: 'ES256' | 'Ed25519' }): Promise<AgentKeys>
  /** The key that access tokens are signed with. */
  signingKey(): Promise<KeyObject>
  restart(): Promise<void>
  close(): Promise<void>
}

/** Keys that live as long as the world. */
function memorySecrets(): SecretStore & { readonly values: Map<string, Uint8Array> } {
  const values = new Map<string, Uint8Array>()
  return {
    values,
    get: async (name) => values.get(name) ?? null,
    putIfAbsent: async (name, value) => {
      const kept = values.get(name) ?? value
      values.set(name, kept)
      return kept
    },
  }
}

export interface WorldOptions {
  readonly settings?: Partial<AuthorizationSettings>
  readonly store?: Store
  /** Answered instead of what `Host` says. */
  readonly publicIssuer?: string
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const clock = { offset: 0, now: () => Date.now() + clock.offset }
  const ids = createIds(clock)
  const store = options.store ?? createMemoryStore({ now: () => clock.now() })
  const secrets = memorySecrets()
  let current: AuthorizationServer | null = null
  const http = createServer((req, res) => {
    const serving = current?.handler(req, res) ?? Promise.resolve(false)
    serving.then((served) => {
      if (!served) {
        res.statusCode = 404
        res.end('not here')
      }
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const address = `http://localhost:${port}`
  const issuer = options.publicIssuer ?? address
  const control: ControlEvent[] = []
  const intents: GrantIntent[] = []
  const logs: string[] = []
  const documents: World['documents'] = new Map()
  const fetched: string[] = []
  const user: User = {
    tenant: TENANT,
    id: 'user-1',
    version: 1,
    name: 'ada',
    owner: true,
    createdAt: clock.now(),
  }
  await store.users.insert(user)

  const failed: string[] = []
  const start = () =>
    createAuthorizationServer({
      store,
      clock,
      ids,
      secrets,
      issuer: new URL(issuer),
      tenant: TENANT,
      settings: {
        accessTokenTtl: 300,
        taskTtl: 28_800,
        registration: true,
        dpopNonce: false,
        ...options.settings,
      },
      gate: async (intent) => {
        intents.push(intent)
        return world.gate(intent)
      },
      onControl: (event) => control.push(event),
      onFailedClient: (client) => failed.push(client),
      fetch: Object.assign(
        async (url: string | URL) => {
          fetched.push(String(url))
          const found = documents.get(String(url))
          if (found === undefined) throw new Error('no such document')
          return new Response(found.body, {
            status: found.status ?? 200,
            headers: { 'content-type': 'application/json', ...found.headers },
          })
        },
        { close: async () => undefined },
      ),
      log: (level, message, cause) =>
        logs.push(`${level} ${message} ${cause instanceof Error ? cause.stack : ''}`),
    })

  const world: World = {
    issuer,
    get as() {
      if (current === null) throw new Error('not started')
      return current
    },
    store,
    control,
    failed,
    intents,
    logs,
    get metadata() {
      if (metadata === null) throw new Error('not started')
      return metadata
    },
    clock,
    user,
    gate: async () => ({ allow: true }),
    documents,
    fetched,
    resource: (server) => `${issuer}/mcp/${server}`,
    async addServer(name) {
      const server: Server = {
        tenant: TENANT,
        id: ids.next(),
        version: 1,
        name,
        transport: { kind: 'http', url: 'http://127.0.0.1:9/mcp' },
        standing: 'approved',
        credential: null,
        trustedOutput: false,
        createdAt: clock.now(),
      }
      await store.servers.insert(server)
      return server
    },
    async addAgent(name, { alg = 'ES256', ...more } = {}) {
      const key = await oauth.generateKeyPair(alg, { extractable: true })
      const jwk = (await crypto.subtle.exportKey('jwk', key.publicKey)) as PublicJwk
      const agent: Agent = {
        tenant: TENANT,
        id: ids.next(),
        version: 1,
        name,
        owner: user.id,
        registration: 'owner',
        jwks: [{ kty: jwk.kty, ...pick(jwk, ['crv', 'x', 'y']), kid: `${name}-1` }],
        redirectUris: [],
        composition: [],
        autonomous: false,
        status: 'active',
        trustCeiling: null,
        createdAt: clock.now(),
        ...more,
      }
      await store.agents.insert(agent)
      const auth = oauth.PrivateKeyJwt({ key: key.privateKey, kid: `${name}-1` })
      return { agent, client: { client_id: agent.id }, auth, key }
    },
    async signingKey() {
      const stored = await secrets.get('oauth/signing/es256')
      if (stored === null) throw new Error('no key yet')
      return createPrivateKey({ key: Buffer.from(stored), format: 'der', type: 'pkcs8' })
    },
    async restart() {
      await current?.close()
      current = await start()
    },
    async close() {
      await current?.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      await store.close()
    },
  }
  let metadata: oauth.AuthorizationServer | null = null
  await world.restart()
  if (options.publicIssuer === undefined) {
    const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...INSECURE })
    metadata = await oauth.processDiscoveryResponse(new URL(issuer), found)
  }
  return world
}

export const INSECURE = { [oauth.allowInsecureRequests]: true }

function pick(jwk: PublicJwk, members: readonly ('crv' | 'x' | 'y')[]): Partial<PublicJwk> {
  return Object.fromEntries(members.flatMap((name) => (jwk[name] === undefined ? [] : [[name, jwk[name]]])))
}
