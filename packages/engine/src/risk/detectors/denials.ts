/**
 * A run of refusals in a short time: somebody tries doors.
 * @module
 */
import { clip, type Detector } from '../detector.ts'

export interface DenialState {
  /** Times of the latest refusals, oldest first. */
  readonly times: number[]
}

const WINDOW = 2 * 60_000
const KEPT = 32
/** Refusals within the window that are a mistake, not a search. */
const FREE = 2

export const denials: Detector<DenialState> = {
  name: 'denials',
  about: 'behaviour',
  cap: 6,
  halfLife: 15 * 60_000,
  grows: 'level',
  empty: () => ({ times: [] }),
  score(state, signal) {
    const recent = state.times.filter((at) => signal.at - at <= WINDOW).length
    if (recent <= FREE) return null
    return {
      bits: clip(1 + (recent - FREE) * 0.75, 0, 6),
      reason: 'Several calls of the agent were refused within minutes.',
      confidence: 0.8,
      technique: 'AML.T0040',
    }
  },
  attempt(state, signal, outcome) {
    if (outcome !== 'deny' || signal.steered) return
    state.times.push(signal.at)
    if (state.times.length > KEPT) state.times.shift()
  },
}
