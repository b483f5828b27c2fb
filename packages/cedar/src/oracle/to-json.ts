/**
 * Values and entities in the JSON form that cedar-wasm takes, with every escape written out.
 *
 * @module
 */

import type { CedarValueJson, EntityJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Entity } from '../entities/entity.ts'
import { CedarError } from '../errors.ts'
import { Datetime } from '../extensions/datetime.ts'
import { CedarRecord, CedarSet, EntityUid, type Value } from '../values.ts'

/** @throws {CedarError} `not_translatable` for a Long beyond 2^53-1, which cedar-wasm would round */
function valueToJson(value: Value): CedarValueJson {
  if (typeof value === 'bigint')
    throw new CedarError('not_translatable', 'cedar-wasm rounds a Long beyond 2^53-1')
  if (typeof value !== 'object') return value
  if (value instanceof EntityUid) return { __entity: uidToJson(value) }
  if (value instanceof CedarSet) return [...value].map(valueToJson)
  if (value instanceof CedarRecord) return fieldsToJson(value.fields)
  if (value instanceof Datetime) return datetimeToJson(value)
  return { __extn: { fn: value.kind === 'ipaddr' ? 'ip' : value.kind, arg: value.toString() } }
}

export function uidToJson({ type, id }: EntityUid): { type: string; id: string } {
  return { type, id }
}

export function entityToJson(entity: Entity): EntityJson {
  return {
    uid: uidToJson(entity.uid),
    attrs: fieldsToJson(entity.attributes),
    parents: entity.parents.map(uidToJson),
    tags: fieldsToJson(entity.tags),
  }
}

export function fieldsToJson(fields: ReadonlyMap<string, Value>): Record<string, CedarValueJson> {
  return Object.fromEntries([...fields].map(([name, value]) => [name, valueToJson(value)]))
}

/** No text of a datetime reaches beyond year 9999, but an offset from the epoch does. */
function datetimeToJson(value: Datetime): CedarValueJson {
  const epoch = { __extn: { fn: 'datetime', arg: '1970-01-01' } }
  const since = { __extn: { fn: 'duration', arg: `${value.epochMilliseconds}ms` } }
  return { __extn: { fn: 'offset', args: [epoch, since] } }
}
