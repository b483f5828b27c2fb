/**
 * By the method table: what governs a request, and who answers it.
 * @module
 */
import type { Clock, Ids } from '@safeconduct/engine'
import { type Decision, isJsonObject, type JsonObject, type Operation } from '@safeconduct/protocol'
import { createDeadline } from '../client/deadline.ts'
import type { Limiter } from '../client/limiter.ts'
import type { Registry } from '../client/registry.ts'
import type { Deciding } from '../ports.ts'
import type { GatewaySettings } from '../settings.ts'
import { passes, rowOf } from './exchange.ts'
import type { Governed } from './governed.ts'
import { listenOnLink, listenStateless, readWanted } from './listen.ts'
import { cacheable, completed, type Lists } from './lists.ts'
import { fail, type RpcAnswer, type RpcRequest } from './message.ts'
import type { ClientMethod } from './methods.ts'
import { recordWithout } from './result.ts'
import { META, STATELESS } from './revisions.ts'
import { undecided } from './subject.ts'
import { callOf, principalKey, serverCapabilities, type Turn } from './turn.ts'
import { sharedLink } from './vias.ts'

export interface DispatchOptions {
  readonly decider: Deciding
  readonly settings: GatewaySettings
  readonly clock: Clock
  readonly ids: Ids
  readonly governed: Governed
  readonly lists: Lists
  readonly limiter: Limiter
  /** Standing streams, looked at again when trust or epochs change. */
  readonly streams: Registry
}

export interface Dispatch {
  /** Answers through `turn.reply`. @throws {SafeconductError} what becomes the answer instead */
  run(turn: Turn, message: RpcRequest): Promise<void>
  /** Whether a question that is no call may be asked; when not, it has been answered, and the refusal is recorded. */
  allowed(turn: Turn, method: string, row: ClientMethod): Promise<boolean>
  /** The decision on something that is no call and leaves no record, for whoever is not answered by a turn. */
  dry(turn: Pick<Turn, 'identity' | 'context' | 'server'>, method: string, kind: 'list' | 'session'): Decision
}

export function createDispatch(options: DispatchOptions): Dispatch {
  const { decider, settings, clock, ids } = options

  function dry(
    turn: Pick<Turn, 'identity' | 'context' | 'server'>,
    method: string,
    kind: 'list' | 'session',
  ): Decision {
    const operation: Operation = { server: turn.server.name, method, kind, name: null, args: {} }
    return decider.dry(callOf(turn, operation, ids.next(), clock.now()))
  }

  /** Sessions, listings and streams need a living grant with the scope. Only that one was refused is recorded. */
  async function allowed(turn: Turn, method: string, row: ClientMethod): Promise<boolean> {
    const { scope } = turn.identity.grant
    const kind = row.kind === 'list' ? 'list' : 'session'
    const decision = await recorded(turn, method, kind)
    const scoped = scope.includes(row.scope) || (row.scope === 'mcp:read' && scope.includes('mcp:write'))
    if (passes(decision) && scoped) return true
    const refused: Decision = passes(decision)
      ? { ...decision, outcome: 'deny', code: 'insufficient_scope', scopes: [row.scope], remedy: '' }
      : decision
    options.governed.refuse(turn, method, kind, refused, null)
    return false
  }

  async function recorded(turn: Turn, method: string, kind: 'list' | 'session'): Promise<Decision> {
    const operation: Operation = { server: turn.server.name, method, kind, name: null, args: {} }
    const asked = callOf(turn, operation, ids.next(), clock.now())
    const decision = decider.dry(asked)
    // A listing is nothing that a person is asked about.
    if (passes(decision) || decision.outcome === 'approval') return decision
    const again = await decider.prepare(asked)
    if (again.forward) await decider.settle(asked.id, recordWithout('cancelled', 'refused before'))
    return again.forward ? decision : again.decision
  }

  async function run(turn: Turn, message: RpcRequest): Promise<void> {
    const row = rowOf(message.method, turn.revision)
    if (row.kind === 'tool' || row.kind === 'resource' || row.kind === 'prompt') {
      return options.governed.run(turn, message, row)
    }
    if (!(await allowed(turn, message.method, row))) return
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
        undecided(message.params),
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
          undecided(message.params),
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

  return { run, allowed, dry }
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
