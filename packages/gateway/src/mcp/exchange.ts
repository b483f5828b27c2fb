/**
 * One HTTP exchange of a known caller: what its parts are, how its answer goes back, and what its errors look like. The
 * same for HTTP clients and for the control socket, where there is nobody to challenge.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Attempts,
  type CallContext,
  type Decision,
  isJsonObject,
  type JsonValue,
  SafeconductError,
  type Server,
  toSafeconductError,
} from '@safeconduct/protocol'
import { challenges, schemeOf } from '../auth/challenge.ts'
import { createReply, type Reply, writeJson } from '../client/reply.ts'
import { type ClientStream, createStream, type EventBudget } from '../client/stream.ts'
import { prefersStream } from '../http/body.ts'
import { forwardedHeaders } from '../http/header-values.ts'
import type { Identity, Log } from '../ports.ts'
import type { GatewaySettings } from '../settings.ts'
import { fail, failWith, type RpcRequest, response as rpcResponse, writeMessage } from './message.ts'
import { type ClientMethod, clientMethod } from './methods.ts'
import type { Transport } from './outcomes.ts'
import { type Revision, STATELESS } from './revisions.ts'
import type { Turn } from './turn.ts'

export interface Caller {
  readonly identity: Identity
  readonly transport: Transport
  readonly attempts?: Attempts
}

/** How a client names itself. */
export interface ClientName {
  readonly name: string
  readonly version: string | null
}

/** A request for one server from somebody who is known. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly server: Server
  readonly caller: Caller
}

/** The same with a body: what the client takes as an answer. */
export interface Incoming extends Exchange {
  readonly json: boolean
  readonly sse: boolean
}

export interface ExchangesOptions {
  readonly settings: GatewaySettings
  readonly log: Log
  readonly budget: EventBudget
}

export interface Exchanges {
  /** Answers an exchange that failed before there was a message to answer. */
  refuse(exchange: Exchange, error: SafeconductError): void
  /** Answers with a status of HTTP. */
  plain(response: ServerResponse, status: number, message: string, headers?: Record<string, string>): void
  /** Runs one request; whatever it throws becomes its answer. */
  answer(
    incoming: Incoming,
    message: RpcRequest,
    revision: Revision,
    reply: Reply,
    work: () => Promise<void>,
  ): Promise<void>
  replyFor(incoming: Incoming, message: RpcRequest, openStream: (gone: () => void) => ClientStream): Reply
  /** A stream that ends with its connection. */
  directStream(gone: () => void): ClientStream
}

export function createExchanges(options: ExchangesOptions): Exchanges {
  const { settings } = options

  function headersFor({ request, server, caller }: Exchange, error: SafeconductError) {
    const none: Record<string, readonly string[] | string> = {}
    if (caller.transport === 'stdio') return none
    if (error.status === 503 || error.status === 429) return { 'retry-after': '1' }
    if (error.status !== 401 && error.code !== 'insufficient_scope') return none
    const scheme = schemeOf(request.headers.authorization)
    return { 'www-authenticate': challenges(settings, { code: error.code, server: server.name, scheme }) }
  }

  function note(exchange: Exchange, error: SafeconductError): void {
    const fields = { server: exchange.server.name, code: error.code, cause: error.cause }
    if (error.code === 'internal') options.log('error', 'a request failed', fields)
    else if (error.code.startsWith('upstream_')) options.log('warn', 'a server failed', fields)
  }

  return {
    refuse(exchange, error) {
      note(exchange, error)
      const status = exchange.caller.transport === 'stdio' ? 200 : error.status
      const body = writeMessage(rpcResponse(null, failWith(error)))
      writeJson(exchange.response, status, body, headersFor(exchange, error))
    },
    plain(response, status, message, headers = {}) {
      writeJson(response, status, writeMessage(rpcResponse(null, fail(-32600, message))), headers)
    },
    async answer(incoming, _message, revision, reply, work) {
      try {
        await work()
      } catch (cause) {
        if (reply.gone.aborted) return reply.abandon()
        const error = toSafeconductError(cause)
        note(incoming, error)
        reply.finish(
          failWith(error),
          statusOf(error, revision, incoming.caller.transport),
          headersFor(incoming, error),
        )
      }
    },
    replyFor({ request, response, json, sse }, message, openStream) {
      // The answer to `initialize` carries a header, and nothing comes before it.
      const first = message.method !== 'initialize' && sse && prefersStream(request.headers.accept)
      return createReply({ response, id: message.id, json: json && !first, sse, openStream })
    },
    directStream(gone) {
      const { maxBuffered, maxEvents, maxEventBytes } = settings
      const { budget } = options
      return createStream({ key: null, maxBuffered, maxEvents, maxEventBytes, budget, onDetached: gone })
    },
  }
}

export function contextOf({ request, caller }: Exchange, client: ClientName | null): CallContext {
  const { transport, attempts } = caller
  const ip = transport === 'http' ? (request.socket.remoteAddress ?? null) : null
  return {
    channel: transport,
    ip,
    client: client?.name ?? null,
    ...(client === null || client.version === null ? {} : { clientVersion: client.version }),
    ...(attempts === undefined ? {} : { attempts }),
  }
}

const MAX_NAME = 128

/** @param info `clientInfo`, as the client sent it */
export function clientNameOf(info: JsonValue | undefined): ClientName | null {
  if (!isJsonObject(info) || typeof info.name !== 'string') return null
  const { name, version } = info
  return {
    name: name.slice(0, MAX_NAME),
    version: typeof version === 'string' ? version.slice(0, MAX_NAME) : null,
  }
}

export function turnOf(
  incoming: Incoming,
  more: Pick<Turn, 'upstream' | 'revision' | 'capabilities' | 'reply' | 'via'> & {
    readonly client: ClientName | null
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
export function rowOf(method: string, revision: Revision): ClientMethod {
  const row = clientMethod(method, revision)
  if (row === null || row.kind === 'notification') throw new SafeconductError('method_not_found')
  return row
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
