/**
 * Reading values, entities and requests as a schema declares them.
 *
 * @module
 */

import type { Entity } from '../entities/entity.ts'
import { CedarError } from '../errors.ts'
import { Datetime, Duration } from '../extensions/datetime.ts'
import { Decimal } from '../extensions/decimal.ts'
import { IpAddress } from '../extensions/ip.ts'
import { construct, extensionFrom } from '../json.ts'
import { longFrom } from '../long.ts'
import { entityUid, isActionType } from '../names.ts'
import { CedarRecord, CedarSet, type EntityUid, type Value } from '../values.ts'
import type { CedarSchema } from './schema.ts'
import { type AttributeType, describe, type ExtensionName, type SchemaType } from './types.ts'

const constructors: { readonly [name in ExtensionName]: string } = {
  ipaddr: 'ip',
  decimal: 'decimal',
  datetime: 'datetime',
  duration: 'duration',
}

/**
 * The value that `json` means where the schema expects `type`. Entities and extension values may come with or
 * without their escape. Nesting is bounded by the type.
 *
 * @throws {CedarError} `value_invalid`
 */
function conformValue(json: unknown, type: SchemaType, schema: CedarSchema): Value {
  switch (type.kind) {
    case 'bool':
      if (typeof json === 'boolean') return json
      break
    case 'string':
      if (typeof json === 'string') return json
      break
    case 'long':
      if (typeof json === 'number' || typeof json === 'bigint') return longFrom(json)
      break
    case 'set': {
      const members: readonly unknown[] | undefined =
        json instanceof CedarSet ? [...json] : Array.isArray(json) ? json : undefined
      if (members === undefined) break
      return new CedarSet(members.map((member) => conformValue(member, type.element, schema)))
    }
    case 'record':
      if (isObject(json)) return new CedarRecord(conformFields(json, type.attributes, schema))
      break
    case 'entity':
      if (isObject(json)) return conformEntityUid(json, type.name, schema)
      break
    case 'extension': {
      const value = conformExtension(json, type.name)
      if (value?.kind === type.name) return value
      break
    }
  }
  throw new CedarError('value_invalid', `${describe(type)} is expected`)
}

/** Exactly the declared attributes, optional ones perhaps missing. @throws {CedarError} naming the path */
export function conformFields(
  json: object,
  attributes: ReadonlyMap<string, AttributeType>,
  schema: CedarSchema,
): Map<string, Value> {
  const fields = new Map<string, Value>()
  const names = json instanceof CedarRecord ? json.fields.keys() : Object.keys(json)
  for (const name of names) {
    const attribute = attributes.get(name)
    if (attribute === undefined)
      throw new CedarError('value_invalid', `the attribute \`${name}\` is not declared`)
    const value =
      json instanceof CedarRecord ? json.fields.get(name) : (json as Record<string, unknown>)[name]
    fields.set(name, conformNamed(name, value, attribute.type, schema))
  }
  if (fields.size < attributes.size) checkRequired(fields, attributes)
  return fields
}

function conformNamed(name: string, value: unknown, type: SchemaType, schema: CedarSchema): Value {
  try {
    return conformValue(value, type, schema)
  } catch (cause) {
    if (!(cause instanceof CedarError)) throw cause
    throw new CedarError(cause.code, `in \`${name}\`: ${cause.message}`)
  }
}

function checkRequired(
  fields: ReadonlyMap<string, Value>,
  attributes: ReadonlyMap<string, AttributeType>,
): void {
  for (const [name, attribute] of attributes) {
    if (attribute.required && !fields.has(name)) {
      throw new CedarError('value_invalid', `the attribute \`${name}\` is missing`)
    }
  }
}

/** @throws {CedarError} `entity_invalid`, `value_invalid` */
export function conformEntity(
  schema: CedarSchema,
  entity: { uid: EntityUid; attributes: object; tags: object; parents: readonly EntityUid[] },
): Entity {
  const { uid, parents } = entity
  if (isActionType(uid.type)) return conformAction(schema, uid, parents)
  const info = schema.entityTypes.get(uid.type)
  if (info === undefined)
    throw new CedarError('entity_invalid', `the schema has no entity type \`${uid.type}\``)
  checkId(schema, uid)
  for (const parent of parents) {
    checkId(schema, parent)
    if (!info.ancestorTypes.has(parent.type)) {
      throw new CedarError('entity_invalid', `\`${uid.type}\` cannot be in \`${parent.type}\``)
    }
  }
  const attributes = conformFields(entity.attributes, info.attributes, schema)
  return { uid, attributes, tags: conformTags(uid, entity.tags, info.tags, schema), parents }
}

const noTags: ReadonlyMap<string, Value> = new Map()

function conformTags(
  uid: EntityUid,
  tags: object,
  type: SchemaType | undefined,
  schema: CedarSchema,
): ReadonlyMap<string, Value> {
  const given = Object.entries(tags)
  if (given.length === 0) return noTags
  if (type === undefined) throw new CedarError('entity_invalid', `\`${uid.type}\` has no tags`)
  return new Map(given.map(([name, value]) => [name, conformValue(value, type, schema)]))
}

/** An action is what the schema says; a copy of it may be given, with all ancestors or only the direct ones. */
function conformAction(schema: CedarSchema, uid: EntityUid, parents: readonly EntityUid[]): Entity {
  const declared = schema.actions.get(uid.key)?.entity
  const above = schema.actionEntities.ancestors(uid.key)
  if (declared === undefined || parents.some((parent) => !above.has(parent.key))) {
    throw new CedarError('entity_invalid', `the action ${uid} is not as the schema declares it`)
  }
  return declared
}

/** @throws {CedarError} `entity_invalid` for an id that an enumerated type does not have */
export function checkId(schema: CedarSchema, uid: EntityUid): void {
  const ids = schema.entityTypes.get(uid.type)?.ids
  if (ids !== undefined && !ids.has(uid.id)) {
    throw new CedarError('entity_invalid', `\`${uid.type}\` has no member of that id`)
  }
}

function conformEntityUid(json: object, type: string, schema: CedarSchema): EntityUid {
  const uid = entityUid('__entity' in json ? json.__entity : json)
  if (uid.type !== type) throw new CedarError('value_invalid', `${type} is expected`)
  checkId(schema, uid)
  return uid
}

type ExtensionValue = Decimal | IpAddress | Datetime | Duration

function conformExtension(json: unknown, name: ExtensionName): ExtensionValue | undefined {
  const value = typeof json === 'string' ? construct(constructors[name], [json]) : extensionObject(json)
  const known =
    value instanceof Decimal ||
    value instanceof IpAddress ||
    value instanceof Datetime ||
    value instanceof Duration
  return known ? value : undefined
}

function extensionObject(json: unknown): Value | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  if ('kind' in json) return json as Value
  return extensionFrom('__extn' in json ? json.__extn : json)
}

function isObject(json: unknown): json is object {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
