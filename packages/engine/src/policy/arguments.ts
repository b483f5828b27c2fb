/**
 * Arguments as policies see them, typed by the tool's JSON schema: integers are Longs, other numbers decimals. What
 * Cedar cannot say (a type of its own for each value, no type at all, a number that would be rounded) is not there for
 * policies; where an argument holds such a thing is reported, and the caller denies when a policy speaks of that place.
 * So no policy ever takes a missing argument for an absent one.
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

type SimpleKind = 'long' | 'decimal' | 'string' | 'boolean'

const MAX_DEPTH = 6
const MAX_FIELDS = 64
/** Types in the arguments of one tool: references could otherwise multiply without bound. */
const MAX_TYPES = 512
/** Steps of references to references. */
const MAX_HOPS = 8
const SIMPLE: Readonly<Record<string, SimpleKind>> = {
  integer: 'long',
  number: 'decimal',
  string: 'string',
  boolean: 'boolean',
}

/** Types of a tool's arguments; what cannot be typed is left out. Total: a broken schema types nothing. */
export function argumentTypes(inputSchema: JsonValue | undefined): ReadonlyMap<string, ArgumentField> {
  if (!isJsonObject(inputSchema)) return new Map()
  const reader: Reader = { root: inputSchema, left: MAX_TYPES }
  const resolved = dereferenced(reader, inputSchema)
  return resolved === null ? new Map() : fieldsOf(reader, resolved, 0)
}

interface Reader {
  readonly root: JsonObject
  left: number
}

function fieldsOf(reader: Reader, schema: JsonObject, depth: number): ReadonlyMap<string, ArgumentField> {
  const fields = new Map<string, ArgumentField>()
  const properties = own(schema, 'properties')
  if (!isJsonObject(properties) || depth > MAX_DEPTH) return fields
  const required = own(schema, 'required')
  const names = new Set(required !== undefined && isJsonArray(required) ? required : [])
  for (const [name, property] of Object.entries(properties).slice(0, MAX_FIELDS)) {
    // Cedar's JSON gives names that begin with two underscores a meaning of their own.
    if (name.startsWith('__') || name === '') continue
    const type = typeOf(reader, property, depth + 1)
    if (type !== null) fields.set(name, { type, required: names.has(name) })
  }
  return fields
}

function typeOf(reader: Reader, given: JsonValue | undefined, depth: number): ArgumentType | null {
  if (depth > MAX_DEPTH || --reader.left < 0) return null
  const schema = isJsonObject(given) ? dereferenced(reader, given) : null
  if (schema === null) return null
  const stated = own(schema, 'type')
  if (stated === undefined) return typeOfBranches(reader, schema, depth) ?? typeOfValues(schema)
  const name = onlyName(stated)
  if (name === null) return null
  if (name === 'array') {
    const of = typeOf(reader, own(schema, 'items'), depth + 1)
    return of === null ? null : { kind: 'set', of }
  }
  if (name === 'object') return { kind: 'record', fields: fieldsOf(reader, schema, depth) }
  const simple = Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined
  return simple === undefined ? null : { kind: simple }
}

/** `type`: the one name besides null; an integer is a number, too. */
function onlyName(stated: JsonValue): string | null {
  if (typeof stated === 'string') return stated
  if (!isJsonArray(stated)) return null
  const names = new Set(stated)
  names.delete('null')
  if (names.has('number')) names.delete('integer')
  const [only] = names
  return names.size === 1 && typeof only === 'string' ? only : null
}

/** What `anyOf`, `oneOf` or `allOf` come to: one branch besides null, or branches of one simple type. */
function typeOfBranches(reader: Reader, schema: JsonObject, depth: number): ArgumentType | null {
  const branches = ['anyOf', 'oneOf', 'allOf']
    .flatMap((name): readonly JsonValue[] => {
      const list = own(schema, name)
      return list !== undefined && isJsonArray(list) ? list : []
    })
    .filter((branch) => !isNull(branch))
  const [first] = branches
  if (first === undefined || branches.length > MAX_FIELDS) return null
  const type = typeOf(reader, first, depth)
  if (branches.length === 1 || type === null) return type
  // Structures of several shapes would each lose something as the type of another.
  if (type.kind === 'set' || type.kind === 'record') return null
  const same = branches.slice(1).every((branch) => typeOf(reader, branch, depth)?.kind === type.kind)
  return same ? type : null
}

