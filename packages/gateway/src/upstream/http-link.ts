/**
 * A link over streamable HTTP (revisions up to 2025-11-25): one session of the upstream, its standing stream, and
 * resumption after a stream that ended before its answer.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonObject } from '@safeconduct/protocol'
import { notification, type RpcAnswer, type RpcId, response, writeMessage } from '../mcp/message.ts'
import { isUpstreamSessionRevision } from '../mcp/revisions.ts'
import { nonsense, upstreamFailure } from './failure.ts'
import { createDispatcher, type Hooks, type Link, readHello, SILENT } from './link.ts'
import { refuseStatus, release, type Wire, type WireAnswer } from './wire.ts'

export interface HttpLinkOptions {
  readonly wire: Wire
  /** Headers that authenticate us; asked for each request, so that a short-lived credential can change. */
  readonly credentials: () => Promise<Readonly<Record<string, string>>>
  readonly proposal: string
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject
}

const ACCEPT = 'application/json, text/event-stream'
const NO_HEADERS: Readonly<Record<string, string>> = {}
const MAX_RETRY = 30_000
const MAX_RESUMPTIONS = 1_000

/** Opens a session. @throws {SafeconductError} `upstream_*` */
export async function openHttpLink(options: HttpLinkOptions, signal: AbortSignal): Promise<Link> {
  const { wire } = options
  const ended = new AbortController()
  let session: string | null = null
  let version: string | null = null
  let alive = true
  const dispatcher = createDispatcher((id, answer) => void reply(id, answer))

  async function headers(more: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    return {
      ...more,
      ...(session === null ? {} : { 'mcp-session-id': session }),
      ...(version === null ? {} : { 'mcp-protocol-version': version }),
      ...(await options.credentials()),
    }
  }

  async function post(body: string, until: AbortSignal, more: Readonly<Record<string, string>> = {}) {
    const all = await headers({ ...more, 'content-type': 'application/json', accept: ACCEPT })
    const answer = await wire.send('POST', all, body, until)
    if (answer.status === 404 && session !== null) {
      answer.discard()
      alive = false
      throw upstreamFailure('upstream_unavailable', 'none', {
        message: 'The server behind the gateway has ended the session.',
      })
    }
    refuseStatus(answer)
    return answer
  }

  async function reply(id: RpcId, answer: RpcAnswer): Promise<void> {
    await send(writeMessage(response(id, answer))).catch(() => undefined)
  }

  /** For messages that get no answer: 202, whatever the body. */
  async function send(body: string): Promise<void> {
    const answer = await post(body, AbortSignal.any([ended.signal, AbortSignal.timeout(10_000)]))
    await drain(answer)
  }

  async function call(id: number, body: string, hooks: Hooks, until: AbortSignal, more = NO_HEADERS) {
    let answer = await post(body, until, more)
    if (version === null) session = answer.sessionId
    let last: string | null = null
    let wait = 1_000
    for (let tries = 0; ; tries++) {
      try {
        for (;;) {
          const { value: event, done } = await answer.events.next()
          if (done === true) break
          if (event.id !== null) last = event.id
          if (event.retry !== null) wait = Math.min(event.retry, MAX_RETRY)
          if (event.message !== null) dispatcher.receive(event.message, id)
          if (!dispatcher.waits(id)) return release(answer)
        }
      } catch (cause) {
        answer.discard()
        throw cause
      }
      if (answer.kind !== 'sse' || last === null || tries >= MAX_RESUMPTIONS) {
        throw answer.kind === 'sse' ? upstreamFailure('upstream_unavailable', 'unknown') : nonsense(undefined)
      }
      hooks.onInterrupted?.(wait)
      await sleep(wait, undefined, { signal: until, ref: false }).catch(() => until.throwIfAborted())
      answer = await resume(last, until)
    }
  }

  async function resume(last: string, until: AbortSignal): Promise<WireAnswer> {
    const all = await headers({ accept: 'text/event-stream', 'last-event-id': last })
    const answer = await wire.send('GET', all, null, until)
    if (answer.status === 200 && answer.kind === 'sse') return answer
    answer.discard()
    throw upstreamFailure('upstream_unavailable', 'unknown')
  }

  async function request(
    method: string,
    params: JsonObject | null,
    hooks: Hooks,
    more?: Record<string, string>,
  ): Promise<RpcAnswer> {
    const open = dispatcher.open(params, hooks)
    const until = AbortSignal.any([hooks.signal, ended.signal])
    const body = writeMessage({ kind: 'request', id: open.id, method, params: open.params })
    try {
      await call(open.id, body, hooks, until, more)
    } catch (cause) {
      dispatcher.drop(cause, open.id)
      if (hooks.signal.aborted && method !== 'initialize') {
        void notify('notifications/cancelled', { requestId: open.id }).catch(() => undefined)
      }
    }
    return open.answer
  }

  async function notify(method: string, params: JsonObject | null): Promise<void> {
    await send(writeMessage(notification(method, params)))
    if (method === 'notifications/initialized') void standing()
  }

  /** The stream for what belongs to no request. A server that has none answers 405, and that is that. */
  async function standing(): Promise<void> {
    let last: string | null = null
    let wait = 1_000
    while (!ended.signal.aborted) {
      try {
        const all = await headers({
          accept: 'text/event-stream',
          ...(last === null ? {} : { 'last-event-id': last }),
        })
        const answer = await wire.send('GET', all, null, ended.signal)
        if (answer.status !== 200 || answer.kind !== 'sse') {
          answer.discard()
          return
        }
        for await (const event of answer.events) {
          if (event.id !== null) last = event.id
          wait = event.retry === null ? 1_000 : Math.min(event.retry, MAX_RETRY)
          if (event.message !== null) dispatcher.receive(event.message, null)
        }
      } catch {
        wait = Math.min(wait * 2, MAX_RETRY)
      }
      await sleep(wait, undefined, { signal: ended.signal, ref: false }).catch(() => undefined)
    }
  }

  const { proposal, capabilities, clientInfo } = options
  const hello = readHello(
    await request(
      'initialize',
      { protocolVersion: proposal, capabilities, clientInfo },
      { ...SILENT, signal },
    ),
  )
  if (!isUpstreamSessionRevision(hello.protocolVersion)) throw nonsense(undefined)
  version = hello.protocolVersion

  return {
    hello,
    get alive() {
      return alive && !ended.signal.aborted
    },
    request,
    notify,
    attach: dispatcher.attach,
    async close() {
      if (ended.signal.aborted) return
      const gone = session === null || !alive ? null : await headers({})
      ended.abort(upstreamFailure('upstream_unavailable', 'unknown'))
      dispatcher.drop(ended.signal.reason)
      if (gone === null) return
      const answer = await wire.send('DELETE', gone, null, AbortSignal.timeout(2_000)).catch(() => null)
      if (answer !== null) await drain(answer).catch(() => undefined)
    },
  }
}

async function drain(answer: WireAnswer): Promise<void> {
  if (answer.kind === 'sse') answer.discard()
  else for await (const _ of answer.events);
}
