/**
 * Arguments as policies see them, typed by the tool's JSON schema: integers are Longs, other numbers decimals. What
 * the schema does not type in a way Cedar can express is not there for policies at all; a value that does not fit
 * its type is reported, and the caller denies when a policy speaks of that argument.
 * @module
 */
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@safeconduct/protocol'
import type { PolicyRecord, PolicyValue } from './engine.ts'

export type ArgumentType =
  | { readonly kind: 'long' | 'decimal' | 'string' | 'boolean' }
  | { readonly kind: 'set'; readonly of: ArgumentType }
  | { readonly kind: 'record'; readonly fields: ReadonlyMap<string, ArgumentField> }

export interface ArgumentField {
  readonly type: ArgumentType
  readonly required: boolean
}

const MAX_DEPTH = 6
const MAX_FIELDS = 64
const SIMPLE: Readonly<Record<string, 'long' | 'decimal' | 'string' | 'boolean'>> = {
  integer: 'long',
  number: 'decimal',
  string: 'string',
  boolean: 'boolean',
}

/** Types of a tool's arguments; what cannot be typed is left out. Total: a broken schema types nothing. */
export function argumentTypes(inputSchema: JsonValue | undefined): ReadonlyMap<string, ArgumentField> {
  return fieldsOf(isJsonObject(inputSchema) ? inputSchema : {}, 0)
}

function fieldsOf(schema: JsonObject, depth: number): ReadonlyMap<string, ArgumentField> {
  const fields = new Map<string, ArgumentField>()
  const properties = schema.properties
  if (!isJsonObject(properties) || depth > MAX_DEPTH) return fields
  const required = schema.required
  const names = new Set(required !== undefined && isJsonArray(required) ? required : [])
  for (const [name, property] of Object.entries(properties).slice(0, MAX_FIELDS)) {
    // Cedar's JSON gives names that begin with two underscores a meaning of their own.
    if (name.startsWith('__') || name === '') continue
    const type = typeOf(property, depth + 1)
    if (type !== null) fields.set(name, { type, required: names.has(name) })
  }
  return fields
}

function typeOf(schema: JsonValue, depth: number): ArgumentType | null {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return null
  const name = typeName(schema)
  if (name === null) return null
  const simple = Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined
  if (simple !== undefined) return { kind: simple }
  if (name === 'array') {
    const items = schema.items
    const of = items === undefined ? null : typeOf(items, depth + 1)
    return of === null ? null : { kind: 'set', of }
  }
  return name === 'object' ? { kind: 'record', fields: fieldsOf(schema, depth) } : null
}

/** The one type besides null, also inside `anyOf`/`oneOf`; enums of strings are strings. */
function typeName(schema: JsonObject): string | null {
  const stated = schema.type
  if (typeof stated === 'string') return stated
  const names = new Set<string>()
  if (stated !== undefined && isJsonArray(stated)) {
    for (const name of stated) if (typeof name === 'string') names.add(name)
  }
  for (const branches of [schema.anyOf, schema.oneOf]) {
    if (branches === undefined || !isJsonArray(branches)) continue
    // A branch with a structure of its own would lose it here.
    for (const branch of branches) {
      const type = isJsonObject(branch) ? branch.type : undefined
      if (typeof type !== 'string' || type === 'object' || type === 'array') return null
      names.add(type)
    }
  }
  const listed = schema.enum
  if (names.size === 0 && listed !== undefined && isJsonArray(listed)) {
    return listed.length > 0 && listed.every((item) => typeof item === 'string') ? 'string' : null
  }
  names.delete('null')
  const [only] = names
  return names.size === 1 && only !== undefined ? only : null
}

export interface RepresentedArguments {
  readonly values: PolicyRecord
  /** Top-level names whose value does not fit the declared type. */
  readonly unfit: readonly string[]
}

export function representArguments(
  fields: ReadonlyMap<string, ArgumentField>,
  args: JsonObject,
): RepresentedArguments {
  const values: Record<string, PolicyValue> = {}
  const unfit: string[] = []
  for (const [name, field] of fields) {
    const given = Object.hasOwn(args, name) ? args[name] : undefined
    // An optional argument that is null says what leaving it out says.
    if (given === undefined || given === null) continue
    const value = represent(field.type, given)
    if (value === null) unfit.push(name)
    else values[name] = value
  }
  return { values, unfit }
}

function represent(type: ArgumentType, value: JsonValue): PolicyValue | null {
  switch (type.kind) {
    case 'string':
      return typeof value === 'string' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'long':
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : null
    case 'decimal':
      return typeof value === 'number' ? decimal(value) : null
    case 'set':
      return isJsonArray(value) ? all(type.of, value) : null
    case 'record':
      return isJsonObject(value) ? record(type.fields, value) : null
  }
}

function all(of: ArgumentType, items: readonly JsonValue[]): PolicyValue[] | null {
  const values: PolicyValue[] = []
  for (const item of items) {
    const value = represent(of, item)
    if (value === null) return null
    values.push(value)
  }
  return values
}

function record(fields: ReadonlyMap<string, ArgumentField>, value: JsonObject): PolicyRecord | null {
  const inner = representArguments(fields, value)
  return inner.unfit.length === 0 ? inner.values : null
}

const DECIMAL_LIMIT = 900_000_000_000_000

/** A Cedar decimal has four places and a 64-bit range; a number that would be rounded is no decimal. */
function decimal(value: number): PolicyValue | null {
  if (!Number.isFinite(value) || Math.abs(value) >= DECIMAL_LIMIT) return null
  const arg = value.toFixed(4)
  return Number(arg) === value ? { __extn: { fn: 'decimal', arg } } : null
}
