/**
 * HTTP to one upstream: a pool of connections with verified TLS, no redirects, only our own headers, and answers that
 * are read message by message within limits.
 * @module
 */
import type { Readable } from 'node:stream'
import { type JsonLimits, parseJson } from '@safeconduct/protocol'
import { Pool } from 'undici'
import { checkUpstreamUrl, guardedLookup } from '../http/address.ts'
import { collect, mediaType } from '../http/body.ts'
import { createSseParser } from '../http/sse.ts'
import { parseMessage, type RpcMessage } from '../mcp/message.ts'
import { fromConnection, nonsense, upstreamFailure } from './failure.ts'

export interface WireOptions {
  readonly url: string
  readonly allowPrivate: boolean
  readonly limits: JsonLimits
  readonly connectTimeout?: number
  /** Certificates that are trusted besides the system's; for tests and private authorities. */
  readonly ca?: string
}

/** One event of an answer. `message` is null for an event that only carries an id or a retry time. */
export interface WireEvent {
  readonly message: RpcMessage | null
  readonly id: string | null
  readonly retry: number | null
}

export interface WireAnswer {
  readonly status: number
  readonly sessionId: string | null
  readonly kind: 'json' | 'sse' | 'other'
  /** Must be read to its end, released or discarded; each frees the connection. */
  readonly events: AsyncGenerator<WireEvent, void, undefined>
  /** For an answer that nobody reads. */
  discard(): void
}

/** A stream normally ends right after its answer; one that does not within this time is cut. */
const LINGER = 1_000

/** What was wanted of an answer has been read: lets it end by itself, so that the connection can be used again. */
export function release(answer: WireAnswer): void {
  const { events } = answer
  const late = setTimeout(() => answer.discard(), LINGER).unref()
  const rest = async () => {
    for (let left = 16; left > 0; left--) if ((await events.next()).done === true) return
    answer.discard()
  }
  rest()
    .catch(() => undefined)
    .finally(() => clearTimeout(late))
}

export interface Wire {
  /** @throws {SafeconductError} `upstream_*`, `ssrf_refused`, or the reason of the signal */
  send(
    method: 'POST' | 'GET' | 'DELETE',
    headers: Readonly<Record<string, string>>,
    body: string | null,
    signal: AbortSignal,
  ): Promise<WireAnswer>
  close(): Promise<void>
}

/** Visible ASCII, as the protocol demands of a session id. */
const SESSION_ID = /^[\x21-\x7E]{1,1024}$/

/** The wire's owner closes it; connections are opened on use. */
export function createWire(options: WireOptions): Wire {
  const url = checkUpstreamUrl(options.url, options.allowPrivate)
  const pool = new Pool(url.origin, {
    connect: {
      lookup: guardedLookup(options.allowPrivate),
      timeout: options.connectTimeout ?? 10_000,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
    // Silence is timed by the call, which knows what progress is.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
    maxHeaderSize: 32_768,
  })
  const path = `${url.pathname}${url.search}`
  return {
    async send(method, headers, body, signal) {
      try {
        signal.throwIfAborted()
        const answer = await pool.request({ path, method, headers, body, signal })
        const type = mediaType(answer.headers['content-type'])
        const kind = type === 'text/event-stream' ? 'sse' : type === 'application/json' ? 'json' : 'other'
        const session = answer.headers['mcp-session-id']
        return {
          status: answer.statusCode,
          sessionId: typeof session === 'string' && SESSION_ID.test(session) ? session : null,
          kind,
          events: read(answer.body, kind, options.limits, signal),
          discard: () => answer.body.on('error', () => undefined).destroy(),
        }
      } catch (cause) {
        throw signal.aborted ? signal.reason : fromConnection(cause)
      }
    },
    close: () => pool.destroy(),
  }
}

async function* read(
  body: Readable & { dump(): Promise<void> },
  kind: 'json' | 'sse' | 'other',
  limits: JsonLimits,
  signal: AbortSignal,
): AsyncGenerator<WireEvent, void, undefined> {
  try {
    if (kind === 'other') {
      await body.dump()
      return
    }
    if (kind === 'json') {
      const bytes = await collect(body, limits.maxLength).catch((cause: unknown) => {
        body.destroy()
        throw cause
      })
      if (bytes.length > 0) yield { message: parse(bytes, limits), id: null, retry: null }
      return
    }
    const parser = createSseParser(limits.maxLength)
    for await (const chunk of body) {
      for (const event of parser.push(chunk)) {
        const message = event.data === '' || event.event !== 'message' ? null : parse(event.data, limits)
        yield { message, id: event.id, retry: event.retry }
      }
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw isOurs(cause) ? nonsense(cause) : fromConnection(cause)
  }
}

function parse(input: string | Uint8Array, limits: JsonLimits): RpcMessage {
  return parseMessage(parseJson(input, limits))
}

function isOurs(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'SafeconductError'
}

/** @throws {SafeconductError} when the status says that no JSON-RPC answer can be expected */
export function refuseStatus(answer: WireAnswer): void {
  try {
    checkStatus(answer)
  } catch (cause) {
    answer.discard()
    throw cause
  }
}

function checkStatus(answer: WireAnswer): void {
  const { status } = answer
  if (status === 401 || status === 403 || status === 407) {
    throw upstreamFailure('upstream_unavailable', 'none', {
      message: 'The server behind the gateway refused the credential of the gateway.',
    })
  }
  if (status >= 300 && status < 400) {
    throw upstreamFailure('upstream_invalid', 'none', {
      message: 'The server behind the gateway answered with a redirect.',
    })
  }
  if (answer.kind === 'other' && status >= 400) {
    throw upstreamFailure(status >= 500 ? 'upstream_unavailable' : 'upstream_invalid', 'unknown')
  }
}
