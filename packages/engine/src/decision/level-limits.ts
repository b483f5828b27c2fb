/**
 * What a lowered level may do at most in a time, whatever policy allows: a compromised agent that still reads, or still
 * writes reversibly, does so slowly. Standard and elevated have the limits of their errand.
 * @module
 */
import type { TrustLevel } from '@safeconduct/protocol'
import type { Reservation, Spent } from '../delegation/budget.ts'

interface LevelLimit {
  /** Calls of tools and methods that reach a server, in a minute. */
  readonly calls: number
  /** Of these with side effects, in an hour. */
  readonly writes: number
}

export const LEVEL_LIMITS: Readonly<Partial<Record<TrustLevel, LevelLimit>>> = {
  restricted: { calls: 30, writes: 0 },
  limited: { calls: 300, writes: 120 },
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export interface LevelRoom {
  readonly reservations: readonly Reservation[]
  /** A sentence when the level has no more room. */
  readonly exceeded: string | null
}

const FREE: LevelRoom = { reservations: [], exceeded: null }

export function levelRoom(
  spent: ReadonlyMap<string, Spent>,
  call: {
    /** The caller, and whoever handed the errand on and stands lower than usual: what they hand on is theirs, too. */
    readonly agents: readonly string[]
    readonly trust: TrustLevel
    readonly write: boolean
    readonly at: number
  },
): LevelRoom {
  const limit = LEVEL_LIMITS[call.trust]
  if (limit === undefined) return FREE
  const agents = [...new Set(call.agents)]
  const minutes = agents.map((agent) => purse(agent, call.at, MINUTE_MS, { calls: 1, writes: 0 }))
  if (minutes.some(({ key }) => (spent.get(key)?.calls ?? 0) >= limit.calls))
    return full(`At the level ${call.trust} an agent makes ${limit.calls} calls a minute, and they are used.`)
  if (!call.write) return { reservations: minutes, exceeded: null }
  const hours = agents.map((agent) => purse(agent, call.at, HOUR_MS, { calls: 1, writes: 1 }))
  if (hours.some(({ key }) => (spent.get(key)?.writes ?? 0) >= limit.writes))
    return full(
      `At the level ${call.trust} an agent makes ${limit.writes} calls with side effects an hour, and they are used.`,
    )
  return { reservations: [...minutes, ...hours], exceeded: null }
}

function full(exceeded: string): LevelRoom {
  return { reservations: [], exceeded }
}

/** By agent, not by level: falling from one lowered level to another brings no new room. */
function purse(
  agent: string,
  at: number,
  ms: number,
  takes: { readonly calls: number; readonly writes: number },
): Reservation {
  const window = Math.floor(at / ms)
  return {
    key: `level:${JSON.stringify([agent, ms, window])}`,
    expiresAt: (window + 1) * ms,
    ...takes,
    sums: [],
  }
}
