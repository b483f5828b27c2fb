/**
 * What `safeconduct run` asks for on the control socket: a server for this command, an agent of this machine, and a
 * grant for the owner's errand that nobody put into words. Such a caller proves no key, so its trust stays capped.
 * @module
 */
import { hash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Identity, programDigest } from '@safeconduct/gateway'
import {
  type Agent,
  SafeconductError,
  SCOPES,
  type Server,
  type ServerTransport,
} from '@safeconduct/protocol'
import {
  type AdminPorts,
  type AuthorizationServer,
  findAgent,
  findServer,
  type Route,
  registerAgent,
  registerServer,
  requireAdmitted,
  route,
  serverName,
} from '@safeconduct/server'
import * as z from 'zod'

export interface LocalPorts extends AdminPorts {
  readonly authorization: AuthorizationServer
  readonly owner: string
  /** The variables that were sealed for a child. */
  readonly environment: (server: Server) => Promise<Readonly<Record<string, string>>>
  readonly gateway: (request: IncomingMessage, response: ServerResponse, identity: Identity) => Promise<void>
}

const runSchema = z.strictObject({
  agent: z.string().max(63),
  argv: z.tuple([z.string().min(1).max(4096)], z.string().max(16_384)),
  cwd: z.string().max(4096),
  env: z.record(z.string().max(256), z.string().max(65_536)).default({}),
  server: serverName.optional(),
})

const TASK_LIFETIME = 8 * 60 * 60_000
const RENEW_BEFORE = 60_000
const MAX_IDENTITIES = 256

export interface LocalRuns {
  readonly route: Route
  /** Serves `/local/mcp/<server>?agent=<id>`; false when the path is another one. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<boolean>
}

export function createLocalRuns(ports: LocalPorts): LocalRuns {
  const { store, tenant, clock } = ports
  const identities = new Map<string, Identity>()
  const keyOf = (agent: string, server: string) => `${server} ${agent}`

  /** An implicit task for the owner's errand at one server. */
  async function open(agent: Agent, server: string): Promise<Identity> {
    await requireAdmitted(store, agent)
    const now = clock.now()
    const opened = await ports.authorization.openTask({
      agent: agent.id,
      user: ports.owner,
      intent: null,
      implicit: true,
      details: { type: 'safeconduct_task', servers: [server] },
      expiresAt: now + TASK_LIFETIME,
    })
    // Again: a revocation in between would have been counted in already.
    await requireAdmitted(store, agent)
    const identity: Identity = {
      grant: {
        id: `local_${ports.ids.next()}`,
        tenant,
        agent: agent.id,
        user: ports.owner,
        via: [],
        clientId: agent.id,
        audience: [],
        scope: SCOPES,
        task: opened.task.id,
        details: opened.task.details,
        epochs: opened.epochs,
        jkt: null,
        issuedAt: now,
        expiresAt: opened.task.expiresAt,
        authenticatedAt: null,
      },
      proof: { kind: 'local', provenAt: null },
    }
    keep(keyOf(agent.id, server), identity)
    return identity
  }

  function keep(key: string, identity: Identity): void {
    identities.delete(key)
    identities.set(key, identity)
    for (const oldest of identities.keys()) {
      if (identities.size <= MAX_IDENTITIES) return
      identities.delete(oldest)
    }
  }

  async function alive({ grant }: Identity): Promise<boolean> {
    for (const { kind, id, epoch } of grant.epochs)
      if ((await store.epochs.ensure(tenant, kind, id)) !== epoch) return false
    return true
  }

  const fresh = ({ grant }: Identity) => grant.expiresAt - RENEW_BEFORE > clock.now()

  /** One task for an agent at a server: hosts that start the same command share it. */
  async function start(agent: Agent, server: string): Promise<void> {
    const known = identities.get(keyOf(agent.id, server))
    if (known === undefined || !fresh(known) || !(await alive(known))) await open(agent, server)
  }

