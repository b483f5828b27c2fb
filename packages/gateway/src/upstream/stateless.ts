/**
 * Requests to an upstream that speaks 2026-07-28: one POST each, with the headers that repeat the body.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import { encodeHeaderValue } from '../http/header-values.ts'
import { metaOf, type RpcAnswer, type RpcNotification, writeMessage } from '../mcp/message.ts'
import { STATELESS } from '../mcp/revisions.ts'
import { nonsense, upstreamFailure } from './failure.ts'
import { refuseStatus, release, type Wire } from './wire.ts'

export interface StatelessRequest {
  readonly method: string
  /** With the envelope in `_meta`. */
  readonly params: JsonObject
  /** Name, URI or task id that `Mcp-Name` repeats; null where the method has none. */
  readonly name: string | null
  readonly headers: Readonly<Record<string, string>>
}

export interface StatelessHooks {
  readonly signal: AbortSignal
  onNotification(message: RpcNotification): void
  onActivity(): void
}

export interface StatelessAnswer {
  /** 200, or 400 or 404 where the protocol gives those to an error. */
  readonly status: 200 | 400 | 404
  readonly answer: RpcAnswer
}

/**
 * Sends one request and reads its answer. `id` is ours; ids of clients are not unique across connections.
 * @throws {SafeconductError} `upstream_*`, or the reason of the signal
 */
export async function sendStateless(
  wire: Wire,
  id: number,
  request: StatelessRequest,
  hooks: StatelessHooks,
): Promise<StatelessAnswer> {
  const { params, token } = withToken(request.params, id)
  const body = writeMessage({ kind: 'request', id, method: request.method, params })
  const headers = {
    ...request.headers,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': STATELESS,
    'mcp-method': request.method,
    ...(request.name === null ? {} : { 'mcp-name': encodeHeaderValue(request.name) }),
  }
  const answer = await wire.send('POST', headers, body, hooks.signal)
  refuseStatus(answer)
  hooks.onActivity()
  for (;;) {
    const { value, done } = await answer.events.next()
    if (done === true) break
    const { message } = value
    hooks.onActivity()
    if (message === null) continue
    if (message.kind === 'request') {
      answer.discard()
      throw upstreamFailure('upstream_invalid', 'unknown', {
        message: 'The server behind the gateway sent a request where only notifications may stand.',
      })
    }
    if (message.kind === 'notification') {
      const passed = message.method === 'notifications/progress' ? ownProgress(message, id, token) : message
      if (passed !== null) hooks.onNotification(passed)
      continue
    }
    release(answer)
    if (message.id !== id && !(message.id === null && !message.answer.ok)) throw nonsense(undefined)
    const { status } = answer
    return {
      status: !message.answer.ok && (status === 400 || status === 404) ? status : 200,
      answer: message.answer,
    }
  }
  throw answer.kind === 'sse' ? upstreamFailure('upstream_unavailable', 'unknown') : nonsense(undefined)
}

function withToken(params: JsonObject, id: number) {
  const meta = metaOf(params)
  const token = meta.progressToken ?? null
  return token === null
    ? { params, token }
    : { params: { ...params, _meta: { ...meta, progressToken: id } }, token }
}

function ownProgress(
  message: RpcNotification,
  id: number,
  token: JsonObject[string] | null,
): RpcNotification | null {
  if (token === null || message.params?.progressToken !== id) return null
  return { ...message, params: { ...message.params, progressToken: token } }
}
