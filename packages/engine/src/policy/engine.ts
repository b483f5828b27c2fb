/**
 * What the engine asks of a policy language: two layers (the agent's own rights, the user's rights), each compiled
 * and evaluated apart; the engine intersects them. Evaluation is synchronous and does no I/O.
 * @module
 */
import type { Obligation } from '@safeconduct/protocol'
import type { Bindings } from './bindings.ts'

export const LAYERS = ['agent', 'user'] as const
export type Layer = (typeof LAYERS)[number]

export interface EntityRef {
  readonly type: string
  readonly id: string
}

/** Values as Cedar's JSON has them: integers are Longs, `{__extn}` is an extension value, arrays are sets. */
export type PolicyValue =
  | boolean
  | number
  | string
  | { readonly __extn: { readonly fn: string; readonly arg: string } }
  | readonly PolicyValue[]
  | PolicyRecord
export interface PolicyRecord {
  readonly [name: string]: PolicyValue
}

/** The value when it is a record, else null. */
export function asRecord(value: PolicyValue | undefined): PolicyRecord | null {
  if (typeof value !== 'object' || Array.isArray(value) || '__extn' in value) return null
  return value as PolicyRecord
}

export interface PolicyEntity {
  readonly uid: EntityRef
  readonly attrs: PolicyRecord
  readonly parents: readonly EntityRef[]
}

/** Facts that a caller or a person can bring about. Everything else is as it is. */
export interface Obtainable {
  readonly freshProof: boolean
  readonly approved: boolean
}

export interface PolicyQuestion {
  readonly principal: EntityRef
  readonly action: EntityRef
  readonly resource: EntityRef
  /** Facts that both layers share. */
  readonly context: PolicyRecord
  /** Facts beside those of `context`, before which they go: so that the rest is read once, whatever is assumed. */
  readonly obtained?: Obtainable
  /** `context.relations` as this principal sees it; its facts only. */
  readonly relations?: PolicyRecord
  /** Entities of this question only: what no registration tells of, such as the document that is asked for. */
  readonly local?: readonly PolicyEntity[]
}

export interface LayerAnswer {
  /** What the language itself says. The engine denies all the same when `errors` names a forbid. */
  readonly allowed: boolean
  readonly reasons: readonly { readonly id: string; readonly effect: 'permit' | 'forbid' }[]
  readonly errors: readonly {
    readonly id: string
    readonly effect: 'permit' | 'forbid'
    readonly message: string
  }[]
  /** `@obligation` annotations of the policies in `reasons`; null stands for one that cannot be read. */
  readonly obligations: readonly (Obligation | null)[]
}

export interface PolicySource {
  readonly agentPolicies: string
  readonly userPolicies: string
}

/** What it takes to rule on one question. */
export interface AskedPolicies {
  evaluate(layer: Layer, question: PolicyQuestion): LayerAnswer
  /**
   * True when a policy of either layer speaks of that argument or part of one (`context.args.<path>`), of something
   * inside it, or of something that it is part of.
   */
  mentions(argument: string): boolean
  /** True when a policy of either layer speaks of the path of the context, of a part of it or of something around it. */
  uses(path: string): boolean
  /** What the version says of tools and zones. */
  readonly bindings: Bindings
  /** Relations that the policies of each layer speak of. */
  readonly relations: Readonly<Record<Layer, readonly string[]>>
  /** Roles that a policy of either layer speaks of. */
  readonly roles: readonly string[]
  /** Whether the permit of that layer names the action `elevate` itself. */
  elevates(layer: Layer, id: string): boolean
}

/** A compiled pair of layers. Holds the entities it was told of; bound to one tenant. */
export interface CompiledPolicies extends AskedPolicies {
  /** Adds or replaces an entity for both layers. */
  put(entity: PolicyEntity): void
  drop(uid: EntityRef): void
  /**
   * Everything that is known of these and of what hangs above them or is named by them, each once; what nobody told of
   * has no attributes and no parents. null when it is more than `MAX_REACHED`.
   */
  reached(uids: readonly EntityRef[]): readonly PolicyEntity[] | null
  /** The same policies, asked about these entities and no others. */
  within(entities: readonly PolicyEntity[]): ConfinedPolicies
}

/** Entities of one recorded question. */
export const MAX_REACHED = 256

export interface ConfinedPolicies extends AskedPolicies {
  /** An evaluation asked for an entity that is not among those given: its answer is a guess. */
  readonly missed: boolean
}

/** The schema depends on what the version itself binds. */
export type SchemaFor = (
  bindings: Bindings,
  relations: Readonly<Record<Layer, readonly string[]>>,
) => PolicyRecord

export interface PolicyEngine {
  /**
   * @param schema Cedar schema as JSON, for validation; null = syntax only (a version that was accepted before must
   *   still load after a tool it names is gone)
   * @throws {SafeconductError} `policy_invalid`, saying where
   */
  compile(source: PolicySource, schema: SchemaFor | PolicyRecord | null): CompiledPolicies
}
