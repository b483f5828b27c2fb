/**
 * A control plane on a free loopback port and on a control socket, over a memory store, with the real decider and
 * authorization server behind it; and the three who may ask: nobody, a local program, the signed-in owner.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  type Bus,
  createCedarEngine,
  createChecks,
  type EngineDecider,
  openDecider,
  runHere,
  type SigningKey,
  type Store,
} from '@safeconduct/engine'
import { createAuthenticate } from '@safeconduct/gateway'
import { type JsonObject, type JsonValue, SafeconductError, type User } from '@safeconduct/protocol'
import {
  type AccessPorts,
  type AdminPorts,
  type AuthorizationServer,
  type ControlPlane,
  createAuthorizationServer,
  createControlPlane,
  loadEnforcers,
  loadPolicyStores,
  markLocal,
  openRelations,
  type RelationService,
  type Route,
  type RoutePorts,
  type SecretStore,
} from '@safeconduct/server'
import { createBus, createIds, createMemoryStore } from '@safeconduct/store'
import {
  type FakeClock,
  type FakeLedger,
  fakeClock,
  fakeKeyring,
  fakeLedger,
} from '../../packages/engine/src/testing/fakes.ts'
import { START, TENANT } from '../../packages/engine/src/testing/world.ts'
import { memoryFiles } from '../fga/files.ts'

export { START, TENANT }

export type Who = 'anonymous' | 'local' | 'owner'

export interface Asked {
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The body as a JSON object; empty where it is something else. */
  readonly json: JsonObject
}

export interface World {
  readonly plane: ControlPlane
  readonly relations: RelationService
  readonly origin: string
  readonly store: Store
  readonly decider: EngineDecider
  readonly ledger: FakeLedger
  readonly bus: Bus
  readonly clock: FakeClock
  readonly authorization: AuthorizationServer
  readonly admin: AdminPorts
  readonly user: User
  /** What a DPoP proof of an agent must carry. */
  nonce(): string
  readonly credentials: Map<string, Readonly<Record<string, string>>>
  /** What was asked of the ledger's files. */
  readonly logPaths: string[]
  readonly errors: SafeconductError[]
  /** The signed-in owner's cookie and anti-forgery token. */
  readonly session: { readonly cookie: string; readonly csrf: string }
  ask(who: Who, method: string, path: string, asked?: Asked): Promise<Answer>
  get(who: Who, path: string): Promise<Answer>
  post(who: Who, path: string, body?: unknown): Promise<Answer>
  /** The answer as soon as its head is there. The caller destroys it. */
  open(who: Who, method: string, path: string, asked?: Asked): Promise<IncomingMessage>
  close(): Promise<void>
}

export interface WorldOptions {
  readonly moreRoutes?: readonly Route[]
  readonly readLog?: RoutePorts['readLog']
  readonly unready?: RoutePorts['unready']
  /** Keys of an issuer that the test plays itself, beside those of the authorization server. */
  readonly keys?: (origin: string) => ReadonlyMap<string, SigningKey>
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const clock = fakeClock(START)
  const ids = createIds(clock)
  const store = createMemoryStore({ now: () => clock.now() })
  const bus = createBus()
  const ledger = fakeLedger()
  const user: User = { tenant: TENANT, id: 'user-1', version: 1, name: 'ada', owner: true, createdAt: START }
  await store.users.insert(user)
  await store.epochs.ensure(TENANT, 'tenant', TENANT)
  await store.epochs.ensure(TENANT, 'user', user.id)
  const decider = await openDecider({
    clock,
    ids,
    store,
    ledger,
    keyring: fakeKeyring(),
    bus,
    policyEngine: createCedarEngine(),
  })

  const plain = createServer((incoming, outgoing) => void serve(incoming, outgoing))
  const local = createServer((incoming, outgoing) => {
    markLocal(incoming)
    plane.handler(incoming, outgoing)
  })
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
  const { port } = plain.address() as AddressInfo
  const origin = `http://localhost:${port}`
  const directory = mkdtempSync(path.join(tmpdir(), 'safeconduct-'))
  const socketPath = path.join(directory, 's')
  await new Promise<void>((resolve) => local.listen(socketPath, resolve))

