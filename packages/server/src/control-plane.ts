/**
 * The control plane as one request handler. Owns its event streams and the watch over calls that are
 * enforced elsewhere; `close` ends them.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SafeconductError } from '@safeconduct/protocol'
import { createOwnerRequests } from './admin/owner-requests.ts'
import { createAsker } from './authzen/asker.ts'
import { createCalls } from './calls/calls.ts'
import type { OwnerIdentity } from './http/access.ts'
import { createApp } from './http/app.ts'
import { createEventStreams } from './http/events.ts'
import type { Route } from './http/route.ts'
import { type RoutePorts, routeTable } from './routes.ts'

export interface ControlPlanePorts extends Omit<RoutePorts, 'events'> {
  readonly ownerSession: (request: IncomingMessage) => OwnerIdentity | null
  /** Rows that only the composition root can answer (for example `run` on the control socket). */
  readonly moreRoutes?: readonly Route[]
  readonly onError: (error: SafeconductError, path: string) => void
}

export interface ControlPlane {
  readonly routes: readonly Route[]
  handler(request: IncomingMessage, response: ServerResponse): void
  close(): void
}

export function createControlPlane(ports: ControlPlanePorts): ControlPlane {
  const events = createEventStreams(ports.bus)
  const table: Route[] = routeTable({ ...ports, events })
  const calls = createCalls(ports)
  const requests = createOwnerRequests(ports, () => table)
  table.push(...requests.routes, ...calls.routes, ...(ports.moreRoutes ?? []))
  const asker = createAsker(ports.access, ports.tenant)
  const handler = createApp(table, {
    tenant: ports.tenant,
    ownerSession: ports.ownerSession,
    asker: (request) => asker(request),
    nonce: () => ports.access.authenticate.nonce(),
    askOwner: requests.ask,
    onError: ports.onError,
  })
  const close = () => {
    calls.close()
    events.close()
  }
  return { routes: table, handler, close }
}
