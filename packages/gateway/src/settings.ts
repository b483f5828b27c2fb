/**
 * Limits and addresses of the gateway. Every limit is finite; times are milliseconds, sizes bytes.
 * @module
 */
export interface GatewaySettings {
  /** Origin under which clients reach us, without a trailing slash: audience and `htu` are made from it. */
  readonly publicUrl: string
  /** Authorization servers named in the resource metadata; the issuer of our own first. */
  readonly authorizationServers: readonly string[]
  /** Where a person decides about an approval. */
  readonly approvalUrl: (approval: string) => string
  readonly maxBody: number
  readonly maxDepth: number
  /** Calls under way at once, all together and per grant. */
  readonly maxConcurrent: number
  readonly maxPerGrant: number
  /** How long an upstream may stay silent in a call; every message starts it anew. */
  readonly upstreamTimeout: number
  /** How long a call may take however busy the upstream is. */
  readonly maxCallTime: number
  /** How long a client may take to answer a request of the server. */
  readonly clientAnswerTimeout: number
  readonly drainTimeout: number
  readonly maxSessions: number
  readonly maxSessionsPerPrincipal: number
  readonly sessionIdle: number
  /** Standing streams (GET, subscriptions) per principal. */
  readonly maxStreamsPerPrincipal: number
  /** Bytes waiting for a client that reads too slowly, per stream, before the stream is cut. */
  readonly maxBuffered: number
  /** Events and bytes kept for resumption, per session. */
  readonly maxEvents: number
  readonly maxEventBytes: number
  /** How long a call goes on after its client lost the connection, when it may come back for the result. */
  readonly resumeWindow: number
  readonly maxListPages: number
  readonly maxListItems: number
  /** After this long a listing is fetched again before the next call, and definitions are compared with their pins. */
  readonly listingMaxAge: number
  /** Upstream links without a session of their own (bridged clients, stdio children): how many, how long idle. */
  readonly maxLinks: number
  readonly linkIdle: number
  readonly maxChildren: number
  readonly maxRestarts: number
  readonly restartWindow: number
  /** How long a client that was sent to an approval may wait for the person's word in its next request. */
  readonly approvalWait: number
  /** How long a question of the server may wait for a stateless client to come back with the answer. */
  readonly inputTtl: number
  /** Names of servers that may ask the client's model (`sampling/createMessage`); off for all others. */
  readonly samplingServers: readonly string[]
}

export type GatewayOptions = Partial<GatewaySettings> & Pick<GatewaySettings, 'publicUrl'>

export function gatewaySettings(options: GatewayOptions): GatewaySettings {
  const { publicUrl } = options
  return {
    authorizationServers: [publicUrl],
    approvalUrl: (approval) => `${publicUrl}/approvals/${encodeURIComponent(approval)}`,
    maxBody: 4 * 1024 * 1024,
    maxDepth: 64,
    maxConcurrent: 512,
    maxPerGrant: 64,
    upstreamTimeout: 120_000,
    maxCallTime: 3_600_000,
    clientAnswerTimeout: 300_000,
    drainTimeout: 10_000,
    maxSessions: 2_000,
    maxSessionsPerPrincipal: 128,
    sessionIdle: 30 * 60_000,
    maxStreamsPerPrincipal: 64,
    maxBuffered: 8 * 1024 * 1024,
    maxEvents: 512,
    maxEventBytes: 8 * 1024 * 1024,
    resumeWindow: 30_000,
    maxListPages: 64,
    maxListItems: 4_096,
    listingMaxAge: 300_000,
    maxLinks: 512,
    linkIdle: 10 * 60_000,
    maxChildren: 64,
    maxRestarts: 5,
    restartWindow: 60_000,
    approvalWait: 25_000,
    inputTtl: 300_000,
    samplingServers: [],
    ...options,
  }
}
