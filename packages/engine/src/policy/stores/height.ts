/**
 * How high the entities of a store are stacked. What an entity is in is looked up over all its ancestors, so a chain as
 * long as the store would cost the square of its length; real hierarchies are a few steps high.
 * @module
 */
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@safeconduct/protocol'

/** Steps from an entity to its furthest ancestor. */
export const MAX_HEIGHT = 256

/** Entities in a circle, and what is no entity, count for nothing here: whoever reads them refuses them by name. */
export function isTooHigh(entities: readonly JsonObject[]): boolean {
  const waits = new Map<string, number>()
  const children = new Map<string, string[]>()
  for (const { uid, parents } of entities) {
    const key = keyOf(uid)
    if (key === null || parents === undefined || !isJsonArray(parents)) continue
    for (const parent of parents.map(keyOf)) {
      if (parent === null) continue
      waits.set(key, (waits.get(key) ?? 0) + 1)
      const below = children.get(parent)
      if (below === undefined) children.set(parent, [key])
      else below.push(key)
    }
  }
  // From the top down; an entity is placed once all its parents are.
  let level = [...children.keys()].filter((key) => !waits.has(key))
  for (let height = 0; level.length > 0; height++) {
    if (height > MAX_HEIGHT) return true
    const next: string[] = []
    for (const child of level.flatMap((key) => children.get(key) ?? [])) {
      const left = (waits.get(child) ?? 0) - 1
      waits.set(child, left)
      if (left === 0) next.push(child)
    }
    level = next
  }
  return false
}

function keyOf(value: JsonValue | undefined): string | null {
  const given = isJsonObject(value) && isJsonObject(value.__entity) ? value.__entity : value
  return isJsonObject(given) ? JSON.stringify([given.type, given.id]) : null
}
