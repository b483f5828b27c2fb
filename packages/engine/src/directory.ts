/**
 * Everything the store knows that decisions need, as control events, in an order in which nothing is missing.
 * @module
 */
import type { ControlEvent, Store } from './ports.ts'
import { all } from './record/replay.ts'

/** What has ended is told of for this long, so that its agent hears that it expired and not that it is unknown. */
const ENDED_TOLD_MS = 24 * 3_600_000

/** @param now milliseconds */
export async function* directoryEvents(store: Store, now: number): AsyncGenerator<ControlEvent> {
  const epochs = await store.epochs.all()
  for (const { tenant, ref } of epochs) yield { type: 'epoch', tenant, ref }
  for (const tenant of new Set(epochs.map((each) => each.tenant)))
    yield* tenantEvents(store, tenant, now - ENDED_TOLD_MS)
}

async function* tenantEvents(store: Store, tenant: string, since: number): AsyncGenerator<ControlEvent> {
  for (const user of await all((page) => store.users.list(tenant, page))) yield { type: 'user', user }
  for (const agent of await all((page) => store.agents.list(tenant, page))) yield { type: 'agent', agent }
  for (const server of await all((page) => store.servers.list(tenant, page))) yield { type: 'server', server }
  for (const tool of await all((page) => store.tools.list(tenant, page))) yield { type: 'tool', tool }
  const tasks = await all((page) => store.tasks.find(tenant, 'status', 'active', page))
  for (const task of tasks) if (task.expiresAt >= since) yield { type: 'task', task }
  for (const delegation of await all((page) => store.delegations.list(tenant, page))) {
    if (delegation.expiresAt >= since) yield { type: 'delegation', delegation }
  }
  const active = await all((page) => store.elevations.find(tenant, 'status', 'active', page))
  for (const elevation of active) if (elevation.expiresAt >= since) yield { type: 'elevation', elevation }
  // A refusal holds until its request would have expired, so only the latest can matter.
  const refused = await store.approvals.find(tenant, 'status', 'refused', { newestFirst: true, limit: 1000 })
  for (const approval of refused.reverse()) yield { type: 'approval', approval }
  for (const status of ['pending', 'approved'] as const) {
    for (const approval of await all((page) => store.approvals.find(tenant, 'status', status, page))) {
      yield { type: 'approval', approval }
    }
  }
  for (const version of await all((page) => store.policies.find(tenant, 'status', 'active', page))) {
    yield { type: 'policy', tenant, version }
  }
  const [shadow] = await store.policies.find(tenant, 'status', 'shadow', { newestFirst: true, limit: 1 })
  if (shadow !== undefined) yield { type: 'shadow', tenant, version: shadow }
}
