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
  type Route,
  registerAgent,
  registerServer,
  route,
  serverName,
} from '@safeconduct/server'
import * as z from 'zod'

export interface LocalPorts extends AdminPorts {
  readonly authorization: AuthorizationServer
  readonly owner: string
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
  const identities = new Map<string, { identity: Identity; until: number }>()

  /** One implicit task per agent and server; a revoked or expired one is opened anew at the next `run`, not here. */
  async function open(agent: Agent, server: string): Promise<Identity> {
    const now = ports.clock.now()
    const opened = await ports.authorization.openTask({
      agent: agent.id,
      user: ports.owner,
      intent: null,
      implicit: true,
      details: { type: 'safeconduct_task', servers: [server] },
      expiresAt: now + TASK_LIFETIME,
    })
    const identity: Identity = {
      grant: {
        id: `local_${ports.ids.next()}`,
        tenant: ports.tenant,
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
    const [oldest] = identities.keys()
    if (identities.size >= MAX_IDENTITIES && oldest !== undefined) identities.delete(oldest)
    identities.set(`${server} ${agent.id}`, { identity, until: opened.task.expiresAt - RENEW_BEFORE })
    return identity
  }

  return {
    route: route({
      method: 'POST',
      path: '/local/run',
      who: 'local',
      summary: 'Opens a stdio server for a local MCP host.',
      body: runSchema,
      handle: async ({ tenant, body }) => {
        const agent = await localAgent(ports, tenant, body.agent)
        const server = await localServer(ports, tenant, body)
        await open(agent, server.name)
        return { agent: agent.id, server: server.name, standing: server.standing }
      },
    }),
    async serve(request, response) {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const name = /^\/local\/mcp\/([a-z0-9-]{1,63})$/.exec(url.pathname)?.[1]
      if (name === undefined) return false
      const agent = url.searchParams.get('agent') ?? ''
      const known = identities.get(`${name} ${agent}`)
      if (known === undefined)
        throw new SafeconductError('not_found', { message: 'Start it with safeconduct run first.' })
      const identity =
        known.until > ports.clock.now()
          ? known.identity
          : await open(await findAgent(ports, ports.tenant, agent), name)
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
  return registerAgent(ports, tenant, ports.owner, { name }, 'local')
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
    env: body.env,
    programDigest: await programDigest(body.argv[0]),
  }
  const wanted =
    body.server ?? `run-${hash('sha256', JSON.stringify([body.argv, body.cwd]), 'hex').slice(0, 12)}`
  const [known] = await ports.store.servers.find(tenant, 'name', wanted)
  if (known === undefined) {
    return registerServer(ports, tenant, { name: wanted, transport, trustedOutput: false, standing: 'new' })
  }
  if (!sameTransport(known.transport, transport)) {
    throw new SafeconductError('conflict', {
      message: `The server ${wanted} was registered with another command, folder, environment or program. Give this one another name with --server, or remove the old one: ./safeconduct servers remove ${wanted}`,
    })
  }
  return known
}

function sameTransport(a: ServerTransport, b: ServerTransport): boolean {
  const canonical = (value: ServerTransport) =>
    value.kind === 'http'
      ? JSON.stringify(['http', value.url])
      : JSON.stringify([
          value.argv,
          value.cwd ?? '',
          Object.entries(value.env ?? {}).sort(),
          value.programDigest ?? '',
        ])
  return canonical(a) === canonical(b)
}
