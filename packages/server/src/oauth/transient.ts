/**
 * Records that need not outlive the process: the library's own sessions and interactions. Bounded; the oldest goes
 * first, and what is expired is never returned.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'

export interface Transient {
  set(id: string, value: JsonObject, expiresAt: number): void
  get(id: string, now: number): JsonObject | null
  delete(id: string): void
  /** The first record whose member has this value. */
  find(member: string, value: string, now: number): JsonObject | null
}

export function createTransient(limit = 1_000): Transient {
  const kept = new Map<string, { readonly value: JsonObject; readonly expiresAt: number }>()
  const alive = (id: string, now: number) => {
    const found = kept.get(id)
    if (found === undefined) return null
    if (now < found.expiresAt) return structuredClone(found.value)
    kept.delete(id)
    return null
  }
  return {
    set(id, value, expiresAt) {
      kept.delete(id)
      kept.set(id, { value: structuredClone(value), expiresAt })
      for (const oldest of kept.keys()) {
        if (kept.size <= limit) return
        kept.delete(oldest)
      }
    },
    get: alive,
    delete: (id) => {
      kept.delete(id)
    },
    find(member, value, now) {
      for (const [id, record] of kept) if (record.value[member] === value) return alive(id, now)
      return null
    },
  }
}
