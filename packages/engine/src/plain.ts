/**
 * State as JSON and back, exactly. A Map is `["~map", [key, value]…]`; a number that JSON cannot write (-0, NaN, ±Infinity)
 * is `["~number", text]`; an array that begins with a string beginning with `~` is `["~array", …]`; everything else is
 * itself. Only plain objects, arrays, Maps and scalars may occur.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'

export function encode(value: unknown): JsonValue {
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : unwritable(value)
  if (value === null || typeof value !== 'object') return value as JsonValue
  if (value instanceof Map)
    return ['~map', ...[...value].map(([key, item]): JsonValue => [String(key), encode(item)])]
  return Array.isArray(value) ? encodeArray(value) : (mapMembers(value, encode) as JsonValue)
}

function unwritable(value: number): JsonValue {
  return ['~number', Object.is(value, -0) ? '-0' : String(value)]
}

/** The value itself when nothing in it has to be written otherwise: most of a state is plain JSON already. */
function encodeArray(value: readonly unknown[]): JsonValue {
  const items = mapItems(value, encode)
  const tagged = typeof items[0] === 'string' && items[0].startsWith('~')
  return (tagged ? ['~array', ...items] : items) as JsonValue
}

export function decode(value: JsonValue): unknown {
  if (value === null || typeof value !== 'object') return value
  if (!Array.isArray(value)) return mapMembers(value, (item) => decode(item as JsonValue))
  const [tag, ...items] =
    typeof value[0] === 'string' && value[0].startsWith('~') ? (value as JsonValue[]) : []
  if (tag === '~number') return Number(items[0])
  if (tag === '~map') return new Map(items.map((item) => entry(item)))
  return mapItems(tag === '~array' ? items : value, (item) => decode(item as JsonValue))
}

function entry(item: JsonValue): [string, unknown] {
  const [key, value] = Array.isArray(item) ? (item as JsonValue[]) : []
  return [String(key), decode(value ?? null)]
}

/** A copy only where an item changes. */
function mapItems(value: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  let items: unknown[] | null = null
  for (let i = 0; i < value.length; i++) {
    const changed = change(value[i])
    if (changed === value[i]) continue
    items ??= [...value]
    items[i] = changed
  }
  return items ?? value
}

const OWN = { enumerable: true, configurable: true, writable: true } as const

/** A copy only where a member changes, or is there without a value. */
function mapMembers(value: object, change: (item: unknown) => unknown): object {
  let members: Record<string, unknown> | null = null
  for (const key of Object.keys(value)) {
    const item: unknown = (value as Readonly<Record<string, unknown>>)[key]
    const changed = change(item)
    if (changed === item && item !== undefined) continue
    members ??= { ...value }
    if (item === undefined) delete members[key]
    // An assignment by this name would set the prototype.
    else if (key === '__proto__') Object.defineProperty(members, key, { ...OWN, value: changed })
    else members[key] = changed
  }
  return members ?? value
}
