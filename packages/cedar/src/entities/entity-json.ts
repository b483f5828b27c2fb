/**
 * Entities from Cedar's JSON form.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import { fieldsFromObject, type Json, parseJson } from '../json.ts'
import { type EntityRef, entityUid } from '../names.ts'
import { conformEntity } from '../schema/conform.ts'
import type { CedarSchema } from '../schema/schema.ts'
import type { EntityUid, Value } from '../values.ts'
import type { Entity } from './entity.ts'

/** What callers write. Attributes and tags are JSON or plain JavaScript values (`json.ts`), `bigint` included. */
export interface EntityInput {
  readonly uid: EntityRef | { readonly __entity: EntityRef }
  readonly attrs?: object
  readonly parents?: readonly (EntityRef | { readonly __entity: EntityRef })[]
  readonly tags?: object
}

/** What is left out, shared. */
const nothing: object = Object.freeze({})
const noFields: ReadonlyMap<string, Value> = new Map()
const noParents: readonly EntityUid[] = []

/**
 * With a schema, attributes and tags are read as it declares them: what it calls an entity or an extension value
 * may be written without the `__entity` or `__extn` escape.
 *
 * @throws {CedarError} `entity_invalid`, `value_invalid`, `limit_exceeded`
 */
export function entityFrom(input: EntityInput, schema?: CedarSchema): Entity {
  if (typeof input !== 'object' || input === null)
    throw new CedarError('entity_invalid', 'an entity is an object')
  const uid = wrappedUid(input.uid)
  try {
    const { parents: above } = input
    const parents = above === undefined || above.length === 0 ? noParents : above.map(wrappedUid)
    const attributes = objectOf(input.attrs, 'attrs')
    const tags = objectOf(input.tags, 'tags')
    if (schema !== undefined) return conformEntity(schema, { uid, attributes, tags, parents })
    return { uid, attributes: fieldsFrom(attributes), tags: fieldsFrom(tags), parents }
  } catch (cause) {
    if (!(cause instanceof CedarError)) throw cause
    throw new CedarError(cause.code, `in entity ${uid}: ${cause.message}`, [], cause)
  }
}

/** Entities of a JSON text, integers exact. @throws {CedarError} `json_invalid`, `entity_invalid` */
export function entityInputs(text: string): EntityInput[] {
  const json: Json = parseJson(text)
  if (!Array.isArray(json)) throw new CedarError('entity_invalid', 'entities are a JSON array')
  return json
}

export function wrappedUid(ref: unknown): EntityUid {
  if (typeof ref === 'object' && ref !== null && '__entity' in ref) return entityUid(ref.__entity)
  return entityUid(ref)
}

function fieldsFrom(json: object): ReadonlyMap<string, Value> {
  const fields = json === nothing ? noFields : fieldsFromObject(json, 0)
  return fields.size === 0 ? noFields : fields
}

function objectOf(value: object | undefined, name: string): object {
  if (value === undefined) return nothing
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CedarError('entity_invalid', `\`${name}\` is an object`)
  }
  return value
}
