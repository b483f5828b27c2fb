/**
 * A number far above what this agent gave to this argument before, measured by how much it usually varies: the tail of
 * its magnitudes on a logarithmic scale. Only for calls with side effects: a large page of a listing does nothing.
 * @module
 */

import { touch } from '../../bounded.ts'
import { emptySpread, type Spread, widen } from '../behaviour/spread.ts'
import { clip, type Detector, strangenessOf } from '../detector.ts'

export interface SizeState {
  /** By tool and path: centre and spread of the logarithms of clean magnitudes. */
  readonly seen: Map<string, Spread>
}

const KEPT_PATHS = 128
/** Clean values before anything is said. */
const ENOUGH = 4
/** Spread that everybody is granted: amounts that never varied may double. */
const LEAST_SPREAD = 0.3
/** Spreads above the centre that still count as usual. */
const USUAL = 3.5
const LEAST_MAGNITUDE = 1e-9

export const size: Detector<SizeState> = {
  name: 'size',
  about: 'behaviour',
  cap: 5,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ seen: new Map() }),
  score(state, signal) {
    if (!signal.write) return null
    let worst: { tail: number; times: number; path: string } | null = null
    for (const [path, value] of signal.numbers) {
      const seen = state.seen.get(keyOf(signal.tool, path))
      if (seen === undefined || seen.n < ENOUGH) continue
      const above = magnitude(value) - seen.centre
      const tail = (above / (seen.spread + LEAST_SPREAD) - USUAL) * strangenessOf(signal, path)
      if (tail > 0 && (worst === null || tail > worst.tail)) worst = { tail, times: Math.exp(above), path }
    }
    if (worst === null) return null
    return {
      // Laplace tail: its logarithm falls linearly with the distance in spreads.
      bits: clip(worst.tail * Math.LOG2E, 0, 5),
      reason: `The argument ${worst.path} is about ${Math.round(Math.min(worst.times, 1e6))} times what the agent usually gives.`,
      confidence: 0.8,
      technique: 'AML.T0053',
    }
  },
  settled(state, signal) {
    if (!signal.write) return
    for (const [path, value] of signal.numbers) {
      const key = keyOf(signal.tool, path)
      const seen = state.seen.get(key) ?? emptySpread()
      widen(seen, magnitude(value), 1)
      touch(state.seen, key, seen, KEPT_PATHS)
    }
  },
}

function keyOf(tool: string, path: string): string {
  return `${tool} ${path}`
}

function magnitude(value: number): number {
  return Math.log(Math.max(Math.abs(value), LEAST_MAGNITUDE))
}
