/**
 * The revisions with sessions (2025-06-18, 2025-11-25): the handshake, requests, notifications and answers of a session,
 * its standing stream, its end.
 * @module
 */
import type { Clock } from '@safeconduct/engine'
import { isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import type { Registry } from '../client/registry.ts'
import type { Session, Sessions } from '../client/sessions.ts'
import { SSE_HEADERS } from '../client/stream.ts'
import { accepts } from '../http/body.ts'
import type { Log } from '../ports.ts'
import type { GatewaySettings } from '../settings.ts'
import type { Listener } from '../upstream/link.ts'
import { CLIENT_INFO, type Hold, type Upstreams } from '../upstream/upstreams.ts'
import type { Answers } from './answers.ts'
import type { Dispatch } from './dispatch.ts'
import {
  clientNameOf,
  contextOf,
  type Exchange,
  type Exchanges,
  type Incoming,
  passes,
  rowOf,
  turnOf,
} from './exchange.ts'
import { fail, type RpcMessage, type RpcNotification, type RpcRequest } from './message.ts'
import { clientMethod } from './methods.ts'
import { isSessionRevision, NEWEST_SESSION, negotiate, type SessionRevision, STATELESS } from './revisions.ts'
import { capabilitiesFor, serverCapabilities, type Via } from './turn.ts'
import { sessionVia, sharedLink } from './vias.ts'

export interface OnSessionOptions {
  readonly settings: GatewaySettings
  readonly clock: Clock
  readonly log: Log
  readonly upstreams: Upstreams
  readonly sessions: Sessions
  readonly streams: Registry
  readonly exchanges: Exchanges
  readonly dispatch: Dispatch
  readonly answers: Answers
}

export interface OnSession {
  initialize(incoming: Incoming, message: RpcRequest): Promise<void>
  request(incoming: Incoming, message: RpcRequest): Promise<void>
  /** Notifications and answers: 202, no body. */
  tell(incoming: Incoming, message: Exclude<RpcMessage, RpcRequest>): Promise<void>
  /** GET: the stream for what belongs to no request, or one that was interrupted. */
  standing(exchange: Exchange): void
  /** DELETE */
  remove(exchange: Exchange): void
}

export function createOnSession(options: OnSessionOptions): OnSession {
  const { settings, clock, sessions, upstreams, exchanges, dispatch } = options

  function sessionOf({ request, server, caller }: Exchange): Session {
    const id = request.headers['mcp-session-id']
    if (typeof id !== 'string' || id === '') {
      throw new SafeconductError('invalid_request', { message: 'The Mcp-Session-Id header is missing.' })
    }
    const session = sessions.find(id, server, caller.identity)
    if (session === null) throw new SafeconductError('not_found', { message: 'There is no such session.' })
    return session
  }

  async function initialize(incoming: Incoming, message: RpcRequest): Promise<void> {
    const { server, caller } = incoming
    const upstream = upstreams.for(server)
    const proposed = message.params?.protocolVersion
    const revision: SessionRevision = isSessionRevision(proposed) ? proposed : NEWEST_SESSION
    const declared = message.params?.capabilities
    const capabilities = isJsonObject(declared) ? declared : {}
    const info = message.params?.clientInfo
    const clientInfo = isJsonObject(info) ? info : CLIENT_INFO
    const reply = exchanges.replyFor(incoming, message, () => exchanges.directStream(() => reply.cancel()))
    /** Children are shared by all sessions of a user and agent; over HTTP each session has a link of its own. */
    const holdFor = (id: string, listener: Listener): Hold => {
      const { identity } = caller
      const { samplingServers } = settings
      if (server.transport.kind === 'stdio') {
        return sharedLink(upstream, identity, capabilities, samplingServers, listener)
      }
      const told = capabilitiesFor(server, capabilities, samplingServers)
      const key = JSON.stringify(['session', id])
      const { grant } = identity
      const spec = { key, proposal: revision, capabilities: told, clientInfo, grant, exclusive: true }
      return upstream.hold(spec, listener)
    }
    await exchanges.answer(incoming, message, revision, reply, async () => {
      const client = clientNameOf(info)
      const row = rowOf(message.method, revision)
      const turn = turnOf(incoming, { upstream, revision, capabilities, reply, via: NOWHERE, client })
      if (!(await dispatch.allowed(turn, message.method, row))) return
      const session = sessions.create({
        identity: caller.identity,
        upstream,
        capabilities,
        revision,
        client,
        hold: (id, listener) => holdFor(id, listener),
      })
      try {
        const { hello } = await session.hold.link()
        session.revision = negotiate(proposed, hello.protocolVersion)
        const result = {
          protocolVersion: session.revision,
          capabilities: serverCapabilities(hello.capabilities),
          serverInfo: hello.serverInfo,
          ...(hello.instructions === null ? {} : { instructions: hello.instructions }),
        }
        if (reply.gone.aborted) sessions.end(session)
        if (!incoming.response.headersSent) incoming.response.setHeader('mcp-session-id', session.id)
        reply.finish({ ok: true, result })
      } catch (cause) {
        sessions.end(session)
        throw cause
      }
    })
  }

  async function request(incoming: Incoming, message: RpcRequest): Promise<void> {
    const session = sessionOf(incoming)
    const { revision } = session
    const reply = exchanges.replyFor(incoming, message, session.openStream)
    // An id that is under way already would make cancellation ambiguous.
    const replies = session.replies
    if (replies.has(message.id))
      throw new SafeconductError('invalid_request', { message: 'The id is in use.' })
    replies.set(message.id, reply)
    try {
      await exchanges.answer(incoming, message, revision, reply, async () => {
        const { upstream, capabilities } = session
        const via = sessionVia(session, reply)
        const turn = turnOf(incoming, {
          upstream,
          revision,
          capabilities,
          reply,
          via,
          client: session.client,
        })
        await dispatch.run(turn, message)
      })
    } finally {
      if (replies.get(message.id) === reply) replies.delete(message.id)
      session.touched = clock.now()
    }
  }

  async function tell(incoming: Incoming, message: Exclude<RpcMessage, RpcRequest>): Promise<void> {
    const session = sessionOf(incoming)
    if (message.kind === 'response') {
      await answered(incoming, session, message)
    } else if (clientMethod(message.method, session.revision)?.kind !== 'notification') {
      options.log('debug', 'a notification was dropped', { server: incoming.server.name })
    } else if (message.method === 'notifications/cancelled') {
      const id = message.params?.requestId
      if (typeof id === 'string' || typeof id === 'number') session.replies.get(id)?.cancel()
    } else if (message.method !== 'notifications/initialized') {
      // Our own `initialized` went with the handshake. This much of the client's reaches the server unrecorded: that
      // its roots changed, or how far it is with an answer.
      const turn = {
        identity: session.identity,
        context: contextOf(incoming, session.client),
        server: incoming.server,
      }
      if (passes(dispatch.dry(turn, message.method, 'session'))) {
        const link = await session.hold.link()
        await link.notify(message.method, told(message))
      }
    }
    incoming.response.writeHead(202).end()
  }

  /** @throws {SafeconductError} `invalid_request` when nobody asked; `denied` */
  async function answered(
    incoming: Incoming,
    session: Session,
    { id, answer }: Extract<RpcMessage, { kind: 'response' }>,
  ): Promise<void> {
    const question = id === null ? null : session.take(id)
    if (question === null)
      throw new SafeconductError('invalid_request', { message: 'Nobody asked that, or nobody waits for it.' })
    const { server } = incoming
    const turn = { identity: session.identity, context: contextOf(incoming, session.client), server }
    let passed = false
    try {
      passed = await options.answers.pass(turn, question, answer)
    } finally {
      question.answer(passed ? answer : fail(-32603, 'The client may not answer now.'))
    }
    if (!passed) throw new SafeconductError('denied', { message: 'The answer was not passed on.' })
  }

  function remove(exchange: Exchange): void {
    sessions.end(sessionOf(exchange))
    exchange.response.writeHead(200).end()
  }

  function standing(exchange: Exchange): void {
    const { request, response, server, caller } = exchange
    if (request.headers['mcp-protocol-version'] === STATELESS) {
      exchanges.plain(response, 405, 'This revision has no standing stream.', { allow: 'POST' })
      return
    }
    if (!accepts(request.headers.accept, 'text/event-stream')) {
      exchanges.plain(response, 406, 'Accept text/event-stream.')
      return
    }
    const session = sessionOf(exchange)
    const turn = { identity: caller.identity, context: contextOf(exchange, session.client), server }
    const decision = dispatch.dry(turn, 'GET', 'session')
    if (!passes(decision)) throw new SafeconductError(decision.code ?? 'denied')
    const stream = options.streams.begin(() => session.identity, server.name)
    response.once('close', stream.end)
    stream.signal.addEventListener('abort', () => response.end(), { once: true })
    const last = request.headers['last-event-id']
    response.writeHead(200, SSE_HEADERS)
    response.flushHeaders()
    if (typeof last !== 'string') session.standing.attach(response)
    // A stream that is kept no more cannot be taken up; an empty one tells the client that nothing will come.
    else if (!session.resume(response, last)) response.end()
  }

  return { initialize, request, tell, standing, remove }
}

const NOWHERE: Via = {
  send: () => Promise.reject(new SafeconductError('internal')),
  resume: null,
  ask: null,
}

/** What the method itself needs: no room for words of the agent. */
function told({ method, params }: RpcNotification): JsonObject | null {
  if (method !== 'notifications/progress') return null
  const { progressToken, progress, total } = params ?? {}
  if (typeof progressToken !== 'string' && typeof progressToken !== 'number') return null
  const numbers = Object.entries({ progress, total }).filter(([, value]) => typeof value === 'number')
  return { progressToken, ...Object.fromEntries(numbers) }
}
