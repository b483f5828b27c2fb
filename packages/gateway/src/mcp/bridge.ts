/**
 * The bridge from stateless clients to servers that keep a session: a question of the server (`elicitation/create`,
 * `roots/list`, …) suspends the request and goes to the client as `input_required`; its next request brings the answer
 * and takes the suspended one up again.
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '@safeconduct/engine'
import { isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import type { Hooks, Link } from '../upstream/link.ts'
import { fail, type RpcAnswer, type RpcRequest } from './message.ts'
import { META } from './revisions.ts'
import type { Sent } from './turn.ts'

export interface Bridge {
  send(link: Link, method: string, params: JsonObject | null, hooks: Hooks, mayAsk: MayAsk): Promise<Sent>
  /** @throws {SafeconductError} `invalid_params` when there is nothing suspended under that id any more */
  resume(id: string, answers: JsonObject, hooks: Hooks): Promise<Sent>
  sweep(now: number): void
  close(): void
  readonly size: number
}

export type MayAsk = (request: RpcRequest) => boolean

interface Question {
  readonly request: RpcRequest
  resolve(answer: RpcAnswer): void
}

interface Suspended {
  readonly id: string
  readonly questions: Map<string, Question>
  readonly stop: AbortController
  answer: Promise<RpcAnswer>
  /** The client's request that is being served now; null while the client is away. */
  hooks: Hooks | null
  asked: (() => void) | null
  until: number
}

/** Only these may be answered with `input_required`. */
const MAY_WAIT = new Set(['tools/call', 'prompts/get', 'resources/read'])

export function createBridge(clock: Clock, ttl: number, limit = 1_000): Bridge {
  const suspended = new Map<string, Suspended>()

  /** Serves one request of the client with what is suspended: until it ends or the server asks something. */
  async function serve(call: Suspended, hooks: Hooks): Promise<Sent> {
    call.hooks = hooks
    const cancel = () => call.stop.abort(hooks.signal.reason)
    hooks.signal.addEventListener('abort', cancel, { once: true })
    if (hooks.signal.aborted) cancel()
    try {
      const asked = new Promise<null>((resolve) => {
        call.asked = () => resolve(null)
        if (call.questions.size > 0) resolve(null)
      })
      const answer = await Promise.race([call.answer, asked])
      if (answer !== null) return { status: 200, answer }
      if (suspended.size >= limit) {
        call.stop.abort(new SafeconductError('overloaded'))
        throw new SafeconductError('overloaded')
      }
      call.until = clock.now() + ttl
      suspended.set(call.id, call)
      return { status: 200, answer: { ok: true, result: inputRequired(call) }, pending: call.id }
    } finally {
      hooks.signal.removeEventListener('abort', cancel)
      call.hooks = null
      call.asked = null
    }
  }

  return {
    get size() {
      return suspended.size
    },
    send(link, method, params, hooks, mayAsk) {
      const call: Suspended = {
        id: randomBytes(16).toString('base64url'),
        questions: new Map(),
        stop: new AbortController(),
        answer: Promise.resolve(fail(-32603, 'Not sent.')),
        hooks: null,
        asked: null,
        until: 0,
      }
      let count = 0
      call.answer = link.request(method, withoutEnvelope(params), {
        signal: call.stop.signal,
        onNotification: (message) => call.hooks?.onNotification(message),
        onActivity: () => call.hooks?.onActivity(),
        onRequest(request, signal) {
          if (!MAY_WAIT.has(method) || !mayAsk(request)) {
            return Promise.resolve(fail(-32601, 'The client cannot be asked this.'))
          }
          return new Promise((resolve) => {
            count += 1
            const key = `q${count}`
            call.questions.set(key, { request, resolve })
            signal.addEventListener('abort', () => call.questions.delete(key), { once: true })
            call.asked?.()
          })
        },
      })
      call.answer.catch(() => undefined)
      return serve(call, hooks)
    },
    async resume(id, answers, hooks) {
      const call = suspended.get(id)
      if (call === undefined) {
        throw new SafeconductError('invalid_params', {
          message: 'The server waits for this no longer; start the request again.',
        })
      }
      suspended.delete(id)
      for (const [key, question] of call.questions) {
        const given = answers[key]
        question.resolve(
          isJsonObject(given) ? { ok: true, result: given } : fail(-32602, 'The client gave no answer.'),
        )
      }
      call.questions.clear()
      return serve(call, hooks)
    },
    sweep(now) {
      for (const [id, call] of suspended) {
        if (call.until > now) continue
        suspended.delete(id)
        call.stop.abort(new SafeconductError('expired'))
      }
    },
    close() {
      for (const call of suspended.values()) call.stop.abort(new SafeconductError('shutting_down'))
      suspended.clear()
    },
  }
}

function inputRequired(call: Suspended): JsonObject {
  const inputRequests: Record<string, JsonObject> = {}
  for (const [key, { request }] of call.questions) {
    const { elicitationId: _, ...params } = request.params ?? {}
    inputRequests[key] = { method: request.method, params }
  }
  return { resultType: 'input_required', inputRequests }
}

/** What only the stateless revision knows is not sent to a session. */
export function withoutEnvelope(params: JsonObject | null): JsonObject | null {
  if (params === null) return null
  const { inputResponses: _, requestState: __, _meta: meta, ...rest } = params
  if (!isJsonObject(meta)) return rest
  const own: readonly string[] = [META.version, META.capabilities, META.client, META.logLevel]
  const kept = Object.fromEntries(Object.entries(meta).filter(([key]) => !own.includes(key)))
  return Object.keys(kept).length === 0 ? rest : { ...rest, _meta: kept }
}
