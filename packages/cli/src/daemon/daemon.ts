/**
 * The composition root: every part is made here and wired to the others; nothing else knows all of them.
 * @module
 */
import { STARTER_POLICIES } from '@safeconduct/engine'
import {
  type Authenticate,
  createAttemptBook,
  createAuthenticate,
  createMcpGateway,
  type McpGateway,
} from '@safeconduct/gateway'
import {
  type Config,
  type Enforcement,
  SafeconductError,
  type Server,
  type User,
} from '@safeconduct/protocol'
import {
  type AccessPorts,
  type AdminPorts,
  type AuthorizationServer,
  activatePolicy,
  createAuthorizationServer,
  createControlPlane,
  createFga,
  createGuardedFetch,
  type GrantGate,
  loadEnforcers,
  loadPolicyStores,
} from '@safeconduct/server'
import pino, { type Logger } from 'pino'
import { controlSocketPath } from '../client/daemon.ts'
import { VERSION } from '../version.ts'
import { type Foundation, openFoundation, TENANT } from './foundation.ts'
import { closeServer, type Doors, openControlSocket, openPort, servePort } from './listen.ts'
import { createLocalRuns } from './local-run.ts'
import { createMetrics } from './metrics.ts'
import { type Undo, unwinding } from './unwind.ts'

const OWNER = 'owner'

export interface Daemon {
  readonly url: string
  readonly port: number
  readonly directory: string
  readonly owner: string
  readonly enforcement: Enforcement
  readonly foundation: Foundation
  readonly admin: AdminPorts
  readonly authorization: AuthorizationServer
  /** Prints once, works once. */
  signInLink(): string
  /** Drains: refuses new calls, waits for those under way, records what they came to. */
  close(): Promise<void>
}

export function createLogger(config: Config): Logger {
  return pino(
    {
      level: config.SAFECONDUCT_LOG_LEVEL,
      base: null,
      // A second wall: nothing is logged that holds these, and if it were, it would not show.
      redact: [
        '*.authorization',
        '*.dpop',
        '*.cookie',
        '*.token',
        '*.secret',
        'headers.authorization',
        'headers.cookie',
      ],
      serializers: { err: pino.stdSerializers.err },
    },
    pino.destination({ fd: 2, sync: true }),
  )
}

