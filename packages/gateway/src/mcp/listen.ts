/**
 * `subscriptions/listen` of 2026-07-28: a stream of changes, on the stateless wire or made from what a link says.
 * @module
 */
import { isJsonArray, isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import { createDeadline } from '../client/deadline.ts'
import type { Listener } from '../upstream/link.ts'
import type { Hold } from '../upstream/upstreams.ts'
import { metaOf, notification, type RpcAnswer, type RpcNotification, type RpcRequest } from './message.ts'
import { serverMethod } from './methods.ts'
import { META } from './revisions.ts'
import type { Turn } from './turn.ts'

/** What a client wants to hear of. */
export interface Wanted {
  readonly toolsListChanged: boolean
  readonly promptsListChanged: boolean
  readonly resourcesListChanged: boolean
  readonly resourceSubscriptions: readonly string[]
}

const MAX_SUBSCRIPTIONS = 256
const MAX_URI = 2_048
/** How often a quiet stream is kept alive, milliseconds. */
const PING = 15_000
/** Longest time a subscription stands before the client has to ask again. */
const MAX_STANDING = 24 * 60 * 60_000

/** @throws {SafeconductError} `invalid_params` */
export function readWanted(params: JsonObject | null): Wanted {
  const given = params?.notifications
  if (given !== undefined && !isJsonObject(given)) throw invalid()
  const uris = given?.resourceSubscriptions ?? []
  if (!isJsonArray(uris) || uris.length > MAX_SUBSCRIPTIONS) throw invalid()
  return {
    toolsListChanged: given?.toolsListChanged === true,
    promptsListChanged: given?.promptsListChanged === true,
    resourcesListChanged: given?.resourcesListChanged === true,
    resourceSubscriptions: uris.map((uri) => {
      if (typeof uri !== 'string' || uri === '' || uri.length > MAX_URI) throw invalid()
      return uri
    }),
  }
}

function invalid(): SafeconductError {
  return new SafeconductError('invalid_params', { message: '`notifications` is malformed.' })
}

/** Only what was asked for, in the protocol's form. */
export function writeWanted(wanted: Wanted): JsonObject {
  const { resourceSubscriptions, ...flags } = wanted
  return {
    ...Object.fromEntries(Object.entries(flags).filter(([, on]) => on)),
    ...(resourceSubscriptions.length > 0 ? { resourceSubscriptions: [...resourceSubscriptions] } : {}),
  }
}

/** Whether the message is one that was asked for. */
function isWanted(message: RpcNotification, wanted: Wanted): boolean {
  switch (message.method) {
    case 'notifications/tools/list_changed':
      return wanted.toolsListChanged
    case 'notifications/prompts/list_changed':
      return wanted.promptsListChanged
    case 'notifications/resources/list_changed':
      return wanted.resourcesListChanged
    case 'notifications/resources/updated':
      return wanted.resourceSubscriptions.some((uri) => uri === message.params?.uri)
    default:
      return message.method === 'notifications/subscriptions/acknowledged'
  }
}

/** Every frame names the subscription by the client's own id. */
function stamped(message: RpcNotification, request: RpcRequest): RpcNotification {
  const meta = { ...metaOf(message.params), [META.subscription]: request.id }
  return { ...message, params: { ...message.params, _meta: meta } }
}

function ended(request: RpcRequest): RpcAnswer {
  return { ok: true, result: { resultType: 'complete', _meta: { [META.subscription]: request.id } } }
}

/** Passes the upstream's own stream on. */
export async function listenStateless(
  turn: Turn,
  request: RpcRequest,
  wanted: Wanted,
  stop: AbortSignal,
): Promise<void> {
  const deadline = createDeadline(MAX_STANDING, MAX_STANDING, [turn.reply.gone, stop])
  const params = { ...request.params, notifications: writeWanted(wanted) }
  const ping = setInterval(() => turn.reply.ping(), PING).unref()
  try {
    const sent = await turn.via.send(
      request.method,
      params,
      {
        signal: deadline.signal,
        onActivity: () => undefined,
        onNotification(message) {
          if (serverMethod(message.method, turn.revision) !== null && isWanted(message, wanted)) {
            turn.reply.push(stamped(message, request))
          }
        },
        onRequest: async () => ({ ok: false, error: { code: -32601, message: 'Not here.' } }),
      },
      turn.forwarded,
    )
    turn.reply.finish(sent.answer.ok ? ended(request) : sent.answer, sent.status)
  } catch (cause) {
    if (turn.reply.gone.aborted) return turn.reply.abandon()
    if (deadline.signal.aborted) return turn.reply.finish(ended(request))
    throw cause
  } finally {
    clearInterval(ping)
    deadline.stop()
  }
}

/** Makes the stream from what the link says. */
export async function listenOnLink(
  turn: Turn,
  request: RpcRequest,
  wanted: Wanted,
  stop: AbortSignal,
  hold: (listener: Listener) => Hold,
): Promise<void> {
  const held = hold({
    onNotification(message) {
      if (isWanted(message, wanted)) turn.reply.push(stamped(message, request))
    },
    onRequest: async () => ({ ok: false, error: { code: -32601, message: 'Nobody can be asked now.' } }),
  })
  const deadline = createDeadline(MAX_STANDING, MAX_STANDING, [turn.reply.gone, stop])
  const hooks = {
    signal: deadline.signal,
    onActivity: () => undefined,
    onNotification: () => undefined,
    onRequest: async (): Promise<RpcAnswer> => ({ ok: false, error: { code: -32601, message: 'Not here.' } }),
  }
  const subscribed: string[] = []
  const ping = setInterval(() => turn.reply.ping(), PING).unref()
  try {
    const link = await held.link()
    const { tools, prompts, resources } = link.hello.capabilities
    for (const uri of can(resources, 'subscribe') ? wanted.resourceSubscriptions : []) {
      const answer = await link.request('resources/subscribe', { uri }, hooks)
      if (answer.ok) subscribed.push(uri)
    }
    const honoured: Wanted = {
      toolsListChanged: wanted.toolsListChanged && can(tools, 'listChanged'),
      promptsListChanged: wanted.promptsListChanged && can(prompts, 'listChanged'),
      resourcesListChanged: wanted.resourcesListChanged && can(resources, 'listChanged'),
      resourceSubscriptions: subscribed,
    }
    const acknowledged = notification('notifications/subscriptions/acknowledged', {
      notifications: writeWanted(honoured),
    })
    turn.reply.push(stamped(acknowledged, request))
    await new Promise<void>((resolve) => {
      if (deadline.signal.aborted) resolve()
      deadline.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    if (turn.reply.gone.aborted) turn.reply.abandon()
    else turn.reply.finish(ended(request))
    for (const uri of link.alive ? subscribed : []) {
      const left = { ...hooks, signal: AbortSignal.timeout(5_000) }
      await link.request('resources/unsubscribe', { uri }, left).catch(() => undefined)
    }
  } finally {
    clearInterval(ping)
    deadline.stop()
    held.release()
  }
}

function can(capability: JsonObject[string] | undefined, what: string): boolean {
  return isJsonObject(capability) && capability[what] === true
}
