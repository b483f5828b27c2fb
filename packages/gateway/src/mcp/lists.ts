/**
 * Listings: fetched whole from the upstream, pinned and filtered by the engine, sent as one page.
 * @module
 */
import type { Clock, Ids } from '@safeconduct/engine'
import { type JsonObject, type JsonValue, SafeconductError } from '@safeconduct/protocol'
import { createDeadline } from '../client/deadline.ts'
import type { Deciding } from '../ports.ts'
import type { GatewaySettings } from '../settings.ts'
import { nonsense } from '../upstream/failure.ts'
import type { Upstream } from '../upstream/upstreams.ts'
import type { RpcAnswer } from './message.ts'
import type { ClientMethod } from './methods.ts'
import { textsOf } from './result.ts'
import { STATELESS } from './revisions.ts'
import { undecided } from './subject.ts'
import { callOf, objectItems, type Sent, type Turn } from './turn.ts'

export interface ListsOptions {
  readonly decider: Deciding
  readonly settings: GatewaySettings
  readonly clock: Clock
  readonly ids: Ids
}

export interface Lists {
  /** The answer to a list request. @throws {SafeconductError} */
  answer(turn: Turn, method: string, row: ClientMethod, params: JsonObject | null): Promise<Sent>
  /** Sees to it that the tools of the server were listed, and thereby compared with their pins, not long ago. */
  ensure(turn: Turn, envelope: JsonObject): Promise<void>
}

type Items = NonNullable<ClientMethod['items']>

/** How what is listed would be read. */
const READING = {
  prompts: { method: 'prompts/get', kind: 'prompt', member: 'name' },
  resources: { method: 'resources/read', kind: 'resource', member: 'uri' },
  resourceTemplates: { method: 'resources/read', kind: 'resource', member: 'uriTemplate' },
} as const

interface Refused {
  readonly ok: false
  readonly sent: Sent
}
interface Fetched {
  readonly ok: true
  readonly first: JsonObject
  readonly all: readonly JsonObject[]
}

