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

/** Notifications with words in them; the others name resources and tokens of the protocol. */
const TELLING = new Set(['notifications/progress', 'notifications/message'])

export function hearNotification(hear: Hear, server: Server, { method, params }: RpcNotification): void {
  if (TELLING.has(method)) hearWords(hear, server, params)
}

/** A question to the client or its user; sampling is answered by nobody. */
export function hearQuestion(hear: Hear, server: Server, { method, params }: RpcRequest): void {
  if (method === 'elicitation/create') hearWords(hear, server, params)
}

function hearWords(hear: Hear, server: Server, params: JsonObject | null): void {
  const { progressToken: _, level: __, _meta: ___, elicitationId: ____, mode: _____, ...said } = params ?? {}
  const texts = wordsOf(said)
  if (texts.length > 0) hear(server, 'message', texts)
}

/** Every string in it: nothing of a message is bytes. The body was parsed within limits of depth and size. */
function wordsOf(value: JsonValue): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (isJsonArray(value)) return value.flatMap(wordsOf)
  return isJsonObject(value) ? Object.values(value).flatMap(wordsOf) : []
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
