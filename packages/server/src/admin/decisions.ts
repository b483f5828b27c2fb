/**
 * Decisions: listed, explained to the entitled, proven by a receipt.
 * @module
 */
import { OUTCOMES, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import type { AdminPorts } from './ports.ts'

const listQuery = z.object({
  agent: z.string().max(256).optional(),
  outcome: z.enum(OUTCOMES).optional(),
  task: z.string().max(256).optional(),
  after: z.string().max(256).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
})

export function decisionRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/decisions',
      who: 'reader',
      summary: 'Decisions, newest first.',
      query: listQuery,
      handle: async ({ tenant, query }) => {
        const page = {
          limit: query.limit,
          newestFirst: true,
          ...(query.after === undefined ? {} : { after: query.after }),
        }
        return { decisions: await select(ports, tenant, query, page) }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/decisions/:id',
      who: 'reader',
      summary: 'Why: policies, evidence, provenance and a tested counterfactual.',
      handle: async ({ tenant, params }) => {
        const explanation = await ports.decider.explain(tenant, params.id ?? '')
        if (explanation === null) throw noDecision()
        return explanation
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/decisions/:id/receipt',
      who: 'reader',
      summary: 'A receipt that verifies offline.',
      handle: async ({ tenant, params }) => {
        const receipt = await ports.decider.receipt(tenant, params.id ?? '')
        if (receipt === null) throw noDecision()
        return receipt
      },
    }),
  ]
}

async function select(
  ports: AdminPorts,
  tenant: string,
  query: z.infer<typeof listQuery>,
  page: { limit: number; newestFirst: boolean; after?: string },
) {
  const { decisions } = ports.store
  if (query.agent !== undefined) {
    const agent = await findAgent(ports, tenant, query.agent)
    return decisions.find(tenant, 'agent', agent.id, page)
  }
  if (query.task !== undefined) return decisions.find(tenant, 'task', query.task, page)
  if (query.outcome !== undefined) return decisions.find(tenant, 'outcome', query.outcome, page)
  return decisions.list(tenant, page)
}

function noDecision(): SafeconductError {
  return new SafeconductError('not_found', {
    message: 'There is no decision by that id, or its record was erased.',
  })
}
