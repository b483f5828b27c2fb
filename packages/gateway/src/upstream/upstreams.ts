/**
 * All upstreams: their connections, their links, what they listed, which wire they speak. Owns every connection and
 * child process of the gateway; `close` ends them all.
 * @module
 */
import type { Clock } from '@safeconduct/engine'
import {
  type Grant,
  isJsonArray,
  type JsonLimits,
  type JsonObject,
  SafeconductError,
  type Server,
} from '@safeconduct/protocol'
import { META, STATELESS } from '../mcp/revisions.ts'
import type { Log, UpstreamCredentials } from '../ports.ts'
import type { GatewaySettings } from '../settings.ts'
import { upstreamFailure } from './failure.ts'
import { openHttpLink } from './http-link.ts'
import type { Link, Listener } from './link.ts'
import { createListing, type Listing } from './listing.ts'
import { type Hear, hearNotification, hearQuestion, overheard } from './overhear.ts'
import {
  type StatelessAnswer,
  type StatelessHooks,
  type StatelessRequest,
  sendStateless,
} from './stateless.ts'
import { openStdioLink } from './stdio-link.ts'
import { createWire, type Wire } from './wire.ts'

export type Era = 'session' | 'stateless'

export interface LinkSpec {
  /** Links with the same key are one: a session of ours, or a server, user and agent. */
  readonly key: string
  readonly proposal: string
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject
  readonly grant: Grant
  /** Closed as soon as nobody holds it; otherwise it idles for a while first. */
  readonly exclusive: boolean
}

/** A claim on a link. The link behind it may be opened anew when it died; the claim stays. */
export interface Hold {
  /** @throws {SafeconductError} `upstream_*` */
  link(): Promise<Link>
  release(): void
}

export interface Upstream {
  readonly server: Server
  readonly listing: Listing
  readonly limits: JsonLimits
  /** Which wire it speaks; asked once and remembered for a while. @throws {SafeconductError} `upstream_*` */
  era(grant: Grant): Promise<Era>
  hold(spec: LinkSpec, listener: Listener): Hold
  stateless(request: StatelessRequest, grant: Grant, hooks: StatelessHooks): Promise<StatelessAnswer>
  readonly links: number
}

export interface Upstreams {
  for(server: Server): Upstream
  /** Closes what idles too long. */
  sweep(now: number): void
  status(): readonly { tenant: string; server: string; links: number; era: Era | null; listed: boolean }[]
  close(): Promise<void>
}

export interface UpstreamsOptions {
  readonly settings: GatewaySettings
  readonly clock: Clock
  readonly credentials: UpstreamCredentials
  readonly log: Log
  readonly hear: Hear
  readonly ca?: string
}

export const CLIENT_INFO = { name: 'safeconduct', version: '0.1.0' }
const ERA_TTL = 300_000
const HANDSHAKE_TIMEOUT = 30_000

interface Entry {
  readonly upstream: Upstream
  readonly version: number
  era(): Era | null
  sweep(now: number): void
  close(): Promise<void>
}

export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const entries = new Map<string, Entry>()
  const children = { size: 0 }
  return {
    for(server) {
      const key = JSON.stringify([server.tenant, server.id])
      const found = entries.get(key)
      if (found !== undefined && found.version === server.version) return found.upstream
      // The owner changed the server: nothing of the old one may serve on.
      if (found !== undefined) void found.close()
      const entry = createUpstream(server, options, children)
      entries.set(key, entry)
      return entry.upstream
    },
    sweep(now) {
      for (const entry of entries.values()) entry.sweep(now)
    },
    status: () =>
      [...entries.values()].map(({ upstream, era }) => ({
        tenant: upstream.server.tenant,
        server: upstream.server.name,
        links: upstream.links,
        era: era(),
        listed: upstream.listing.fresh(options.clock.now()),
      })),
    async close() {
      await Promise.allSettled([...entries.values()].map((entry) => entry.close()))
      entries.clear()
    },
  }
}

