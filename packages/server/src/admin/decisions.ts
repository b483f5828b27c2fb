/**
 * Decisions: listed, explained to the entitled, proven by a receipt.
 * @module
 */
import type { Page } from '@safeconduct/engine'
import { type DecisionSummary, OUTCOMES } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import { notFound } from './not-found.ts'
import type { AdminPorts } from './ports.ts'

const listQuery = z.strictObject({
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
      handle: async ({ tenant, query }) => select(ports, tenant, query),
    }),
    route({
      method: 'GET',
      path: '/api/v1/decisions/:id',
      who: 'reader',
      summary: 'Why: policies, evidence, provenance and a tested counterfactual.',
      handle: async ({ tenant, params }) => {
        const explanation = await ports.decider.explain(tenant, params.id ?? '')
        if (explanation === null) throw notFound('decision')
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
        if (receipt === null) throw notFound('decision')
        return receipt
      },
    }),
  ]
}

/** Looked at for one answer; where a filter finds little, `next` says where to go on. */
const MAX_SCANNED = 10_000
const SCAN_PAGE = 1000

/** The narrowest index finds them, the other filters choose among what it finds. */
async function select(
  ports: AdminPorts,
  tenant: string,
  { limit, ...query }: z.infer<typeof listQuery>,
): Promise<{ decisions: DecisionSummary[]; next: string | null }> {
  const agent = query.agent === undefined ? undefined : (await findAgent(ports, tenant, query.agent)).id
  const wanted = Object.entries({ task: query.task, agent, outcome: query.outcome })
  const filters = wanted.filter((pair): pair is [IndexName, string] => pair[1] !== undefined)
  const found: DecisionSummary[] = []
  let { after } = query
  for (let scanned = 0; scanned < MAX_SCANNED; ) {
    const size = filters.length > 1 ? SCAN_PAGE : limit
    const page = { limit: size, newestFirst: true, ...(after === undefined ? {} : { after }) }
    const rows = await read(ports, tenant, filters[0], page)
    for (const row of rows) {
      after = row.id
      if (filters.every(([name, value]) => row[name] === value)) found.push(row)
      if (found.length === limit) return { decisions: found, next: after }
    }
    if (rows.length < size) return { decisions: found, next: null }
    scanned += rows.length
  }
  return { decisions: found, next: after ?? null }
}

type IndexName = 'task' | 'agent' | 'outcome'

function read(
  ports: AdminPorts,
  tenant: string,
  index: readonly [IndexName, string] | undefined,
  page: Page,
): Promise<DecisionSummary[]> {
  const { decisions } = ports.store
  return index === undefined ? decisions.list(tenant, page) : decisions.find(tenant, index[0], index[1], page)
}
