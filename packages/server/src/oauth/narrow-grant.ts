/**
 * The arithmetic of an exchange: from the grant that is held and what is wanted, the grant that may be handed on. Pure,
 * so that the promise "a chain only narrows" is a property of one function.
 * @module
 */
import {
  type Grant,
  MAX_CHAIN_DEPTH,
  narrowDetails,
  SafeconductError,
  TASK_DETAILS_TYPE,
  type TaskDetails,
} from '@safeconduct/protocol'
import { invalidGrant, OAuthError } from './errors.ts'
import type { Handed } from './handovers.ts'
import { isScope, scopeCovers } from './resources.ts'

export interface Wanted {
  /** The agent that will hold the result. */
  readonly actor: string
  /** null = everything that is held. */
  readonly scope: readonly string[] | null
  readonly audience: readonly string[] | null
  readonly details: TaskDetails | null
}

export interface Bounds {
  /** Milliseconds. */
  readonly now: number
  /** Own lifetime of a token, milliseconds. */
  readonly lifetime: number
  /** Other ends that must not be outlived (task, delegation), milliseconds. */
  readonly ends: readonly number[]
  /** What was handed to the same actor earlier, when that is all it may take up. */
  readonly delegated: Handed | null
}

export interface Narrowed {
  readonly scope: readonly string[]
  readonly audience: readonly string[]
  readonly details: TaskDetails
  /** Whole seconds, as a token says them, in milliseconds. */
  readonly expiresAt: number
  /** Who acts now, then whoever handed on, nearest first. */
  readonly actors: readonly string[]
}

/** @throws {OAuthError} `invalid_grant`, `invalid_scope`, `invalid_target`, `invalid_authorization_details` */
export function narrowGrant(held: Grant, wanted: Wanted, bounds: Bounds): Narrowed {
  const { delegated } = bounds
  const details = narrowedDetails(held.details, wanted.details, delegated?.details ?? null)
  const scope = delegated?.scope.filter((word) => scopeCovers(held.scope, word)) ?? held.scope
  const audience = delegated?.audience.filter((item) => held.audience.includes(item)) ?? held.audience
  return {
    scope: narrowedScope(scope, wanted.scope),
    audience: narrowedAudience(audience, wanted.audience),
    details,
    expiresAt: narrowedExpiry(held, details, bounds),
    actors: lengthened(held, wanted.actor),
  }
}

/** A token without scope hands on nothing: there is no ceiling to be under. */
function narrowedScope(held: readonly string[], wanted: readonly string[] | null): readonly string[] {
  const scope = wanted ?? held.filter(isScope)
  if (scope.length === 0) throw new OAuthError('invalid_scope', 'There is no scope to hand on.')
  for (const word of scope) {
    if (!isScope(word) || !scopeCovers(held, word)) {
      throw new OAuthError('invalid_scope', 'The scope reaches further than that of the subject token.')
    }
  }
  return scope
}

function narrowedAudience(held: readonly string[], wanted: readonly string[] | null): readonly string[] {
  if (held.length === 0) throw new OAuthError('invalid_target', 'There is no resource to hand on.')
  if (wanted === null) return held
  for (const item of wanted) {
    if (!held.includes(item)) {
      throw new OAuthError('invalid_target', 'The resource is not one of the subject token.')
    }
  }
  return wanted
}

function narrowedDetails(
  held: TaskDetails,
  wanted: TaskDetails | null,
  delegated: TaskDetails | null,
): TaskDetails {
  const nothing: TaskDetails = { type: TASK_DETAILS_TYPE }
  try {
    return narrowDetails(delegated === null ? held : narrowDetails(held, delegated), wanted ?? nothing)
  } catch (cause) {
    if (!(cause instanceof SafeconductError)) throw cause
    throw new OAuthError('invalid_authorization_details', cause.message, cause)
  }
}

function narrowedExpiry(held: Grant, details: TaskDetails, bounds: Bounds): number {
  const ends = [bounds.now + bounds.lifetime, held.expiresAt, ...bounds.ends]
  if (details.expires !== undefined) ends.push(details.expires * 1000)
  const expiresAt = Math.floor(Math.min(...ends) / 1000) * 1000
  if (expiresAt <= bounds.now) throw invalidGrant('What is left of the grant has expired.')
  return expiresAt
}

/** An agent that only narrows its own grant adds no link. */
function lengthened(held: Grant, actor: string): readonly string[] {
  const chain = held.user === null ? [] : [held.agent, ...held.via]
  if (chain[0] === actor) return chain
  const actors = [actor, ...chain]
  if (actors.length > MAX_CHAIN_DEPTH) throw invalidGrant('The delegation chain is too long.')
  return actors
}