export function createLists(options: ListsOptions): Lists {
  const { decider, settings, clock, ids } = options
  const fetching = new WeakMap<Upstream, Promise<void>>()

  /** All pages. The first page gives what stands beside the items. */
  async function fetchAll(
    turn: Turn,
    method: string,
    items: Items,
    params: JsonObject | null,
    until: readonly AbortSignal[],
  ): Promise<Refused | Fetched> {
    const deadline = createDeadline(settings.upstreamTimeout, settings.maxCallTime, until)
    const hooks = {
      signal: deadline.signal,
      onActivity: deadline.touch,
      onNotification: () => undefined,
      onRequest: async (): Promise<RpcAnswer> => ({
        ok: false,
        error: { code: -32601, message: 'Not during a listing.' },
      }),
    }
    const asked = undecided(params)
    const all: JsonObject[] = []
    let size = 0
    let first: JsonObject | null = null
    let cursor: JsonValue | undefined
    try {
      for (let page = 0; page < settings.maxListPages; page++) {
        const wanted = cursor === undefined ? asked : { ...asked, cursor }
        const sent = await turn.via.send(method, wanted, hooks, turn.forwarded)
        if (!sent.answer.ok) return { ok: false, sent }
        const { result } = sent.answer
        const found = objectItems(result[items])
        if (found === null) throw nonsense(undefined)
        first ??= result
        all.push(...found)
        size += JSON.stringify(found).length
        if (all.length > settings.maxListItems || size > settings.maxBody) throw tooLong()
        cursor = result.nextCursor
        if (typeof cursor !== 'string') return { ok: true, first, all }
      }
    } finally {
      deadline.stop()
    }
    throw tooLong()
  }

  async function filtered(
    turn: Turn,
    method: string,
    row: ClientMethod,
    params: JsonObject | null,
    until: readonly AbortSignal[],
  ) {
    const { items } = row
    if (items === undefined) throw new SafeconductError('internal')
    const begun = turn.upstream.listing.begin()
    const got = await fetchAll(turn, method, items, params, until)
    if (!got.ok) return got
    const visible =
      items === 'tools' ? await pinned(turn, method, got.all) : got.all.filter(shown(turn, items))
    if (items === 'tools') turn.upstream.listing.store(begun, got.all, clock.now())
    else toldOf(turn, got.all)
    return { ok: true as const, first: got.first, items, visible }
  }

  /** The server's words about what it lists; what a thing is read by is no word about it. */
  function toldOf(turn: Turn, all: readonly JsonObject[]): void {
    const texts = all.flatMap(({ uri: _, uriTemplate: __, name: ___, icons: ____, _meta, ...told }) =>
      textsOf(told),
    )
    if (texts.length === 0) return
    const { tenant, name } = turn.server
    decider.control({ type: 'heard', tenant, server: name, source: 'listing', texts })
  }

  async function pinned(turn: Turn, method: string, tools: readonly JsonObject[]) {
    const operation = { server: turn.server.name, method, kind: 'list', name: null, args: {} } as const
    const { visible } = await decider.list(callOf(turn, operation, ids.next(), clock.now()), tools)
    return visible
  }

  /** Resources and prompts have no pins: each is shown where reading it would not be refused. */
  function shown(turn: Turn, items: Exclude<Items, 'tools'>): (item: JsonObject) => boolean {
    const { method, kind, member } = READING[items]
    return (item) => {
      const name = item[member]
      if (typeof name !== 'string') return false
      const args = kind === 'resource' ? { uri: name } : {}
      const operation = { server: turn.server.name, method, kind, name, args }
      const decision = decider.dry(callOf(turn, operation, ids.next(), clock.now()))
      return decision.outcome !== 'deny' || decision.enforcement === 'observe'
    }
  }

  return {
    async answer(turn, method, row, params) {
      if (params?.cursor !== undefined) {
        throw new SafeconductError('invalid_params', { message: 'There is no such page.' })
      }
      const got = await filtered(turn, method, row, params, [turn.reply.gone])
      if (!got.ok) return got.sent
      const { nextCursor: _, ...beside } = got.first
      const result = { ...beside, [got.items]: [...got.visible] }
      // What one principal may see must not be cached for another.
      const answer = turn.revision === STATELESS ? cacheable(result) : result
      return { status: 200, answer: { ok: true, result: answer } }
    },
    async ensure(turn, envelope) {
      const { upstream } = turn
      if (upstream.listing.fresh(clock.now())) return
      const under = fetching.get(upstream)
      // One that failed for somebody else (their grant, their link) says nothing about us.
      if (
        under !== undefined &&
        (await under.then(
          () => true,
          () => false,
        ))
      )
        return
      if (upstream.listing.fresh(clock.now())) return
      const row: ClientMethod = {
        kind: 'list',
        scope: 'mcp:read',
        items: 'tools',
        revisions: [turn.revision],
      }
      const params = Object.keys(envelope).length === 0 ? null : { _meta: envelope }
      // Others may wait for it by now, so it does not end when this client goes away.
      const work = filtered(turn, 'tools/list', row, params, [])
        .then((got) => {
          // A server without tools says so; there is nothing to pin then.
          if (!got.ok) upstream.listing.store(upstream.listing.begin(), [], clock.now())
        })
        .finally(() => fetching.delete(upstream))
      fetching.set(upstream, work)
      return work
    },
  }
}

/** `resultType`, `ttlMs` and `cacheScope` are required on the stateless revision; ours is always private. */
export function cacheable(result: JsonObject): JsonObject {
  const { ttlMs } = result
  return {
    resultType: 'complete',
    ...result,
    ttlMs: typeof ttlMs === 'number' && Number.isSafeInteger(ttlMs) && ttlMs >= 0 ? ttlMs : 0,
    cacheScope: 'private',
  }
}

export function completed(answer: RpcAnswer): RpcAnswer {
  if (!answer.ok || answer.result.resultType !== undefined) return answer
  return { ok: true, result: { resultType: 'complete', ...answer.result } }
}

/** The envelope that a follow-up request of ours carries in place of the client's own request. */
export function envelopeOf(meta: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(meta).filter(
      ([key]) => key.startsWith('io.modelcontextprotocol/') && !key.endsWith('/logLevel'),
    ),
  )
}

function tooLong(): SafeconductError {
  return new SafeconductError('upstream_invalid', {
    message: 'The server behind the gateway lists more than is allowed.',
    details: { effect: 'none' },
  })
}

export function isInputRequired(result: JsonObject): boolean {
  return result.resultType === 'input_required'
}
