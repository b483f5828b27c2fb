/**
 * Approvals: listed for whoever may read, decided by the signed-in owner alone.
 * @module
 */
import { type Approval, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, change } from './ports.ts'

const STATUSES = ['pending', 'approved', 'refused', 'used', 'expired'] as const

export function approvalRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/approvals',
      who: 'reader',
      summary: 'Approvals, newest first.',
      query: z.strictObject({ status: z.enum(STATUSES).optional() }),
      handle: async ({ tenant, query }) => {
        const now = ports.clock.now()
        const seen = (await select(ports, tenant, query.status)).map((approval) => asOf(approval, now))
        const shown = query.status === undefined ? seen : seen.filter((one) => one.status === query.status)
        return { approvals: await Promise.all(shown.map((one) => withStanding(ports, one))) }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/approvals/:id',
      who: 'reader',
      summary: 'One approval with the exact arguments it is bound to.',
      handle: async ({ tenant, params }) =>
        withStanding(ports, asOf(await find(ports, tenant, params.id), ports.clock.now())),
    }),
    route({
      method: 'POST',
      path: '/api/v1/approvals/:id/decide',
      who: 'owner',
      summary:
        'Approves or refuses; once, and only what is shown (the digest of its arguments must be named).',
      body: z.strictObject({ approve: z.boolean(), args_digest: z.string().max(128) }),
      handle: async ({ tenant, params, body, caller }) => {
        if (caller.kind !== 'owner') throw new SafeconductError('owner_session_required')
        const by = caller.user
        return decide(ports, tenant, params.id, body.approve, body.args_digest, by)
      },
    }),
  ]
}

async function select(
  { store }: AdminPorts,
  tenant: string,
  status: Approval['status'] | undefined,
): Promise<Approval[]> {
  const page = { limit: 200, newestFirst: true }
  if (status === undefined) return store.approvals.list(tenant, page)
  const stored = await store.approvals.find(tenant, 'status', status, page)
  if (status !== 'expired') return stored
  const pending = await store.approvals.find(tenant, 'status', 'pending', page)
  return [...stored, ...pending].sort((a, b) => (a.id < b.id ? 1 : -1))
}

/** A pending approval whose time is over is expired, whether or not anybody has written that down yet. */
function asOf(approval: Approval, now: number): Approval {
  return approval.status === 'pending' && approval.expiresAt <= now
    ? { ...approval, status: 'expired' }
    : approval
}

/**
 * Beside why this call waits: what its agent was sent to do, in the words of whoever sent it; how far it is trusted now,
 * and since when. null where nobody knows.
 */
async function withStanding({ decider, store }: AdminPorts, approval: Approval): Promise<object> {
  const known = decider.standing(approval.tenant, approval.agent)
  const standing = known === null ? null : { trust: known.trust, risk: known.risk, since: known.since }
  const task = await store.tasks.get(approval.tenant, approval.task)
  return { ...approval, standing, intent: task?.intent ?? null }
}

async function find(ports: AdminPorts, tenant: string, id: string | undefined): Promise<Approval> {
  const approval = await ports.store.approvals.get(tenant, id ?? '')
  if (approval === null) throw notFound('approval')
  return approval
}

async function decide(
  ports: AdminPorts,
  tenant: string,
  id: string | undefined,
  approve: boolean,
  argsDigest: string,
  by: string,
): Promise<Approval> {
  const approval = asOf(await find(ports, tenant, id), ports.clock.now())
  if (approval.status === 'expired')
    throw new SafeconductError('expired', { message: 'The approval has expired.' })
  if (approval.status !== 'pending')
    throw new SafeconductError('conflict', { message: `It was ${approval.status} already.` })
  if (approval.argsDigest !== argsDigest) {
    throw new SafeconductError('conflict', { message: 'These are not the arguments that wait for approval.' })
  }
  const next: Approval = {
    ...approval,
    version: approval.version + 1,
    status: approve ? 'approved' : 'refused',
    decidedBy: by,
    decidedAt: ports.clock.now(),
  }
  const event = {
    event: `approval.${next.status}`,
    approval: next.id,
    decision: next.decision,
    argsDigest,
    by,
  }
  const done = await change(ports, event, async (t) => {
    await t.approvals.replace(next)
    return { result: next, control: [{ type: 'approval', approval: next }] }
  })
  ports.bus.publish({ type: 'approval', tenant, approval: done })
  return done
}
