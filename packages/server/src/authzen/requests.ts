/**
 * Asking for access that a person may approve: a denial says that it can be asked for, with a binding token over this
 * very question; submitting it opens an approval, which only the signed-in owner decides. What comes of it is no
 * credential: the same question is evaluated again, by the same asker, and then counts as approved.
 * @module
 */
import { hash } from 'node:crypto'
import { parseJws, verifyJws } from '@safeconduct/engine'
import {
  type Approval,
  canonicalize,
  isJsonObject,
  type JsonObject,
  SafeconductError,
} from '@safeconduct/protocol'
import type { Caller } from '../http/route.ts'
import { type AskedCall, isRequestable } from './agent-call.ts'
import type { Answer } from './answer.ts'
import type { PdpPorts } from './ports.ts'
import type { Evaluation } from './schema.ts'

export type Standing = 'none' | 'pending' | 'approved' | 'refused'

export interface About {
  readonly kind: 'store' | 'call'
  readonly store: string | null
  /** Of the policies that were asked: a binding dies with them. */
  readonly revision: string
  /** For a call: whose it would be. The same question for another errand is another one. */
  readonly errand: string | null
}

export interface AccessRequests {
  /** What became of the approval that the question names. Another question's or asker's approval is none. */
  standing(caller: Caller, store: string, question: Evaluation): Promise<Standing>
  /** The denial with what to do next. */
  denial(answer: Answer, caller: Caller, about: About, question: Evaluation, standing: Standing): Answer
  /** @throws `invalid_token` when the binding does not fit this asker and question, `rate_limited` */
  submit(
    caller: Caller,
    binding: string,
    about: About,
    question: Evaluation,
    call: AskedCall | null,
    justification: string | undefined,
  ): Promise<object>
  /** @throws `not_found` for a handle that is not this asker's */
  status(caller: Caller, handle: string): Promise<object>
}

const BINDING = 'authzen-binding+jwt'
const HANDLE = 'authzen-access-request+jwt'
/** A binding is the same for this long, so that the same question gets the same answer. Seconds. */
const WINDOW = 60
const BINDING_LIFETIME = 360
/** Requests that wait: of all, and of one who asks. */
const MAX_PENDING = 32
const MAX_PENDING_OF_ONE = 8
const MAX_ARGS = 64 * 1024

export function createAccessRequests(ports: PdpPorts): AccessRequests {
  const { access, store, tenant, clock } = ports

  function open(token: string, type: string): JsonObject {
    const jws = parseJws(token)
    const key = typeof jws.header.kid === 'string' ? access.keys().get(jws.header.kid) : undefined
    if (jws.header.typ !== type || key === undefined) throw new SafeconductError('invalid_token')
    verifyJws(jws, key)
    if (jws.payload.iss !== access.issuer) throw new SafeconductError('invalid_token')
    return jws.payload
  }

  function endpointOf({ store: name }: About): string {
    return name === null
      ? `${access.issuer}/access/v1/requests`
      : `${access.issuer}/access/v1/stores/${name}/requests`
  }

  function taskOf(approval: Approval, requester: string): object {
    const handle = access.sign(HANDLE, { iss: access.issuer, sub: requester, approval: approval.id })
    const status = statusOf(approval, clock.now())
    const until = new Date(approval.expiresAt).toISOString()
    return {
      id: approval.id,
      status,
      status_endpoint: `${access.issuer}/access/v1/requests/${handle}`,
      created_at: new Date(approval.createdAt).toISOString(),
      expires_at: until,
      ...(status === 'approved'
        ? { result: { mode: 'reevaluate', approval: { id: approval.id, approved_until: until } } }
        : {}),
      ...(status === 'pending' ? {} : { next_action: status === 'approved' ? 'retry' : 'none' }),
    }
  }

  /** One at a time, so that two who ask at once find each other. What nobody answered is marked, and fills no page. */
  async function submitted(approval: Approval, by: string, isOpen: boolean): Promise<Approval> {
    const now = clock.now()
    const { id, server, decision } = approval
    return store.tx(async (t) => {
      const pending = await t.approvals.find(tenant, 'status', 'pending', { limit: 1000 })
      for (const one of pending)
        if (one.expiresAt <= now)
          await t.approvals.replace({ ...one, version: one.version + 1, status: 'expired' })
      const alive = pending.filter((one) => one.expiresAt > now && one.decision.startsWith('ev_'))
      const same = alive.find((one) => one.decision === decision)
      if (same !== undefined) return same
      if (!isOpen) throw new SafeconductError('conflict', { message: 'There is nothing to approve.' })
      const own = alive.filter(({ agent }) => agent === approval.agent).length
      if (alive.length >= MAX_PENDING || own >= MAX_PENDING_OF_ONE)
        throw new SafeconductError('rate_limited', {
          message: 'Too many requests wait for the owner already.',
        })
      await t.approvals.insert(approval)
      const event = { event: 'approval.requested', approval: id, by, server, at: now }
      await t.outbox.add(tenant, ports.ids.next(), event)
      return approval
    })
  }

  return {
    async standing(caller, name, question) {
      const named = question.context?.approval
      const id = isJsonObject(named) ? named.id : undefined
      if (typeof id !== 'string') return 'none'
      const approval = await store.approvals.get(tenant, id)
      const fits =
        approval !== null &&
        approval.agent === requesterOf(caller) &&
        approval.server === serverOf(name) &&
        approval.argsDigest === digestOf(question) &&
        clock.now() < approval.expiresAt
      if (!fits) return 'none'
      if (approval.status === 'approved') return 'approved'
      return approval.status === 'pending' ? 'pending' : 'refused'
    },
    denial(answer, caller, about, question, standing) {
      const evaluation = evaluationOf(caller, about, question)
      const context = { ...answer.context, evaluation_id: evaluation, reason: 'A person can approve this.' }
      if (standing !== 'none')
        return {
          decision: false,
          context: { ...context, next_action: standing === 'pending' ? 'retry' : 'none' },
        }
      const iat = Math.floor(clock.now() / 1000 / WINDOW) * WINDOW
      const exp = iat + BINDING_LIFETIME
      const endpoint = endpointOf(about)
      const claims = {
        iss: access.issuer,
        aud: endpoint,
        iat,
        exp,
        evaluation,
        requester: requesterOf(caller),
      }
      const jti = hash('sha256', canonicalize(claims), 'base64url')
      return {
        decision: false,
        context: {
          ...context,
          code: 'approval_required',
          next_action: 'request',
          access_request: {
            endpoint,
            expires_at: new Date(exp * 1000).toISOString(),
            binding_token: access.sign(BINDING, { ...claims, jti }),
          },
        },
      }
    },
    async submit(caller, binding, about, question, call, justification) {
      const claims = open(binding, BINDING)
      const evaluation = evaluationOf(caller, about, question)
      const fits =
        claims.aud === endpointOf(about) &&
        claims.evaluation === evaluation &&
        claims.requester === requesterOf(caller) &&
        typeof claims.exp === 'number' &&
        clock.now() < claims.exp * 1000
      if (!fits)
        throw new SafeconductError('invalid_params', {
          message: 'The binding token is not for this question and asker.',
        })
      const approval = approvalOf(ports, caller, about, question, call, evaluation, justification)
      const isOpen = call === null || isRequestable(call)
      const opened = await submitted(approval, requesterOf(caller), isOpen)
      if (opened === approval) {
        ports.decider.control({ type: 'approval', approval })
        ports.bus.publish({ type: 'approval', tenant, approval })
      }
      return taskOf(opened, requesterOf(caller))
    },
    async status(caller, handle) {
      const claims = open(handle, HANDLE)
      const id = claims.approval
      const approval = typeof id === 'string' ? await store.approvals.get(tenant, id) : null
      if (approval === null || claims.sub !== requesterOf(caller)) throw new SafeconductError('not_found')
      return taskOf(approval, requesterOf(caller))
    },
  }
}

