/**
 * Rows that machines ask thousands of times a second, answered on the node server itself: the same table, the same
 * order (access, body, handler), no framework between. Every answer is one JSON value; `X-Request-ID` is given back.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SafeconductError, toSafeconductError } from '@safeconduct/protocol'
import { requireAccess } from './access.ts'
import { BODY_LIMITS, parseBody, parseWith, tooLarge } from './parse.ts'
import type { Caller, Route } from './route.ts'

export interface LeanPorts {
  /** Who asks on this request. @throws when what it presents is not valid */
  readonly callerOf: (request: IncomingMessage) => Caller
  /** What a DPoP proof of the next request must carry. */
  readonly nonce: () => string
  readonly onError: (error: SafeconductError, path: string) => void
}

/** True when a row of the table answers. */
export type Lean = (request: IncomingMessage, response: ServerResponse) => boolean

export function createLean(routes: readonly Route[], ports: LeanPorts): Lean {
  const rows = routes.filter((row) => row.lean === true)
  const exact = new Map(rows.map((row) => [`${row.method} ${row.path}`, row]))
  const patterns = rows.filter((row) => row.path.includes(':')).map(patternOf)
  return (request, response) => {
    const path = pathOf(request)
    const row = exact.get(`${request.method} ${path}`)
    if (row !== undefined) {
      void serve(row, {}, request, response, ports)
      return true
    }
    for (const { method, pattern, route } of patterns) {
      const groups = request.method === method ? pattern.exec(path)?.groups : undefined
      if (groups === undefined) continue
      void serve(route, groups, request, response, ports)
      return true
    }
    return false
  }
}

/** A parameter of such a path has only characters that need no decoding. */
function patternOf(route: Route) {
  const pattern = new RegExp(`^${route.path.replace(/:(\w+)/g, '(?<$1>[A-Za-z0-9._~-]{1,1024})')}$`)
  return { method: route.method, pattern, route }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

async function serve(
  row: Route,
  params: Readonly<Record<string, string>>,
  request: IncomingMessage,
  response: ServerResponse,
  ports: LeanPorts,
): Promise<void> {
  try {
    const caller = ports.callerOf(request)
    requireAccess(row, caller, request)
    const body =
      row.body === null
        ? null
        : parseWith(row.body, parseBody(await bytesOf(request), request.headers['content-type']))
    const result = await row.handle({
      caller,
      tenant: caller.tenant,
      params,
      body: body as never,
      query: null as never,
      incoming: request,
      signal: NEVER,
      allowed: () => true,
    })
    send(request, response, 200, result)
  } catch (thrown) {
    fail(request, response, toSafeconductError(thrown), ports)
  }
}

/** These answers are short and finish by themselves. */
const NEVER = new AbortController().signal

/** @throws `too_large`; `invalid_request` when the client goes away in the middle */
function bytesOf(request: IncomingMessage): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMITS.maxLength) throw tooLarge()
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let total = 0
    request.on('data', (chunk: Buffer) => {
      total += chunk.length
      if (total > BODY_LIMITS.maxLength) reject(tooLarge())
      else chunks.push(chunk)
    })
    request.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    )
    request.on('error', (cause) => reject(new SafeconductError('invalid_request', { cause })))
    request.on('close', () => reject(new SafeconductError('invalid_request')))
  })
}

const REQUEST_ID = /^[\x21-\x7e]{1,256}$/

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: object | unknown,
  more: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(value)
  const id = request.headers['x-request-id']
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(typeof id === 'string' && REQUEST_ID.test(id) ? { 'x-request-id': id } : {}),
    ...more,
  })
  response.end(text)
}

/** RFC 6750 §3, RFC 9449 §9. */
function fail(
  request: IncomingMessage,
  response: ServerResponse,
  error: SafeconductError,
  ports: LeanPorts,
): void {
  if (error.code === 'internal') ports.onError(error, pathOf(request))
  if (response.headersSent) {
    response.destroy()
    return
  }
  const more: Record<string, string> = {}
  if (error.code === 'use_dpop_nonce') {
    more['www-authenticate'] = 'DPoP error="use_dpop_nonce"'
    more['dpop-nonce'] = ports.nonce()
  } else if (error.status === 401) {
    more['www-authenticate'] = error.code === 'unauthenticated' ? 'Bearer' : 'Bearer error="invalid_token"'
  }
  const { retry_after: seconds } = error.details
  if (typeof seconds === 'number') more['retry-after'] = String(seconds)
  // What is left of a body that was too large is not waited for.
  if (error.code === 'too_large') more.connection = 'close'
  send(request, response, error.status, error.toJSON(), more)
}
