/**
 * `/mcp/<server>` for a caller who is known: reads the request, finds out which revision it speaks, and brings it to
 * the part that answers it. The same for HTTP clients and for the control socket.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Ids } from '@safeconduct/engine'
import {
  type CallContext,
  type Decision,
  isJsonObject,
  type JsonObject,
  type Operation,
  parseJson,
  SafeconductError,
  type Server,
  toSafeconductError,
} from '@safeconduct/protocol'
import { challenges, schemeOf } from '../auth/challenge.ts'
import { createDeadline } from '../client/deadline.ts'
import type { Limiter } from '../client/limiter.ts'
import { createReply, type Reply, writeJson } from '../client/reply.ts'
import type { Session, Sessions } from '../client/sessions.ts'
import { type ClientStream, createStream, type EventBudget, SSE_HEADERS } from '../client/stream.ts'
import { accepts, mediaType, prefersStream, readBody } from '../http/body.ts'
import { forwardedHeaders } from '../http/header-values.ts'
import type { Deciding, Identity, Log } from '../ports.ts'
import type { GatewaySettings } from '../settings.ts'
import { CLIENT_INFO, type Upstreams } from '../upstream/upstreams.ts'
import type { Bridge } from './bridge.ts'
import { checkEnvelope, clientCapabilities, isStateless } from './envelope.ts'
import type { Governed } from './governed.ts'
import { listenOnLink, listenStateless, readWanted } from './listen.ts'
import { cacheable, completed, type Lists } from './lists.ts'
import {
  fail,
  failWith,
  parseMessage,
  type RpcAnswer,
  type RpcMessage,
  type RpcRequest,
  response as rpcResponse,
  writeMessage,
} from './message.ts'
import { type ClientMethod, clientMethod } from './methods.ts'
import type { Transport } from './outcomes.ts'
import { recordWithout } from './result.ts'
import {
  isSessionRevision,
  META,
  negotiate,
  type Revision,
  type SessionRevision,
  STATELESS,
} from './revisions.ts'
import { callOf, capabilitiesFor, principalKey, serverCapabilities, type Turn, type Via } from './turn.ts'
import { bridgedVia, sessionVia, sharedLink, statelessVia } from './vias.ts'

export interface Caller {
  readonly identity: Identity
  readonly transport: Transport
}

/** Streams that stand open, so that they can be looked at again when trust or epochs change. */
export interface StreamRegistry {
  /** @throws {SafeconductError} `shutting_down`, `overloaded`, `rate_limited` */
  begin(identity: () => Identity, server: string): { readonly signal: AbortSignal; end(): void }
}

export interface EndpointOptions {
  readonly decider: Deciding
  readonly settings: GatewaySettings
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly upstreams: Upstreams
  readonly sessions: Sessions
  readonly governed: Governed
  readonly lists: Lists
  readonly bridge: Bridge
  readonly limiter: Limiter
  readonly streams: StreamRegistry
  readonly budget: EventBudget
}

export interface Endpoint {
  /** Answers always; throws nothing. */
  serve(request: IncomingMessage, response: ServerResponse, server: Server, caller: Caller): Promise<void>
}

