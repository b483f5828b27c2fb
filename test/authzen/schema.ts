/**
 * The part of JSON Schema that the published schemas use: types, required members, properties. Any other keyword that
 * could refuse something is an error, so that nothing is passed over.
 */
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@safeconduct/protocol'

const SPOKEN = new Set(['type', 'required', 'properties'])
const SAID = new Set(['$schema', '$id', '$comment', 'title', 'description', 'example', 'examples'])

export function problemsOf(schema: JsonObject, value: JsonValue, at = ''): string[] {
  const unknown = Object.keys(schema).filter((key) => !SPOKEN.has(key) && !SAID.has(key))
  if (unknown.length > 0) return [`the schema uses ${unknown.join(', ')}`]
  const { type, required = [], properties = {} } = schema
  if (typeof type === 'string' && typeName(value) !== type)
    return [`${at} is ${typeName(value)}, not ${type}`]
  if (!isJsonObject(value) || !isJsonArray(required) || !isJsonObject(properties)) return []
  const missing = required.filter((name) => typeof name === 'string' && !Object.hasOwn(value, name))
  const inside = Object.entries(properties).flatMap(([name, member]) => {
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    return given === undefined || !isJsonObject(member) ? [] : problemsOf(member, given, `${at}/${name}`)
  })
  return [...missing.map((name) => `${at} has no ${String(name)}`), ...inside]
}

function typeName(value: JsonValue): string {
  if (value === null) return 'null'
  return isJsonArray(value) ? 'array' : typeof value
}
