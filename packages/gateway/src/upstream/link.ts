/**
 * A link: one initialised conversation with an upstream on a session revision, over HTTP or over the pipes of a child.
 * @module
 */
import { isJsonObject, type JsonObject } from '@safeconduct/protocol'
import {
  fail,
  metaOf,
  type RpcAnswer,
  type RpcId,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
} from '../mcp/message.ts'
import { nonsense, upstreamFailure } from './failure.ts'

/** What the upstream said to `initialize`. */
export interface Hello {
  readonly protocolVersion: string
  readonly capabilities: JsonObject
  readonly serverInfo: JsonObject
  readonly instructions: string | null
}

/** Receives what comes in while a request waits for its answer. */
export interface Hooks {
  readonly signal: AbortSignal
  onNotification(message: RpcNotification): void
  /** A request of the server to the client. */
  onRequest(request: RpcRequest, signal: AbortSignal): Promise<RpcAnswer>
  /** Anything at all arrived. */
  onActivity(): void
  /** The upstream ended the stream before the answer and asked to be polled again after so many milliseconds. */
  onInterrupted?(retry: number): void
}

/** Receives what belongs to no request. */
export interface Listener {
  onNotification(message: RpcNotification): void
  onRequest(request: RpcRequest, signal: AbortSignal): Promise<RpcAnswer>
}

export interface Link {
  readonly hello: Hello
  /** False once the connection is gone for good; open another one. */
  readonly alive: boolean
  /**
   * Sends a request and waits for the answer. An abort sends `notifications/cancelled` and rejects with its reason.
   * @throws {SafeconductError} `upstream_*`
   */
  request(
    method: string,
    params: JsonObject | null,
    hooks: Hooks,
    headers?: Record<string, string>,
  ): Promise<RpcAnswer>
  notify(method: string, params: JsonObject | null): Promise<void>
  attach(listener: Listener): () => void
  close(): Promise<void>
}

/** For our own handshake and probes, where nobody listens. */
export const SILENT: Omit<Hooks, 'signal'> = {
  onNotification: () => undefined,
  onActivity: () => undefined,
  onRequest: async () => fail(-32603, 'Nobody can answer this request now.'),
}

/** @throws {SafeconductError} `upstream_invalid` */
export function readHello(answer: RpcAnswer): Hello {
  if (!answer.ok) {
    throw upstreamFailure('upstream_invalid', 'none', {
      message: 'The server behind the gateway opens no session; its clients must speak 2026-07-28.',
    })
  }
  const { protocolVersion, capabilities, serverInfo, instructions } = answer.result
  if (typeof protocolVersion !== 'string' || !isJsonObject(serverInfo)) throw nonsense(undefined)
  return {
    protocolVersion,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    serverInfo,
    instructions: typeof instructions === 'string' ? instructions : null,
  }
}

interface Waiting {
  readonly hooks: Hooks
  readonly token: RpcId | null
  resolve(answer: RpcAnswer): void
  reject(reason: unknown): void
}

export interface Dispatcher {
  /** Registers a request under a number of ours; the parameters come back with the progress token replaced. */
  open(
    params: JsonObject | null,
    hooks: Hooks,
  ): { id: number; params: JsonObject | null; answer: Promise<RpcAnswer> }
  /** Takes one message in. `call` is the request on whose stream it came; null where there is one stream for all. */
  receive(message: RpcMessage, call: number | null): void
  attach(listener: Listener): () => void
  /** Rejects one request, or every request, that still waits. */
  drop(reason: unknown, call?: number): void
  waits(call: number): boolean
}

/** Questions of one server that may be open at once. */
const MAX_OPEN_QUESTIONS = 32

/** Brings answers to their requests and everything else to whoever is concerned. Owned by one link. */
export function createDispatcher(reply: (id: RpcId, answer: RpcAnswer) => void): Dispatcher {
  const waiting = new Map<number, Waiting>()
  const listeners = new Set<Listener>()
  const questions = new Map<RpcId, AbortController>()
  let last = 0

  /** Without a stream to tell by, the request that was sent last is the likeliest to be meant. */
  const hooksFor = (call: number | null): Hooks | null => {
    if (call !== null) return waiting.get(call)?.hooks ?? null
    return [...waiting.values()].at(-1)?.hooks ?? null
  }

  const ask = (request: RpcRequest, to: Hooks | Listener | undefined) => {
    if (to === undefined || questions.size >= MAX_OPEN_QUESTIONS || questions.has(request.id)) {
      reply(request.id, fail(-32603, 'Nobody can answer this request now.'))
      return
    }
    const controller = new AbortController()
    questions.set(request.id, controller)
    to.onRequest(request, controller.signal)
      .catch(() => fail(-32603, 'The request could not be answered.'))
      .then((answer) => {
        questions.delete(request.id)
        if (!controller.signal.aborted) reply(request.id, answer)
      })
  }

  const notified = (message: RpcNotification, call: number | null) => {
    if (message.method === 'notifications/cancelled') {
      const id = message.params?.requestId
      if (typeof id === 'string' || typeof id === 'number') questions.get(id)?.abort()
      return
    }
    if (message.method === 'notifications/progress') {
      const id = message.params?.progressToken
      const found = typeof id === 'number' ? waiting.get(id) : undefined
      // Progress on a token we never gave belongs to nobody.
      if (found === undefined || found.token === null) return
      found.hooks.onActivity()
      const params = { ...message.params, progressToken: found.token }
      found.hooks.onNotification({ ...message, params })
      return
    }
    const own = call === null ? undefined : waiting.get(call)
    if (own !== undefined) own.hooks.onNotification(message)
    else for (const listener of listeners) listener.onNotification(message)
  }

  return {
    open(params, hooks) {
      last += 1
      const id = last
      const given = metaOf(params).progressToken
      const token = typeof given === 'string' || typeof given === 'number' ? given : null
      const sent = token === null ? params : { ...params, _meta: { ...metaOf(params), progressToken: id } }
      const answer = new Promise<RpcAnswer>((resolve, reject) => {
        waiting.set(id, { hooks, token, resolve, reject })
      })
      // A rejection is seen by whoever awaits; dropping all at close must not count as unhandled.
      answer.catch(() => undefined)
      return { id, params: sent, answer }
    },
    receive(message, call) {
      if (call !== null) waiting.get(call)?.hooks.onActivity()
      if (message.kind === 'response') {
        const id = message.id ?? call
        const found = typeof id === 'number' ? waiting.get(id) : undefined
        if (found === undefined || (call !== null && id !== call)) {
          if (call === null) return
          throw upstreamFailure('upstream_invalid', 'unknown', {
            message: 'The server behind the gateway answered a request that was not asked.',
          })
        }
        if (typeof id === 'number') waiting.delete(id)
        found.hooks.onActivity()
        found.resolve(message.answer)
      } else if (message.kind === 'notification') notified(message, call)
      else ask(message, hooksFor(call) ?? [...listeners].at(-1))
    },
    attach(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    drop(reason, call) {
      for (const [id, found] of waiting) {
        if (call !== undefined && id !== call) continue
        waiting.delete(id)
        found.reject(reason)
      }
      if (call === undefined) for (const controller of questions.values()) controller.abort()
    },
    waits: (call) => waiting.has(call),
  }
}
