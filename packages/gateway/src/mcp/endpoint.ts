/**
 * `/mcp/<server>` for a caller who is known: reads the request, finds out which revision it speaks, and brings it to
 * the part that answers it.
 * @module
 */
import type { ServerResponse } from 'node:http'
import { parseJson, SafeconductError, toSafeconductError } from '@safeconduct/protocol'
import { accepts, mediaType, readBody } from '../http/body.ts'
import type { GatewaySettings } from '../settings.ts'
import type { Upstreams } from '../upstream/upstreams.ts'
import type { Bridge } from './bridge.ts'
import type { Dispatch } from './dispatch.ts'
import { checkEnvelope, clientCapabilities, isStateless } from './envelope.ts'
import { clientNameOf, type Exchange, type Exchanges, type Incoming, rowOf, turnOf } from './exchange.ts'
import { metaOf, parseMessage, type RpcMessage } from './message.ts'
import type { OnSession } from './on-session.ts'
import { isSessionRevision, META, STATELESS } from './revisions.ts'
import { bridgedVia, statelessVia } from './vias.ts'

export interface EndpointOptions {
  readonly settings: GatewaySettings
  readonly upstreams: Upstreams
  readonly bridge: Bridge
  readonly exchanges: Exchanges
  readonly dispatch: Dispatch
  readonly onSession: OnSession
}

export interface Endpoint {
  /** Answers always; throws nothing. */
  serve(exchange: Exchange): Promise<void>
}

export function createEndpoint(options: EndpointOptions): Endpoint {
  const { settings, upstreams, exchanges, dispatch, onSession } = options

  async function post(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    if (mediaType(request.headers['content-type']) !== 'application/json') {
      return unread(response, 415, 'The body must be application/json.')
    }
    const json = accepts(request.headers.accept, 'application/json')
    const sse = accepts(request.headers.accept, 'text/event-stream')
    if (!json && !sse) return unread(response, 406, 'Accept application/json and text/event-stream.')
    const bytes = await readBody(request, settings.maxBody)
    const limits = { maxLength: settings.maxBody, maxDepth: settings.maxDepth }
    const message = parseMessage(parseJson(bytes, limits))
    const incoming: Incoming = { ...exchange, json, sse }
    if (isStateless(message, request.headers)) return stateless(incoming, message)
    const version = request.headers['mcp-protocol-version']
    const opening = message.kind === 'request' && message.method === 'initialize'
    if (!opening && version !== undefined && !isSessionRevision(version)) {
      throw new SafeconductError('invalid_request', { message: 'The protocol version is not supported.' })
    }
    if (message.kind !== 'request') return onSession.tell(incoming, message)
    return opening ? onSession.initialize(incoming, message) : onSession.request(incoming, message)
  }

  function unread(response: ServerResponse, status: number, message: string): void {
    exchanges.plain(response, status, message)
  }

  async function stateless(incoming: Incoming, message: RpcMessage): Promise<void> {
    const { server, caller, request } = incoming
    if (message.kind !== 'request') {
      // Nothing is posted without an id on this revision; a cancellation is the end of the connection.
      incoming.response.writeHead(202).end()
      return
    }
    const upstream = upstreams.for(server)
    const capabilities = clientCapabilities(message)
    const reply = exchanges.replyFor(incoming, message, () => exchanges.directStream(() => reply.cancel()))
    const wrong = incoming.caller.transport === 'http' ? checkEnvelope(message, request.headers) : null
    if (wrong !== null) return reply.finish(wrong.answer, wrong.status)
    await exchanges.answer(incoming, message, STATELESS, reply, async () => {
      rowOf(message.method, STATELESS)
      const { identity } = caller
      const era = await upstream.era(identity.grant)
      const turn = { capabilities, revision: STATELESS, server } as const
      const client = clientNameOf(metaOf(message.params)[META.client])
      const via =
        era === 'stateless'
          ? statelessVia(upstream, identity, settings.samplingServers)
          : bridgedVia(options.bridge, upstream, identity, turn, settings.samplingServers)
      await dispatch.run(
        turnOf(incoming, { upstream, revision: STATELESS, capabilities, reply, via, client }),
        message,
      )
    })
  }

  return {
    async serve(exchange) {
      try {
        const { method } = exchange.request
        if (method === 'GET') onSession.standing(exchange)
        else if (method === 'DELETE') onSession.remove(exchange)
        else await post(exchange)
      } catch (cause) {
        exchanges.refuse(exchange, toSafeconductError(cause))
      }
    },
  }
}
