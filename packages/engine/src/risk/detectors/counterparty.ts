/**
 * An effect that goes where this agent never sent one: first-seen value of an argument that steers. How surprising
 * that is depends on how often this argument was new before: an id that is new each time says nothing.
 * @module
 */
import { touch } from '../../bounded.ts'
import { clip, type Detector } from '../detector.ts'

interface Parties {
  /** Digests of values seen in clean calls. */
  readonly known: Map<string, number>
  total: number
  novel: number
}
export interface CounterpartyState {
  readonly paths: Map<string, Parties>
}

const KEPT_PATHS = 64
const KEPT_VALUES = 128
const ENOUGH = 3

export const counterparty: Detector<CounterpartyState> = {
  name: 'new-counterparty',
  about: 'behaviour',
  cap: 4,
  halfLife: 30 * 60_000,
  grows: 'events',
  empty: () => ({ paths: new Map() }),
  score(state, signal) {
    if (!signal.write) return null
    let worst: { bits: number; path: string } | null = null
    for (const [path, value] of signal.parties) {
      const parties = state.paths.get(keyOf(signal.tool, path))
      if (parties === undefined || parties.total < ENOUGH || parties.known.has(value)) continue
      const bits = clip(Math.log2((parties.total + 2) / (parties.novel + 1)), 0, 3)
      if (bits > 0.5 && (worst === null || bits > worst.bits)) worst = { bits, path }
    }
    if (worst === null) return null
    return {
      bits: worst.bits,
      reason: `The agent never gave this value to the argument ${worst.path} before.`,
      confidence: 0.6,
    }
  },
  settled(state, signal) {
    if (!signal.write) return
    for (const [path, value] of signal.parties) {
      const key = keyOf(signal.tool, path)
      const parties = state.paths.get(key) ?? { known: new Map<string, number>(), total: 0, novel: 0 }
      parties.total++
      if (!parties.known.has(value)) parties.novel++
      touch(parties.known, value, signal.at, KEPT_VALUES)
      touch(state.paths, key, parties, KEPT_PATHS)
    }
  },
}

function keyOf(tool: string, path: string): string {
  return `${tool} ${path}`
}
