/**
 * What was learned of an agent, in the hands of people: evidence answered, calls contested, baselines saved and brought
 * back. What could make an agent look better than it is needs the owner.
 * @module
 */
import type { SavedBaseline } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf } from './ports.ts'

const answer = z.strictObject({
  evidence: z.string().min(3).max(512),
  verdict: z.enum(['confirm', 'dismiss']),
})

export function baselineRoutes(ports: AdminPorts): Route[] {
  const agentOf = (tenant: string, name: string | undefined) => findAgent(ports, tenant, name)
  return [
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/feedback',
      who: 'confirmed',
      summary:
        'Confirms or dismisses a piece of evidence by its id: its detector counts more or less from now on.',
      body: answer,
      confirm: async (body, { tenant, params }) => {
        await requireOwn(ports, tenant, params.id, body.evidence)
        const what = body.verdict === 'dismiss' ? 'Dismiss as a false alarm' : 'Confirm'
        return `${what} the evidence ${body.evidence} against an agent`
      },
      handle: async ({ tenant, params, body, caller }) => {
        await requireOwn(ports, tenant, params.id, body.evidence)
        const told = await ports.people.answer(tenant, { ...body, by: byOf(caller) })
        return { ...told, ...body }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/decisions/:id/contest',
      // Whoever chooses what teaches nothing shapes what is left: an agent must not, neither for itself nor for others.
      who: 'confirmed',
      summary: 'The call should not have been made: in time (the contest window), it teaches nothing.',
      body: z.strictObject({}),
      confirm: async (_, { tenant, params }) => {
        if ((await ports.decider.explain(tenant, params.id ?? '')) === null) throw notFound('decision')
        return `Contest the call ${params.id}, so that nothing is learned from it`
      },
      handle: async ({ tenant, params, caller }) => {
        const id = params.id ?? ''
        return { decision: id, inTime: await ports.people.contest(tenant, { id, by: byOf(caller) }) }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/agents/:id/baselines',
      who: 'reader',
      summary: 'Saved baselines with the digests that the ledger tells of, oldest first.',
      handle: async ({ tenant, params }) => {
        const agent = await agentOf(tenant, params.id)
        return { agent: agent.id, baselines: ports.people.baselines(tenant, agent.id) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/baselines',
      who: 'confirmed',
      summary: 'Saves what was learned of the agent by now; the first and the latest seven are kept.',
      body: z.strictObject({}),
      confirm: async (_, { tenant, params }) => {
        const { id } = await agentOf(tenant, params.id)
        if ((ports.decider.standing(tenant, id)?.learning?.learned ?? 0) === 0)
          throw new SafeconductError('conflict', { message: 'Nothing has been learned of the agent yet.' })
        return 'Save the baseline of an agent as it is now'
      },
      handle: async ({ tenant, params, caller }) => {
        const agent = await agentOf(tenant, params.id)
        return ports.people.save(tenant, { agent: agent.id, by: byOf(caller) })
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/baselines/:baseline/restore',
      who: 'confirmed',
      summary: 'An earlier baseline holds again; what speaks against the agent stays.',
      body: z.strictObject({}),
      confirm: async (_, { tenant, params }) => {
        const agent = await agentOf(tenant, params.id)
        const saved = requireSaved(ports.people.baselines(tenant, agent.id), params.baseline)
        return `Bring back the baseline of ${new Date(saved.at).toISOString()} of an agent`
      },
      handle: async ({ tenant, params, caller }) => {
        const agent = await agentOf(tenant, params.id)
        const baseline = params.baseline ?? ''
        return ports.people.rollback(tenant, { agent: agent.id, baseline, by: byOf(caller) })
      },
    }),
  ]
}

/** Evidence names a decision; it has to be one of this agent. */
async function requireOwn(
  ports: AdminPorts,
  tenant: string,
  name: string | undefined,
  evidence: string,
): Promise<void> {
  const agent = await findAgent(ports, tenant, name)
  const decision = evidence.slice(0, evidence.lastIndexOf('/'))
  const told = await ports.decider.explain(tenant, decision)
  if (
    told?.request.agent !== agent.id ||
    told.decision.contributions?.some(({ id }) => id === evidence) !== true
  )
    throw notFound('evidence')
}

function requireSaved(saved: readonly SavedBaseline[], id: string | undefined): SavedBaseline {
  const found = saved.find((one) => one.id === id)
  if (found === undefined) throw notFound('baseline')
  return found
}
