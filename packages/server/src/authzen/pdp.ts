/**
 * The decision point: which question goes where, and what it answers. Dry: no risk, budget, intent or approval moves,
 * and the same question gets the same answer.
 * @module
 */
import { askStore, type StoreQuestion } from '@safeconduct/engine'
import { isJsonArray, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import { pacer } from '../http/pace.ts'
import type { Caller } from '../http/route.ts'
import { type Actor, askCall, isRequestable, serversOf } from './agent-call.ts'
import { type Answer, callAnswer, refused, storeAnswer } from './answer.ts'
import { createOpenToken, type OpenToken } from './asker.ts'
import { createDryLimit, type DryLimit } from './dry-limit.ts'
import type { ActiveStore } from './policy-stores.ts'
import type { PdpPorts } from './ports.ts'
import { type AccessRequests, aboutCall, aboutStore, createAccessRequests } from './requests.ts'
import type { Evaluation, Evaluations } from './schema.ts'

/** Where a question goes: a policy store, or the calls of one of our agents. */
export type Target =
  | { readonly kind: 'store'; readonly store: ActiveStore; readonly entitled: boolean }
  | { readonly kind: 'call'; readonly actor: Actor; readonly beside: ActiveStore | null }

export interface Pdp {
  readonly ports: PdpPorts
  readonly requests: AccessRequests
  /** Of agents that ask about their own calls. */
  readonly limit: DryLimit
  /** @throws `forbidden`, `not_found`, `invalid_token` */
  target(caller: Caller, store: string | undefined, context: JsonObject | undefined): Target
  evaluate(caller: Caller, store: string | undefined, question: Evaluation): Promise<Answer>
  evaluateAll(
    caller: Caller,
    store: string | undefined,
    questions: Evaluations,
  ): Promise<Answer | { readonly evaluations: readonly Answer[] }>
}

export function createPdp(ports: PdpPorts): Pdp {
  const openToken = createOpenToken(ports.access)
  const requests = createAccessRequests(ports)
  const limit = createDryLimit(ports.clock)

  const target: Pdp['target'] = (caller, store, context) => targetOf(ports, openToken, caller, store, context)

  const evaluate: Pdp['evaluate'] = async (caller, store, question) => {
    if (caller.kind === 'agent') limit.ask(caller.grant, 1)
    return decide(caller, store, question)
  }

  const decide: Pdp['evaluate'] = async (caller, store, question) => {
    const spent = () => (caller.kind === 'agent' ? limit.refused(caller.grant) : undefined)
    const answer = await answerTo(caller, store, question).catch((error: unknown) => {
      // What is not known or not allowed tells as much as a refusal.
      spent()
      throw error
    })
    if (!answer.decision) spent()
    return answer
  }

  const answerTo: Pdp['evaluate'] = async (caller, store, question) => {
    const to = target(caller, store, question.context)
    const supported = supportedBy(caller, question.context)
    return to.kind === 'store'
      ? evaluateStore(requests, caller, to, question, supported)
      : evaluateCall(ports, requests, caller, to, question, supported)
  }

  return {
    ports,
    requests,
    limit,
    target,
    evaluate,
    async evaluateAll(caller, store, { evaluations = [], options, ...defaults }) {
      if (evaluations.length === 0) return evaluate(caller, store, whole(defaults))
      requireBounded(defaults, evaluations.length)
      if (caller.kind === 'agent') limit.ask(caller.grant, evaluations.length)
      const semantic = options?.evaluations_semantic ?? 'execute_all'
      const answers: Answer[] = []
      const rest = pacer()
      for (const item of evaluations) {
        const question = { ...defaults, ...given(item) }
        const answer = isWhole(question)
          ? await decide(caller, store, question)
          : refused('invalid_request', 'The subject, the action or the resource is missing.')
        answers.push(answer)
        await rest.due()
        if (semantic === 'deny_on_first_deny' && !answer.decision) break
        if (semantic === 'permit_on_first_permit' && answer.decision) break
      }
      return { evaluations: answers }
    },
  }
}

/** Characters of the shared members, written out for every question that takes them. */
const MAX_WRITTEN_OUT = 16 * 1024 * 1024

/** What is sent once would be read as often as there are questions. @throws `too_large` */
function requireBounded(defaults: object, times: number): void {
  if (JSON.stringify(defaults).length * times <= MAX_WRITTEN_OUT) return
  throw new SafeconductError('too_large', {
    message: 'The shared members are too large for so many evaluations.',
    details: { limit: MAX_WRITTEN_OUT },
  })
}

type Draft = { readonly [M in keyof Evaluation]?: Evaluation[M] | undefined }

/** A member left out of an item is no word on the default. */
function given(item: Draft): Draft {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined))
}

function isWhole(question: Draft): question is Evaluation {
  return question.subject !== undefined && question.action !== undefined && question.resource !== undefined
}

