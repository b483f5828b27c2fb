/**
 * What the authorization server needs from outside, and what it asks before it grants.
 * @module
 */
import type { Clock, ControlEvent, Ids, Store } from '@safeconduct/engine'
import type { ErrorCode, TaskDetails } from '@safeconduct/protocol'
import type { GuardedFetch } from '../net/guarded-fetch.ts'

/** Sealed storage for private keys. What is stored first stays: two starts at once end with the same key. */
export interface SecretStore {
  get(name: string): Promise<Uint8Array | null>
  /** Stores only when absent; returns what is stored afterwards. */
  putIfAbsent(name: string, value: Uint8Array): Promise<Uint8Array>
}

export interface AuthorizationSettings {
  /** Seconds. */
  readonly accessTokenTtl: number
  /** Seconds; lifetime of a task when nobody chose another. */
  readonly taskTtl: number
  /** Dynamic client registration; it is on only while the issuer is a loopback address, too. */
  readonly registration: boolean
  /** Whether a DPoP proof must carry a nonce of ours (RFC 9449 §8). */
  readonly dpopNonce: boolean
}

export type GrantKind =
  | 'authorization_code'
  | 'refresh_token'
  | 'client_credentials'
  | 'token_exchange'
  | 'actor_token'

/** A grant about to be issued, as the decision pipeline sees it. */
export interface GrantIntent {
  readonly kind: GrantKind
  readonly tenant: string
  /** The agent that will hold the grant. */
  readonly agent: string
  readonly user: string | null
  /** Agents that handed the errand on, nearest first. */
  readonly via: readonly string[]
  readonly task: string | null
  readonly scope: readonly string[]
  readonly audience: readonly string[]
  readonly details: TaskDetails | null
  /** Whether the grant will be bound to a key. */
  readonly bound: boolean
}

/**
 * Asked before every grant. A refusal or a throw means that nothing is issued; a gate that records must reject when
 * it cannot.
 */
export type GrantGate = (
  intent: GrantIntent,
) => Promise<{ readonly allow: true } | { readonly allow: false; readonly code: ErrorCode }>

export type LogLine = (level: 'error' | 'warn' | 'info' | 'debug', message: string, cause?: unknown) => void

export interface AuthorizationServerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly secrets: SecretStore
  /** An origin: no path, query or fragment. */
  readonly issuer: URL
  /** The tenant whose agents and users this issuer speaks for. */
  readonly tenant: string
  readonly settings: AuthorizationSettings
  readonly gate: GrantGate
  /** Told of every new task, agent and epoch after it is durable. */
  readonly onControl: (event: ControlEvent) => void
  /** A client failed to prove itself: whom it claimed to be, and from where. Left out: nobody counts. */
  readonly onFailedClient?: (client: string, ip: string | null) => void
  /** For client metadata documents and key sets that clients name. */
  readonly fetch: GuardedFetch
  readonly log?: LogLine
}

/** Everything the parts of this folder share; made once by `createAuthorizationServer`. */
export interface Context extends Omit<AuthorizationServerOptions, 'issuer' | 'log'> {
  /** Without a trailing slash. */
  readonly issuer: string
  readonly log: LogLine
}

export const PATHS = {
  authorize: '/oauth/authorize',
  consent: '/oauth/consent',
  token: '/oauth/token',
  par: '/oauth/par',
  jwks: '/oauth/jwks',
  introspect: '/oauth/introspect',
  revoke: '/oauth/revoke',
  register: '/oauth/register',
  signIn: '/signin',
  signOut: '/signout',
} as const
