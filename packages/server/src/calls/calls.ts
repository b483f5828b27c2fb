/**
 * Calls decided here and enforced elsewhere: prepare before the call goes out, settle before its result is released.
 * The same decider as behind our gateway, so the same records, labels, budgets and risk; only registered enforcement
 * points in front of the server get in. `close` ends the watch over calls that nobody settles; the decider settles what
 * is left.
 * @module
 */
import { hash } from 'node:crypto'
import {
  type CallRequest,
  type CallResult,
  canonicalize,
  type Decision,
  type Enforcer,
  type Grant,
  type JsonObject,
  type Operation,
  type Proof,
  SafeconductError,
} from '@safeconduct/protocol'
import { operationOf } from '../authzen/coaz/methods.ts'
import type { PdpPorts } from '../authzen/ports.ts'
import { type Caller, type Route, route } from '../http/route.ts'
import { type CallBook, createCallBook, type Prepared, SETTLE_WITHIN } from './call-book.ts'
import {
  callId,
  type PrepareBody,
  prepareBody,
  type SettleBody,
  settleBody,
  type ToolsBody,
  toolsBody,
} from './schema.ts'

export interface Calls {
  readonly routes: readonly Route[]
  close(): void
}

export function createCalls(ports: PdpPorts): Calls {
  const book: CallBook = createCallBook(ports.clock, (key) => ports.decider.settle(idOf(key), NOT_TOLD))
  const lean = { method: 'POST', who: 'enforcer', lean: true } as const
  const routes = [
    route({
      ...lean,
      path: '/api/v1/calls/prepare',
      summary: 'Decides a call, reserves its budget and records its intent; the id makes it one call.',
      body: prepareBody,
      handle: async ({ caller, body }) => {
        const enforcer = requireCalls(caller, body.operation.server)
        const { digest, size } = sealOf(body)
        return book.prepare(keyOf(enforcer, body.id), digest, () => prepare(ports, enforcer, body), size)
      },
    }),
    route({
      ...lean,
      path: '/api/v1/calls/:id/settle',
      summary: 'Tells the outcome of a call; the result may be released once this is answered.',
      body: settleBody,
      handle: async ({ caller, params, body }) => {
        const enforcer = requireCalls(caller, null)
        const id = callId.safeParse(params.id)
        if (!id.success) throw new SafeconductError('not_found')
        return book.settle(keyOf(enforcer, id.data), sealOf(body).digest, () => settle(ports, id.data, body))
      },
    }),
    route({
      ...lean,
      path: '/api/v1/calls/tools',
      summary: 'Pins what a server defines and answers with the tools that may be shown to this grant.',
      body: toolsBody,
      handle: async ({ caller, body }) => {
        requireCalls(caller, body.server)
        return tools(ports, body)
      },
    }),
  ]
  return { routes, close: () => book.close() }
}

const keyOf = (enforcer: Enforcer, id: string) => `${enforcer.id} ${id}`
const idOf = (key: string) => key.slice(key.indexOf(' ') + 1)

function sealOf(body: object): { readonly digest: string; readonly size: number } {
  const plain: JsonObject = JSON.parse(JSON.stringify(body))
  const text = canonicalize(plain)
  return { digest: hash('sha256', text), size: text.length }
}

function requireCalls(caller: Caller, server: string | null): Enforcer {
  if (caller.kind !== 'enforcer') throw new SafeconductError('forbidden')
  const { enforcer } = caller
  if (!enforcer.scopes.includes('calls'))
    throw new SafeconductError('forbidden', { message: 'This enforcement point has not the scope calls.' })
  if (server !== null && !enforcer.servers.includes(server))
    throw new SafeconductError('forbidden', {
      message: 'This enforcement point does not stand in front of that server.',
    })
  return enforcer
}

/** Ids carry their time; one far from ours would stand in the wrong place of every list. */
const MAX_SKEW = 5 * 60_000

