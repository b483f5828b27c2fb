/**
 * A policy store, compiled: policies strictly valid against its schema, entities resident. Immutable once made.
 * @module
 */
import {
  type AttributeType,
  CedarError,
  type CompiledPolicySet,
  compile,
  type EntityInput,
  type EntityRef,
  EntityStore,
} from '@safeconduct/cedar'
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  SafeconductError,
} from '@safeconduct/protocol'
import { isTooHigh, MAX_HEIGHT } from './height.ts'
import type { StoreObligation } from './question.ts'

export interface StoreSource {
  readonly policies: string
  readonly schema: string
  readonly entities: readonly JsonObject[]
}

export interface StoreAction {
  readonly ref: EntityRef
  readonly context: ReadonlyMap<string, AttributeType>
  readonly subjectTypes: ReadonlySet<string>
  readonly resourceTypes: ReadonlySet<string>
  /** Policies can tell an approved question from another: its context declares `approved`. */
  readonly approvable: boolean
}

export interface CompiledStore {
  readonly set: CompiledPolicySet
  readonly entities: EntityStore
  /** By the name that questions use. */
  readonly actions: ReadonlyMap<string, StoreAction>
  readonly attributes: ReadonlyMap<string, ReadonlyMap<string, AttributeType>>
  readonly effects: ReadonlyMap<string, 'permit' | 'forbid'>
  readonly obligations: ReadonlyMap<string, StoreObligation>
  /** Ids of the store's entities by type, sorted. */
  readonly ids: ReadonlyMap<string, readonly string[]>
}

export const STORE_LIMITS = { text: 262_144, entities: 100_000 } as const

/**
 * @param checked it was validated before: that is the costly part, and it is left out
 * @throws {SafeconductError} `policy_invalid`, saying where
 */
export function compileStore(source: StoreSource, checked = false): CompiledStore {
  const { policies, schema } = source
  if (policies.length > STORE_LIMITS.text || schema.length > STORE_LIMITS.text)
    throw invalid('The policies or the schema are longer than allowed.')
  if (source.entities.length > STORE_LIMITS.entities) throw invalid('There are more entities than allowed.')
  if (isTooHigh(source.entities))
    throw invalid(`The entities are stacked higher than ${MAX_HEIGHT} parents above each other.`)
  try {
    const validate = checked ? 'none' : 'strict'
    const set = compile({ policies, schema, validate, validateRequests: true })
    if (set.schema === undefined) throw invalid('A policy store needs a schema.')
    // Read and checked one by one by the library: what is no entity is refused there.
    const inputs = source.entities as readonly JsonObject[] as unknown as readonly EntityInput[]
    const entities = EntityStore.from(inputs, { schema: set.schema })
    return {
      set,
      entities,
      actions: actionsOf(set.schema),
      attributes: new Map([...set.schema.entityTypes].map(([type, info]) => [type, info.attributes])),
      effects: new Map(set.policies.map(({ id, effect }) => [id, effect])),
      obligations: obligationsOf(set),
      ids: idsOf(entities),
    }
  } catch (error) {
    if (!(error instanceof CedarError)) throw error
    throw new SafeconductError('policy_invalid', {
      message: `The policy store is not valid: ${error.message}`,
      details: { problems: error.problems.slice(0, 16).map((problem) => problem.message) },
      cause: error,
    })
  }
}

/** `Action::"read"` is asked for as `read`, one in a namespace as `Namespace::read`. */
function actionsOf(schema: NonNullable<CompiledPolicySet['schema']>): ReadonlyMap<string, StoreAction> {
  const actions = new Map<string, StoreAction>()
  for (const { entity, context, principalTypes, resourceTypes } of schema.actions.values()) {
    const { type, id } = entity.uid
    actions.set(`${type.slice(0, -'Action'.length)}${id}`, {
      ref: { type, id },
      context,
      subjectTypes: principalTypes,
      resourceTypes,
      approvable: context.get('approved')?.type.kind === 'bool',
    })
  }
  return actions
}

function obligationsOf(set: CompiledPolicySet): ReadonlyMap<string, StoreObligation> {
  const obligations = new Map<string, StoreObligation>()
  for (const { id, annotations } of set.policies) {
    if (Object.hasOwn(annotations, 'obligation'))
      obligations.set(id, obligationOf(id, annotations.obligation ?? ''))
  }
  return obligations
}

const TYPE = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** `@obligation("step-up")`, or JSON with a type and properties. An unreadable one must not be passed over. */
function obligationOf(id: string, text: string): StoreObligation {
  if (TYPE.test(text)) return { id, type: text, properties: {} }
  const { type, properties = {} } = readObject(id, text)
  if (typeof type === 'string' && TYPE.test(type) && isJsonObject(properties)) return { id, type, properties }
  throw invalid(`The obligation of the policy ${id} is neither a type nor JSON with a type and properties.`)
}

function readObject(id: string, text: string): JsonObject {
  let value: JsonValue
  try {
    value = parseJson(text, { maxLength: 4096, maxDepth: 8 })
  } catch (cause) {
    throw invalid(`The obligation of the policy ${id} is not valid JSON.`, cause)
  }
  return isJsonObject(value) ? value : {}
}

function idsOf(entities: EntityStore): ReadonlyMap<string, readonly string[]> {
  const ids = new Map<string, string[]>()
  for (const { uid } of entities.values()) {
    const known = ids.get(uid.type)
    if (known === undefined) ids.set(uid.type, [uid.id])
    else known.push(uid.id)
  }
  for (const each of ids.values()) each.sort()
  return ids
}

function invalid(message: string, cause?: unknown): SafeconductError {
  return new SafeconductError('policy_invalid', { message, cause })
}
