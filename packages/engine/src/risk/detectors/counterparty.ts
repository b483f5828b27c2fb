/**
 * An effect that goes where this agent never sent one: first-seen value of an argument that steers. How surprising
 * that is depends on how often this argument was new before: an id that is new each time says nothing.
 * @module
 */
import { touch } from '../../bounded.ts'
import { clip, type Detector, strangenessOf } from '../detector.ts'

interface Parties {
  /** Digests of values seen in clean calls. */
  readonly known: Map<string, number>
  total: number
  novel: number
}
export interface CounterpartyState {
  readonly paths: Map<string, Parties>
  /** New values that were let through and are not learned yet, by when: the same one again is hardly another doubt. */
  readonly waiting: Map<string, number>
}

const KEPT_PATHS = 64
const KEPT_VALUES = 128
const KEPT_WAITING = 64
const ENOUGH = 3
/** Of the bits of a new value, when it comes again. */
const AGAIN = 0.25
const AGAIN_MS = 24 * 3_600_000

export const counterparty: Detector<CounterpartyState> = {
  name: 'new-counterparty',
  about: 'behaviour',
  cap: 4,
  halfLife: 30 * 60_000,
  grows: 'events',
  empty: () => ({ paths: new Map(), waiting: new Map() }),
  score(state, signal) {
    if (!signal.write) return null
    let worst: { bits: number; path: string } | null = null
    for (const [path, value] of signal.parties) {
      const parties = state.paths.get(keyOf(signal.tool, path))
      if (parties === undefined || parties.total < ENOUGH || parties.known.has(value)) continue
      const surprise = clip(Math.log2((parties.total + 2) / (parties.novel + 1)), 0, 3)
      const before = state.waiting.get(valueKey(signal.tool, path, value))
      const again = before !== undefined && signal.at - before < AGAIN_MS
      const bits = surprise * strangenessOf(signal, path) * (again ? AGAIN : 1)
      if (bits > 0.25 && (worst === null || bits > worst.bits)) worst = { bits, path }
    }
    if (worst === null) return null
    return {
      bits: worst.bits,
      reason: `The agent never gave this value to the argument ${worst.path} before.`,
      confidence: 0.6,
      technique: 'AML.T0086',
    }
  },
  beside: ({ paths }, { waiting }) => ({ paths, waiting }),
  attempt(state, signal, outcome) {
    if (!signal.write || outcome !== 'allow') return
    for (const [path, value] of signal.parties) {
      if (state.paths.get(keyOf(signal.tool, path))?.known.has(value) === true) continue
      const key = valueKey(signal.tool, path, value)
      if (!state.waiting.has(key)) touch(state.waiting, key, signal.at, KEPT_WAITING)
    }
  },
  settled(state, signal) {
    if (!signal.write) return
    for (const [path, value] of signal.parties) {
      const key = keyOf(signal.tool, path)
      state.waiting.delete(valueKey(signal.tool, path, value))
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

function valueKey(tool: string, path: string, value: string): string {
  return `${keyOf(tool, path)} ${value}`
}