  const authorization = await createAuthorizationServer({
    store,
    clock,
    ids,
    tenant: TENANT,
    issuer: new URL(origin),
    secrets: memorySecrets(),
    settings: { accessTokenTtl: 300, taskTtl: 28_800, registration: false, dpopNonce: false },
    gate: async () => ({ allow: false, code: 'forbidden' }),
    onControl: (event) => decider.control(event),
    fetch: Object.assign(async () => Response.error(), { close: async () => undefined }),
  })
  const credentials: World['credentials'] = new Map()
  const logPaths: string[] = []
  const errors: SafeconductError[] = []
  const checks = createChecks(runHere, (tenant) => decider.schemaParts(tenant))
  const admin: AdminPorts = {
    tenant: TENANT,
    store,
    decider,
    bus,
    clock,
    ids,
    revoke: (target) => authorization.revoke(target),
    policies: decider,
    people: decider.people,
    checks,
    putCredential: async (name, headers) => {
      credentials.set(name, headers)
    },
    eraseCredential: async (name) => {
      credentials.delete(name)
    },
  }
  const keys = new Map([...authorization.keys, ...(options.keys?.(origin) ?? [])])
  const access: AccessPorts = {
    issuer: origin,
    enforcers: await loadEnforcers(store, TENANT),
    stores: await loadPolicyStores(store, TENANT, () => undefined),
    authenticate: createAuthenticate({ issuer: origin, keys: () => keys, clock }),
    keys: () => keys,
    sign: (type, payload) => authorization.sign(type, payload),
    approvalTtl: 900_000,
  }
  const relations = await openRelations(
    {
      store,
      clock,
      ids,
      files: memoryFiles(),
      checks,
      onFacts: (tenant, facts) => decider.control({ type: 'relations', tenant, facts }),
      onRecorded: () => void decider.drainOutbox(),
      onError: (message, cause) => errors.push(new SafeconductError('internal', { message, cause })),
    },
    [TENANT],
  )
  const plane = createControlPlane({
    ...admin,
    access,
    relations,
    version: '0.0.0-test',
    enforcement: 'enforce',
    ownerSession: (incoming) => authorization.ownerSession(incoming),
    readLog: async (name) => {
      logPaths.push(name)
      return options.readLog === undefined ? null : options.readLog(name)
    },
    unready: options.unready ?? (() => []),
    metrics: async () => '# nothing\n',
    status: async () => ({ version: '0.0.0-test' }),
    moreRoutes: options.moreRoutes ?? [],
    onError: (error) => errors.push(error),
  })

  async function serve(...[incoming, outgoing]: Parameters<ControlPlane['handler']>): Promise<void> {
    if (!(await authorization.handler(incoming, outgoing))) plane.handler(incoming, outgoing)
  }

  const open: World['open'] = (who, method, where, asked = {}) =>
    new Promise((resolve, reject) => {
      const text = asked.raw ?? (asked.body === undefined ? undefined : JSON.stringify(asked.body))
      const headers = {
        ...(who === 'owner' ? { cookie: session.cookie } : {}),
        ...(who === 'owner' && method !== 'GET' ? { 'x-csrf-token': session.csrf } : {}),
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...asked.headers,
      }
      const to = who === 'local' ? { socketPath } : { host: '127.0.0.1', port }
      const sent = request({ ...to, method, path: where, headers, agent: false }, resolve)
      sent.on('error', reject)
      sent.end(text)
    })

  const ask: World['ask'] = async (...given) => {
    const response = await open(...given)
    const text = await readAll(response)
    return { status: response.statusCode ?? 0, headers: response.headers, text, json: objectOf(text) }
  }

  let session = { cookie: '', csrf: '' }
  const world: World = {
    plane,
    relations,
    origin,
    store,
    decider,
    ledger,
    bus,
    clock,
    authorization,
    admin,
    user,
    credentials,
    logPaths,
    errors,
    get session() {
      return session
    },
    nonce: () => access.authenticate.nonce(),
    ask,
    get: (who, where) => ask(who, 'GET', where),
    post: (who, where, body = {}) => ask(who, 'POST', where, { body }),
    open,
    async close() {
      plane.close()
      await closeServer(plain)
      await closeServer(local)
      await authorization.close()
      await relations.close()
      await decider.close()
      await store.close()
      rmSync(directory, { recursive: true })
    },
  }
  try {
    session = await signIn(world)
  } catch (error) {
    await world.close()
    throw error
  }
  return world
}

/** Goes the way a person goes: the one-time link, its form, the cookie. */
async function signIn({ ask, authorization, origin, user }: World): Promise<World['session']> {
  const secret = authorization.createSignInLink(user.id).split('#')[1] ?? ''
  const answer = await ask('anonymous', 'POST', '/signin', {
    raw: new URLSearchParams({ secret }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin },
  })
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  const { json } = await ask('anonymous', 'GET', '/api/v1/session', { headers: { cookie } })
  return { cookie, csrf: String(json.csrf) }
}

function memorySecrets(): SecretStore {
  const values = new Map<string, Uint8Array>()
  return {
    get: async (name) => values.get(name) ?? null,
    putIfAbsent: async (name, value) => {
      const kept = values.get(name) ?? value
      values.set(name, kept)
      return kept
    },
  }
}

/** A stream that does not end by itself is read as far as its first piece. */
async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) {
    chunks.push(chunk)
    if (response.headers['content-type'] === 'text/event-stream') break
  }
  return Buffer.concat(chunks).toString('utf8')
}

function objectOf(text: string): JsonObject {
  try {
    const value: JsonValue = JSON.parse(text)
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {}
  } catch {
    return {}
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}

/** What the control entries of the ledger tell of, in order. */
export function kindsIn({ rows }: FakeLedger): string[] {
  const entries = rows.map(({ entry }) => objectOf(Buffer.from(entry).toString('utf8')))
  return entries.flatMap(({ kind }) => (typeof kind === 'string' ? [kind] : []))
}
