/**
 * Against DNS rebinding: a browser on a hostile page may reach a loopback port, but it cannot choose the `Host` and
 * `Origin` it sends. Checked for every request of the daemon, before anything else.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { SafeconductError } from '@safeconduct/protocol'

export interface OriginRules {
  /** Values of `Host` that are ours, in lower case. */
  readonly hosts: ReadonlySet<string>
  /** Values of `Origin` that are ours. */
  readonly origins: ReadonlySet<string>
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** Ours: the public origin, and the loopback names with the port that is listened on. */
export function originRules(publicUrl: string, port: number): OriginRules {
  const own = new URL(publicUrl)
  const hosts = new Set([own.host.toLowerCase(), ...LOOPBACK.map((name) => `${name}:${port}`)])
  const origins = new Set([own.origin, ...LOOPBACK.map((name) => `http://${name}:${port}`)])
  // A default port is left out of both headers.
  const implied = own.port === '' ? (own.protocol === 'https:' ? 443 : 80) : null
  if (implied !== null) hosts.add(`${own.hostname.toLowerCase()}:${implied}`)
  return { hosts, origins }
}

/** @throws {SafeconductError} `host_refused`: missing, repeated or not ours */
export function checkHost(request: Pick<IncomingMessage, 'rawHeaders'>, rules: OriginRules): void {
  const values = headerValues(request, 'host')
  const [host] = values
  if (values.length !== 1 || host === undefined || !rules.hosts.has(host.toLowerCase())) {
    throw new SafeconductError('host_refused')
  }
}

/** No `Origin` means no browser. @throws {SafeconductError} `origin_refused`: repeated, `null` or not ours */
export function checkOrigin(request: Pick<IncomingMessage, 'rawHeaders'>, rules: OriginRules): void {
  const values = headerValues(request, 'origin')
  if (values.length === 0) return
  const [origin] = values
  if (values.length !== 1 || origin === undefined || !rules.origins.has(origin.toLowerCase())) {
    throw new SafeconductError('origin_refused')
  }
}

/** All values as received: `headers` drops or joins repeated ones. */
function headerValues(request: Pick<IncomingMessage, 'rawHeaders'>, name: string): string[] {
  const values: string[] = []
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    if (request.rawHeaders[at]?.toLowerCase() === name) values.push(request.rawHeaders[at + 1]?.trim() ?? '')
  }
  return values
}
