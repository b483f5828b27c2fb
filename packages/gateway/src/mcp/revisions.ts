/**
 * The protocol revisions that are spoken to clients and to servers, and how a request says which one it is.
 * @module
 */

/** Revisions of clients, oldest first. */
export const REVISIONS = ['2025-06-18', '2025-11-25', '2026-07-28'] as const
export type Revision = (typeof REVISIONS)[number]
export type SessionRevision = '2025-06-18' | '2025-11-25'

/** The stateless revision: every request carries its own envelope, there is no session. */
export const STATELESS = '2026-07-28'
export const NEWEST_SESSION: SessionRevision = '2025-11-25'

/** What an upstream may answer to our `initialize`: the older two have the same wire as far as we use it. */
const UPSTREAM_SESSION = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']

export function isSessionRevision(value: unknown): value is SessionRevision {
  return value === '2025-06-18' || value === '2025-11-25'
}

export function isUpstreamSessionRevision(value: unknown): value is string {
  return typeof value === 'string' && UPSTREAM_SESSION.includes(value)
}

/**
 * The session revision told to a client: what it proposed when we serve it, our newest otherwise, and never a newer
 * one than the upstream agreed to as long as we serve that.
 */
export function negotiate(proposed: unknown, upstream: string): SessionRevision {
  const wanted = isSessionRevision(proposed) ? proposed : NEWEST_SESSION
  if (wanted <= upstream) return wanted
  return isSessionRevision(upstream) ? upstream : '2025-06-18'
}

/** Reserved keys of `_meta` on the stateless revision. */
export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  client: 'io.modelcontextprotocol/clientInfo',
  server: 'io.modelcontextprotocol/serverInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/** Error codes that only the protocol itself defines. */
export const RPC = {
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
  urlElicitation: -32042,
} as const
