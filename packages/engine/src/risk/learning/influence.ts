/**
 * How much one day, and one source, may teach: whoever wants to move a baseline needs many days and many sources, and
 * is seen meanwhile. A source is whom the agent acted for.
 * @module
 */
import { touch } from '../../bounded.ts'
import { fnv } from '../behaviour/peers.ts'

export interface Influence {
  /** Days since the epoch, UTC. */
  day: number
  /** Lessons taken on this day. */
  taken: number
  /** Lessons taken on this day by source. */
  readonly sources: Map<string, number>
  /** Sources that ever taught, by the day of their latest lesson. */
  readonly known: Map<string, number>
}

export const DAY_MS = 24 * 3_600_000
/** Lessons of one day: so many, or this share of all that was learned before. */
export const DAILY = { least: 200, share: 0.1 } as const
/** Of a day's lessons, what one source may give once there are others. */
const SOURCE_SHARE = 0.5
const KEPT_SOURCES = 64

/** For whom an agent worked, without naming them. */
export function sourceOf(user: string | null): string {
  return fnv(user ?? '').toString(36)
}

export function emptyInfluence(): Influence {
  return { day: 0, taken: 0, sources: new Map(), known: new Map() }
}

/** Takes one lesson of the source when the day still has room for it. @param learned lessons taken ever */
export function admit(influence: Influence, source: string, at: number, learned: number): boolean {
  const day = Math.floor(at / DAY_MS)
  // A clock that went back stays on the later day: going back and forth makes no room.
  if (day > influence.day) {
    influence.day = day
    influence.taken = 0
    influence.sources.clear()
  }
  const room = Math.max(DAILY.least, Math.floor(learned * DAILY.share))
  const others = influence.known.size > (influence.known.has(source) ? 1 : 0)
  const mine = influence.sources.get(source) ?? 0
  if (influence.taken >= room || (others && mine >= room * SOURCE_SHARE)) return false
  influence.taken++
  touch(influence.sources, source, mine + 1, KEPT_SOURCES)
  touch(influence.known, source, influence.day, KEPT_SOURCES)
  return true
}
