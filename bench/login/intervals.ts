/**
 * 95 % intervals of how often people are asked: users drawn with replacement within each seed, their logins and the attacks
 * on them together, and the threshold found anew for every draw.
 * @module
 */
import { quantile } from '../lib/stats.ts'
import type { Attacker } from './generate.ts'
import type { Arm, Bound, UserScores } from './measure.ts'
import { random } from './random.ts'

export type Interval = readonly [number, number]

export interface Asked {
  readonly median: number
  readonly mean: number
}

const DRAWS = 200

/** Of the worst median and of the mean of the means, by rate; `users` by seed. */
export function intervalsOf(
  users: readonly (readonly UserScores[])[],
  arm: Arm | Bound,
  attacker: Attacker,
  rates: readonly number[],
): { readonly median: Interval; readonly mean: Interval }[] {
  const seeds = users.map((each, seed) => ({ users: each, random: random(1000 + seed) }))
  const draws = Array.from({ length: DRAWS }, () => {
    const drawn = seeds.map(({ users: each, random: r }) =>
      askedOf(
        each.flatMap(() => each[r.below(each.length)] ?? []),
        arm,
        attacker,
        rates,
      ),
    )
    return rates.map((_, i): Asked => {
      const each = drawn.flatMap((asked) => asked[i] ?? [])
      return {
        median: Math.max(...each.map(({ median }) => median)),
        mean: each.reduce((sum, { mean }) => sum + mean, 0) / each.length,
      }
    })
  })
  const of = (i: number, pick: (asked: Asked) => number): Interval => {
    const sorted = draws.flatMap((draw) => draw[i] ?? []).map(pick)
    sorted.sort((a, b) => a - b)
    return [quantile(sorted, 0.025), quantile(sorted, 0.975)]
  }
  return rates.map((_, i) => ({ median: of(i, ({ median }) => median), mean: of(i, ({ mean }) => mean) }))
}

/** By rate: how often these users are asked where this share of the attacks on them is caught. */
export function askedOf(
  users: readonly UserScores[],
  arm: Arm | Bound,
  attacker: Attacker,
  rates: readonly number[],
): Asked[] {
  const scores = Float64Array.from(users, ({ attacks }) => attacks[arm][attacker] ?? Number.NaN).sort()
  return rates.map((rate) => {
    const threshold = scores[thresholdAt(scores.length, rate)] ?? Number.NaN
    const times = new Array<number>(32).fill(0)
    let all = 0
    for (const { own } of users) {
      let asked = 0
      for (const score of own[arm]) if (score >= threshold) asked++
      times[asked] = (times[asked] ?? 0) + 1
      all += asked
    }
    // The upper median, as everywhere here.
    let below = 0
    const median = times.findIndex((n) => {
      below += n
      return below > Math.floor(users.length / 2)
    })
    return { median, mean: all / users.length }
  })
}

/** Of scores in ascending order: at least this share is at or above the one here. */
export function thresholdAt(scores: number, rate: number): number {
  return Math.floor(scores * (1 - rate))
}