export async function startDaemon(config: Config): Promise<Daemon> {
  const log = createLogger(config)
  requireSafeExposure(config)
  const foundation = await openFoundation(config, (text) => log.warn(text))
  const undo: Undo[] = [() => foundation.close()]
  const close = unwinding(undo)
  try {
    return await compose(config, log, foundation, undo, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function compose(
  config: Config,
  log: Logger,
  foundation: Foundation,
  undo: Undo[],
  close: () => Promise<void>,
): Promise<Daemon> {
  const { store, decider, clock, ids, bus, vault } = foundation
  const socketPath = controlSocketPath(foundation.directory)
  const opened = await openPort({ host: config.SAFECONDUCT_HOST, port: config.SAFECONDUCT_PORT })
  const { server, port } = opened
  undo.push(() => closeServer(server))
  const url = new URL(config.SAFECONDUCT_PUBLIC_URL ?? `http://localhost:${port}`)
  const owner = await ensureOwner(foundation)
  const fetch = createGuardedFetch({ allowPrivate: config.SAFECONDUCT_ALLOW_PRIVATE_FETCH })
  undo.push(() => fetch.close())

  const attempts = createAttemptBook(clock)
  const authorization = await createAuthorizationServer({
    store,
    clock,
    ids,
    tenant: TENANT,
    issuer: new URL(url.origin),
    secrets: {
      get: async (name) => (await vault.get(TENANT, name))?.value ?? null,
      putIfAbsent: async (name, value) => (await vault.getOrCreate(TENANT, name, () => value)).value,
    },
    settings: {
      accessTokenTtl: config.SAFECONDUCT_TOKEN_TTL,
      taskTtl: config.SAFECONDUCT_TASK_TTL,
      registration: config.SAFECONDUCT_DCR,
      dpopNonce: false,
    },
    gate: grantGate(foundation),
    onControl: (event) => decider.control(event),
    onFailedClient: (client, ip) => attempts.failed(ip, client),
    fetch,
    log: (level, message, cause) => log[level]({ err: cause }, message),
  })
  undo.push(() => authorization.close())

  const admin: AdminPorts = {
    tenant: TENANT,
    store,
    decider,
    bus,
    clock,
    ids,
    revoke: (target) => authorization.revoke(target),
    checks: foundation.checks,
    policies: decider,
    people: decider.people,
    putCredential: async (name, headers) => {
      await vault.put(TENANT, `credential/${name}`, Buffer.from(JSON.stringify(headers), 'utf8'))
    },
    eraseCredential: (name) => vault.erase(TENANT, `credential/${name}`),
  }
  await ensurePolicy(foundation, admin)

  /** Headers of a remote server, or variables of a child; sealed at rest, opened where they are injected. */
  const credential = async (server: Server): Promise<Record<string, string>> => {
    if (server.credential === null) return {}
    const secret = await vault.get(server.tenant, `credential/${server.credential}`)
    return secret === null ? {} : JSON.parse(Buffer.from(secret.value).toString('utf8'))
  }
  const authenticate = createAuthenticate({
    issuer: url.origin,
    keys: () => authorization.keys,
    clock,
    attempts,
  })
  const gateway = openGateway(config, log, foundation, authenticate, url, credential)
  undo.push(() => gateway.close())

  const metrics = createMetrics(bus, () => foundation.log.size, {
    shadow: () => decider.shadow(TENANT),
    oracle: foundation.oracle,
  })
  undo.push(() => metrics.close())
  const local = createLocalRuns({
    ...admin,
    authorization,
    owner: owner.id,
    environment: credential,
    gateway: (request, response, identity) => gateway.local(request, response, identity),
  })
  const onError = (error: SafeconductError, where: string) =>
    log.error({ err: error.cause, where }, 'internal error')
  const access: AccessPorts = {
    issuer: url.origin,
    enforcers: await loadEnforcers(store, TENANT),
    stores: await loadPolicyStores(store, TENANT, (id, cause) =>
      foundation.quarantine.add({ kind: 'policy store', id, cause }, () => access.stores.get(id) === null),
    ),
    authenticate,
    keys: () => authorization.keys,
    sign: (type, payload) => authorization.sign(type, payload),
    approvalTtl: config.SAFECONDUCT_APPROVAL_TTL * 1000,
  }
  const plane = createControlPlane({
    ...admin,
    access,
    relations: foundation.relations,
    version: VERSION,
    enforcement: config.SAFECONDUCT_ENFORCEMENT,
    ownerSession: (request) => authorization.ownerSession(request),
    readLog: async (name) => {
      const file = await foundation.log.readPublic(name)
      return file === undefined ? null : { kind: file.kind, bytes: file.body }
    },
    unready: () => foundation.unready(),
    metrics: metrics.text,
    status: async () => ({
      version: VERSION,
      url: url.origin,
      data: foundation.directory,
      pid: process.pid,
      enforcement: config.SAFECONDUCT_ENFORCEMENT,
      ledgerSize: foundation.log.size,
      vkey: foundation.log.vkey,
      quarantined: foundation.quarantined(),
    }),
    moreRoutes: [local.route],
    onError,
  })
  const fga = createFga({
    tenant: TENANT,
    service: foundation.relations,
    access,
    ownerSession: (request) => authorization.ownerSession(request),
    onError,
  })
  const rest = async (...exchange: Parameters<typeof plane.handler>) => {
    plane.handler(...exchange)
    return true
  }
  const doors: Doors = {
    parts: [
      (request, response) => gateway.handler(request, response),
      (request, response) => authorization.handler(request, response),
      fga,
      rest,
    ],
    localParts: [(request, response) => local.serve(request, response), fga, rest],
    onError,
  }
  servePort(server, doors, url, port)
  const control = await openControlSocket(socketPath, doors)
  // After everything that a caller waits for.
  void foundation.networks.load()
  // Streams never end by themselves: first nobody new comes in, then calls are drained and streams ended, and only
  // then is it worth waiting for connections.
  undo.push(async () => {
    for (const door of [control, server]) door.close()
    plane.close()
    await gateway.close()
    await Promise.all([closeServer(control), closeServer(server)])
  })

  return {
    url: url.origin,
    port,
    directory: foundation.directory,
    owner: owner.id,
    enforcement: config.SAFECONDUCT_ENFORCEMENT,
    foundation,
    admin,
    authorization,
    signInLink: () => authorization.createSignInLink(owner.id),
    close,
  }
}

/** What is reachable from elsewhere must be protected on the way: https under a stated public URL. */
function requireSafeExposure(config: Config): void {
  const loopback = ['127.0.0.1', '::1', 'localhost'].includes(config.SAFECONDUCT_HOST)
  if (loopback || config.SAFECONDUCT_PUBLIC_URL?.startsWith('https://') === true) return
  throw new SafeconductError('invalid_request', {
    message: `Listening on ${config.SAFECONDUCT_HOST} needs SAFECONDUCT_PUBLIC_URL with https (a TLS-terminating proxy in front).`,
  })
}

async function ensureOwner({ store, clock, ids, decider }: Foundation): Promise<User> {
  const known = (await store.users.list(TENANT)).find((user) => user.owner)
  if (known !== undefined) return known
  const user: User = {
    tenant: TENANT,
    id: `us_${ids.next()}`,
    version: 1,
    name: OWNER,
    owner: true,
    createdAt: clock.now(),
  }
  const refs = await store.tx(async (t) => {
    await t.users.insert(user)
    const tenant = await t.epochs.ensure(TENANT, 'tenant', TENANT)
    const epoch = await t.epochs.ensure(TENANT, 'user', user.id)
    await t.outbox.add(TENANT, ids.next(), { event: 'owner.created', user: user.id, at: clock.now() })
    return [
      { kind: 'tenant' as const, id: TENANT, epoch: tenant },
      { kind: 'user' as const, id: user.id, epoch },
    ]
  })
  for (const ref of refs) decider.control({ type: 'epoch', tenant: TENANT, ref })
  return user
}

/** A new data directory gets the starter policy; one whose owner retired every policy stays without, and denies. */
async function ensurePolicy({ store }: Foundation, admin: AdminPorts): Promise<void> {
  if ((await store.policies.list(TENANT, { limit: 1 })).length > 0) return
  const { agentPolicies, userPolicies } = STARTER_POLICIES
  await activatePolicy(admin, TENANT, { agent: agentPolicies, user: userPolicies }, 'starter')
}

/** Asked before every grant: a suspended or disabled agent gets none, and a grant that cannot be noted is not issued. */
function grantGate({ store, decider, ids, clock }: Foundation): GrantGate {
  return async (intent) => {
    const agent = await store.agents.get(intent.tenant, intent.agent)
    if (agent === null || agent.status !== 'active') return { allow: false, code: 'forbidden' }
    if (decider.standing(intent.tenant, intent.agent)?.trust === 'suspended')
      return { allow: false, code: 'denied' }
    await store.outbox.add(intent.tenant, ids.next(), {
      event: 'grant.issued',
      kind: intent.kind,
      agent: intent.agent,
      task: intent.task,
      scope: [...intent.scope],
      audience: [...intent.audience],
      bound: intent.bound,
      at: clock.now(),
    })
    return { allow: true }
  }
}

function openGateway(
  config: Config,
  log: Logger,
  foundation: Foundation,
  authenticate: Authenticate,
  url: URL,
  credential: (server: Server) => Promise<Record<string, string>>,
): McpGateway {
  const { decider, clock, ids, bus } = foundation
  const gateway = createMcpGateway({
    decider,
    authenticate,
    clock,
    ids,
    directory: foundation.servers,
    credentials: { headers: credential, environment: credential },
    settings: {
      publicUrl: url.origin,
      maxBody: config.SAFECONDUCT_MAX_BODY,
      maxConcurrent: config.SAFECONDUCT_MAX_CONCURRENT,
      upstreamTimeout: config.SAFECONDUCT_UPSTREAM_TIMEOUT * 1000,
      drainTimeout: config.SAFECONDUCT_DRAIN_TIMEOUT * 1000,
    },
    log: (level, message, fields) => log[level](fields ?? {}, message),
  })
  bus.subscribe((message) => {
    if (message.type === 'trust') gateway.onTrustChanged({ tenant: message.tenant, agent: message.agent })
    else if (message.type === 'revoked')
      gateway.onRevoked({ tenant: message.tenant, kind: message.kind, id: message.id })
  })
  return gateway
}
