/**
 * The control plane's route table: every method and path we answer, with who may call it. A test walks it; what is
 * not in it does not exist. The authorization server and the gateway have their own tables.
 * @module
 */
import type { Enforcement } from '@safeconduct/protocol'
import { SafeconductError } from '@safeconduct/protocol'
import { agentRoutes } from './admin/agents.ts'
import { approvalRoutes } from './admin/approvals.ts'
import { baselineRoutes } from './admin/baselines.ts'
import { decisionRoutes } from './admin/decisions.ts'
import { elevationRoutes } from './admin/elevations.ts'
import { policyRoutes } from './admin/policy.ts'
import { policyTrialRoutes } from './admin/policy-trials.ts'
import { readmissionRoutes } from './admin/readmission.ts'
import { roleRoutes } from './admin/roles.ts'
import { serverRoutes } from './admin/servers.ts'
import { subjectRoutes } from './admin/subjects.ts'
import { taskRoutes } from './admin/tasks.ts'
import { toolCorrectionRoutes } from './admin/tool-corrections.ts'
import { enforcerRoutes } from './authzen/enforcers.ts'
import { policyStoreRoutes } from './authzen/policy-stores.ts'
import type { PdpPorts } from './authzen/ports.ts'
import { accessRoutes } from './authzen/routes.ts'
import { type DocumentPorts, documentRoutes } from './documents/routes.ts'
import { relationRoutes } from './fga/admin.ts'
import type { EventStreams } from './http/events.ts'
import { openapi } from './http/openapi.ts'
import { type Route, route } from './http/route.ts'
import { loadAssets } from './live/static.ts'

export interface LogFile {
  readonly kind: 'checkpoint' | 'tile' | 'entries'
  readonly bytes: Uint8Array
}

export interface RoutePorts extends PdpPorts, DocumentPorts {
  readonly version: string
  readonly enforcement: Enforcement
  readonly events: EventStreams
  /** null when there is no such file; never leaves the ledger's directory. */
  readonly readLog: (path: string) => Promise<LogFile | null>
  /** What is not ready, by name; empty = ready. */
  readonly unready: () => readonly string[]
  readonly metrics: () => Promise<string>
  readonly status: () => Promise<object>
}

export function routeTable(ports: RoutePorts): Route[] {
  const asset = loadAssets()
  const table: Route[] = [
    ...agentRoutes(ports),
    ...readmissionRoutes(ports),
    ...baselineRoutes(ports),
    ...subjectRoutes(ports),
    ...serverRoutes(ports),
    ...toolCorrectionRoutes(ports),
    ...taskRoutes(ports),
    ...approvalRoutes(ports),
    ...decisionRoutes(ports),
    ...policyRoutes(ports),
    ...elevationRoutes(ports),
    ...roleRoutes(ports),
    ...policyTrialRoutes(ports),
    ...enforcerRoutes(ports),
    ...policyStoreRoutes(ports),
    ...accessRoutes(ports),
    ...relationRoutes(ports),
    ...documentRoutes(ports),
    route({
      method: 'GET',
      path: '/api/v1/status',
      who: 'reader',
      summary: 'What runs here.',
      handle: async () => ports.status(),
    }),
    route({
      method: 'GET',
      path: '/api/v1/session',
      who: 'owner',
      summary: 'Who is signed in.',
      handle: async ({ caller }) => {
        if (caller.kind !== 'owner') return {}
        const { user, tenant, csrf } = caller
        const name = (await ports.store.users.get(tenant, user))?.name ?? user
        return { user, name, tenant, csrf, enforcement: ports.enforcement }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/events',
      who: 'reader',
      summary: 'Server-sent events: decisions, outcomes, approvals, changes of trust and risk, revocations.',
      handle: async ({ tenant, signal, allowed, incoming }) =>
        ports.events.open({ tenant, signal, allowed, cut: () => incoming.socket.destroy() }),
    }),
    route({
      method: 'GET',
      path: '/log/checkpoint',
      who: 'public',
      summary: 'The signed checkpoint (C2SP tlog-checkpoint).',
      handle: async () => logFile(ports, 'checkpoint', 'checkpoint'),
    }),
    route({
      method: 'GET',
      path: '/log/tile/entries/:path{.+}',
      who: 'reader',
      summary: 'Entry bundles; reading entries needs the rights of an auditor.',
      handle: async ({ params }) => logFile(ports, `tile/entries/${params.path ?? ''}`, 'entries'),
    }),
    route({
      method: 'GET',
      path: '/log/tile/:path{.+}',
      who: 'public',
      summary: 'Merkle tree tiles (C2SP tlog-tiles).',
      handle: async ({ params }) => logFile(ports, `tile/${params.path ?? ''}`, 'tile'),
    }),
    route({
      method: 'GET',
      path: '/healthz',
      who: 'public',
      summary: 'The process is alive.',
      handle: async () => ({ ok: true }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      who: 'public',
      summary: 'Calls can be decided and recorded.',
      handle: async () => {
        const missing = ports.unready()
        const body = JSON.stringify({ ready: missing.length === 0, missing })
        return new Response(body, {
          status: missing.length === 0 ? 200 : 503,
          headers: { 'content-type': 'application/json' },
        })
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      who: 'loopback',
      summary: 'Prometheus metrics: counts and times, no names.',
      handle: async () =>
        new Response(await ports.metrics(), {
          headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
        }),
    }),
    route({
      method: 'GET',
      path: '/',
      who: 'public',
      summary: 'The live page.',
      handle: async () => asset('index.html'),
    }),
    route({
      method: 'GET',
      path: '/approvals/:id',
      who: 'public',
      summary: 'The live page, at one approval.',
      handle: async () => asset('index.html'),
    }),
    ...(['live.js', 'live.css', 'icon.svg'] as const).map((name) =>
      route({
        method: 'GET',
        path: `/assets/${name}`,
        who: 'public',
        summary: `The live page: ${name}.`,
        handle: async () => asset(name),
      }),
    ),
  ]
  const description = route({
    method: 'GET',
    path: '/openapi.json',
    who: 'public',
    summary: 'This table as OpenAPI.',
    handle: async () => openapi(table, ports.version),
  })
  table.push(description)
  return table
}

const IMMUTABLE = 'public, max-age=31536000, immutable'

/** The kind is what the path says and what the file is: a tile path can never reach an entry bundle. */
async function logFile(ports: RoutePorts, path: string, kind: LogFile['kind']): Promise<Response> {
  const file = await ports.readLog(path)
  if (file === null || file.kind !== kind) throw new SafeconductError('not_found')
  const partial = path.includes('.p/')
  return new Response(new Uint8Array(file.bytes), {
    headers: {
      'content-type': kind === 'checkpoint' ? 'text/plain; charset=utf-8' : 'application/octet-stream',
      'cache-control': kind === 'checkpoint' || partial ? 'no-cache' : IMMUTABLE,
    },
  })
}
