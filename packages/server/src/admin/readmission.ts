/**
 * `run` has no consent page: whoever may open the control socket may start it. So that a revocation is not undone by
 * starting it again, the owner admits a revoked agent anew in the browser.
 * @module
 */
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { admit } from './admission.ts'
import { findAgent } from './agents.ts'
import { type AdminPorts, byOf, change } from './ports.ts'

export function readmissionRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/readmit',
      who: 'confirmed',
      summary:
        'After a revocation: lets the agent be run on this machine again. What was issued before stays dead.',
      body: z.strictObject({}),
      confirm: async (_, { tenant, params }) => {
        await findAgent(ports, tenant, params.id)
        return 'Let a revoked agent be run on this machine again'
      },
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
