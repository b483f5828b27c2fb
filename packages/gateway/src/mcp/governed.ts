/**
 * A governed request from question to answer: decide, record, forward the decided value, settle, release. The same for
 * tools, resources, prompts and completions, on every revision and transport.
 * @module
 */
import { type Clock, type Ids, meetOnResult, touchesResult } from '@safeconduct/engine'
import {
  type CallRequest,
  type Decision,
  isJsonObject,
  type JsonObject,
  type Operation,
  SafeconductError,
  toSafeconductError,
} from '@safeconduct/protocol'
import { createDeadline, type Deadline } from '../client/deadline.ts'
import type { Limiter } from '../client/limiter.ts'
import { Cancelled } from '../client/reply.ts'
import { disagreeingParam } from '../http/header-values.ts'
import type { Deciding, Identity } from '../ports.ts'
import type { GatewaySettings } from '../settings.ts'
import { effectOf } from '../upstream/failure.ts'
import type { Hooks } from '../upstream/link.ts'
import { type Answers, type Question, questionOf } from './answers.ts'
import { mismatch } from './envelope.ts'
import { completed, envelopeOf, isInputRequired, type Lists } from './lists.ts'
import { fail, metaOf, type RpcAnswer, type RpcNotification, type RpcRequest } from './message.ts'
import { type ClientMethod, serverMethod } from './methods.ts'
import {
  APPROVAL_KEY,
  canOpenUrl,
  codeOf,
  outcomeRow,
  refusalAnswer,
  refusalHeaders,
  refusalOf,
} from './outcomes.ts'
import type { StateBinding, StateSeal } from './request-state.ts'
import { recordWithout, settleable } from './result.ts'
import {
  accepted,
  type Inner,
  innerOf,
  MAX_ANSWERS,
  onlyAsked,
  questionsOf,
  type Resumed,
  readResponses,
  readState,
  requireFewAnswers,
  sealable,
  sealableInner,
  withoutRetry,
} from './retry.ts'
import { META, STATELESS } from './revisions.ts'
import { decidedParams, readSubject, type Subject } from './subject.ts'
import { callOf, mayAsk, principalKey, type Sent, subjectOf, type Turn } from './turn.ts'

export interface GovernedOptions {
  readonly decider: Deciding
  readonly settings: GatewaySettings
  readonly clock: Clock
  readonly ids: Ids
  readonly seal: StateSeal
  readonly lists: Lists
  readonly limiter: Limiter
  readonly calls: CallRegistry
  readonly answers: Answers
}

/** Calls under way, so that they can be waited for and ended. */
export interface CallRegistry {
  /** @throws {SafeconductError} `shutting_down` */
  begin(identity: Identity, server: string): { readonly signal: AbortSignal; end(): void }
}

/** Obligations that are met here or by the Decider; one that nobody can meet refuses the call. */
const MET = new Set(['rate', 'notify', 'redact', 'mask'])
const ANSWER_PATIENCE = 1_000
const WORD_POLL = 1_000

export interface Governed {
  /** Answers through `turn.reply` always, also when it throws nothing. @throws {SafeconductError} before the decision */
  run(turn: Turn, request: RpcRequest, row: ClientMethod): Promise<void>
  /** The answer to a refused question that is not a call: sessions, listings, streams. */
  refuse(
    turn: Turn,
    method: string,
    kind: Operation['kind'],
    decision: Decision,
    binding: StateBinding | null,
  ): void
}

