/**
 * Centre and spread of a stream of numbers in three numbers. A value pulls by at most a few spreads, so one wild value
 * (or one attacker's session) cannot drag the centre away: recursive Huber estimates (Huber, "Robust Estimation of a
 * Location Parameter", 1964) with gain 1/n.
 * @module
 */
import { clip } from '../detector.ts'

export interface Spread {
  /** Weight of what was seen. */
  n: number
  centre: number
  /** Mean absolute deviation. */
  spread: number
}

/** Spread after one value, before there is anything to measure it from; values are logarithms. */
const FIRST_SPREAD = 0.3
const LEAST_SPREAD = 0.05
/** Spreads that one value may pull by. */
const PULL = 2.5

export function emptySpread(): Spread {
  return { n: 0, centre: 0, spread: FIRST_SPREAD }
}

/** @param value not finite: changes nothing. @param weight 0–1 */
export function widen(spread: Spread, value: number, weight: number): void {
  if (!Number.isFinite(value) || !(weight > 0)) return
  const held = Math.min(weight, 1)
  spread.n += held
  if (spread.n <= held) {
    spread.centre = value
    return
  }
  const limit = PULL * Math.max(spread.spread, LEAST_SPREAD)
  spread.centre += (held * clip(value - spread.centre, -limit, limit)) / spread.n
  spread.spread +=
    (held * (Math.min(Math.abs(value - spread.centre), limit) - spread.spread)) / (spread.n + 1)
}

/** Own estimate drawn towards that of everybody, as if `weight` values of theirs had been seen. */
export function drawn(own: Spread, everybody: Spread, weight: number): Spread {
  const n = own.n + weight
  return {
    n,
    centre: (own.n * own.centre + weight * everybody.centre) / n,
    spread: (own.n * own.spread + weight * everybody.spread) / n,
  }
}

/** Distance in spreads, clipped: one feature cannot decide alone. */
export function deviation({ centre, spread }: Spread, value: number, clipAt: number): number {
  return Math.min(Math.abs(value - centre) / (spread + LEAST_SPREAD), clipAt)
}

/** log₂ of how much wider the one is: what a Laplace likelihood ratio has beside the deviations. */
export function widerBits(own: Spread, everybody: Spread): number {
  return Math.log2((own.spread + LEAST_SPREAD) / (everybody.spread + LEAST_SPREAD))
}
