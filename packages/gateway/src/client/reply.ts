/**
 * The answer to one POST: JSON when nothing comes before the result, an event stream as soon as something does.
 * @module
 */
import type { ServerResponse } from 'node:http'
import {
  type RpcAnswer,
  type RpcId,
  type RpcMessage,
  response as rpcResponse,
  writeMessage,
} from '../mcp/message.ts'
import { type ClientStream, SSE_HEADERS } from './stream.ts'

/** The client is gone, or said that it wants the answer no more. */
export class Cancelled extends Error {
  constructor() {
    super('The client cancelled the request.')
    this.name = 'Cancelled'
  }
}

export interface Reply {
  /**
   * From here on the status is settled: after this long without an answer a stream is opened, so that the client can
   * tell that we live and come back for the result.
   */
  linger(patience: number): void
  /** Sends something before the result; opens the stream. False when the client takes no event streams. */
  push(message: RpcMessage): boolean
  /** The upstream wants to be polled; so does the stream, where the client can. */
  interrupt(retry: number): void
  /** The result. `status` and `headers` count only when no stream was opened. */
  finish(
    answer: RpcAnswer,
    status?: number,
    headers?: Readonly<Record<string, string | readonly string[]>>,
  ): void
  /** Keeps an open stream from looking dead to whatever stands between. */
  ping(): void
  /** The client said that it wants the answer no more. */
  cancel(): void
  /** Ends without a result: the client cancelled and expects none. */
  abandon(): void
  /** Aborted with {@link Cancelled} when the client is gone and will not come back for the result. */
  readonly gone: AbortSignal
}

export interface ReplyOptions {
  readonly response: ServerResponse
  readonly id: RpcId
  readonly json: boolean
  readonly sse: boolean
  /** Makes the stream when one is needed; `gone` is to be called when nobody will read it any more. */
  readonly openStream: (gone: () => void) => ClientStream
}

export function createReply(options: ReplyOptions): Reply {
  const { response, id } = options
  const gone = new AbortController()
  let stream: ClientStream | null = null
  let finished = false

  const cancel = () => {
    if (!finished) gone.abort(new Cancelled())
  }
  const open = (): ClientStream | null => {
    if (stream !== null || !options.sse || finished) return stream
    response.off('close', cancel)
    stream = options.openStream(cancel)
    response.writeHead(200, SSE_HEADERS)
    response.flushHeaders()
    if (response.destroyed) cancel()
    stream.attach(response)
    return stream
  }
  let late: NodeJS.Timeout | null = null
  response.once('close', cancel)

  const finish = () => {
    finished = true
    if (late !== null) clearTimeout(late)
  }

  return {
    gone: gone.signal,
    linger(patience) {
      if (!finished && options.sse) late ??= setTimeout(open, patience).unref()
    },
    push(message) {
      const to = open()
      to?.push(message)
      return to !== null
    },
    interrupt: (retry) => open()?.pause(retry),
    finish(answer, status = 200, headers = {}) {
      if (finished) return
      const message = rpcResponse(id, answer)
      if (stream === null && (options.json || status !== 200)) {
        finish()
        writeJson(response, status, writeMessage(message), headers)
        return
      }
      const to = open()
      finish()
      to?.push(message)
      to?.end()
    },
    ping: () => stream?.ping(),
    cancel,
    abandon() {
      if (finished) return
      const to = open()
      finish()
      if (to !== null) to.end()
      else if (!response.headersSent) response.writeHead(202).end()
    },
  }
}

export function writeJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): void {
  if (response.headersSent || response.destroyed) return
  const bytes = Buffer.from(body, 'utf8')
  const own = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : [...value],
  ])
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...Object.fromEntries(own),
  })
  response.end(bytes)
}