export function createEndpoint(options: EndpointOptions): Endpoint {
  const { decider, settings, clock, ids, sessions, upstreams } = options

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    server: Server,
    caller: Caller,
  ): Promise<void> {
    try {
      if (request.method === 'GET') return standing(request, response, server, caller)
      if (request.method === 'DELETE') return remove(request, response, server, caller)
      await post(request, response, server, caller)
    } catch (cause) {
      refuse(request, response, server, caller, toSafeconductError(cause))
    }
  }

  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    server: Server,
    caller: Caller,
    error: SafeconductError,
  ): void {
    if (error.code === 'internal') options.log('error', 'gateway failed', { cause: error.cause })
    const status = caller.transport === 'stdio' ? 200 : error.status
    writeJson(
      response,
      status,
      writeMessage(rpcResponse(null, failWith(error))),
      refusalHeadersFor(request, server, caller, error),
    )
  }

  function refusalHeadersFor(
    request: Pick<IncomingMessage, 'headers'>,
    server: Server,
    caller: Caller,
    error: SafeconductError,
  ): Record<string, readonly string[] | string> {
    if (caller.transport === 'stdio') return {}
    if (error.status === 503 || error.status === 429) return { 'retry-after': '1' }
    if (error.status !== 401 && error.code !== 'insufficient_scope') return {}
    const scheme = schemeOf(request.headers.authorization)
    return { 'www-authenticate': challenges(settings, { code: error.code, server: server.name, scheme }) }
  }

  // ── POST ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async function post(request: IncomingMessage, response: ServerResponse, server: Server, caller: Caller) {
    if (mediaType(request.headers['content-type']) !== 'application/json') {
      return plain(response, 415, 'The body must be application/json.')
    }
    const json = accepts(request.headers.accept, 'application/json')
    const sse = accepts(request.headers.accept, 'text/event-stream')
    if (!json && !sse) return plain(response, 406, 'Accept application/json and text/event-stream.')
    const bytes = await readBody(request, settings.maxBody)
    const limits = { maxLength: settings.maxBody, maxDepth: settings.maxDepth }
    const message = parseMessage(parseJson(bytes, limits))
    const incoming: Incoming = { request, response, server, caller, json, sse }
    if (isStateless(message, request.headers)) return stateless(incoming, message)
    const version = request.headers['mcp-protocol-version']
    const opening = message.kind === 'request' && message.method === 'initialize'
    if (!opening && version !== undefined && !isSessionRevision(version)) {
      throw new SafeconductError('invalid_request', { message: 'The protocol version is not supported.' })
    }
    if (message.kind !== 'request') return fromSession(incoming, message)
    return opening ? initialize(incoming, message) : onSession(incoming, message)
  }

  function plain(response: ServerResponse, status: number, message: string, headers = {}): void {
    writeJson(response, status, writeMessage(rpcResponse(null, fail(-32600, message))), headers)
  }

  /** Runs one request; whatever it throws becomes its answer. */
  async function answer(
    incoming: Incoming,
    message: RpcRequest,
    revision: Revision,
    reply: Reply,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work()
    } catch (cause) {
      if (reply.gone.aborted) return reply.abandon()
      const error = toSafeconductError(cause)
      if (error.code === 'internal') {
        options.log('error', 'a request failed', { method: message.method, cause: error.cause })
      }
      const status = statusOf(error, revision, incoming.caller.transport)
      const headers = refusalHeadersFor(incoming.request, incoming.server, incoming.caller, error)
      reply.finish(failWith(error), status, headers)
    }
  }

  function replyFor(
    incoming: Incoming,
    message: RpcRequest,
    openStream: (gone: () => void) => ClientStream,
  ): Reply {
    const { response, json, sse } = incoming
    // The answer to `initialize` carries a header, and nothing comes before it.
    const first = message.method !== 'initialize' && sse && prefersStream(incoming.request.headers.accept)
    return createReply({ response, id: message.id, json: json && !first, sse, openStream })
  }

  function contextOf(incoming: Incoming, client: string | null): CallContext {
    const { request, caller } = incoming
    const ip = caller.transport === 'http' ? (request.socket.remoteAddress ?? null) : null
    return { channel: caller.transport, ip, client }
  }

  // ── Sessions ─────────────────────────────────────────────────────────────────────────────────────────────────

  function sessionOf(incoming: Pick<Incoming, 'request' | 'server' | 'caller'>): Session {
    const id = incoming.request.headers['mcp-session-id']
    if (typeof id !== 'string' || id === '') {
      throw new SafeconductError('invalid_request', { message: 'The Mcp-Session-Id header is missing.' })
    }
    const session = sessions.find(id, incoming.server, incoming.caller.identity)
    if (session === null) throw new SafeconductError('not_found', { message: 'There is no such session.' })
    return session
  }

  async function initialize(incoming: Incoming, message: RpcRequest): Promise<void> {
    const { server, caller } = incoming
    const upstream = upstreams.for(server)
    const proposed = message.params?.protocolVersion
    const revision: SessionRevision = isSessionRevision(proposed) ? proposed : '2025-11-25'
    const declared = message.params?.capabilities
    const capabilities = isJsonObject(declared) ? declared : {}
    const info = message.params?.clientInfo
    const clientInfo = isJsonObject(info) ? info : CLIENT_INFO
    const reply = replyFor(incoming, message, () => directStream(() => reply.cancel()))
    await answer(incoming, message, revision, reply, async () => {
      const client = typeof clientInfo.name === 'string' ? clientInfo.name.slice(0, 128) : null
      const row = rowOf(message.method, revision)
      const turn = turnOf(incoming, { upstream, revision, capabilities, reply, via: NOWHERE, client })
      if (!allowed(turn, message.method, row)) return
      const session = sessions.create({
        identity: caller.identity,
        upstream,
        capabilities,
        revision,
        hold: (id, listener) => {
          const { grant } = caller.identity
          const told = capabilitiesFor(server, capabilities, settings.samplingServers)
          if (server.transport.kind === 'stdio') {
            return sharedLink(upstream, caller.identity, capabilities, settings.samplingServers, listener)
          }
          const key = JSON.stringify(['session', id])
          const spec = { key, proposal: revision, capabilities: told, clientInfo, grant, exclusive: true }
          return upstream.hold(spec, listener)
        },
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

  async function onSession(incoming: Incoming, message: RpcRequest): Promise<void> {
    const session = sessionOf(incoming)
    const { revision } = session
    const reply = replyFor(incoming, message, session.openStream)
    // An id that is under way already would make cancellation ambiguous.
    const replies = session.replies
    if (replies.has(message.id))
      throw new SafeconductError('invalid_request', { message: 'The id is in use.' })
    replies.set(message.id, reply)
    try {
      await answer(incoming, message, revision, reply, async () => {
        const { upstream, capabilities } = session
        const via = sessionVia(session, reply)
        const turn = turnOf(incoming, { upstream, revision, capabilities, reply, via, client: null })
        await dispatch(turn, message)
      })
    } finally {
      if (replies.get(message.id) === reply) replies.delete(message.id)
      session.touched = clock.now()
    }
  }

  /** Notifications and answers from a session: 202, no body. */
  async function fromSession(incoming: Incoming, message: Exclude<RpcMessage, RpcRequest>): Promise<void> {
    const session = sessionOf(incoming)
    if (message.kind === 'response') {
      if (message.id !== null) session.answer(message.id, message.answer)
    } else {
      const row = clientMethod(message.method, session.revision)
      if (row?.kind !== 'notification') {
        options.log('debug', 'a notification was dropped', { server: incoming.server.name })
      } else if (message.method === 'notifications/cancelled') {
        const id = message.params?.requestId
        if (typeof id === 'string' || typeof id === 'number') session.replies.get(id)?.cancel()
      } else if (message.method !== 'notifications/initialized') {
        // Our own `initialized` went with the handshake. This much of the client's reaches the server unrecorded:
        // that its roots changed, or how far it is with an answer.
        const living = decider.dry(
          callOf(
            { identity: session.identity, context: contextOf(incoming, null) },
            {
              server: incoming.server.name,
              method: message.method,
              kind: 'session',
              name: null,
              args: {},
            },
            ids.next(),
            clock.now(),
          ),
        )
        if (passes(living)) {
          const link = await session.hold.link()
          await link.notify(message.method, message.params)
        }
      }
    }
    incoming.response.writeHead(202).end()
  }

  function remove(request: IncomingMessage, response: ServerResponse, server: Server, caller: Caller): void {
    sessions.end(sessionOf({ request, server, caller }))
    response.writeHead(200).end()
  }

  function standing(
    request: IncomingMessage,
    response: ServerResponse,
    server: Server,
    caller: Caller,
  ): void {
    if (request.headers['mcp-protocol-version'] === STATELESS) {
      plain(response, 405, 'This revision has no standing stream.', { allow: 'POST' })
      return
    }
    if (!accepts(request.headers.accept, 'text/event-stream')) {
      plain(response, 406, 'Accept text/event-stream.')
      return
    }
    const session = sessionOf({ request, server, caller })
    const context: CallContext = {
      channel: caller.transport,
      ip: request.socket.remoteAddress ?? null,
      client: null,
    }
    const operation = { server: server.name, method: 'GET', kind: 'session', name: null, args: {} } as const
    const decision = decider.dry(
      callOf({ identity: caller.identity, context }, operation, ids.next(), clock.now()),
    )
    if (!passes(decision)) {
      throw new SafeconductError(decision.code ?? 'denied')
    }
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

  // ── The stateless revision ───────────────────────────────────────────────────────────────────────────────────

  async function stateless(incoming: Incoming, message: RpcMessage): Promise<void> {
    const { server, caller, request } = incoming
    if (message.kind !== 'request') {
      // Nothing is posted without an id on this revision; a cancellation is the end of the connection.
      incoming.response.writeHead(202).end()
      return
    }
    const upstream = upstreams.for(server)
    const capabilities = clientCapabilities(message)
    const reply = replyFor(incoming, message, () => directStream(() => reply.cancel()))
    const wrong = incoming.caller.transport === 'http' ? checkEnvelope(message, request.headers) : null
    if (wrong !== null) return reply.finish(wrong.answer, wrong.status)
    await answer(incoming, message, STATELESS, reply, async () => {
      rowOf(message.method, STATELESS)
      const { identity } = caller
      const era = await upstream.era(identity.grant)
      const turn = { capabilities, revision: STATELESS, server } as const
      const via =
        era === 'stateless'
          ? statelessVia(upstream, identity, settings.samplingServers)
          : bridgedVia(options.bridge, upstream, identity, turn, settings.samplingServers)
      await dispatch(
        turnOf(incoming, { upstream, revision: STATELESS, capabilities, reply, via, client: null }),
        message,
      )
    })
  }

  /** A stream that ends with its connection. */
  function directStream(gone: () => void): ClientStream {
    const { maxBuffered, maxEvents, maxEventBytes } = settings
    return createStream({
      key: null,
      maxBuffered,
      maxEvents,
      maxEventBytes,
      budget: options.budget,
      onDetached: gone,
    })
  }

  // ── By the method table ──────────────────────────────────────────────────────────────────────────────────────

  function turnOf(
    incoming: Incoming,
    more: Pick<Turn, 'upstream' | 'revision' | 'capabilities' | 'reply' | 'via'> & {
      readonly client: string | null
    },
  ): Turn {
    const { client, ...rest } = more
    const { request, server, caller } = incoming
    return {
      ...rest,
      identity: caller.identity,
      server,
      transport: caller.transport,
      context: contextOf(incoming, client),
      scheme: caller.transport === 'http' ? schemeOf(request.headers.authorization) : null,
      headers: request.headers,
      forwarded: forwardedHeaders(request.headers),
    }
  }

  /** @throws {SafeconductError} `method_not_found` */
  function rowOf(method: string, revision: Revision): ClientMethod {
    const row = clientMethod(method, revision)
    if (row === null || row.kind === 'notification') throw new SafeconductError('method_not_found')
    return row
  }

  /** Sessions, listings and streams need a living grant with the scope; nothing of them is recorded. */
  function allowed(turn: Turn, method: string, row: ClientMethod): boolean {
    const { scope } = turn.identity.grant
    const kind = row.kind === 'list' ? 'list' : 'session'
    const operation: Operation = { server: turn.server.name, method, kind, name: null, args: {} }
    const decision = decider.dry(callOf(turn, operation, ids.next(), clock.now()))
    const scoped = scope.includes(row.scope) || (row.scope === 'mcp:read' && scope.includes('mcp:write'))
    if (passes(decision) && scoped) return true
    const refused: Decision = passes(decision)
      ? { ...decision, outcome: 'deny', code: 'insufficient_scope', scopes: [row.scope], remedy: '' }
      : decision
    options.governed.refuse(turn, method, kind, refused, null)
    return false
  }

  async function dispatch(turn: Turn, message: RpcRequest): Promise<void> {
    const row = rowOf(message.method, turn.revision)
    if (row.kind === 'tool' || row.kind === 'resource' || row.kind === 'prompt') {
      return options.governed.run(turn, message, row)
    }
    if (!allowed(turn, message.method, row)) return
    if (message.method === 'subscriptions/listen') return listen(turn, message)
    const leave = options.limiter.enter(principalKey(turn.identity))
    try {
      if (row.kind === 'list') {
        const sent = await options.lists.answer(turn, message.method, row, message.params)
        return turn.reply.finish(sent.answer, sent.status)
      }
      await session(turn, message)
    } finally {
      leave()
    }
  }

  async function session(turn: Turn, message: RpcRequest): Promise<void> {
    if (message.method === 'ping') return turn.reply.finish({ ok: true, result: {} })
    if (message.method === 'server/discover') return discover(turn, message)
    const deadline = createDeadline(settings.upstreamTimeout, settings.upstreamTimeout, [turn.reply.gone])
    try {
      const sent = await turn.via.send(
        message.method,
        message.params,
        { ...QUIET, signal: deadline.signal },
        turn.forwarded,
      )
      turn.reply.finish(turn.revision === STATELESS ? completed(sent.answer) : sent.answer, sent.status)
    } catch (cause) {
      throw deadline.signal.aborted ? deadline.signal.reason : cause
    } finally {
      deadline.stop()
    }
  }

  /** What the upstream can do, as far as the method table lets it through. */
  async function discover(turn: Turn, message: RpcRequest): Promise<void> {
    const { upstream, identity } = turn
    const offered = (told: JsonObject, rest: JsonObject): RpcAnswer => ({
      ok: true,
      result: cacheable({ ...rest, supportedVersions: [STATELESS], capabilities: serverCapabilities(told) }),
    })
    if ((await upstream.era(identity.grant)) === 'stateless') {
      const deadline = createDeadline(settings.upstreamTimeout, settings.upstreamTimeout, [turn.reply.gone])
      try {
        const hooks = { ...QUIET, signal: deadline.signal }
        const { status, answer: got } = await turn.via.send(
          message.method,
          message.params,
          hooks,
          turn.forwarded,
        )
        if (!got.ok) return turn.reply.finish(got, status)
        const { capabilities } = got.result
        return turn.reply.finish(offered(isJsonObject(capabilities) ? capabilities : {}, got.result))
      } finally {
        deadline.stop()
      }
    }
    const hold = sharedLink(upstream, identity, turn.capabilities, settings.samplingServers, DEAF)
    try {
      const { hello } = await hold.link()
      const rest = {
        ...(hello.instructions === null ? {} : { instructions: hello.instructions }),
        _meta: { [META.server]: hello.serverInfo },
      }
      turn.reply.finish(offered(hello.capabilities, rest))
    } finally {
      hold.release()
    }
  }

  async function listen(turn: Turn, message: RpcRequest): Promise<void> {
    const wanted = readWanted(message.params)
    const resourceSubscriptions: string[] = []
    for (const uri of wanted.resourceSubscriptions) {
      if (await mayWatch(turn, message.method, uri)) resourceSubscriptions.push(uri)
    }
    const granted = { ...wanted, resourceSubscriptions }
    const stream = options.streams.begin(() => turn.identity, turn.server.name)
    try {
      if ((await turn.upstream.era(turn.identity.grant)) === 'stateless') {
        await listenStateless(turn, message, granted, stream.signal)
      } else {
        await listenOnLink(turn, message, granted, stream.signal, (listener) =>
          sharedLink(turn.upstream, turn.identity, turn.capabilities, settings.samplingServers, listener),
        )
      }
    } finally {
      stream.end()
    }
  }

  /** Watching a resource is governed like reading it, and recorded before the server learns of it. */
  async function mayWatch(turn: Turn, method: string, uri: string): Promise<boolean> {
    const operation: Operation = {
      server: turn.server.name,
      method,
      kind: 'resource',
      name: uri,
      args: { uri },
    }
    const call = callOf(turn, operation, ids.next(), clock.now())
    const { forward } = await decider.prepare(call)
    if (forward) await decider.settle(call.id, recordWithout('ok', 'subscribed'))
    return forward
  }

  return { serve }
}

interface Incoming {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly server: Server
  readonly caller: Caller
  readonly json: boolean
  readonly sse: boolean
}

const QUIET = {
  onActivity: () => undefined,
  onNotification: () => undefined,
  onRequest: async (): Promise<RpcAnswer> => fail(-32601, 'The client cannot be asked now.'),
}

const DEAF = {
  onNotification: () => undefined,
  onRequest: async (): Promise<RpcAnswer> => fail(-32601, 'Nobody can be asked now.'),
}

const NOWHERE: Via = {
  send: () => Promise.reject(new SafeconductError('internal')),
  resume: null,
  ask: null,
}

export function passes(decision: Decision): boolean {
  return decision.outcome === 'allow' || decision.enforcement === 'observe'
}

/** Statuses that say something about HTTP; every other error is a JSON-RPC answer like any other. */
const HTTP_ERRORS = new Set([400, 401, 403, 413, 429, 503])

export function statusOf(error: SafeconductError, revision: Revision, transport: Transport): number {
  if (transport === 'stdio') return 200
  if (error.code === 'method_not_found') return revision === STATELESS ? 404 : 200
  if (error.code === 'invalid_params' || error.rpc === -32070 || error.rpc === -32060) return 200
  if (error.code === 'policy_missing' || error.code === 'ssrf_refused') return 200
  return HTTP_ERRORS.has(error.status) ? error.status : 200
}
