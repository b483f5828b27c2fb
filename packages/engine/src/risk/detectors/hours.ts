/**
 * An hour of the week at which the agent never works. Hours beside a usual one, and the same hour on other days, count in
 * part. UTC throughout: the agent's own calendar is not known.
 * @module
 */
import { clip, type Detector } from '../detector.ts'

export interface HoursState {
  /** Settled calls by hour of the week, Thursday 00:00 UTC first (the epoch's), fading. */
  readonly hours: number[]
  /** Since the epoch: a burst within one hour is learned once. */
  lastHour: number
  /** Hours with calls. */
  learned: number
}

const WEEK = 168
const HOUR_MS = 3_600_000
/** Different hours with calls before anything is said. */
const ENOUGH = 40
const FADE = 2 ** (-1 / 400)
const PRIOR = 12
const UNUSUAL = 3
const CAP = 1.5

export const hours: Detector<HoursState> = {
  name: 'hours',
  about: 'behaviour',
  cap: CAP,
  halfLife: 60 * 60_000,
  grows: 'level',
  empty: () => ({ hours: new Array<number>(WEEK).fill(0), lastHour: Number.MIN_SAFE_INTEGER, learned: 0 }),
  score({ hours: seen, learned }, { at }) {
    if (learned < ENOUGH) return null
    const bits = -Math.log2(shareOf(seen, hourOf(at)) * WEEK)
    if (!(bits > UNUSUAL)) return null
    return {
      bits: clip((bits - UNUSUAL) * 0.75, 0, CAP),
      reason: 'The agent does not usually work at this hour of the week.',
      confidence: learned / (learned + 4 * ENOUGH),
    }
  },
  settled(state, { at }) {
    const hour = Math.floor(at / HOUR_MS)
    if (hour === state.lastHour || !Number.isFinite(hour)) return
    state.lastHour = hour
    state.learned++
    for (let i = 0; i < WEEK; i++) state.hours[i] = (state.hours[i] ?? 0) * FADE
    const index = hourOf(at)
    state.hours[index] = (state.hours[index] ?? 0) + 1
  },
}

function hourOf(at: number): number {
  return ((Math.floor(at / HOUR_MS) % WEEK) + WEEK) % WEEK
}

/** Smoothed over the hours beside it, and half of it over the days of the week. */
function shareOf(seen: readonly number[], hour: number): number {
  let total = 0
  for (const count of seen) total += count
  let near = 0
  for (let away = -2; away <= 2; away++) {
    const weight = KERNEL[away + 2] ?? 0
    near += (weight * (seen[(hour + away + WEEK) % WEEK] ?? 0)) / 2
    for (let day = 0; day < 7; day++)
      near += (weight * (seen[(hour + away + day * 24 + WEEK) % WEEK] ?? 0)) / 14
  }
  return (near + PRIOR / WEEK) / (total + PRIOR)
}

const KERNEL = [0.1, 0.2, 0.4, 0.2, 0.1]