function whole(question: Draft): Evaluation {
  if (isWhole(question)) return question
  throw new SafeconductError('invalid_request', {
    message: 'A subject, an action and a resource are needed.',
  })
}

function targetOf(
  ports: PdpPorts,
  openToken: OpenToken,
  caller: Caller,
  store: string | undefined,
  context: JsonObject | undefined,
): Target {
  switch (caller.kind) {
    case 'agent':
      if (store !== undefined)
        throw new SafeconductError('forbidden', { message: 'An agent may ask about its own calls only.' })
      return {
        kind: 'call',
        actor: { grant: caller.grant, proof: caller.proof, servers: serversOf(ports, caller.grant) },
        beside: null,
      }
    case 'enforcer': {
      const { enforcer } = caller
      const token = context?.access_token
      if (store === undefined && typeof token === 'string') {
        const now = ports.clock.now()
        const grant = openToken(token, null, now)
        if (grant.tenant !== caller.tenant) throw new SafeconductError('invalid_token')
        const servers = serversOf(ports, grant).filter((name) => enforcer.servers.includes(name))
        if (servers.length === 0)
          throw new SafeconductError('forbidden', { message: 'You do not stand in front of that server.' })
        // It saw the proof; whether it checked one is its word.
        const proven = context?.proof_verified === true && grant.jkt !== null
        const proof = proven
          ? ({ kind: 'dpop', provenAt: now } as const)
          : ({ kind: 'bearer', provenAt: null } as const)
        const [first] = enforcer.stores
        return {
          kind: 'call',
          actor: { grant, proof, servers },
          beside: first === undefined ? null : ports.access.stores.get(first),
        }
      }
      const name = store ?? enforcer.stores[0]
      if (name === undefined || !enforcer.stores.includes(name))
        throw new SafeconductError('forbidden', { message: 'That policy store is not yours to ask.' })
      return { kind: 'store', store: open(ports, name), entitled: false }
    }
    default: {
      if (store === undefined)
        throw new SafeconductError('invalid_request', {
          message: 'Name a policy store: /access/v1/stores/<name>/…',
        })
      return { kind: 'store', store: open(ports, store), entitled: true }
    }
  }
}

function open({ access }: PdpPorts, name: string): ActiveStore {
  const store = access.stores.get(name)
  if (store === null) throw new SafeconductError('not_found', { message: 'There is no such policy store.' })
  return store
}

const NONE: ReadonlySet<string> = new Set()

/** What an asker that says nothing supports is nothing. */
export function supportedBy(caller: Caller, context: JsonObject | undefined): ReadonlySet<string> {
  const told = context?.supported_obligations
  const registered = caller.kind === 'enforcer' ? caller.enforcer.obligations : []
  if (told === undefined || !isJsonArray(told)) return registered.length === 0 ? NONE : new Set(registered)
  const types = told.filter((one) => typeof one === 'string')
  return new Set([...registered, ...types])
}

async function evaluateStore(
  requests: AccessRequests,
  caller: Caller,
  { store, entitled }: Extract<Target, { kind: 'store' }>,
  question: Evaluation,
  supported: ReadonlySet<string>,
): Promise<Answer> {
  const { compiled } = store
  const asked: StoreQuestion = question
  const first = askStore(compiled, asked)
  const answer = storeAnswer(first, supported, entitled)
  if (first.allowed || compiled.actions.get(question.action.name)?.approvable !== true) return answer
  // A person's word could change it: was it given, and if not, can it be asked for?
  if (!askStore(compiled, asked, true).allowed) return answer
  const standing = await requests.standing(caller, store.name, question)
  if (standing === 'approved') return storeAnswer(askStore(compiled, asked, true), supported, entitled)
  return requests.denial(answer, caller, aboutStore(store.name, store.digest), question, standing)
}

async function evaluateCall(
  ports: PdpPorts,
  requests: AccessRequests,
  caller: Caller,
  { actor, beside }: Extract<Target, { kind: 'call' }>,
  question: Evaluation,
  supported: ReadonlySet<string>,
): Promise<Answer> {
  try {
    const call = await askCall(ports, actor, question)
    const { decision, mapped } = call
    const answer = callAnswer(decision, supported)
    if (!answer.decision) {
      if (!isRequestable(call)) return answer
      return requests.denial(answer, caller, aboutCall(call), question, 'none')
    }
    // What the tool's server declared may ask for more, never for less.
    if (beside === null) return answer
    for (const each of mapped) {
      const more = storeAnswer(askStore(beside.compiled, each), supported, false)
      if (!more.decision)
        return more.context === undefined ? refused('denied', 'This is not allowed here.') : more
    }
    return answer
  } catch (error) {
    if (error instanceof SafeconductError && DENIED.has(error.code)) return refused(error.code, error.message)
    throw error
  }
}

/** Questions that cannot be about a call of this token. */
const DENIED: ReadonlySet<string> = new Set(['forbidden', 'invalid_params', 'method_not_found'])
