/**
 * Sessions of the revisions up to 2025-11-25: ours, bound to the principal that opened them, each with its streams,
 * its open questions and its claim on a link upstream.
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Clock } from '@safeconduct/engine'
import { type JsonObject, SafeconductError, type Server } from '@safeconduct/protocol'
import { type Question, questionOf } from '../mcp/answers.ts'
import type { ClientName } from '../mcp/exchange.ts'
import {
  fail,
  notification,
  type RpcAnswer,
  type RpcId,
  type RpcNotification,
  type RpcRequest,
} from '../mcp/message.ts'
import { serverMethod } from '../mcp/methods.ts'
import type { SessionRevision } from '../mcp/revisions.ts'
import { mayAsk, principalKey } from '../mcp/turn.ts'
import type { Identity } from '../ports.ts'
import type { GatewaySettings } from '../settings.ts'
import type { Listener } from '../upstream/link.ts'
import type { Hold, Upstream } from '../upstream/upstreams.ts'
import type { Reply } from './reply.ts'
import { type ClientStream, createStream, type EventBudget, parseEventId } from './stream.ts'

export interface Session {
  readonly id: string
  readonly server: Server
  readonly upstream: Upstream
  readonly capabilities: JsonObject
  /** As it named itself at `initialize`. */
  readonly client: ClientName | null
  readonly hold: Hold
  /** As proven on the last request: what its streams are authorised by. */
  identity: Identity
  revision: SessionRevision
  touched: number
  /** The stream for what belongs to no request; whoever opens it last has it. */
  readonly standing: ClientStream
  /** The replies of the requests under way, by the client's id. */
  readonly replies: Map<RpcId, Reply>
  openStream(gone: () => void): ClientStream
  /** Takes up the stream that the event belongs to. False when it is not of this session or not kept any more. */
  resume(response: ServerResponse, lastEventId: string): boolean
  /** @param call id of the call during which it is asked; null outside of one */
  ask(request: RpcRequest, reply: Reply | null, signal: AbortSignal, call: string | null): Promise<RpcAnswer>
  /** What the client answers: whoever takes it answers it, once; null when nobody asked, or waits any longer. */
  take(id: RpcId): OpenQuestion | null
  ping(): void
  close(): void
}

export interface OpenQuestion extends Question {
  answer(answer: RpcAnswer): void
}

export interface Sessions {
  /** @throws {SafeconductError} `overloaded`, `rate_limited` */
  create(input: NewSession): Session
  /** null unless it exists, is of this server and was opened by this principal: one answer for all three. */
  find(id: string, server: Server, identity: Identity): Session | null
  end(session: Session): void
  all(): Iterable<Session>
  sweep(now: number): void
  close(): void
  readonly size: number
}

export interface NewSession {
  readonly identity: Identity
  readonly upstream: Upstream
  readonly capabilities: JsonObject
  readonly client: ClientName | null
  readonly revision: SessionRevision
  readonly hold: (id: string, listener: Listener) => Hold
}

/** Streams of answered requests that a client may still come back for. */
const MAX_STREAMS = 64

export function createSessions(settings: GatewaySettings, clock: Clock, budget: EventBudget): Sessions {
  const sessions = new Map<string, { session: Session; principal: string }>()

  const end = (session: Session) => {
    if (sessions.delete(session.id)) session.close()
  }

  return {
    create(input) {
      const principal = principalKey(input.identity)
      if (sessions.size >= settings.maxSessions) throw new SafeconductError('overloaded')
      const mine = [...sessions.values()].filter((entry) => entry.principal === principal)
      // Clients that never end their sessions must not lock themselves out: the one idle for longest makes room.
      if (mine.length >= settings.maxSessionsPerPrincipal) {
        const idle = mine
          .map((entry) => entry.session)
          .filter((session) => session.replies.size === 0)
          .sort((a, b) => a.touched - b.touched)[0]
        if (idle === undefined) throw new SafeconductError('rate_limited')
        end(idle)
      }
      const session = createSession(input, settings, clock, budget)
      sessions.set(session.id, { session, principal })
      return session
    },
    find(id, server, identity) {
      const found = sessions.get(id)
      if (found === undefined || found.principal !== principalKey(identity)) return null
      if (found.session.server.id !== server.id) return null
      // The owner changed the server since: the client starts anew with what it is now.
      if (found.session.server.version !== server.version) {
        end(found.session)
        return null
      }
      found.session.touched = clock.now()
      found.session.identity = identity
      return found.session
    },
    end,
    *all() {
      for (const { session } of sessions.values()) yield session
    },
    sweep(now) {
      for (const { session } of sessions.values()) {
        const busy = session.replies.size > 0 || session.standing.attached
        if (!busy && now - session.touched > settings.sessionIdle) end(session)
        else session.ping()
      }
    },
    close() {
      for (const { session } of sessions.values()) session.close()
      sessions.clear()
    },
    get size() {
      return sessions.size
    },
  }
}

