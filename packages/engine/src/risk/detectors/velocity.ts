/**
 * More calls a minute than this agent ever needed, and more than people's errands need at all.
 * @module
 */
import { clip, type Detector } from '../detector.ts'

export interface VelocityState {
  minute: number
  count: number
  /** Calls a minute in minutes with calls, slow-moving; a minute counts at most twice the mean before it. */
  mean: number
  minutes: number
}

/** Calls a minute that never count as fast. */
const FLOOR = 60
/** Times the agent's own mean that still count as usual. */
const USUAL = 8
const WEIGHT = 0.05

export const velocity: Detector<VelocityState> = {
  name: 'velocity',
  about: 'behaviour',
  cap: 5,
  halfLife: 10 * 60_000,
  grows: 'level',
  empty: () => ({ minute: 0, count: 0, mean: 0, minutes: 0 }),
  score(state, signal) {
    const count = minuteOf(signal.at) === state.minute ? state.count + 1 : 1
    const usual = Math.max(FLOOR, USUAL * state.mean)
    if (count <= usual) return null
    return {
      bits: clip(1.5 + Math.log2(count / usual) * 1.5, 0, 5),
      reason: 'The agent makes many more calls a minute than it usually does.',
      confidence: 0.7,
      technique: 'AML.T0034',
    }
  },
  beside: ({ mean, minutes }, live) => ({ ...live, mean, minutes }),
  attempt(state, signal) {
    const minute = minuteOf(signal.at)
    if (minute === state.minute) {
      state.count++
      return
    }
    if (state.count > 0) {
      const first = state.minutes === 0
      // Capped influence: a flood cannot make floods usual.
      const counted = first ? Math.min(state.count, FLOOR / USUAL) : Math.min(state.count, 2 * state.mean + 1)
      state.mean = first ? counted : state.mean + WEIGHT * (counted - state.mean)
      state.minutes++
    }
    state.minute = minute
    state.count = 1
  },
}

function minuteOf(at: number): number {
  return Math.floor(at / 60_000)
}
