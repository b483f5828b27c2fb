/**
 * JSON as a schema can take it: what is not declared is not there, null says what leaving out says, a number is a
 * decimal where one is declared. What does not fit its type is left for the reader of the entity or context to refuse.
 * @module
 */
import type { AttributeType, SchemaType } from '@safeconduct/cedar'
import type { JsonObject, JsonValue } from '@safeconduct/protocol'
import { isJsonArray, isJsonObject } from '@safeconduct/protocol'

type Declared = ReadonlyMap<string, AttributeType>

export function fitFields(given: JsonObject, declared: Declared): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null)
  for (const [name, { type }] of declared) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    if (value !== undefined && value !== null) fields[name] = fitValue(value, type)
  }
  return fields
}

function fitValue(value: JsonValue, type: SchemaType): unknown {
  switch (type.kind) {
    case 'record':
      return isJsonObject(value) ? fitFields(value, type.attributes) : value
    case 'set':
      return isJsonArray(value) ? value.map((member) => fitValue(member, type.element)) : value
    case 'extension':
      return type.name === 'decimal' && typeof value === 'number' ? decimal(value) : value
    default:
      return value
  }
}

const PLACES = 4

/** A number that four places cannot say stays a number, which is no decimal. */
function decimal(value: number): unknown {
  const text = value.toFixed(PLACES)
  return Number(text) === value ? { __extn: { fn: 'decimal', arg: text } } : value
}
