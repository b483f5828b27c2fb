/**
 * Servers and their pinned tools.
 * @module
 */
import { type Repositories, rolesOf } from '@safeconduct/engine'
import {
  ARGUMENT_KIND_NAMES,
  type JsonObject,
  type PinnedTool,
  SafeconductError,
  type Server,
  type ServerTransport,
} from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf, change } from './ports.ts'
import { pinned } from './tool-corrections.ts'

export const serverName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a server name is 1–63 of a–z, 0–9 and "-"')

const httpServer = z
  .strictObject({
    name: serverName,
    url: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .refine(isPlainUrl, 'credentials and fragments do not belong into a URL; store a credential instead'),
    trusted_output: z.boolean().default(false),
    /** Private addresses are refused unless the owner says that this server is meant to have one. */
    allow_private: z.boolean().default(false),
  })
  .refine(({ url, allow_private }) => allow_private || url.startsWith('https:'), {
    path: ['url'],
    message: 'a server is reached by https, unless a private address is allowed',
  })

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username === '' && password === '' && !text.includes('#')
}

/** What a person has to know before agreeing, as one sentence. */
function registrationSentence({
  name,
  url,
  trusted_output,
  allow_private,
}: z.infer<typeof httpServer>): string {
  const more = [
    ...(allow_private ? ['its address may be a private one'] : []),
    ...(trusted_output ? ['what it returns may vouch for values'] : []),
  ]
  return [`Register the server ${name} at ${new URL(url).origin}`, ...more].join('; ')
}

