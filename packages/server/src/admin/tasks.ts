/**
 * Tasks and delegations, and the one verb that ends anything: revoke.
 * @module
 */
import { isSafeconductError, type Task } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf } from './ports.ts'
import { revocations, taskStatus } from './task-standing.ts'

export function taskRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/tasks',
      who: 'reader',
      summary: 'Tasks with what they are worth now, newest first.',
      handle: async ({ tenant }) => {
        const tasks = await ports.store.tasks.list(tenant, { limit: 200, newestFirst: true })
        return { tasks: await withStatus(ports, tenant, tasks) }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/tasks/:id',
      who: 'reader',
      summary: 'One task with its delegations.',
      handle: async ({ tenant, params }) => {
        const task = await ports.store.tasks.get(tenant, params.id ?? '')
        if (task === null) throw notFound('task')
        const [shown] = await withStatus(ports, tenant, [task])
        return {
          task: shown ?? task,
          delegations: await ports.store.delegations.find(tenant, 'task', task.id),
        }
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
        try {
          return { revoked: await ports.revoke({ tenant, kind: body.kind, id, by: byOf(caller) }) }
        } catch (error) {
          if (isSafeconductError(error) && error.code === 'not_found') throw notFound(body.kind)
          throw error
        }
      },
    }),
  ]
}

async function withStatus(ports: AdminPorts, tenant: string, tasks: readonly Task[]): Promise<object[]> {
  const revokedAt = revocations(ports.store.epochs, tenant)
  const now = ports.clock.now()
  return Promise.all(tasks.map(async (task) => ({ ...task, status: await taskStatus(task, revokedAt, now) })))
}
