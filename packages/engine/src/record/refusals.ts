/**
 * Floods of refusals do not fill the ledger: each agent has a quota of refusals recorded one by one, the rest is
 * counted and recorded together, at a later call or at the end. In memory, bounded; a crash loses what was not recorded.
 * @module
 */
import type { ErrorCode } from '@safeconduct/protocol'

/** Refusals of one agent recorded one by one at once, and how fast the quota fills up again. */
export const QUOTA = { burst: 30, perSecond: 0.5 } as const
/** Counts are recorded at the first call after this long. */
export const FLUSH_MS = 10_000
/** Agents that are counted apart; beyond, they share one count. */
const MAX_AGENTS = 10_000
const OTHERS = ''

export interface Flood {
  readonly tenant: string
  /** '' for agents beyond the bound. */
  readonly agent: string
  readonly since: number
  readonly counts: Partial<Record<ErrorCode, number>>
}

export interface Refusals {
  /** True when this refusal may be recorded by itself; false when it was counted instead. */
  admit(tenant: string, agent: string, code: ErrorCode, at: number): boolean
  /** Counts that are due; they start anew. `all` takes every count. */
  due(at: number, all?: boolean): Flood[]
}

export function createRefusals(): Refusals {
  const quotas = new Map<string, { left: number; at: number }>()
  const floods = new Map<string, Flood>()

  function spend(key: string, at: number): boolean {
    const quota = quotas.get(key) ?? { left: QUOTA.burst, at }
    quota.left = Math.min(QUOTA.burst, quota.left + ((at - quota.at) / 1000) * QUOTA.perSecond)
    quota.at = at
    const admitted = quota.left >= 1
    if (admitted) quota.left--
    quotas.delete(key)
    quotas.set(key, quota)
    if (quotas.size > MAX_AGENTS) dropFull(quotas)
    return admitted
  }

  return {
    admit(tenant, agent, code, at) {
      const known = quotas.has(JSON.stringify([tenant, agent])) || quotas.size < MAX_AGENTS
      const counted = known ? agent : OTHERS
      const key = JSON.stringify([tenant, counted])
      if (spend(key, at)) return true
      const flood = floods.get(key) ?? { tenant, agent: counted, since: at, counts: {} }
      flood.counts[code] = (flood.counts[code] ?? 0) + 1
      floods.set(key, flood)
      return false
    },
    due(at, all = false) {
      const ready = [...floods].filter(([, flood]) => all || at - flood.since >= FLUSH_MS)
      for (const [key] of ready) floods.delete(key)
      return ready.map(([, flood]) => flood)
    },
  }
}

/** The quota that was used longest ago has filled up the most. */
function dropFull(quotas: Map<string, unknown>): void {
  const oldest = quotas.keys().next()
  if (oldest.done !== true) quotas.delete(oldest.value)
}
