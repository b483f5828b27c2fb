/**
 * The one way this package fetches a URL that somebody else named: https only, public addresses only, the address
 * that was judged is the address that is connected to, no redirects, bounded in bytes and time.
 * @module
 */
import { lookup as dnsLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { isLoopbackAddress, isPublicAddress, SafeconductError } from '@safeconduct/protocol'
import { Agent, type Dispatcher, request } from 'undici'

export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>

export interface GuardOptions {
  /** Closed networks and tests: private addresses over https, and loopback addresses over http, too. */
  readonly allowPrivate?: boolean
  /** Largest body, bytes. */
  readonly maxBytes?: number
  /** For the whole exchange, milliseconds. */
  readonly timeout?: number
  readonly resolve?: Resolve
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string
}

export interface FetchInit {
  readonly method?: string
  readonly headers?: Headers | Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams
}

export interface GuardedFetch {
  /** Never follows a redirect: a 3xx is returned as it came. @throws {SafeconductError} `ssrf_refused`, `too_large`, `upstream_timeout`, `upstream_unavailable`, `upstream_tls` */
  (url: string | URL, init?: FetchInit): Promise<Response>
  close(): Promise<void>
}

const DEFAULT_MAX_BYTES = 64 * 1024
const DEFAULT_TIMEOUT = 5_000
const NULL_BODY = new Set([101, 204, 205, 304])

/** The caller owns it and closes it. */
export function createGuardedFetch(options: GuardOptions = {}): GuardedFetch {
  const allowPrivate = options.allowPrivate ?? false
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES
  const timeout = options.timeout ?? DEFAULT_TIMEOUT
  const judged = judgedLookup(options.resolve ?? systemResolve, allowPrivate)
  const agent = new Agent({
    connect: {
      lookup: judged,
      timeout,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
    connections: 2,
    keepAliveTimeout: 1,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    maxHeaderSize: 16_384,
  })
  const guarded = async (target: string | URL, init: FetchInit = {}): Promise<Response> => {
    const url = judgeUrl(target, allowPrivate)
    if (url.protocol === 'http:') await judgePlain(url, options.resolve ?? systemResolve)
    const signal = AbortSignal.timeout(timeout)
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
        headers: headerRecord(init.headers),
        body: init.body === undefined ? null : init.body.toString(),
        signal,
      })
      const body = await readBounded(answer.body, maxBytes)
      return new Response(NULL_BODY.has(answer.statusCode) ? null : body, {
        status: answer.statusCode,
        headers: flatten(answer.headers),
      })
    } catch (cause) {
      throw named(cause, signal)
    }
  }
  return Object.assign(guarded, { close: () => agent.destroy() })
}

function refuse(cause?: unknown): SafeconductError {
  return new SafeconductError('ssrf_refused', { cause })
}

function judgeUrl(target: string | URL, allowPrivate: boolean): URL {
  if (typeof target === 'string' && !URL.canParse(target)) throw refuse()
  const url = new URL(target)
  if (url.username !== '' || url.password !== '') throw refuse()
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) throw refuse()
  // A literal address is connected to without a lookup, so it is judged here. `URL` has already turned decimal,
  // octal and hexadecimal spellings of IPv4 into the dotted one.
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !allowPrivate && !isPublicAddress(host)) throw refuse()
  return url
}

/** Plain http only ever goes to this very machine. */
async function judgePlain(url: URL, resolve: Resolve): Promise<void> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? (await resolve(host)).map((item) => item.address) : [host]
  if (addresses.length === 0 || !addresses.every(isLoopbackAddress)) throw refuse()
}

/** Judges exactly the answer that the socket then connects to, so a second answer cannot differ unseen. */
export function judgedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses
        if (first === undefined) return callback(refuse(), '', 0)
        if (!allowPrivate && !addresses.every((item) => isPublicAddress(item.address))) {
          return callback(refuse(), '', 0)
        }
        if (options.all === true) return callback(null, [{ address: first.address, family: first.family }])
        return callback(null, first.address, first.family)
      },
      (cause: Error) => callback(cause, '', 0),
    )
  }
}

function systemResolve(hostname: string): Promise<readonly ResolvedAddress[]> {
  return new Promise((resolve, reject) => {
    dnsLookup(hostname, { all: true, verbatim: true }, (error, addresses) => {
      if (error === null) resolve(addresses)
      else reject(error)
    })
  })
}

async function readBounded(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > limit) throw new SafeconductError('too_large', { details: { limit } })
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function headerRecord(headers: FetchInit['headers']): Record<string, string> {
  if (headers === undefined) return {}
  return headers instanceof Headers ? Object.fromEntries(headers.entries()) : { ...headers }
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')]],
  )
}

function named(cause: unknown, signal: AbortSignal): SafeconductError {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (error instanceof SafeconductError) return error
    const code = 'code' in error ? String(error.code) : ''
    if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
      return new SafeconductError('upstream_tls', { cause })
    if (/TIMEOUT/.test(code)) return new SafeconductError('upstream_timeout', { cause })
  }
  return new SafeconductError(signal.aborted ? 'upstream_timeout' : 'upstream_unavailable', { cause })
}
