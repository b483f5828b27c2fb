/**
 * Requests in and answers out, as plain `node:http`: bounded bodies, strict forms, headers that stop caching.
 * @module
 */
import { IncomingMessage, type ServerResponse } from 'node:http'
import type { JsonObject } from '@safeconduct/protocol'
import { OAuthError, toOAuthError } from './errors.ts'

/** Bytes of a form or a registration; the library behind us takes no more than this either. */
export const MAX_BODY = 56 * 1024

/** @throws {OAuthError} `invalid_request` when the body is larger than allowed */
export function readBody(req: IncomingMessage): Promise<Buffer> {
  // By events: an iterator over the request costs more than a form.
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let size = 0
    const take = (part: Buffer) => {
      size += part.length
      if (size <= MAX_BODY) {
        parts.push(part)
        return
      }
      // Left unread: the connection is still needed for the answer.
      req.off('data', take).pause()
      reject(new OAuthError('invalid_request', 'The body is larger than allowed.'))
    }
    // Every request closes in the end; an error is only made for one that does so before its body is there.
    const cut = () => reject(new OAuthError('invalid_request', 'The body ended too early.'))
    req.on('data', take)
    req.once('end', () => {
      req.off('close', cut)
      const [only = Buffer.alloc(0)] = parts
      resolve(parts.length > 1 ? Buffer.concat(parts) : only)
    })
    req.on('error', reject)
    req.once('close', cut)
  })
}

export interface Form {
  /** null when the parameter is absent or empty. @throws {OAuthError} when it is given more than once */
  one(name: string): string | null
  all(name: string): readonly string[]
}

const MAX_PARAMETERS = 64

/** @throws {OAuthError} `invalid_request` when it is not a form of reasonable size */
export function parseForm(req: IncomingMessage, body: Buffer): Form {
  const type = (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    throw new OAuthError('invalid_request', 'The body must be a form (application/x-www-form-urlencoded).')
  }
  return formOf(new URLSearchParams(body.toString('utf8')))
}

export function formOf(params: URLSearchParams): Form {
  if (params.size > MAX_PARAMETERS) throw new OAuthError('invalid_request', 'There are too many parameters.')
  const all = (name: string) => params.getAll(name).filter((value) => value !== '')
  return {
    all,
    one(name) {
      const values = all(name)
      // RFC 6749 §3.2: a parameter is not given more than once.
      if (values.length > 1) throw new OAuthError('invalid_request', `${name} is given more than once.`)
      return values[0] ?? null
    },
  }
}

export function sendJson(res: ServerResponse, status: number, body: JsonObject): void {
  const text = JSON.stringify(body)
  res.statusCode = status
  res.setHeader('Content-Type', 'application/json')
  res.setHeader('Content-Length', Buffer.byteLength(text))
  if (!res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'no-store')
  res.end(text)
}

export function sendOAuthError(res: ServerResponse, thrown: unknown): OAuthError {
  const error = toOAuthError(thrown)
  if (error.error === 'invalid_client') res.setHeader('WWW-Authenticate', 'Bearer error="invalid_client"')
  sendJson(res, error.status, { error: error.error, error_description: error.message })
  return error
}

export function redirect(res: ServerResponse, location: string): void {
  res.statusCode = 303
  res.setHeader('Location', location)
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('Content-Length', 0)
  res.end()
}

/**
 * The same request with another URL, headers and an already read body, for a handler that wants to read it itself.
 * It shares the socket, so the answer still goes to the caller.
 */
export function replay(
  req: IncomingMessage,
  change: {
    readonly url?: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: Buffer | null
  },
): IncomingMessage {
  const copy = new IncomingMessage(req.socket)
  copy.method = req.method ?? 'GET'
  copy.url = change.url ?? req.url ?? '/'
  copy.httpVersion = req.httpVersion
  copy.httpVersionMajor = req.httpVersionMajor
  copy.httpVersionMinor = req.httpVersionMinor
  const headers: Record<string, string | string[] | undefined> = { ...req.headers, ...change.headers }
  if (change.body !== null) {
    delete headers['transfer-encoding']
    headers['content-length'] = String(change.body.length)
    if (change.body.length > 0) copy.push(change.body)
  }
  copy.headers = headers
  copy.push(null)
  copy.complete = true
  return copy
}

/** One cookie of a request; null when absent or given twice with different values. */
export function readCookie(req: IncomingMessage, name: string): string | null {
  const found = new Set<string>()
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at !== -1 && pair.slice(0, at).trim() === name) found.add(pair.slice(at + 1).trim())
  }
  const [value, ...others] = found
  return value === undefined || others.length > 0 ? null : value
}

/**
 * Whether a request that changes something comes from a page of ours. Browsers say `Origin` on every post; a client
 * that is no browser says nothing, carries no ambient cookie either, and is stopped by the token in the form.
 */
export function fromOurPage(req: IncomingMessage, issuer: string): boolean {
  const { origin } = req.headers
  if (origin !== undefined) return origin === issuer
  const site = req.headers['sec-fetch-site']
  return site === undefined || site === 'same-origin' || site === 'none'
}
