/**
 * Principals, servers, tools: the things that have ids. Every record carries its tenant and a `version` that
 * counts its changes (optimistic concurrency: a replace names the version it read).
 * @module
 */

import type { JsonObject } from './json.ts'
import type { ToolCorrections } from './tool-roles.ts'
import type { TrustLevel } from './trust.ts'

export interface Stored {
  readonly tenant: string
  readonly id: string
  readonly version: number
}

/** A role held by a principal for its standing rights, not for one errand (that is an elevation). Times in milliseconds. */
export interface RoleGrant {
  readonly role: string
  readonly since: number
  /** null while it is held; a role that was taken away stays here for the report of privileges. */
  readonly until: number | null
}

/** Roles and zones: 1–63 of a–z, 0–9 and "-". */
export const LABEL_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/

/** How sensitive what lies behind a server or tool is: 0 public, 1 internal, 2 confidential, 3 restricted, 4 secret. */
export const MAX_SENSITIVITY = 4

export interface User extends Stored {
  readonly name: string
  readonly roles?: readonly RoleGrant[]
  /** May administer this tenant once signed in. */
  readonly owner: boolean
  readonly createdAt: number
}

/** `declared` raises no assurance; `observed` was seen by the gateway; `attested` was proven. */
export type DigestStanding = 'declared' | 'observed' | 'attested'

export interface CompositionPart {
  readonly kind: 'model' | 'prompt' | 'tools'
  readonly name: string
  /** `sha256:` and 64 hex digits. */
  readonly digest: string
  readonly standing: DigestStanding
}

export interface PublicJwk {
  readonly kty: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
  readonly kid?: string
  readonly alg?: string
  readonly use?: string
}

/** Signs that an agent is made up, as they were when it was registered. */
export interface RegistrationSigns {
  /** Agents that registered themselves within the hour, itself included. */
  readonly burst: number
  /** The name of another agent that its own is made to look like; null = none. */
  readonly alike: string | null
  /** It redirects to a host that anybody can have for a while. */
  readonly throwaway: boolean
}

export interface Agent extends Stored {
  /** Unique in the tenant. The id doubles as the OAuth `client_id`. */
  readonly name: string
  readonly owner: string
  /** How it came to be known: by the owner, by a client id metadata document, by dynamic registration, by `run`. */
  readonly registration: 'owner' | 'cimd' | 'dcr' | 'local'
  readonly jwks: readonly PublicJwk[]
  readonly redirectUris: readonly string[]
  readonly composition: readonly CompositionPart[]
  /** An agent without a user acts only under an explicit autonomy policy; this is its switch. */
  readonly autonomous: boolean
  readonly status: 'active' | 'disabled'
  /** An upper bound set by a person (for example after contesting a suspension); null = none. */
  readonly trustCeiling: TrustLevel | null
  readonly createdAt: number
  readonly roles?: readonly RoleGrant[]
  /** What was strange about its registration; absent = nothing. */
  readonly signs?: RegistrationSigns
  /** The part of the house it belongs to, such as `train` or `production`; absent = none. */
  readonly zone?: string
}

export type ServerTransport =
  | { readonly kind: 'http'; readonly url: string; readonly allowPrivate?: boolean }
  | {
      readonly kind: 'stdio'
      /** Program and arguments, no shell. */
      readonly argv: readonly [string, ...string[]]
      readonly cwd?: string
      /** The whole environment of the child besides PATH, HOME and TMPDIR. */
      readonly env?: Readonly<Record<string, string>>
      /** `sha256:` of the program file, pinned at registration. */
      readonly programDigest?: string
    }

export interface Server extends Stored {
  /** Unique in the tenant; the `<server>` of `/mcp/<server>`: `[a-z0-9][a-z0-9-]{0,62}`. */
  readonly name: string
  readonly transport: ServerTransport
  /** `new`: reads allowed, writes to approval. `approved`: a person looked at it. */
  readonly standing: 'new' | 'approved'
  /** Name of the credential that the gateway injects; null = none. The secret itself is in the vault. */
  readonly credential: string | null
  /** Outputs of a trusted server may vouch for values; those of an untrusted one never. */
  readonly trustedOutput: boolean
  readonly createdAt: number
  /** Set by the operator; a policy may say otherwise for single tools. */
  readonly zone?: string
  /** 0–`MAX_SENSITIVITY`; absent = 0. */
  readonly sensitivity?: number
}

/** A tool as pinned at its first listing. Id: `<server>/<tool>`. */
export interface PinnedTool extends Stored {
  readonly server: string
  readonly name: string
  /** `sha256:` over the canonical definition. */
  readonly digest: string
  readonly definition: JsonObject
  readonly status: 'active' | 'quarantined'
  /** Why it is quarantined, for the owner; null when active. */
  readonly reason: string | null
  /** The definition that waits for re-approval; null when none. */
  readonly proposed: JsonObject | null
  readonly proposedDigest: string | null
  readonly firstSeen: number
  /** What an operator corrected of the roles that are derived from the definition; absent = nothing. */
  readonly corrections?: ToolCorrections
}