interface OpenLink {
  readonly spec: LinkSpec
  opening: Promise<Link> | null
  link: Link | null
  readonly holders: Set<Listener>
  readonly starts: number[]
  idleSince: number
}

function createUpstream(server: Server, options: UpstreamsOptions, children: { size: number }): Entry {
  const { settings, clock, log } = options
  const { transport } = server
  const limits = { maxLength: settings.maxBody, maxDepth: settings.maxDepth }
  const listing = createListing(settings.listingMaxAge)
  const links = new Map<string, OpenLink>()
  let wire: Wire | null = null
  let era: { value: Era; until: number } | null = null
  let probing: Promise<Era> | null = null
  let closed = false
  let lastId = 0

  function wireOf(): Wire {
    if (closed) throw upstreamFailure('upstream_unavailable', 'none')
    if (transport.kind !== 'http') throw new SafeconductError('internal')
    wire ??= createWire({
      url: transport.url,
      allowPrivate: transport.allowPrivate === true,
      limits,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    })
    return wire
  }

  /** A credential that cannot be had means that nothing is sent. */
  async function credentialsFor(grant: Grant): Promise<Readonly<Record<string, string>>> {
    try {
      return await options.credentials.headers(server, grant)
    } catch (cause) {
      throw upstreamFailure('upstream_unavailable', 'none', {
        message: 'The credential of the server could not be had.',
        cause,
      })
    }
  }

  /** Every listener of the link hears it; a change of the tools makes the listing stale before anybody is told. */
  function tap(entry: OpenLink): Listener {
    return {
      onNotification(message) {
        if (message.method === 'notifications/tools/list_changed') listing.changed()
        hearNotification(options.hear, server, message)
        for (const holder of entry.holders) holder.onNotification(message)
      },
      onRequest(request, signal) {
        hearQuestion(options.hear, server, request)
        const last = [...entry.holders].at(-1)
        if (last === undefined) return Promise.reject(new SafeconductError('internal'))
        return last.onRequest(request, signal)
      },
    }
  }

  async function open(entry: OpenLink): Promise<Link> {
    if (closed) throw upstreamFailure('upstream_unavailable', 'none')
    const now = clock.now()
    while (entry.starts[0] !== undefined && now - entry.starts[0] > settings.restartWindow)
      entry.starts.shift()
    if (entry.starts.length >= settings.maxRestarts) {
      throw upstreamFailure('upstream_unavailable', 'none', {
        message: 'The server behind the gateway keeps ending; it is not started again for now.',
      })
    }
    entry.starts.push(now)
    const link = overheard(await connect(entry.spec), server, options.hear)
    link.attach(tap(entry))
    await link.notify('notifications/initialized', null)
    return link
  }

  async function connect(spec: LinkSpec): Promise<Link> {
    const signal = AbortSignal.timeout(Math.min(HANDSHAKE_TIMEOUT, settings.upstreamTimeout))
    const { capabilities, clientInfo } = spec
    try {
      if (transport.kind === 'http') {
        const credentials = () => credentialsFor(spec.grant)
        return await openHttpLink(
          { wire: wireOf(), credentials, proposal: spec.proposal, capabilities, clientInfo },
          signal,
        )
      }
      if (children.size >= settings.maxChildren) throw new SafeconductError('overloaded')
      children.size += 1
      let counted = true
      const onGone = () => {
        if (counted) children.size -= 1
        counted = false
      }
      try {
        const { maxBuffered } = settings
        const env = { ...transport.env, ...(await options.credentials.environment?.(server)) }
        const program = { ...transport, env }
        return await openStdioLink(
          {
            name: server.name,
            transport: program,
            capabilities,
            clientInfo,
            limits,
            maxBuffered,
            log,
            onGone,
          },
          signal,
        )
      } catch (cause) {
        onGone()
        throw cause
      }
    } catch (cause) {
      throw signal.aborted ? upstreamFailure('upstream_timeout', 'none', { cause }) : cause
    }
  }

  function current(entry: OpenLink): Promise<Link> {
    if (entry.link?.alive === true) return Promise.resolve(entry.link)
    entry.opening ??= open(entry).then(
      (link) => {
        const dead = entry.link
        entry.link = link
        entry.opening = null
        void dead?.close()
        // Let go of while it was being opened.
        if (links.get(entry.spec.key) !== entry) void link.close()
        return link
      },
      (cause) => {
        entry.opening = null
        throw cause
      },
    )
    return entry.opening
  }

  function drop(entry: OpenLink): Promise<void> {
    if (links.get(entry.spec.key) === entry) links.delete(entry.spec.key)
    return entry.link?.close() ?? Promise.resolve()
  }

  async function probe(grant: Grant): Promise<Era> {
    const params = {
      _meta: { [META.version]: STATELESS, [META.capabilities]: {}, [META.client]: CLIENT_INFO },
    }
    const signal = AbortSignal.timeout(Math.min(HANDSHAKE_TIMEOUT, settings.upstreamTimeout))
    try {
      const { answer } = await upstream.stateless(
        { method: 'server/discover', params, name: null, headers: {} },
        grant,
        { signal, onNotification: () => undefined, onActivity: () => undefined },
      )
      const versions = answer.ok ? answer.result.supportedVersions : null
      return versions != null && isJsonArray(versions) && versions.includes(STATELESS)
        ? 'stateless'
        : 'session'
    } catch (cause) {
      if (signal.aborted) throw upstreamFailure('upstream_timeout', 'none', { cause })
      // A server of the older revisions refuses what it does not know in many ways; all of them are answers.
      if (cause instanceof SafeconductError && cause.details.effect === 'unknown') return 'session'
      throw cause
    }
  }

  const upstream: Upstream = {
    server,
    listing,
    limits,
    get links() {
      return links.size
    },
    async era(grant) {
      if (transport.kind === 'stdio') return 'session'
      if (era !== null && era.until > clock.now()) return era.value
      probing ??= probe(grant)
        .then((value) => {
          era = { value, until: clock.now() + ERA_TTL }
          return value
        })
        .finally(() => {
          probing = null
        })
      return probing
    },
    hold(spec, listener) {
      const holder: Listener = { ...listener }
      let entry = links.get(spec.key)
      if (entry === undefined) {
        if (links.size >= settings.maxLinks + settings.maxSessions) throw new SafeconductError('overloaded')
        entry = { spec, opening: null, link: null, holders: new Set(), starts: [], idleSince: clock.now() }
        links.set(spec.key, entry)
      }
      const held = entry
      held.holders.add(holder)
      return {
        link: () => current(held),
        release() {
          if (!held.holders.delete(holder) || held.holders.size > 0) return
          held.idleSince = clock.now()
          if (spec.exclusive) void drop(held)
        },
      }
    },
    async stateless(request, grant, hooks) {
      const headers = { ...request.headers, ...(await credentialsFor(grant)) }
      lastId += 1
      const passed: StatelessHooks = {
        signal: hooks.signal,
        onActivity: hooks.onActivity,
        onNotification(message) {
          if (message.method === 'notifications/tools/list_changed') listing.changed()
          hearNotification(options.hear, server, message)
          hooks.onNotification(message)
        },
      }
      const sent = await sendStateless(wireOf(), lastId, { ...request, headers }, passed)
      const said =
        sent.answer.ok && request.method === 'server/discover' ? sent.answer.result.instructions : null
      if (typeof said === 'string') options.hear(server, 'instructions', [said])
      return sent
    },
  }

  return {
    upstream,
    version: server.version,
    era: () => era?.value ?? null,
    sweep(now) {
      for (const entry of links.values()) {
        if (entry.holders.size === 0 && now - entry.idleSince > settings.linkIdle) void drop(entry)
      }
    },
    async close() {
      closed = true
      await Promise.allSettled([...links.values()].map(drop))
      await wire?.close()
    },
  }
}
