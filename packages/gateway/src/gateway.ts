/**
 * The gateway for MCP: enforcement in front of every server. It decides nothing; it asks, holds everybody to the
 * answer, and lets nothing out that is not recorded.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Ids } from '@safeconduct/engine'
import { SafeconductError, type Server, toSafeconductError } from '@safeconduct/protocol'
import { challenges, resourceMetadata, resourceUrl, schemeOf } from './auth/challenge.ts'
import { createLimiter } from './client/limiter.ts'
import { createRegistry } from './client/registry.ts'
import { writeJson } from './client/reply.ts'
import { createSessions } from './client/sessions.ts'
import { createEventBudget } from './client/stream.ts'
import { createAnswers } from './mcp/answers.ts'
import { createBridge } from './mcp/bridge.ts'
import { createDispatch } from './mcp/dispatch.ts'
import { createEndpoint } from './mcp/endpoint.ts'
import { type Caller, createExchanges, passes } from './mcp/exchange.ts'
import { createGoverned } from './mcp/governed.ts'
import { createLists } from './mcp/lists.ts'
import { failWith, response as rpcResponse, writeMessage } from './mcp/message.ts'
import { createOnSession } from './mcp/on-session.ts'
import { createStateSeal } from './mcp/request-state.ts'
import { callOf } from './mcp/turn.ts'
import type {
  Authenticate,
  Deciding,
  Directory,
  Identity,
  Log,
  RevokedRef,
  UpstreamCredentials,
} from './ports.ts'
import { type GatewayOptions, gatewaySettings } from './settings.ts'
import { createUpstreams } from './upstream/upstreams.ts'

export interface McpGatewayOptions {
  readonly decider: Deciding
  readonly authenticate: Authenticate
  readonly directory: Directory
  readonly credentials: UpstreamCredentials
  readonly clock: Clock
  readonly ids: Ids
  readonly settings: GatewayOptions
  readonly log: Log
  /** Certificates that upstreams may be verified by, besides the system's. */
  readonly upstreamCa?: string
}

export interface GatewayStatus {
  readonly sessions: number
  readonly calls: number
  readonly streams: number
  /** Requests of servers that wait for a stateless client to come back. */
  readonly suspended: number
  readonly servers: readonly {
    readonly tenant: string
    readonly server: string
    readonly links: number
    readonly era: 'session' | 'stateless' | null
    readonly listed: boolean
  }[]
}

export interface McpGateway {
  /**
   * Serves `/mcp/<server>` and `/.well-known/oauth-protected-resource/mcp/<server>`; false for any other path, untouched.
   * The host has checked `Host` and `Origin` already.
   */
  handler(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** The same pipeline for the control socket, where the host says who calls. The path is `/mcp/<server>`. */
  local(request: IncomingMessage, response: ServerResponse, identity: Identity): Promise<void>
  /** Looks again at the open streams of an agent and ends those that are no longer allowed. */
  onTrustChanged(change: { readonly tenant: string; readonly agent: string }): void
  /** The same for everybody in the tenant, calls under way included. */
  onRevoked(ref: RevokedRef): void
  status(): GatewayStatus
  /** Refuses new calls, waits for those under way as long as the settings say, then ends everything. Idempotent. */
  close(): Promise<void>
}

const PATH = /^(\/\.well-known\/oauth-protected-resource)?\/mcp\/([a-z0-9][a-z0-9-]{0,62})$/
const SWEEP = 15_000
/** Bytes of events kept for resumption, all sessions together. */
const EVENT_BUDGET = 256 * 1024 * 1024

export function createMcpGateway(options: McpGatewayOptions): McpGateway {
  const { decider, authenticate, directory, clock, ids, log } = options
  const settings = gatewaySettings(options.settings)
  const budget = createEventBudget(EVENT_BUDGET)
  const { credentials } = options
  const upstreams = createUpstreams({
    settings,
    clock,
    credentials,
    log,
    hear: ({ tenant, name }, source, texts) =>
      decider.control({ type: 'heard', tenant, server: name, source, texts }),
    ...(options.upstreamCa === undefined ? {} : { ca: options.upstreamCa }),
  })
  const sessions = createSessions(settings, clock, budget)
  const calls = createRegistry()
  const streams = createRegistry({
    max: settings.maxSessions + settings.maxConcurrent,
    perPrincipal: settings.maxStreamsPerPrincipal,
  })
  const limiter = createLimiter(settings.maxConcurrent, settings.maxPerGrant)
  const bridge = createBridge(clock, settings.inputTtl)
  const lists = createLists({ decider, settings, clock, ids })
  const seal = createStateSeal(clock, settings.inputTtl)
  const answers = createAnswers({ decider, clock, ids })
  const governed = createGoverned({ decider, settings, clock, ids, seal, lists, limiter, calls, answers })
  const exchanges = createExchanges({ settings, log, budget })
  const dispatch = createDispatch({ decider, settings, clock, ids, governed, lists, limiter, streams })
  const onSession = createOnSession({
    settings,
    clock,
    log,
    upstreams,
    sessions,
    streams,
    exchanges,
    dispatch,
    answers,
  })
  const endpoint = createEndpoint({ settings, upstreams, bridge, exchanges, dispatch, onSession })
  const sweeper = setInterval(() => {
    const now = clock.now()
    sessions.sweep(now)
    upstreams.sweep(now)
    bridge.sweep(now)
    // A stream lives no longer than the grant that opened it.
    streams.review((entry) => entry.identity().grant.expiresAt > now, new SafeconductError('expired'))
  }, SWEEP).unref()
  let closing: Promise<void> | null = null

  /** Whether the grant behind a stream or call would still be let in. */
  const living = (identity: Identity, server: string) => {
    const operation = { server, method: 'GET', kind: 'session', name: null, args: {} } as const
    const context = { channel: 'http', ip: null, client: null } as const
    return passes(decider.dry(callOf({ identity, context }, operation, ids.next(), clock.now())))
  }

  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    server: string,
    error: SafeconductError,
  ): void {
    const scheme = schemeOf(request.headers.authorization)
    const headers =
      error.status === 401
        ? { 'www-authenticate': challenges(settings, { code: error.code, server, scheme }) }
        : {}
    writeJson(response, error.status, writeMessage(rpcResponse(null, failWith(error))), headers)
  }