/** Headers that frame the message or say where it goes; the gateway alone writes them (RFC 9110 §7). */
const FRAMING = new Set([
  'accept',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const MAX_HEADERS = 16

const credential = z.strictObject({
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'a header name is 1–64 of A–Z, a–z, 0–9 and "-"'),
      z
        .string()
        .min(1)
        .max(8192)
        .regex(/^[\t\x20-\x7e]+$/, 'a header value is printable ASCII'),
    )
    .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`)
    .refine((headers) => Object.keys(headers).length > 0, 'at least one header')
    .refine((headers) => {
      const names = Object.keys(headers).map((name) => name.toLowerCase())
      return new Set(names).size === names.length
    }, 'a header is given once')
    .refine(
      (headers) => !Object.keys(headers).some((name) => FRAMING.has(name.toLowerCase())),
      'a credential does not set headers of the connection or of the message itself',
    ),
})

export function serverRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/servers',
      who: 'reader',
      summary: 'Servers behind the gateway.',
      handle: async ({ tenant }) => ({
        servers: (await ports.store.servers.list(tenant, { limit: 1000 })).map(view),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/servers',
      who: 'confirmed',
      summary:
        'Registers a remote MCP server. Stdio servers come from the command line only, never over HTTP.',
      body: httpServer,
      confirm: registrationSentence,
      handle: async ({ tenant, body }) => {
        const transport: ServerTransport = {
          kind: 'http',
          url: body.url,
          ...(body.allow_private ? { allowPrivate: true } : {}),
        }
        const given = {
          name: body.name,
          transport,
          trustedOutput: body.trusted_output,
          standing: 'new' as const,
        }
        return view(await registerServer(ports, tenant, given))
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/servers/:name/approve',
      who: 'confirmed',
      summary: 'A person looked at the server: its writes no longer go to approval for being new.',
      body: z.strictObject({ trusted_output: z.boolean().optional() }),
      confirm: async ({ trusted_output }, { tenant, params }) => {
        const where = address(await findServer(ports, tenant, params.name))
        const vouch = trusted_output === true ? ', and let what it returns vouch for values' : ''
        return `Approve the server at ${where}${vouch}`
      },
      handle: async ({ tenant, params, body, caller }) => {
        const server = await findServer(ports, tenant, params.name)
        const trustedOutput = body.trusted_output ?? server.trustedOutput
        const next: Server = { ...server, standing: 'approved', trustedOutput, version: server.version + 1 }
        return view(
          await replaceServer(ports, next, { event: 'server.approved', trustedOutput, by: byOf(caller) }),
        )
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/servers/:name/credential',
      who: 'owner',
      summary: 'Stores the headers that the gateway injects for this server; they are never shown again.',
      body: credential,
      handle: async ({ tenant, params, body, caller }) => {
        const server = await findServer(ports, tenant, params.name)
        if (server.transport.kind !== 'http') {
          throw new SafeconductError('invalid_request', {
            message:
              'Headers are injected into HTTP only; a child server gets its secrets in its environment.',
          })
        }
        await ports.putCredential(server.id, body.headers)
        const next: Server = { ...server, credential: server.id, version: server.version + 1 }
        return view(await replaceServer(ports, next, { event: 'server.credential', by: byOf(caller) }))
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/servers/:name/remove',
      who: 'confirmed',
      summary: 'Removes a server.',
      body: z.strictObject({}),
      confirm: async (_, { tenant, params }) =>
        `Remove the server at ${address(await findServer(ports, tenant, params.name))}`,
      handle: async ({ tenant, params, caller }) => {
        const server = await findServer(ports, tenant, params.name)
        // First, so that a failure in between leaves a server without its secret, never a secret without its server.
        await ports.eraseCredential(server.credential ?? server.id)
        const event = { event: 'server.removed', server: server.name, by: byOf(caller) }
        await change(ports, event, async (t) => {
          await t.servers.remove(tenant, server.id)
          await removePins(t, tenant, server.name)
          return { result: null, control: [{ type: 'server-removed', tenant, server: server.name }] }
        })
        return { removed: server.name }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/tools',
      who: 'reader',
      summary:
        'Tools as pinned, quarantined ones with the reason; one by its id, with what is derived of it.',
      query: z.strictObject({
        status: z.enum(['active', 'quarantined']).optional(),
        id: z.string().max(512).optional(),
      }),
      handle: async ({ tenant, query }) => {
        if (query.id !== undefined) {
          const tool = await pinned(ports, tenant, query.id)
          const [server] = await ports.store.servers.find(tenant, 'name', tool.server)
          return { tools: [{ ...tool, roles: rolesOf(tool, server) }], argumentKinds: ARGUMENT_KIND_NAMES }
        }
        const page = { limit: 1000 }
        const tools =
          query.status === undefined
            ? await ports.store.tools.list(tenant, page)
            : await ports.store.tools.find(tenant, 'status', query.status, page)
        return { tools }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/tools/approve',
      who: 'confirmed',
      summary: 'Re-approves a quarantined tool as it is defined now.',
      body: z.strictObject({ id: z.string().max(512), digest: z.string().max(128) }),
      confirm: async (body, { tenant }) => {
        await quarantined(ports, tenant, body)
        return `Approve the changed tool ${body.id} (${body.digest.slice(0, 19)}…)`
      },
      handle: async ({ tenant, body, caller }) => approveTool(ports, tenant, body, byOf(caller)),
    }),
  ]
}

/** Memory forgets them as well; a pin left behind would be in the way of the next server of that name. */
async function removePins(t: Repositories, tenant: string, server: string): Promise<void> {
  for (;;) {
    const pins = await t.tools.find(tenant, 'server', server, { limit: 1000 })
    for (const { id } of pins) await t.tools.remove(tenant, id)
    if (pins.length < 1000) return
  }
}

function view(server: Server): object {
  const { transport } = server
  return {
    id: server.id,
    name: server.name,
    standing: server.standing,
    trustedOutput: server.trustedOutput,
    credential: server.credential !== null,
    // The environment of a child may hold secrets: only the names are shown.
    transport:
      transport.kind === 'http'
        ? { kind: 'http', url: transport.url, allowPrivate: transport.allowPrivate ?? false }
        : { kind: 'stdio', argv: transport.argv, env: Object.keys(transport.env ?? {}) },
    createdAt: server.createdAt,
  }
}

export async function findServer(
  ports: AdminPorts,
  tenant: string,
  name: string | undefined,
): Promise<Server> {
  const [server] = await ports.store.servers.find(tenant, 'name', name ?? '')
  if (server === undefined) throw notFound('server')
  return server
}

export async function registerServer(
  ports: AdminPorts,
  tenant: string,
  given: Pick<Server, 'name' | 'transport' | 'trustedOutput' | 'standing'> &
    Partial<Pick<Server, 'credential'>>,
): Promise<Server> {
  const server: Server = {
    tenant,
    id: `sv_${ports.ids.next()}`,
    version: 1,
    credential: null,
    createdAt: ports.clock.now(),
    ...given,
  }
  return change(
    ports,
    { event: 'server.registered', server: server.name, standing: server.standing },
    async (t) => {
      if ((await t.servers.find(tenant, 'name', server.name)).length > 0) {
        throw new SafeconductError('conflict', {
          message: `A server named ${server.name} is registered already.`,
        })
      }
      await t.servers.insert(server)
      return { result: server, control: [{ type: 'server', server }] }
    },
  )
}

async function replaceServer(ports: AdminPorts, server: Server, event: JsonObject): Promise<Server> {
  return change(ports, { ...event, server: server.name }, async (t) => {
    await t.servers.replace(server)
    return { result: server, control: [{ type: 'server', server }] }
  })
}

/** What is approved: an address, or the command that is started. */
function address({ transport }: Server): string {
  return transport.kind === 'http' ? transport.url : `the command ${transport.argv.join(' ')}`
}

interface SeenTool {
  readonly id: string
  readonly digest: string
}

/** The digest names what the person saw; if the tool changed again meanwhile, they did not see this. */
async function quarantined(ports: AdminPorts, tenant: string, { id, digest }: SeenTool): Promise<PinnedTool> {
  const tool = await pinned(ports, tenant, id)
  if (tool.status !== 'quarantined')
    throw new SafeconductError('conflict', { message: 'The tool is not quarantined.' })
  if ((tool.proposedDigest ?? tool.digest) !== digest)
    throw new SafeconductError('conflict', { message: 'The tool changed again; look at it anew.' })
  return tool
}

async function approveTool(
  ports: AdminPorts,
  tenant: string,
  seen: SeenTool,
  by: string,
): Promise<PinnedTool> {
  const tool = await quarantined(ports, tenant, seen)
  const { id, digest } = seen
  const next: PinnedTool = {
    ...tool,
    version: tool.version + 1,
    definition: tool.proposed ?? tool.definition,
    digest,
    status: 'active',
    reason: null,
    proposed: null,
    proposedDigest: null,
  }
  return change(ports, { event: 'tool.approved', tool: id, digest, by }, async (t) => {
    await t.tools.replace(next)
    return { result: next, control: [{ type: 'tool', tool: next }] }
  })
}
