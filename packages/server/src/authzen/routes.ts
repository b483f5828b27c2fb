/**
 * The Authorization API's rows. Each path exists twice: for the caller's own decision point, and for a named store.
 * @module
 */
import { isJsonArray, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Caller, type Route, type RouteContext, route } from '../http/route.ts'
import { askCall } from './agent-call.ts'
import { storeAnswer } from './answer.ts'
import { metadata } from './metadata.ts'
import { createPdp, type Pdp } from './pdp.ts'
import type { PdpPorts } from './ports.ts'
import { aboutCall, aboutStore } from './requests.ts'
import { actionSearch, evaluation, evaluations, type Page, resourceSearch, subjectSearch } from './schema.ts'
import { type Found, searchCalls, searchStore } from './search.ts'

const submission = evaluation.extend({
  binding_token: z.string().max(4096),
  justification: z.string().max(1024).optional(),
})

export function accessRoutes(ports: PdpPorts): Route[] {
  const pdp = createPdp(ports)
  return [
    ...questions(pdp, '/access/v1'),
    ...questions(pdp, '/access/v1/stores/:store'),
    ...requestRoutes(pdp),
    route({
      method: 'GET',
      path: '/.well-known/authzen-configuration',
      who: 'public',
      summary: 'Where decisions are asked for.',
      handle: async () => metadata(ports.access, null),
    }),
    route({
      method: 'GET',
      path: '/.well-known/authzen-configuration/stores/:store',
      who: 'public',
      summary: 'Where decisions of one policy store are asked for.',
      handle: async ({ params }) => {
        const store = ports.access.stores.get(params.store ?? '')
        if (store === null) throw new SafeconductError('not_found')
        return metadata(ports.access, store.name)
      },
    }),
  ]
}

function questions(pdp: Pdp, base: string): Route[] {
  const lean = { method: 'POST', who: 'asker', lean: true } as const
  return [
    route({
      ...lean,
      path: `${base}/evaluation`,
      summary: 'Decides one question, dry: nothing is moved.',
      body: evaluation,
      handle: async ({ caller, params, body }) => {
        requireScope(caller, 'evaluate')
        return pdp.evaluate(caller, params.store, body)
      },
    }),
    route({
      ...lean,
      path: `${base}/evaluations`,
      summary: 'Decides several questions: all, to the first denial, or to the first permit.',
      body: evaluations,
      handle: async ({ caller, params, body }) => {
        requireScope(caller, 'evaluate')
        return pdp.evaluateAll(caller, params.store, body)
      },
    }),
    route({
      ...lean,
      path: `${base}/search/subject`,
      summary: 'Lists the subjects that would be allowed.',
      body: subjectSearch,
      handle: async (asked) => {
        const { subject, page, ...rest } = asked.body
        return search(pdp, asked, { kind: 'subject', type: subject.type, ...rest }, page)
      },
    }),
    route({
      ...lean,
      path: `${base}/search/resource`,
      summary: 'Lists the resources that it would be allowed for.',
      body: resourceSearch,
      handle: async (asked) => {
        const { resource, page, ...rest } = asked.body
        return search(pdp, asked, { kind: 'resource', type: resource.type, ...rest }, page)
      },
    }),
    route({
      ...lean,
      path: `${base}/search/action`,
      summary: 'Lists the actions that would be allowed.',
      body: actionSearch,
      handle: async (asked) => {
        const { page, ...rest } = asked.body
        return search(pdp, asked, { kind: 'action', ...rest }, page)
      },
    }),
  ]
}

/** A page asks about every tool of a server; it counts as so many questions. */
const SEARCH = 10

async function search(
  pdp: Pdp,
  { caller, params, body }: RouteContext<z.infer<typeof actionSearch> | object, null>,
  wanted: Parameters<typeof searchStore>[1],
  page: Page,
): Promise<Found> {
  requireScope(caller, 'search')
  const { context } = evaluation.pick({ context: true }).parse(body)
  const to = pdp.target(caller, params.store, context)
  if (caller.kind === 'agent') pdp.limit.ask(caller.grant, SEARCH)
  if (to.kind === 'call') return searchCalls(pdp.ports, to.actor, wanted, page)
  const told = context?.supported_obligations
  const registered = caller.kind === 'enforcer' ? caller.enforcer.obligations : []
  const types = told !== undefined && isJsonArray(told) ? told.filter((one) => typeof one === 'string') : []
  const supported = new Set([...registered, ...types])
  return searchStore(to.store, wanted, page, (answer) => storeAnswer(answer, supported, false).decision)
}

function requestRoutes(pdp: Pdp): Route[] {
  const open = async ({ caller, params, body }: RouteContext<z.infer<typeof submission>, null>) => {
    requireScope(caller, 'evaluate')
    const { binding_token: binding, justification, ...question } = body
    const to = pdp.target(caller, params.store, question.context)
    if (to.kind === 'store') {
      const about = aboutStore(to.store.name, to.store.digest)
      return pdp.requests.submit(caller, binding, about, question, null, justification)
    }
    if (caller.kind === 'agent') pdp.limit.ask(caller.grant, 1)
    try {
      const call = await askCall(pdp.ports, to.actor, question)
      return await pdp.requests.submit(caller, binding, aboutCall(call), question, call, justification)
    } catch (error) {
      if (caller.kind === 'agent') pdp.limit.refused(caller.grant)
      throw error
    }
  }
  const summary =
    'Asks a person to approve a question that was denied; the binding token of the denial is needed.'
  const lean = { method: 'POST', who: 'asker', lean: true, body: submission, summary } as const
  return [
    route({ ...lean, path: '/access/v1/requests', handle: open }),
    route({ ...lean, path: '/access/v1/stores/:store/requests', handle: open }),
    route({
      method: 'GET',
      path: '/access/v1/requests/:handle',
      who: 'asker',
      lean: true,
      summary: 'What became of it; for whoever asked.',
      handle: async ({ caller, params }) => pdp.requests.status(caller, params.handle ?? ''),
    }),
  ]
}

function requireScope(caller: Caller, scope: 'evaluate' | 'search'): void {
  if (caller.kind !== 'enforcer' || caller.enforcer.scopes.includes(scope)) return
  throw new SafeconductError('forbidden', { message: `This enforcement point has not the scope ${scope}.` })
}