  async function serveMetadata(request: IncomingMessage, response: ServerResponse, server: string) {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET' }).end()
    } else if (!(await directory.known(server))) {
      writeJson(response, 404, JSON.stringify(new SafeconductError('not_found')))
    } else {
      writeJson(response, 200, JSON.stringify(resourceMetadata(settings, server)), {
        'access-control-allow-origin': '*',
      })
    }
  }

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    caller: Caller,
  ): Promise<void> {
    if (closing !== null) throw new SafeconductError('shutting_down')
    const server: Server | null = await directory.server(caller.identity.grant.tenant, name)
    if (server === null) throw new SafeconductError('not_found')
    await endpoint.serve({ request, response, server, caller })
  }

  return {
    async handler(request, response) {
      const match = PATH.exec(pathOf(request))
      const name = match?.[2]
      if (match === null || name === undefined) return false
      if (match[1] !== undefined) {
        await serveMetadata(request, response, name)
        return true
      }
      const { method = '' } = request
      if (method !== 'POST' && method !== 'GET' && method !== 'DELETE') {
        response.writeHead(405, { allow: 'GET, POST, DELETE' }).end()
        return true
      }
      try {
        const scheme = schemeOf(request.headers.authorization)
        if (scheme !== 'bearer') response.setHeader('dpop-nonce', authenticate.nonce())
        const resource = resourceUrl(settings, name)
        const { authorization, dpop } = request.headers
        const ip = request.socket.remoteAddress ?? null
        const identity = authenticate.verify({
          method,
          url: resource,
          resource,
          authorization,
          dpop: Array.isArray(dpop) ? dpop.join(',') : dpop,
          ip,
        })
        const attempts = authenticate.attempts?.(identity.grant.agent, ip)
        const caller: Caller = {
          identity,
          transport: 'http',
          ...(attempts === undefined ? {} : { attempts }),
        }
        await serve(request, response, name, caller)
      } catch (cause) {
        refuse(request, response, name, toSafeconductError(cause))
      }
      return true
    },
    async local(request, response, identity) {
      const name = PATH.exec(pathOf(request))?.[2]
      try {
        if (name === undefined) throw new SafeconductError('not_found')
        await serve(request, response, name, { identity, transport: 'stdio' })
      } catch (cause) {
        const error = toSafeconductError(cause)
        writeJson(response, error.status, writeMessage(rpcResponse(null, failWith(error))))
      }
    },
    onTrustChanged({ tenant, agent }) {
      // Whoever handed the errand on is part of it.
      const keep = (entry: { identity(): Identity; server: string }) => {
        const { grant } = entry.identity()
        const theirs = grant.tenant === tenant && (grant.agent === agent || grant.via.includes(agent))
        return !theirs || living(entry.identity(), entry.server)
      }
      const reason = new SafeconductError('denied')
      streams.review(keep, reason)
      calls.review(keep, reason)
    },
    onRevoked({ tenant }) {
      const keep = (entry: { identity(): Identity; server: string }) =>
        entry.identity().grant.tenant !== tenant || living(entry.identity(), entry.server)
      const reason = new SafeconductError('revoked')
      streams.review(keep, reason)
      calls.review(keep, reason)
    },
    status: () => ({
      sessions: sessions.size,
      calls: calls.size,
      streams: streams.size,
      suspended: bridge.size,
      servers: upstreams.status(),
    }),
    close() {
      closing ??= (async () => {
        clearInterval(sweeper)
        streams.close(new SafeconductError('shutting_down'))
        await calls.drain(settings.drainTimeout, new SafeconductError('shutting_down'))
        bridge.close()
        sessions.close()
        await upstreams.close()
      })()
      return closing
    },
  }
}

/** The path alone; a malformed target matches nothing. */
function pathOf(request: IncomingMessage): string {
  const [path = ''] = (request.url ?? '').split('?', 1)
  return path
}
