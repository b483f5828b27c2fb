/**
 * Tasks and delegations, and the one verb that ends anything: revoke.
 * @module
 */
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf } from './ports.ts'

export function taskRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/tasks',
      who: 'reader',
      summary: 'Tasks, newest first.',
      handle: async ({ tenant }) => ({
        tasks: await ports.store.tasks.list(tenant, { limit: 200, newestFirst: true }),
      }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/tasks/:id',
      who: 'reader',
      summary: 'One task with its delegations.',
      handle: async ({ tenant, params }) => {
        const task = await ports.store.tasks.get(tenant, params.id ?? '')
        if (task === null) throw notFound('task')
        return { task, delegations: await ports.store.delegations.find(tenant, 'task', task.id) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/revocations',
      who: 'reader',
      summary: 'Revokes; everything below fails at its next call.',
      body: z.strictObject({
        kind: z.enum(['agent', 'user', 'task', 'delegation']),
        id: z.string().min(1).max(256),
      }),
      handle: async ({ tenant, body, caller }) => {
        const id = body.kind === 'agent' ? (await findAgent(ports, tenant, body.id)).id : body.id
        const ref = await ports.revoke({ tenant, kind: body.kind, id, by: byOf(caller) })
        return { revoked: ref }
      },
    }),
  ]
}
