/**
 * Relation spaces: who is related to what (OpenFGA 1.1 models and their tuples).
 * @module
 */
import type { JsonObject } from './json.ts'
import type { Stored } from './principals.ts'

/** A named set of tuples with its models. The id is a ULID, as OpenFGA's clients demand. */
export interface RelationSpace extends Stored {
  readonly name: string
  /** `policy`: the one that policies of the tenant ask; one per tenant at most. */
  readonly role: 'policy' | 'other'
  readonly createdAt: number
  /** When a model was added or the name changed, milliseconds. */
  readonly updatedAt: number
}

/** One immutable version of a model; the newest has the greatest id (ULID). */
export interface RelationModel extends Stored {
  readonly space: string
  /** The model as OpenFGA's JSON. */
  readonly definition: JsonObject
  /** The same model as text, as it is evaluated. */
  readonly dsl: string
  readonly createdAt: number
  /** Expected answers that its authors keep beside it; nothing decides by them. */
  readonly assertions: readonly JsonObject[]
}

/** `user` has `relation` to `object`. Ids as OpenFGA writes them: `type:id`, `type:id#relation`, `type:*`. */
export interface RelationTuple {
  readonly object: string
  readonly relation: string
  readonly user: string
  readonly condition: { readonly name: string; readonly context: JsonObject } | null
  /** Milliseconds; from this instant on it does not count. null = for good. */
  readonly expiresAt: number | null
}
