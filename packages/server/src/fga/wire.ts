/**
 * OpenFGA's requests as schemas, and its shapes out of ours. Unknown members are left aside, as OpenFGA does.
 * @module
 */
import { isJsonObject, type JsonObject, type RelationTuple } from '@safeconduct/protocol'
import type { ExpandNode, Tuple } from '@safeconduct/relations'
import * as z from 'zod'
import { FgaError } from './errors.ts'

const name = z.string().max(512)
const jsonObject = z.custom<JsonObject>(isJsonObject as (value: unknown) => boolean, 'must be an object')

const keySchema = z.object({ user: name, relation: name, object: name })
export const tupleSchema = keySchema.extend({
  condition: z
    .object({ name, context: jsonObject.nullish() })
    .nullish()
    .transform((condition) => (condition?.name === '' ? null : condition)),
  /** Ours, not OpenFGA's: RFC 3339; from then on the tuple does not count. */
  expires_at: z.iso.datetime({ offset: true }).optional(),
})
const contextual = z.object({ tuple_keys: z.array(tupleSchema).max(1000) })

const question = {
  authorization_model_id: z.string().max(64).nullish(),
  context: jsonObject.nullish(),
  contextual_tuples: contextual.nullish(),
  /** Every answer sees every write that was answered before: each preference is met. */
  consistency: z.enum(['UNSPECIFIED', 'MINIMIZE_LATENCY', 'HIGHER_CONSISTENCY']).nullish(),
}

export const createStoreSchema = z.object({ name: z.string().min(3).max(64) })
export const modelSchema = z.looseObject({})
export const writeSchema = z.object({
  writes: z
    .object({
      tuple_keys: z.array(tupleSchema).min(1).max(10_000),
      on_duplicate: z.enum(['error', 'ignore']).optional(),
    })
    .nullish(),
  deletes: z
    .object({
      tuple_keys: z.array(keySchema).min(1).max(10_000),
      on_missing: z.enum(['error', 'ignore']).optional(),
    })
    .nullish(),
  authorization_model_id: z.string().max(64).nullish(),
})
const paging = {
  page_size: z.int().min(1).max(100).nullish(),
  continuation_token: z.string().max(8192).nullish(),
}
export const readSchema = z.object({
  tuple_key: z.object({ user: name.nullish(), relation: name.nullish(), object: name.nullish() }).nullish(),
  ...paging,
})
export const checkSchema = z.object({ ...question, tuple_key: keySchema })
export const batchSchema = z.object({
  ...question,
  checks: z
    .array(
      z.object({
        tuple_key: keySchema,
        context: question.context,
        contextual_tuples: question.contextual_tuples,
        correlation_id: z.string().regex(/^[\w-]{1,36}$/, 'is 1 to 36 letters, digits, _ or -'),
      }),
    )
    .min(1)
    .max(1000),
})
export const expandSchema = z.object({
  ...question,
  tuple_key: z.object({ relation: name, object: name }),
})
export const listObjectsSchema = z.object({ ...question, type: name, relation: name, user: name })
export const listUsersSchema = z.object({
  ...question,
  object: z.object({ type: name, id: name }),
  relation: name,
  user_filters: z.array(z.object({ type: name, relation: name.nullish() })).length(1),
  contextual_tuples: z.array(tupleSchema).max(1000).nullish(),
})
export const assertionsSchema = z.object({
  assertions: z
    .array(
      z.object({
        tuple_key: keySchema,
        expectation: z.boolean(),
        contextual_tuples: z.array(tupleSchema).max(20).nullish(),
        context: jsonObject.nullish(),
      }),
    )
    .max(100),
})

const pageQuery = {
  page_size: z.coerce.number().int().min(1).max(100).optional(),
  continuation_token: z.string().max(8192).optional(),
}
export const storesQuery = z.object({ ...pageQuery, name: z.string().max(64).optional() })
export const modelsQuery = z.object(pageQuery)
export const changesQuery = z.object({
  ...pageQuery,
  type: z.string().max(254).optional(),
  start_time: z.iso.datetime({ offset: true }).optional(),
})

type TupleKey = z.infer<typeof tupleSchema>

export function toTuple({ user, relation, object, condition, expires_at }: TupleKey): Tuple {
  return {
    user,
    relation,
    object,
    ...(condition == null ? {} : { condition: { name: condition.name, context: condition.context ?? {} } }),
    ...(expires_at === undefined ? {} : { expiresAt: Date.parse(expires_at) }),
  }
}

export function circumstances(asked: {
  readonly authorization_model_id?: string | null | undefined
  readonly context?: JsonObject | null | undefined
  readonly contextual_tuples?: { readonly tuple_keys: readonly TupleKey[] } | null | undefined
}) {
  const { authorization_model_id: model, context, contextual_tuples: more } = asked
  return {
    // Clients send an empty text for the newest one.
    ...(model == null || model === '' ? {} : { model }),
    ...(context == null ? {} : { context }),
    ...(more == null ? {} : { contextualTuples: more.tuple_keys.map(toTuple) }),
  }
}

export function fromTuple({ user, relation, object, condition, expiresAt }: Tuple | RelationTuple): object {
  return {
    user,
    relation,
    object,
    ...(condition == null ? {} : { condition: { name: condition.name, context: condition.context ?? {} } }),
    ...(expiresAt == null ? {} : { expires_at: new Date(expiresAt).toISOString() }),
  }
}

export const instant = (at: number): string => new Date(at).toISOString()

/** OpenFGA's tree; every node repeats whose relation it is about. */
export function treeOf(node: ExpandNode, name: string): object {
  switch (node.kind) {
    case 'users':
      return { name, leaf: { users: { users: node.users.map(({ user }) => user) } } }
    case 'computed':
      return { name, leaf: { computed: { userset: node.userset } } }
    case 'from': {
      const computed = node.usersets.map((userset) => ({ userset }))
      return { name, leaf: { tupleToUserset: { tupleset: node.tupleset, computed } } }
    }
    case 'difference':
      return {
        name,
        difference: { base: treeOf(node.base, name), subtract: treeOf(node.subtract, name) },
      }
    default:
      return { name, [node.kind]: { nodes: node.nodes.map((inner) => treeOf(inner, name)) } }
  }
}

/** `group:a#member`, `user:*`, `user:anne` as the three shapes of a listed user. */
export function userOf(text: string): object {
  const colon = text.indexOf(':')
  const hash = text.indexOf('#')
  const type = text.slice(0, colon)
  if (hash >= 0) return { userset: { type, id: text.slice(colon + 1, hash), relation: text.slice(hash + 1) } }
  const id = text.slice(colon + 1)
  return id === '*' ? { wildcard: { type } } : { object: { type, id } }
}

/** Where a listing goes on; says what it lists, so that one cannot be used for another. */
export const writeToken = (of: string, after: string | number): string =>
  Buffer.from(JSON.stringify([of, after])).toString('base64url')

/** @throws FgaError `invalid_continuation_token` */
export function readToken(token: string, of: string): string | number {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
  } catch {
    parts = null
  }
  const [kind, after]: unknown[] = Array.isArray(parts) ? parts : []
  if (kind !== of || (typeof after !== 'string' && !Number.isSafeInteger(after)))
    throw new FgaError(400, 'invalid_continuation_token', 'The continuation token belongs to something else.')
  return typeof after === 'string' ? after : Number(after)
}