/** What a question about a policy store is about. */
export function aboutStore(store: string, revision: string): About {
  return { kind: 'store', store, revision, errand: null }
}

/** What a question about a call is about. */
export function aboutCall({ request: { grant }, decision }: AskedCall): About {
  const errand = canonicalize([grant.agent, grant.task])
  return { kind: 'call', store: null, revision: decision.revisions.policy, errand }
}

function statusOf(approval: Approval, now: number): string {
  if (approval.status === 'used') return 'approved'
  if (approval.status === 'refused') return 'denied'
  return approval.expiresAt <= now ? 'expired' : approval.status
}

export function requesterOf(caller: Caller): string {
  switch (caller.kind) {
    case 'enforcer':
      return caller.enforcer.id
    case 'agent':
      return caller.grant.agent
    case 'owner':
      return caller.user
    default:
      return caller.kind
  }
}

const serverOf = (store: string) => `store:${store}`

/** What is asked, and what a person approves; what only accompanies it (credentials, an approval) is left out. */
function asked({ subject, action, resource, context }: Evaluation): JsonObject {
  const {
    approval: _approval,
    access_token: _token,
    proof_verified: _proof,
    supported_obligations: _types,
    ...rest
  } = context ?? {}
  return JSON.parse(JSON.stringify({ subject, action, resource, context: rest }))
}

function digestOf(question: Evaluation): string {
  return `sha256:${hash('sha256', canonicalize(asked(question)))}`
}

function evaluationOf(
  caller: Caller,
  { kind, store, revision, errand }: About,
  question: Evaluation,
): string {
  const about = canonicalize([requesterOf(caller), kind, store, revision, errand, digestOf(question)])
  return `ev_${hash('sha256', about).slice(0, 40)}`
}

function approvalOf(
  { ids, clock, tenant, access }: PdpPorts,
  caller: Caller,
  { store }: About,
  question: Evaluation,
  call: AskedCall | null,
  evaluation: string,
  justification: string | undefined,
): Approval {
  const now = clock.now()
  const told = justification === undefined ? [] : [`Whoever asks says: ${JSON.stringify(justification)}`]
  const shared = {
    tenant,
    id: ids.next(),
    version: 1,
    decision: evaluation,
    status: 'pending',
    createdAt: now,
    expiresAt: now + access.approvalTtl,
    decidedBy: null,
    decidedAt: null,
  } as const
  if (call !== null) {
    const { request, decision } = call
    const { grant, operation } = request
    requireReadable(operation.args)
    return {
      ...shared,
      agent: grant.agent,
      user: grant.user,
      task: grant.task,
      server: operation.server,
      tool: operation.name ?? operation.method,
      argsDigest: decision.argsDigest,
      args: operation.args,
      why: [...decision.why, ...decision.evidence.map(({ reason }) => reason), ...told],
    }
  }
  const args = asked(question)
  requireReadable(args)
  return {
    ...shared,
    agent: requesterOf(caller),
    user: null,
    task: serverOf(store ?? ''),
    server: serverOf(store ?? ''),
    tool: question.action.name,
    argsDigest: digestOf(question),
    args,
    why: ['A policy of the store asks for a person.', ...told],
  }
}

/** Nobody could read more before approving. */
function requireReadable(args: JsonObject): void {
  if (JSON.stringify(args).length > MAX_ARGS)
    throw new SafeconductError('too_large', { details: { limit: MAX_ARGS } })
}
