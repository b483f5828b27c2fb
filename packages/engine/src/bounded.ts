/**
 * Maps that stay small by forgetting what was used longest ago.
 * @module
 */

/** Keeps a Map at most `limit` long by dropping what was touched longest ago. */
export function touch<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > limit) {
    const oldest = map.keys().next()
    if (oldest.done !== true) map.delete(oldest.value)
  }
}