function isNull(schema: JsonValue): boolean {
  return isJsonObject(schema) && (own(schema, 'type') === 'null' || own(schema, 'const') === null)
}

/** `const` and `enum` without a type: all strings, all booleans or all integers. */
function typeOfValues(schema: JsonObject): ArgumentType | null {
  const only = own(schema, 'const')
  const listed = own(schema, 'enum')
  const values = only !== undefined ? [only] : listed !== undefined && isJsonArray(listed) ? listed : []
  const kinds = new Set(values.filter((value) => value !== null).map(kindOfValue))
  const [kind] = kinds
  return kinds.size === 1 && kind !== undefined && kind !== null ? { kind } : null
}

function kindOfValue(value: JsonValue): SimpleKind | null {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'boolean'
  return Number.isSafeInteger(value) ? 'long' : null
}

/** Follows `$ref` within the schema itself; null when it leads elsewhere, nowhere or round in circles. */
function dereferenced(reader: Reader, schema: JsonObject): JsonObject | null {
  let at = schema
  for (let hop = 0; hop <= MAX_HOPS; hop++) {
    const ref = own(at, '$ref')
    if (ref === undefined) return at
    const target = typeof ref === 'string' ? pointed(reader.root, ref) : null
    if (target === null) return null
    at = target
  }
  return null
}

/** RFC 6901, as a fragment. */
function pointed(root: JsonObject, ref: string): JsonObject | null {
  if (ref !== '#' && !ref.startsWith('#/')) return null
  let at: JsonValue | undefined = root
  for (const step of ref.split('/', MAX_HOPS + 1).slice(1)) {
    const name = unescaped(step)
    at = name !== null && isJsonObject(at) ? own(at, name) : undefined
  }
  return isJsonObject(at) ? at : null
}

function unescaped(step: string): string | null {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return null
  }
}

function own(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

export interface RepresentedArguments {
  readonly values: PolicyRecord
  /** Where something was given that `values` does not hold as it is: names joined by dots, as policies spell them. */
  readonly unfit: readonly string[]
}

export function representArguments(
  fields: ReadonlyMap<string, ArgumentField>,
  args: JsonObject,
): RepresentedArguments {
  const unfit: string[] = []
  return { values: recordOf(fields, args, '', unfit), unfit }
}

function recordOf(
  fields: ReadonlyMap<string, ArgumentField>,
  given: JsonObject,
  path: string,
  unfit: string[],
): PolicyRecord {
  const values: Record<string, PolicyValue> = {}
  for (const name of Object.keys(given)) {
    const value = given[name]
    // An optional argument that is null says what leaving it out says.
    if (value === undefined || value === null) continue
    const field = fields.get(name)
    const represented = field === undefined ? null : represent(field.type, value, `${path}${name}`, unfit)
    if (represented === null) unfit.push(`${path}${name}`)
    else values[name] = represented
  }
  return values
}

/** null when the value as a whole does not fit; what does not fit inside a record is added to `unfit`. */
function represent(type: ArgumentType, value: JsonValue, path: string, unfit: string[]): PolicyValue | null {
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
      return isJsonArray(value) ? setOf(type.of, value) : null
    case 'record':
      return isJsonObject(value) ? recordOf(type.fields, value, `${path}.`, unfit) : null
  }
}

/** Members have no names, so one that does not fit in any part is a set that does not fit. */
function setOf(of: ArgumentType, items: readonly JsonValue[]): PolicyValue[] | null {
  const values: PolicyValue[] = []
  const unfit: string[] = []
  for (const item of items) {
    const value = represent(of, item, '', unfit)
    if (value === null || unfit.length > 0) return null
    values.push(value)
  }
  return values
}

const DECIMAL_LIMIT = 900_000_000_000_000

/** A Cedar decimal has four places and a 64-bit range; a number that would be rounded is no decimal. */
function decimal(value: number): PolicyValue | null {
  if (!Number.isFinite(value) || Math.abs(value) >= DECIMAL_LIMIT) return null
  const arg = value.toFixed(4)
  return Number(arg) === value ? { __extn: { fn: 'decimal', arg } } : null
}
