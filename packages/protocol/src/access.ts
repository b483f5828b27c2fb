/**
 * Who may ask for decisions from outside, and the policy stores of other applications.
 * @module
 */
import type { JsonObject } from './json.ts'
import type { Stored } from './principals.ts'

/**
 * `evaluate` and `search` ask (AuthZEN, dry); `calls` prepares and settles, and so feeds labels and risk.
 * `relations:read` and `relations:write` are OpenFGA's interface, `documents` filters what a retrieval found.
 */
export const ENFORCER_SCOPES = [
  'evaluate',
  'search',
  'calls',
  'relations:read',
  'relations:write',
  'documents',
] as const
export type EnforcerScope = (typeof ENFORCER_SCOPES)[number]

/** An enforcement point that is not our gateway, as the owner registered it. Its secret is never kept here. */
export interface Enforcer extends Stored {
  /** Unique in the tenant. */
  readonly name: string
  /** `sha256:` and 64 hex digits, over the UTF-8 bytes of the secret it presents. */
  readonly keyDigest: string
  readonly scopes: readonly EnforcerScope[]
  /** Names of the servers in front of which it stands. */
  readonly servers: readonly string[]
  /** Policy stores it may ask; the first one answers where a question names none. */
  readonly stores: readonly string[]
  /** Types of obligations it says it meets, besides what a question says. */
  readonly obligations: readonly string[]
  readonly status: 'active' | 'revoked'
  readonly createdAt: number
  readonly createdBy: string
}

/** One version of a policy store. Immutable but for `status`; one version of a name is active. */
export interface PolicyStore extends Stored {
  readonly name: string
  /** Cedar text. */
  readonly policies: string
  /** Cedar schema text; policies are strictly valid against it. */
  readonly schema: string
  /** Cedar's JSON form of entities. */
  readonly entities: readonly JsonObject[]
  /** `sha256:` over all three. */
  readonly digest: string
  readonly status: 'active' | 'retired'
  readonly createdAt: number
  readonly createdBy: string
}
