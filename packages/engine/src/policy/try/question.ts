/**
 * What policy was asked of one call, as it is kept with the decision: with it, and with nothing of the present state,
 * any policy can be asked the same question again.
 *
 * What must hold: `posedOf(keptQuestion(posed))` rules like `posed` did, under every policy. Where something was too
 * large to be kept, the record says so, and whoever asks again counts the call as not replayable.
 * @module
 */
import type { ErrorCode, JsonObject, Operation } from '@safeconduct/protocol'
import type { Posed } from '../../decision/rule.ts'
import { refsIn } from '../confine.ts'
import {
  asRecord,
  type CompiledPolicies,
  type EntityRef,
  type Layer,
  type Obtainable,
  type PolicyEntity,
  type PolicyRecord,
  type PolicyValue,
} from '../engine.ts'
import type { Actors } from '../judge.ts'
import { bindingOf, objectsOf } from '../relations.ts'

/** Raised when what is kept changes its meaning; new facts in `context` need no new number. */
export const QUESTION_VERSION = 1

/** Bytes of typed arguments kept beside the arguments themselves. */
export const MAX_TYPED_BYTES = 64 * 1024

export interface KeptQuestion {
  readonly v: number
  readonly action: string
  readonly resource: EntityRef
  /** Without the arguments, and without what is in `real`. */
  readonly context: PolicyRecord
  readonly args: KeptArguments
  readonly unfit: readonly string[]
  /** Entities that the question reaches; null when no policy ruled or when they were too many. */
  readonly entities: readonly PolicyEntity[] | null
  readonly real: Obtainable
  readonly canStepUp: boolean
  readonly refused: boolean
  readonly obligations: readonly string[]
  /** What was asked of relations; null when the policy that ruled bound nothing of the call to them. */
  readonly relations: KeptRelations | null
  /** A person could have been asked: the arguments are not too large to be read. */
  readonly askable: boolean
}

/** Arguments as policy saw them. Those that equal what the call gave are only named. */
export interface KeptArguments {
  readonly given: readonly string[]
  /** null when they were too large to keep. */
  readonly typed: PolicyRecord | null
}

/** The answers stand in the context. */
export interface KeptRelations {
  /** What the call names; null when that could not be told. */
  readonly objects: readonly string[] | null
  readonly asked: Readonly<Record<Layer, readonly string[]>>
}

export interface KeepOptions {
  readonly operation: Operation
  readonly askable: boolean
}

export function keptQuestion(
  { asked, actors, real, canStepUp, refused, obligations }: Posed,
  policies: CompiledPolicies | null,
  { operation, askable }: KeepOptions,
): KeptQuestion {
  const { args: represented, ...context } = asked.context
  const { action, resource, unfit, local } = asked
  return {
    v: QUESTION_VERSION,
    action: action.id,
    resource,
    context,
    args: keptArguments(asRecord(represented) ?? {}, operation.args),
    unfit,
    entities: policies === null ? null : around(policies, asked.context, [action, resource], actors, local),
    real,
    canStepUp,
    refused,
    obligations,
    relations: policies === null ? null : keptRelations(policies, operation),
    askable,
  }
}

function keptRelations(policies: CompiledPolicies, operation: Operation): KeptRelations | null {
  const binding = bindingOf(policies, operation)
  return binding === undefined ? null : { objects: objectsOf(binding, operation), asked: policies.relations }
}

function keptArguments(represented: PolicyRecord, args: JsonObject): KeptArguments {
  const given: string[] = []
  const typed: Record<string, PolicyValue> = {}
  for (const [name, value] of Object.entries(represented)) {
    if (args[name] === value) given.push(name)
    else typed[name] = value
  }
  const small = Object.keys(typed).length === 0 || JSON.stringify(typed).length <= MAX_TYPED_BYTES
  return small ? { given, typed } : { given: Object.keys(represented), typed: null }
}

function around(
  policies: CompiledPolicies,
  context: PolicyRecord,
  asked: readonly EntityRef[],
  { agent, via, user }: Actors,
  local: readonly PolicyEntity[] = [],
): readonly PolicyEntity[] | null {
  const uids: EntityRef[] = [...asked, { type: 'Agent', id: agent }]
  for (const id of via) uids.push({ type: 'Agent', id })
  if (user !== null) uids.push({ type: 'User', id: user })
  uids.push(...refsIn(context))
  if (local.length === 0) return policies.reached(uids)
  const above = local.flatMap(({ attrs, parents }) => [...parents, ...refsIn(attrs)])
  const resident = policies.reached([...uids, ...above])
  if (resident === null) return null
  // A local entity hides the resident one of the same uid.
  const hidden = new Set(local.map(({ uid }) => nameOf(uid)))
  return [...resident.filter(({ uid }) => !hidden.has(nameOf(uid))), ...local]
}

function nameOf({ type, id }: EntityRef): string {
  return JSON.stringify([type, id])
}

/** What a record says of the call itself. */
export interface KeptCall extends Actors {
  readonly operation: Operation
  /** Bytes of the arguments when they were too large to keep. */
  readonly argsOmitted: number | null
}

/** The question again, without the entities, which whoever asks has to be confined to. */
export function posedOf(kept: KeptQuestion, { agent, via, user, operation }: KeptCall): Posed {
  const { action, resource, unfit, context, real, canStepUp, refused, obligations } = kept
  const args: Record<string, PolicyValue> = { ...kept.args.typed }
  for (const name of kept.args.given) {
    const value = operation.args[name]
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      args[name] = value
  }
  return {
    actors: { agent, via, user },
    asked: {
      action: { type: 'Action', id: action },
      resource,
      local: undefined,
      context: { ...context, args },
      unfit,
    },
    real,
    canStepUp,
    refused,
    obligations,
  }
}

/** True when arguments that policy saw are not in the record. */
export function lacksArguments({ args }: KeptQuestion, { argsOmitted }: KeptCall): boolean {
  return args.typed === null || (argsOmitted !== null && args.given.length > 0)
}

/** Codes under which a call that wants a person's word is refused all the same. */
const UNASKED: ReadonlySet<ErrorCode | null> = new Set<ErrorCode | null>(['too_large', 'rate_limited'])

/** Why nobody could have been asked about the call, as far as its decision tells; null when somebody could. */
export function unaskable(
  { askable }: KeptQuestion,
  decision: { readonly enforcement: string; readonly code: ErrorCode | null },
): ErrorCode | null {
  if (decision.enforcement === 'observe') return null
  if (!askable) return 'too_large'
  return UNASKED.has(decision.code) ? decision.code : null
}