  /** A task that ran out begins anew; one that was revoked does not until the command is started again. */
  async function current(agent: string, server: string): Promise<Identity> {
    const known = identities.get(keyOf(agent, server))
    if (known === undefined)
      throw new SafeconductError('not_found', { message: 'Start it with safeconduct run first.' })
    if (fresh(known) || !(await alive(known))) return known
    return open(await findAgent(ports, tenant, agent), server)
  }

  return {
    route: route({
      method: 'POST',
      path: '/local/run',
      who: 'local',
      summary: 'Opens a stdio server for a local MCP host.',
      body: runSchema,
      handle: async ({ body }) => {
        const agent = await localAgent(ports, tenant, body.agent)
        await requireAdmitted(store, agent)
        const server = await localServer(ports, tenant, body)
        await start(agent, server.name)
        return { agent: agent.id, server: server.name, standing: server.standing }
      },
    }),
    async serve(request, response) {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const name = /^\/local\/mcp\/([a-z0-9-]{1,63})$/.exec(url.pathname)?.[1]
      if (name === undefined) return false
      const identity = await current(url.searchParams.get('agent') ?? '', name)
      request.url = `/mcp/${name}`
      await ports.gateway(request, response, identity)
      return true
    },
  }
}

/** The agent called `local` is made at the first run; any other name must have been registered. */
async function localAgent(ports: LocalPorts, tenant: string, name: string): Promise<Agent> {
  const [known] = await ports.store.agents.find(tenant, 'name', name)
  if (known !== undefined) return known
  if (name !== 'local') {
    throw new SafeconductError('not_found', {
      message: `There is no agent ${name}. Register it first: ./safeconduct agents register ${name}`,
    })
  }
  return madeOrFound(
    () => registerAgent(ports, tenant, ports.owner, { name }, 'local'),
    () => findAgent(ports, tenant, name),
  )
}

/** A host starts its servers all at once: what one start makes, the next finds. */
async function madeOrFound<T>(make: () => Promise<T>, find: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    if (error instanceof SafeconductError && error.code === 'conflict') return find()
    throw error
  }
}

/**
 * The command in the host's configuration is owner-local configuration; still, a new one starts as a new server:
 * reads allowed, writes to approval, no credentials.
 */
async function localServer(
  ports: LocalPorts,
  tenant: string,
  body: z.infer<typeof runSchema>,
): Promise<Server> {
  const transport: ServerTransport = {
    kind: 'stdio',
    argv: body.argv,
    cwd: body.cwd,
    programDigest: await programDigest(body.argv[0]),
  }
  const wanted =
    body.server ?? `run-${hash('sha256', JSON.stringify([body.argv, body.cwd]), 'hex').slice(0, 12)}`
  const [found] = await ports.store.servers.find(tenant, 'name', wanted)
  const known =
    found ??
    (await madeOrFound(
      () => newServer(ports, tenant, wanted, transport, body.env),
      () => findServer(ports, tenant, wanted),
    ))
  const same = describe(known.transport, await ports.environment(known)) === describe(transport, body.env)
  if (!same) {
    throw new SafeconductError('conflict', {
      message: `The server ${wanted} was registered with another command, folder, environment or program. Give this one another name with --server, or remove the old one: ./safeconduct servers remove ${wanted}`,
    })
  }
  return known
}

/** Variables that a host hands to a server are mostly its secrets: they are sealed, and not part of the record. */
async function newServer(
  ports: LocalPorts,
  tenant: string,
  name: string,
  transport: ServerTransport,
  env: Readonly<Record<string, string>>,
): Promise<Server> {
  const given = { name, transport, trustedOutput: false, standing: 'new' } as const
  if (Object.keys(env).length === 0) return registerServer(ports, tenant, given)
  const credential = `environment/${name}`
  const server = await registerServer(ports, tenant, { ...given, credential })
  await ports.putCredential(credential, env)
  return server
}

function describe(transport: ServerTransport, env: Readonly<Record<string, string>>): string {
  if (transport.kind === 'http') return JSON.stringify(['http', transport.url])
  const { argv, cwd = '', programDigest: digest = '' } = transport
  const variables = Object.entries({ ...transport.env, ...env }).sort()
  return JSON.stringify([argv, cwd, variables, digest])
}
