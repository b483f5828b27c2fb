/**
 * What a policy store is asked and what it answers. Questions come from other applications: everything in them is
 * their word, and only what the schema of the store declares is looked at.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'

export interface StoreEntity {
  readonly type: string
  readonly id: string
  /** Laid over what the store knows of the entity. */
  readonly properties?: JsonObject | undefined
}

export interface StoreQuestion {
  readonly subject: StoreEntity
  /** `properties` are `context.action` for policies. */
  readonly action: { readonly name: string; readonly properties?: JsonObject | undefined }
  readonly resource: StoreEntity
  readonly context?: JsonObject | undefined
}

/** What must happen with the answer; one that the asker cannot meet makes it a denial. */
export interface StoreObligation {
  /** The policy that asks for it. */
  readonly id: string
  readonly type: string
  readonly properties: JsonObject
}

export interface StoreAnswer {
  readonly allowed: boolean
  /** Policies that decided: permits when allowed, forbids or nothing when not. */
  readonly policies: readonly string[]
  readonly errors: readonly { readonly id: string; readonly message: string }[]
  readonly obligations: readonly StoreObligation[]
  /** Why the question could not be put to the policies; null when it was. For the entitled. */
  readonly unfit: string | null
}