function createSession(
  input: NewSession,
  settings: GatewaySettings,
  clock: Clock,
  budget: EventBudget,
): Session {
  const { upstream, capabilities, client } = input
  const id = randomBytes(24).toString('base64url')
  const streams = new Map<string, ClientStream>()
  const replies = new Map<RpcId, Reply>()
  const questions = new Map<RpcId, OpenQuestion>()
  let asked = 0

  const stream = (key: string, onDetached: () => void) =>
    createStream({
      key,
      maxBuffered: settings.maxBuffered,
      maxEvents: settings.maxEvents,
      maxEventBytes: settings.maxEventBytes,
      budget,
      onDetached,
    })

  const standing = stream('standing', () => undefined)

  /** The oldest finished streams go first; running ones stay. */
  const makeRoom = () => {
    for (const [key, kept] of streams) {
      if (streams.size < MAX_STREAMS) return
      if (!kept.ended || kept.attached) continue
      kept.discard()
      streams.delete(key)
    }
  }

  const listener: Listener = {
    onNotification(message) {
      if (!passes(message, session.revision)) return
      const [reply] = [...replies.values()].slice(-1)
      const toReply = message.method === 'notifications/message' && !standing.attached
      if (!(toReply && reply?.push(message) === true)) standing.push(message)
    },
    onRequest: (request, signal) => session.ask(request, null, signal, null),
  }

  const session: Session = {
    id,
    server: upstream.server,
    upstream,
    capabilities,
    client,
    hold: input.hold(id, listener),
    identity: input.identity,
    revision: input.revision,
    touched: clock.now(),
    standing,
    replies,
    openStream(gone) {
      makeRoom()
      const key = randomBytes(9).toString('base64url')
      const opened = stream(key, () => {
        setTimeout(() => {
          if (!opened.attached && !opened.ended) gone()
        }, settings.resumeWindow).unref()
      })
      streams.set(key, opened)
      // Only clients of this revision understand an event without data.
      if (session.revision === '2025-11-25') opened.prime(1_000)
      return opened
    },
    resume(response, lastEventId) {
      const event = parseEventId(lastEventId)
      if (event === null) return false
      const found = event.key === 'standing' ? standing : streams.get(event.key)
      if (found === undefined) return false
      found.attach(response, event.seq)
      return true
    },
    async ask(request, reply, signal, call) {
      const turn = { revision: session.revision, capabilities, server: upstream.server }
      if (request.method === 'ping') return { ok: true, result: {} }
      if (!mayAsk(request.method, request.params, turn, settings.samplingServers)) {
        return fail(-32601, 'The client cannot be asked this.')
      }
      asked += 1
      const question = `question-${asked}`
      const down: RpcRequest = { ...request, id: question }
      const answered = new Promise<RpcAnswer>((resolve) => {
        const late = setTimeout(
          () => resolve(fail(-32603, 'The client did not answer in time.')),
          settings.clientAnswerTimeout,
        ).unref()
        questions.set(question, {
          ...questionOf(request.method, request.params, call),
          answer(given) {
            clearTimeout(late)
            resolve(given)
          },
        })
        signal.addEventListener('abort', () => {
          const cancelled = notification('notifications/cancelled', { requestId: question })
          if (reply?.push(cancelled) !== true) standing.push(cancelled)
          clearTimeout(late)
          resolve(fail(-32603, 'Cancelled.'))
        })
      })
      if (reply?.push(down) !== true) standing.push(down)
      return answered.finally(() => questions.delete(question))
    },
    take(id) {
      const question = questions.get(id) ?? null
      questions.delete(id)
      return question
    },
    ping() {
      standing.ping()
      for (const kept of streams.values()) if (!kept.ended) kept.ping()
    },
    close() {
      for (const reply of replies.values()) reply.cancel()
      for (const question of questions.values()) question.answer(fail(-32603, 'The session ended.'))
      standing.discard()
      for (const kept of streams.values()) if (kept.ended) kept.discard()
      session.hold.release()
    },
  }
  return session
}

function passes(message: RpcNotification, revision: SessionRevision): boolean {
  return serverMethod(message.method, revision)?.kind === 'notification'
}