export function createGoverned(options: GovernedOptions): Governed {
  const { decider, settings, clock, ids, seal } = options

  async function run(turn: Turn, request: RpcRequest, row: ClientMethod): Promise<void> {
    const subject = readSubject(row, request)
    const binding: StateBinding = {
      subject: subjectOf(turn.identity),
      server: turn.server.id,
      method: request.method,
      name: subject.name,
      args: subject.args,
    }
    const call = options.calls.begin(turn.identity, turn.server.name)
    let leave: (() => void) | null = null
    try {
      leave = options.limiter.enter(principalKey(turn.identity))
      await governed(turn, request, subject, binding, call.signal)
    } finally {
      leave?.()
      call.end()
    }
  }

  async function governed(
    turn: Turn,
    request: RpcRequest,
    subject: Subject,
    binding: StateBinding,
    ended: AbortSignal,
  ): Promise<void> {
    requireFewAnswers(request)
    let resumed = readState(seal, turn, request, binding)
    if (subject.kind === 'tool') {
      await options.lists.ensure(turn, envelopeOf(metaOf(request.params)))
      const wrong =
        turn.revision === STATELESS && turn.transport === 'http'
          ? disagreeingParam(turn.upstream.listing.params(subject.name), subject.args, turn.headers)
          : null
      if (wrong !== null) {
        const refused = mismatch(`Mcp-Param-${wrong}`)
        return turn.reply.finish(refused.answer, refused.status)
      }
    }
    const operation: Operation = {
      server: turn.server.name,
      method: request.method,
      kind: subject.kind,
      name: subject.name,
      args: subject.args,
    }
    const call = callOf(turn, operation, ids.next(), clock.now())
    const keepsNothing = turn.revision === STATELESS && turn.via.resume === null
    request = onlyAsked(request, resumed, keepsNothing)
    const asked = readResponses(request)
    let noUrl = false
    if (resumed.kind === 'approval') {
      noUrl = !accepted(asked[APPROVAL_KEY])
      if (!noUrl) await personsWord(call, AbortSignal.any([turn.reply.gone, ended]))
    }
    ended.throwIfAborted()
    const prepared = await decider.prepare(call)
    if (!prepared.forward || prepared.operation === null) {
      const inner = resumed.kind === 'approval' ? resumed.inner : innerOf(resumed, asked)
      return refuse(turn, request.method, subject.kind, prepared.decision, noUrl ? null : binding, inner)
    }
    const unmet = prepared.decision.obligations.find(({ type }) => !MET.has(type))
    if (unmet !== undefined) {
      await decider.settle(call.id, recordWithout('failed', 'an obligation could not be met'))
      return refuse(
        turn,
        request.method,
        subject.kind,
        { ...prepared.decision, outcome: 'deny', code: 'denied' },
        null,
      )
    }
    if (resumed.kind === 'approval') {
      const { upstream, pending, responses, asked: questions = {} } = resumed.inner
      const params = {
        ...withoutRetry(request.params),
        ...(responses === undefined ? {} : { inputResponses: responses }),
      }
      request = { ...request, params }
      if (pending !== undefined) resumed = { kind: 'pending', id: pending, asked: questions }
      else if (upstream === undefined && responses === undefined) resumed = { kind: 'none' }
      else resumed = { kind: 'upstream', state: upstream ?? null, asked: questions }
    }
    try {
      await passAnswers(turn, call, resumed, readResponses(request))
    } catch (cause) {
      await decider.settle(call.id, recordWithout('cancelled', 'an answer was not passed on'))
      throw cause
    }
    turn.reply.linger(ANSWER_PATIENCE)
    const allowed = { operation: prepared.operation, obligations: prepared.decision.obligations }
    await carryOut(turn, request, call, allowed, resumed, binding, ended)
  }

  /** Each is recorded before the server sees any of them; what answers nothing known goes nowhere. */
  async function passAnswers(
    turn: Turn,
    call: CallRequest,
    resumed: Resumed,
    responses: JsonObject,
  ): Promise<void> {
    const questions = questionsOf(resumed, responses)
    for (const [key, given] of Object.entries(responses)) {
      const question = Object.hasOwn(questions, key) ? questions[key] : undefined
      const answer: RpcAnswer = { ok: true, result: isJsonObject(given) ? given : { value: given } }
      const passed =
        question !== undefined && (await options.answers.pass(turn, { ...question, call: call.id }, answer))
      if (!passed)
        throw new SafeconductError('denied', { message: 'An answer to the server was not passed on.' })
    }
  }

  /** From the moment the intent is durable: whatever happens, the call is settled exactly once. */
  async function carryOut(
    turn: Turn,
    request: RpcRequest,
    call: CallRequest,
    { operation, obligations }: Allowed,
    resumed: Resumed,
    binding: StateBinding,
    ended: AbortSignal,
  ): Promise<void> {
    const deadline = createDeadline(settings.upstreamTimeout, settings.maxCallTime, [turn.reply.gone, ended])
    let sent: Sent
    try {
      const hooks = hooksOf(turn, request, call.id, deadline, touchesResult(obligations))
      sent = await forward(turn, request, operation, resumed, hooks)
    } catch (cause) {
      deadline.stop()
      const error = deadline.signal.aborted ? deadline.signal.reason : cause
      if (error instanceof Cancelled) {
        await decider.settle(call.id, recordWithout('cancelled', 'cancelled by the client'))
        return turn.reply.abandon()
      }
      const failure = toSafeconductError(error)
      const status = effectOf(failure) === 'none' ? 'failed' : 'unknown'
      await decider.settle(call.id, recordWithout(status, failure.code))
      throw failure
    }
    deadline.stop()
    const outcome = release(turn, sent, binding, obligations)
    await decider.settle(call.id, outcome.record)
    turn.reply.finish(outcome.answer, sent.status)
  }

  function forward(turn: Turn, request: RpcRequest, operation: Operation, resumed: Resumed, hooks: Hooks) {
    if (resumed.kind === 'pending') {
      if (turn.via.resume === null) throw new SafeconductError('invalid_params')
      return turn.via.resume(resumed.id, readResponses(request), hooks)
    }
    const state = resumed.kind === 'upstream' && resumed.state !== null ? { requestState: resumed.state } : {}
    const params = { ...decidedParams(request, operation), ...state }
    return turn.via.send(operation.method, params, hooks, turn.forwarded)
  }

  /** @param confined what the server says before its answer cannot be held to the obligations of the call */
  function hooksOf(
    turn: Turn,
    request: RpcRequest,
    call: string,
    deadline: Deadline,
    confined: boolean,
  ): Hooks {
    const quiet = turn.revision === STATELESS && metaOf(request.params)[META.logLevel] === undefined
    return {
      signal: deadline.signal,
      onActivity: deadline.touch,
      onInterrupted(retry) {
        // Clients of the older revision cannot tell an interrupted stream from a lost one.
        if (turn.revision === '2025-11-25') turn.reply.interrupt(retry)
      },
      onNotification(message) {
        if (!confined && passes(message, turn.revision, quiet)) turn.reply.push(message)
      },
      async onRequest(question, signal) {
        if (turn.via.ask === null || confined) return fail(-32601, 'The client cannot be asked this.')
        deadline.pause()
        try {
          return await turn.via.ask(question, signal, call)
        } finally {
          deadline.resume()
        }
      },
    }
  }

  /** The answer as it leaves, sealed and complete, and what is recorded of it. */
  function release(turn: Turn, sent: Sent, binding: StateBinding, obligations: Decision['obligations']) {
    let answer = obliged(sent.answer, obligations)
    if (turn.revision === STATELESS) {
      answer = completed(answer)
      if (answer.ok && isInputRequired(answer.result))
        answer = asQuestion(turn, answer.result, sent.pending, binding)
    }
    return settleable(answer)
  }

  function asQuestion(
    turn: Turn,
    result: JsonObject,
    pending: string | undefined,
    binding: StateBinding,
  ): RpcAnswer {
    const { inputRequests, requestState } = result
    const asked: Record<string, Question> = {}
    const questions = Object.entries(isJsonObject(inputRequests) ? inputRequests : {})
    if (questions.length > MAX_ANSWERS)
      return fail(-32060, 'The server asked the client too many questions at once.', {
        code: 'upstream_invalid',
      })
    for (const [key, question] of questions) {
      const method = isJsonObject(question) ? question.method : null
      const params = isJsonObject(question) && isJsonObject(question.params) ? question.params : null
      if (typeof method !== 'string' || !mayAsk(method, params, turn, settings.samplingServers)) {
        return fail(-32003, 'The server asked the client for something that is not allowed here.', {
          code: 'forbidden',
        })
      }
      asked[key] = questionOf(method, params, null)
    }
    const upstream = typeof requestState === 'string' ? requestState : null
    // Always ours: without it nobody could tell whether an answer was asked for.
    const state = seal.seal(binding, sealable(pending === undefined ? { upstream } : { pending }, asked))
    return { ok: true, result: { ...result, requestState: state } }
  }

  /**
   * A client that opened the page comes back at once, long before the person decided: wait a while, asking dry, so that
   * neither the client spins nor the risk of the agent moves.
   */
  async function personsWord(call: CallRequest, gone: AbortSignal): Promise<void> {
    const until = clock.now() + settings.approvalWait
    while (clock.now() < until && !gone.aborted) {
      if (decider.dry({ ...call, at: clock.now() }).outcome !== 'approval') return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(WORD_POLL, settings.approvalWait))
        const leave = () => {
          clearTimeout(timer)
          resolve()
        }
        gone.addEventListener('abort', leave, { once: true })
      })
    }
  }

  function refuse(
    turn: Turn,
    method: string,
    kind: Operation['kind'],
    decision: Decision,
    binding: StateBinding | null,
    inner: Inner = {},
  ): void {
    const code = codeOf(decision)
    const outcome = decision.outcome === 'allow' ? 'deny' : decision.outcome
    const url = binding !== null && decision.approval !== null && canOpenUrl(turn.capabilities)
    const { revision, transport } = turn
    const waits = revision !== STATELESS || MAY_WAIT.has(method)
    const row = outcomeRow({ outcome, code, revision, transport, kind, url: url && waits })
    const refusal = refusalOf(decision, row, settings)
    const state =
      row.form === 'input_required' && binding !== null && decision.approval !== null
        ? seal.seal(binding, { approval: decision.approval, inner: sealableInner(inner) })
        : null
    const headers = refusalHeaders(row, settings, {
      code,
      server: turn.server.name,
      scopes: decision.scopes,
      scheme: turn.scheme,
    })
    turn.reply.finish(refusalAnswer(row.form, refusal, revision, state), row.status, headers)
  }

  return { run, refuse }
}

interface Allowed {
  readonly operation: Operation
  readonly obligations: Decision['obligations']
}

/** The answer after the obligations of its call; withheld where one of them cannot be met on it. */
function obliged(answer: RpcAnswer, obligations: Decision['obligations']): RpcAnswer {
  if (!touchesResult(obligations)) return answer
  // Errors have no structure to look into, and their words are the server's own.
  const met = answer.ok ? meetOnResult(answer.result, obligations) : null
  if (met !== null) return { ok: true, result: met }
  return fail(-32003, 'The result cannot be shown as the policy demands, and is withheld.', {
    code: 'denied',
  })
}

const MAY_WAIT = new Set(['tools/call', 'prompts/get', 'resources/read'])

function passes(message: RpcNotification, revision: Turn['revision'], quiet: boolean): boolean {
  const row = serverMethod(message.method, revision)
  if (row?.kind !== 'notification') return false
  return !(quiet && message.method === 'notifications/message')
}
