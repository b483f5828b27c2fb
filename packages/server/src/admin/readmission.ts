/**
 * `run` has no consent page: whoever may open the control socket may start it. So that a revocation is not undone by
 * starting it again, an agent runs only under the epochs it was admitted with, its own and its owner's: the first
 * ones, or those at which the owner admitted it anew in the browser.
 * @module
 */
import type { Repositories, Store } from '@safeconduct/engine'
import { type Agent, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import { type AdminPorts, byOf, change } from './ports.ts'

const MODEL = 'Readmission'
const FIRST_EPOCH = 1
const recordSchema = z.object({ epoch: z.int() })

type Subject = readonly [kind: 'agent' | 'user', id: string]

function subjectsOf(agent: Agent): readonly Subject[] {
  return [
    ['agent', agent.id],
    ['user', agent.owner],
  ]
}

function keyOf(tenant: string, [kind, id]: Subject): string {
  return JSON.stringify([tenant, kind, id])
}

/** @throws `revoked`, saying how the agent is let in again */
export async function requireAdmitted(store: Pick<Store, 'epochs' | 'oauth'>, agent: Agent): Promise<void> {
  for (const subject of subjectsOf(agent)) {
    const now = await store.epochs.ensure(agent.tenant, ...subject)
    const record = recordSchema.safeParse(await store.oauth.find(MODEL, keyOf(agent.tenant, subject)))
    if (now === (record.success ? record.data.epoch : FIRST_EPOCH)) continue
    throw new SafeconductError('revoked', {
      message: `The ${subject[0] === 'agent' ? 'agent' : 'owner'} was revoked. Once the owner confirms it, the agent runs again: ./safeconduct agents readmit ${agent.name}`,
    })
  }
}

async function admit(t: Repositories, agent: Agent): Promise<void> {
  for (const subject of subjectsOf(agent)) {
    const epoch = await t.epochs.ensure(agent.tenant, ...subject)
    await t.oauth.upsert(MODEL, keyOf(agent.tenant, subject), { epoch }, null)
  }
}

export function readmissionRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/readmit',
      who: 'confirmed',
      summary:
        'After a revocation: lets the agent be run on this machine again. What was issued before stays dead.',
      body: z.strictObject({}),
      confirm: () => 'Let a revoked agent be run on this machine again',
      handle: async ({ tenant, params, caller }) => {
        const agent = await findAgent(ports, tenant, params.id)
        const event = { event: 'agent.readmitted', agent: agent.id, by: byOf(caller) }
        await change(ports, event, async (t) => {
          await admit(t, agent)
          return { result: null, control: [] }
        })
        return { readmitted: agent.id }
      },
    }),
  ]
}
