/**
 * What the gateway needs from its host besides the engine's ports.
 * @module
 */
import type { Decider } from '@safeconduct/engine'
import type { Attempts, EpochKind, Grant, Proof, Server } from '@safeconduct/protocol'

/** Who calls, as proven on this request. */
export interface Identity {
  readonly grant: Grant
  readonly proof: Proof
}

/** What authentication looks at. */
export interface Presented {
  readonly method: string
  /** The public URL of the request, as a DPoP proof must name it. */
  readonly url: string
  /** The resource that is asked; the token must be meant for it. */
  readonly resource: string
  readonly authorization: string | undefined
  readonly dpop: string | undefined
  /** Of the peer; null and absent = unknown. */
  readonly ip?: string | null
}

export interface Authenticate {
  /** @throws `unauthenticated`, `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`, `overloaded` */
  verify(presented: Presented): Identity
  /** The nonce that the next proof must carry. */
  nonce(): string
  /** Trouble with the agent's credentials, or at the address, lately. Absent: nobody counts. */
  attempts?(agent: string, ip: string | null): Attempts | undefined
}

export interface Directory {
  server(tenant: string, name: string): Promise<Server | null> | Server | null
  /** True when any tenant has a server of this name: decides whether resource metadata is published for it. */
  known(name: string): Promise<boolean> | boolean
}

export interface UpstreamCredentials {
  /** Headers that authenticate us to the upstream. Never logged, never shown to the client. */
  headers(server: Server, grant: Grant): Promise<Readonly<Record<string, string>>>
  /** Variables that a child gets besides those of its configuration. Absent: none. */
  environment?(server: Server): Promise<Readonly<Record<string, string>>>
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void

/** The part of the Decider that enforcement uses. */
export type Deciding = Pick<Decider, 'prepare' | 'settle' | 'dry' | 'list' | 'control'>

export interface RevokedRef {
  readonly tenant: string
  readonly kind: EpochKind
  readonly id: string
}
