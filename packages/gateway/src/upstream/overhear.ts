/**
 * What a server says beside its answers (instructions, progress, log lines, questions) goes to whoever labels it before
 * it goes to anybody else.
 * @module
 */
import type { ControlEvent } from '@safeconduct/engine'
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Server,
} from '@safeconduct/protocol'
import type { RpcNotification, RpcRequest } from '../mcp/message.ts'
import type { Hooks, Link } from './link.ts'

type Source = Extract<ControlEvent, { type: 'heard' }>['source']
export type Hear = (server: Server, source: Source, texts: readonly string[]) => void

/** Repeats what the client asked for. */
const REPEATING = 'notifications/subscriptions/acknowledged'

export function hearNotification(hear: Hear, server: Server, { method, params }: RpcNotification): void {
  if (method !== REPEATING) hearWords(hear, server, params)
}

/** A question to the client or its user; sampling is answered by nobody. */
export function hearQuestion(hear: Hear, server: Server, { method, params }: RpcRequest): void {
  if (method === 'elicitation/create') hearWords(hear, server, params)
}

function hearWords(hear: Hear, server: Server, params: JsonObject | null): void {
  const texts = Object.entries(params ?? {}).flatMap(([name, value]) =>
    Object.hasOwn(PROTOCOL, name) && PROTOCOL[name]?.(value) === true ? [] : wordsOf(value),
  )
  if (texts.length > 0) hear(server, 'message', texts)
}

/** Members of the protocol itself, while they hold what it lets them hold; anything else in them is the server's words. */
const PROTOCOL: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  progressToken: isPlain,
  requestId: isPlain,
  uri: (value) => typeof value === 'string',
  elicitationId: isPlain,
  progress: (value) => typeof value === 'number',
  total: (value) => typeof value === 'number',
  mode: (value) => value === 'form' || value === 'url',
  level: (value) => typeof value === 'string' && LEVELS.has(value),
  _meta: (value) => wordsOf(value).every(isPlain),
}
const LEVELS = new Set('debug info notice warning error critical alert emergency'.split(' '))

/** A token or a number: no address and no sentence. */
function isPlain(value: JsonValue): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^[\w:/-]{0,128}$/.test(value))
}

const NAME = /^[A-Za-z_]\w{0,40}$/

/** Everything in it that can be read, names of members that are none included. The body was parsed within limits of depth and size. */
function wordsOf(value: JsonValue): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (typeof value === 'number') return [String(value)]
  if (isJsonArray(value)) return value.flatMap(wordsOf)
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([name, item]) => [
    ...(NAME.test(name) ? [] : [name]),
    ...wordsOf(item),
  ])
}

/** The same link; what comes in while a request waits is heard first. */
export function overheard(link: Link, server: Server, hear: Hear): Link {
  const { instructions, serverInfo } = link.hello
  hear(server, 'instructions', [...(instructions === null ? [] : [instructions]), ...wordsOf(serverInfo)])
  const under = (hooks: Hooks): Hooks => ({
    ...hooks,
    onNotification(message) {
      hearNotification(hear, server, message)
      hooks.onNotification(message)
    },
    onRequest(request, signal) {
      hearQuestion(hear, server, request)
      return hooks.onRequest(request, signal)
    },
  })
  return {
    hello: link.hello,
    get alive() {
      return link.alive
    },
    request: (method, params, hooks, headers) => link.request(method, params, under(hooks), headers),
    notify: (method, params) => link.notify(method, params),
    attach: (listener) => link.attach(listener),
    close: () => link.close(),
  }
}
