/**
 * The three ways upstream: a session of ours on a link of its own, the stateless wire, and the bridge from a stateless
 * client to a link. Older clients are not bridged to servers that speak only the stateless revision.
 * @module
 */
import { hash } from 'node:crypto'
import {
  canonicalize,
  isJsonObject,
  isSafeconductError,
  type JsonObject,
  type Server,
} from '@safeconduct/protocol'
import type { Reply } from '../client/reply.ts'
import type { Session } from '../client/sessions.ts'
import { paramHeaders } from '../http/header-values.ts'
import type { Identity } from '../ports.ts'
import type { Hooks, Link, Listener } from '../upstream/link.ts'
import { CLIENT_INFO, type Hold, type Upstream } from '../upstream/upstreams.ts'
import type { Bridge } from './bridge.ts'
import { headerName } from './envelope.ts'
import { metaOf } from './message.ts'
import { META, NEWEST_SESSION } from './revisions.ts'
import {
  capabilitiesFor,
  envelopeCapabilities,
  mayAsk,
  principalKey,
  type Sent,
  type Turn,
  type Via,
} from './turn.ts'

/** Opens the link anew once when the upstream had ended it before it took the request. */
async function onLink<T>(hold: Hold, use: (link: Link) => Promise<T>): Promise<T> {
  const link = await hold.link()
  try {
    return await use(link)
  } catch (cause) {
    const untouched = isSafeconductError(cause) && cause.details.effect === 'none'
    if (link.alive || !untouched) throw cause
    return use(await hold.link())
  }
}

export function sessionVia(session: Session, reply: Reply): Via {
  return {
    async send(method, params, hooks, headers) {
      const answer = await onLink(session.hold, (link) => link.request(method, params, hooks, { ...headers }))
      return { status: 200, answer }
    },
    resume: null,
    ask: (request, signal, call) => session.ask(request, reply, signal, call),
  }
}

export function statelessVia(upstream: Upstream, identity: Identity, sampling: readonly string[]): Via {
  return {
    send(method, params, hooks, headers): Promise<Sent> {
      const told = withCapabilities(upstream.server, params ?? {}, sampling)
      const args = isJsonObject(told.arguments) ? told.arguments : {}
      const repeated =
        method === 'tools/call' && typeof told.name === 'string'
          ? paramHeaders(upstream.listing.params(told.name), args)
          : {}
      const request = {
        method,
        params: told,
        name: headerName(method, told),
        headers: { ...headers, ...repeated },
      }
      return upstream.stateless(request, identity.grant, hooks)
    },
    resume: null,
    ask: null,
  }
}

function withCapabilities(server: Server, params: JsonObject, sampling: readonly string[]): JsonObject {
  const meta = metaOf(params)
  const declared = meta[META.capabilities]
  const capabilities = envelopeCapabilities(server, isJsonObject(declared) ? declared : {}, sampling)
  return { ...params, _meta: { ...meta, [META.capabilities]: capabilities } }
}

/**
 * The link that all requests of one user and agent share. A child process is one per server, user and agent whatever
 * its clients can do; over HTTP, clients that can do different things get different sessions.
 */
export function sharedLink(
  upstream: Upstream,
  identity: Identity,
  declared: JsonObject,
  sampling: readonly string[],
  listener: Listener,
): Hold {
  const { grant } = identity
  const capabilities = capabilitiesFor(upstream.server, declared, sampling)
  const stdio = upstream.server.transport.kind === 'stdio'
  const key = stdio
    ? JSON.stringify(['child', grant.tenant, grant.user, grant.agent])
    : JSON.stringify(['shared', principalKey(identity), hash('sha256', canonicalize(capabilities))])
  return upstream.hold(
    { key, proposal: NEWEST_SESSION, capabilities, clientInfo: CLIENT_INFO, grant, exclusive: false },
    listener,
  )
}

export function bridgedVia(
  bridge: Bridge,
  upstream: Upstream,
  identity: Identity,
  turn: Pick<Turn, 'capabilities' | 'revision' | 'server'>,
  sampling: readonly string[],
): Via {
  const silent: Listener = {
    onNotification: () => undefined,
    onRequest: async () => ({ ok: false, error: { code: -32601, message: 'Nobody can be asked now.' } }),
  }
  return {
    async send(method, params, hooks: Hooks) {
      const hold = sharedLink(upstream, identity, turn.capabilities, sampling, silent)
      try {
        return await onLink(hold, (link) =>
          bridge.send(link, method, params, hooks, (request) =>
            mayAsk(request.method, request.params, turn, sampling),
          ),
        )
      } finally {
        hold.release()
      }
    },
    resume: (id, answers, hooks) => bridge.resume(id, answers, hooks),
    ask: null,
  }
}
