/**
 * One credential used from two places at nearly the same time, or on a proof that has grown old. Doubt about the
 * credential is answered by a fresh proof.
 * @module
 */
import { touch } from '../../bounded.ts'
import type { Detector } from '../detector.ts'

export interface PlacesState {
  /** Latest use by place. */
  readonly places: Map<string, number>
}

const KEPT = 16
const TOGETHER = 10 * 60_000
const OLD_PROOF = 15 * 60_000

export const places: Detector<PlacesState> = {
  name: 'places',
  about: 'credential',
  cap: 3,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ places: new Map() }),
  score(state, signal) {
    if (signal.proofAge !== null && signal.proofAge > OLD_PROOF) {
      return { bits: 1, reason: 'The key of the agent was last proven long ago.', confidence: 0.9 }
    }
    if (signal.place === null || state.places.has(signal.place)) return null
    for (const at of state.places.values()) {
      if (signal.at - at > TOGETHER) continue
      return {
        bits: 2.5,
        reason: 'The credential is used from two network addresses at nearly the same time.',
        confidence: 0.6,
        technique: 'AML.T0012',
      }
    }
    return null
  },
  attempt(state, signal, outcome) {
    // A refused call must not make its place a known one; the fresh proof does, by being allowed.
    if (signal.place !== null && outcome === 'allow') touch(state.places, signal.place, signal.at, KEPT)
  },
}
