/**
 * Live state as JSON and back. Maps keep their order (bounded maps forget by it), numbers are doubles as JSON prints
 * them, so restored state decides bit for bit as the one it was taken from.
 *
 * Encoding: a Map is `["~map", [key, value]…]`; an array that begins with a string beginning with `~` is
 * `["~array", …]`; everything else is itself. Only plain objects, arrays, Maps and scalars may occur.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import { emptyLive, type Live } from './state.ts'

const VERSION = 1

export function snapshotLive(live: Live): JsonValue {
  return { version: VERSION, live: encode(live) }
}

/** null when the snapshot is of another version: the state is then rebuilt from the ledger. */
export function restoreLive(snapshot: JsonValue): Live | null {
  if (snapshot === null || typeof snapshot !== 'object' || !('version' in snapshot)) return null
  if (snapshot.version !== VERSION || snapshot.live === undefined) return null
  // Shape is ours: the snapshot was sealed under the tenant's key by this code at this version.
  return { ...emptyLive(), ...(decode(snapshot.live) as Live) }
}

export function encode(value: unknown): JsonValue {
  if (value === null || typeof value !== 'object') return value as JsonValue
  if (value instanceof Map)
    return ['~map', ...[...value].map(([key, item]): JsonValue => [String(key), encode(item)])]
  if (Array.isArray(value)) {
    const items = value.map(encode)
    return typeof items[0] === 'string' && items[0].startsWith('~') ? ['~array', ...items] : items
  }
  const members: Record<string, JsonValue> = {}
  for (const [key, item] of Object.entries(value)) if (item !== undefined) define(members, key, encode(item))
  return members
}

export function decode(value: JsonValue): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) {
    const [tag, ...items] = value as JsonValue[]
    if (tag === '~map') return new Map(items.map((item) => entry(item)))
    return tag === '~array' ? items.map(decode) : (value as JsonValue[]).map(decode)
  }
  const members: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) define(members, key, decode(item as JsonValue))
  return members
}

function entry(item: JsonValue): [string, unknown] {
  const [key, value] = Array.isArray(item) ? (item as JsonValue[]) : []
  return [String(key), decode(value ?? null)]
}

/** Assignment that a key named `__proto__` cannot divert. */
function define(members: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true })
  else members[key] = value
}
