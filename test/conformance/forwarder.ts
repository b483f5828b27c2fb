/**
 * @module A loopback forwarder that adds the access token the suite does not know, and nothing else. It is not part of
 * the product: it lets an unauthenticated client meet the gateway as it is, with authentication on.
 *
 * What holds: method, path, status, header order and case, and bodies pass unchanged, streams are flushed as they
 * come, an end on either side ends the other. The forwarder's own authority in `Host` and `Origin` is replaced by the
 * target's, as if the client had dialled the target; every other value passes, so that a forged `Host` arrives.
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { closeServer, listenOnLoopback } from './loopback.ts'

/** The request a header is wanted for; `url` is the target's, which is what a DPoP proof names. */
export interface ForwardedRequest {
  readonly method: string
  readonly url: string
}

/** Headers to add, for example `Authorization` and `DPoP`; they replace headers of the same name. */
export type AddHeaders = (request: ForwardedRequest) => Promise<Readonly<Record<string, string>>>

export interface Forwarder {
  /** The target's path at the forwarder's origin. */
  readonly url: string
  readonly close: () => Promise<void>
}

// RFC 9110 section 7.6.1: these belong to one connection. A response's framing is chosen anew by node:http.
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Starts a forwarder to `target` (an http URL) on a free loopback port. A failing target answers 502. */
export async function startForwarder(target: string, addHeaders: AddHeaders): Promise<Forwarder> {
  const to = new URL(target)
  let own = ''
  const server = createServer((incoming, outgoing) => {
    forward(incoming, outgoing, { to, own, addHeaders }).catch(() => refuse(outgoing))
  })
  const origin = await listenOnLoopback(server)
  own = new URL(origin).host
  return { url: `${origin}${to.pathname}${to.search}`, close: () => closeServer(server) }
}

/** `Authorization: Bearer TOKEN` for every request, from a token source that may renew it. */
export function bearer(token: () => Promise<string>): AddHeaders {
  return async () => ({ Authorization: `Bearer ${await token()}` })
}

interface Route {
  readonly to: URL
  readonly own: string
  readonly addHeaders: AddHeaders
}

async function forward(incoming: IncomingMessage, outgoing: ServerResponse, route: Route): Promise<void> {
  const path = incoming.url ?? '/'
  const method = incoming.method ?? 'GET'
  const added = await route.addHeaders({ method, url: new URL(path, route.to).href })
  const headers = [...endToEnd(incoming.rawHeaders, added, route), ...Object.entries(added)]
  const upstream = httpRequest({
    host: route.to.hostname,
    port: route.to.port,
    method,
    path,
    headers: headers.flat(),
    setHost: false,
    agent: false,
  })
  // Nagle would hold back small frames of an event stream.
  upstream.setNoDelay(true)
  upstream.once('response', (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.statusMessage, kept(response.rawHeaders).flat())
    outgoing.flushHeaders()
    response.pipe(outgoing)
    response.once('error', () => outgoing.destroy())
    response.once('close', () => {
      if (!response.complete) outgoing.destroy()
    })
  })
  upstream.once('error', () => refuse(outgoing))
  outgoing.once('close', () => upstream.destroy())
  incoming.pipe(upstream)
}

function endToEnd(
  raw: readonly string[],
  added: Readonly<Record<string, string>>,
  route: Route,
): [string, string][] {
  const replaced = new Set(Object.keys(added).map((name) => name.toLowerCase()))
  return kept(raw)
    .filter(([name]) => !replaced.has(name.toLowerCase()))
    .map(([name, value]) => [name, readdress(name.toLowerCase(), value, route)])
}

function readdress(name: string, value: string, { to, own }: Route): string {
  if (name === 'host' && value === own) return to.host
  if (name === 'origin' && value === `http://${own}`) return to.origin
  return value
}

function kept(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? ''
    if (!HOP_BY_HOP.has(name.toLowerCase())) pairs.push([name, raw[at + 1] ?? ''])
  }
  return pairs
}

function refuse(outgoing: ServerResponse): void {
  if (outgoing.headersSent) outgoing.destroy()
  else outgoing.writeHead(502, { 'content-type': 'text/plain' }).end('forwarder: the target did not answer')
}
