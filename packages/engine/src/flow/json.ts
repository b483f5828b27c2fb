/**
 * Bounded walks over JSON values.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'

export type { JsonObject, JsonValue } from '@safeconduct/protocol'

/** One scalar inside an argument or a structured result; `path` is dotted, array positions are `[n]`. */
export interface ScalarLeaf {
  readonly path: string
  readonly key: string
  readonly value: string | number | boolean
}

/** Bounds of one walk: what lies deeper or beyond is reported by `truncated`, never silently dropped. */
export const WALK_LIMITS = { depth: 32, leaves: 256 } as const

interface WalkFrame {
  readonly value: unknown
  readonly path: string
  readonly key: string
  readonly depth: number
}

/**
 * Scalars of a JSON value in document order. Iterative, so a value nested 10,000 deep costs no stack; non-JSON
 * input (functions, undefined) is skipped.
 */
export function scalars(
  root: unknown,
  limits: { readonly depth: number; readonly leaves: number } = WALK_LIMITS,
): { leaves: ScalarLeaf[]; truncated: boolean } {
  const leaves: ScalarLeaf[] = []
  const stack: WalkFrame[] = [{ value: root, path: '', key: '', depth: 0 }]
  let truncated = false
  while (stack.length > 0) {
    const frame = stack.pop()
    if (frame === undefined) break
    const { value, path, key, depth } = frame
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      if (leaves.length >= limits.leaves) return { leaves, truncated: true }
      leaves.push({ path, key, value })
      continue
    }
    if (typeof value !== 'object' || value === null) continue
    if (depth >= limits.depth) {
      truncated = true
      continue
    }
    const entries = childEntries(value, path, key)
    if (entries.length > limits.leaves * 4) truncated = true
    for (let i = Math.min(entries.length, limits.leaves * 4) - 1; i >= 0; i--) {
      const entry = entries[i]
      if (entry !== undefined) stack.push({ ...entry, depth: depth + 1 })
    }
  }
  return { leaves, truncated }
}

function childEntries(
  value: object,
  path: string,
  key: string,
): { value: unknown; path: string; key: string }[] {
  if (Array.isArray(value)) return value.map((item, i) => ({ value: item, path: `${path}[${i}]`, key }))
  return Object.entries(value).map(([name, item]) => ({
    value: item,
    path: path === '' ? name : `${path}.${name}`,
    key: name,
  }))
}

/** A plain object, or an empty one: arguments that are no object are a defined case, not an exception. */
export function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}