async function prepare(ports: PdpPorts, enforcer: Enforcer, body: PrepareBody): Promise<Prepared> {
  const now = ports.clock.now()
  if (Math.abs(Number.parseInt(body.id.replaceAll('-', '').slice(0, 12), 16) - now) > MAX_SKEW)
    throw new SafeconductError('invalid_request', { message: 'id: it was not made now.' })
  if ((await ports.store.decisions.get(enforcer.tenant, body.id)) !== null)
    throw new SafeconductError('conflict', { message: 'That call was prepared before.' })
  const operation = readOperation(body)
  const identity = identify(ports, enforcer.tenant, body.operation.server, body)
  if ('refusal' in identity)
    return { answer: { id: body.id, ...identity.refusal }, forward: false, decided: false }
  const request: CallRequest = {
    id: body.id,
    at: now,
    ...identity,
    operation,
    context: { channel: 'api', ip: body.context.ip ?? null, client: body.context.client ?? null },
  }
  const { decision, forward, operation: decided } = await ports.decider.prepare(request)
  const unmet = decision.obligations.some(
    ({ type }) => type !== 'notify' && type !== 'rate' && !enforcer.obligations.includes(type),
  )
  if (forward && unmet) {
    // It was recorded as going out; it has to be recorded that it did not.
    await ports.decider.settle(body.id, {
      ...NOT_TOLD,
      status: 'cancelled',
      error: 'An obligation cannot be met.',
    })
    return { answer: answerOf(decision, null, now, 'denied'), forward: false, decided: true }
  }
  return { answer: answerOf(decision, forward ? decided : null, now), forward, decided: true }
}

function readOperation({ operation: { server, method, params } }: PrepareBody): Operation {
  const read = operationOf({ method, params })
  if (read === null)
    throw new SafeconductError('invalid_params', {
      message: 'operation: the method is unknown or its params are malformed.',
    })
  return { server, method, ...read }
}

type Identity = { readonly grant: Grant; readonly proof: Proof }
interface Refusal {
  readonly forward: false
  readonly outcome: 'deny'
  readonly code: string
  readonly remedy: string
  /** What the next proof of the agent must carry. */
  readonly nonce?: string
}

/** The agent's credential, not the enforcement point's: its failure is an answer like another. */
function identify(
  { access }: PdpPorts,
  tenant: string,
  server: string,
  { token, dpop }: Pick<PrepareBody, 'token' | 'dpop'>,
): Identity | { readonly refusal: Refusal } {
  try {
    const identity = access.authenticate.verify({
      method: dpop?.method ?? 'POST',
      url: dpop?.url ?? '',
      resource: `${access.issuer}/mcp/${server}`,
      authorization: `${dpop === undefined ? 'Bearer' : 'DPoP'} ${token}`,
      dpop: dpop?.proof,
    })
    if (identity.grant.tenant !== tenant) throw new SafeconductError('invalid_token')
    return { grant: identity.grant, proof: identity.proof }
  } catch (error) {
    if (!(error instanceof SafeconductError) || error.status !== 401) throw error
    const { code, message } = error
    const nonce = code === 'use_dpop_nonce' ? { nonce: access.authenticate.nonce() } : {}
    return { refusal: { forward: false, outcome: 'deny', code, remedy: message, ...nonce } }
  }
}

function answerOf(
  decision: Decision,
  operation: Operation | null,
  now: number,
  code = decision.code,
): object {
  return {
    id: decision.id,
    forward: operation !== null,
    outcome: decision.outcome,
    enforcement: decision.enforcement,
    code,
    remedy: decision.remedy,
    approval: decision.approval,
    scopes: decision.scopes,
    obligations: decision.obligations,
    /** Exactly what may be sent. */
    operation,
    settle_by: operation === null ? null : new Date(now + SETTLE_WITHIN).toISOString(),
  }
}

const NOT_TOLD: CallResult = {
  status: 'unknown',
  text: [],
  structured: null,
  digest: '',
  bytes: 0,
  error: 'The enforcement point told no outcome in time.',
}

async function settle({ decider }: PdpPorts, id: string, body: SettleBody): Promise<object> {
  const { receipt } = await decider.settle(id, body)
  return { id, receipt }
}

async function tools(ports: PdpPorts, body: ToolsBody): Promise<object> {
  const identity = identify(ports, ports.tenant, body.server, body)
  if ('refusal' in identity) return { visible: [], ...identity.refusal }
  const request: CallRequest = {
    id: ports.ids.next(),
    at: ports.clock.now(),
    ...identity,
    operation: { server: body.server, method: 'tools/list', kind: 'list', name: null, args: {} },
    context: { channel: 'api', ip: null, client: null },
  }
  const { visible } = await ports.decider.list(request, body.definitions)
  return { visible }
}
