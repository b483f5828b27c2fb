/**
 * What an upstream listed last: when a call must wait for a new listing first, and what the tools' schemas say about
 * headers. The pins themselves are the engine's.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import { type HeaderParam, headerParams } from '../http/header-values.ts'

export interface Listing {
  /** True when a listing is young enough and nothing was said to have changed since. */
  fresh(now: number): boolean
  has(tool: string): boolean
  /** Parameter headers of a tool; none for an unknown tool or an invalid declaration. */
  params(tool: string): readonly HeaderParam[]
  /** Marks the start of a fetch; a change announced after it leaves the result stale. */
  begin(): number
  store(begun: number, tools: readonly JsonObject[], now: number): void
  changed(): void
}

export function createListing(maxAge: number): Listing {
  let tools = new Map<string, readonly HeaderParam[]>()
  let at: number | null = null
  let changes = 0
  return {
    fresh: (now) => at !== null && now - at < maxAge,
    has: (tool) => tools.has(tool),
    params: (tool) => tools.get(tool) ?? [],
    begin: () => changes,
    store(begun, listed, now) {
      const next = new Map<string, readonly HeaderParam[]>()
      for (const tool of listed) {
        if (typeof tool.name === 'string') next.set(tool.name, headerParams(tool.inputSchema) ?? [])
      }
      tools = next
      at = begun === changes ? now : null
    },
    changed() {
      changes += 1
      at = null
    },
  }
}
