/**
 * How well scores tell two kinds apart; higher scores speak for the positive kind. Intervals by drawing whole groups
 * (people, runs) with replacement, so that what belongs together stays together.
 * @module
 */
import { quantile } from '../lib/stats.ts'

/** Area under the ROC curve: chance that a positive scores above a negative; ties count half. NaN of nothing. */
export function auc(negatives: readonly number[], positives: readonly number[]): number {
  const all = [...negatives.map((s) => ({ s, p: 0 })), ...positives.map((s) => ({ s, p: 1 }))].sort(
    (a, b) => a.s - b.s,
  )
  let ranks = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    let here = 0
    while (to < all.length && all[to]?.s === all[from]?.s) here += all[to++]?.p ?? 0
    ranks += (here * (from + to + 1)) / 2
    from = to
  }
  const p = positives.length
  return (ranks - (p * (p + 1)) / 2) / (negatives.length * p)
}

/** Equal error rate: where false alarms and misses come closest, their mean. */
export function eer(negatives: readonly number[], positives: readonly number[]): number {
  const low = negatives.toSorted((a, b) => a - b)
  const high = positives.toSorted((a, b) => a - b)
  let best = { apart: Number.POSITIVE_INFINITY, rate: Number.NaN }
  let below = 0
  let missed = 0
  for (const at of [...low, ...high].sort((a, b) => a - b)) {
    while (below < low.length && (low[below] ?? 0) < at) below++
    while (missed < high.length && (high[missed] ?? 0) < at) missed++
    const alarms = 1 - below / low.length
    const misses = missed / high.length
    const apart = Math.abs(alarms - misses)
    if (apart < best.apart) best = { apart, rate: (alarms + misses) / 2 }
  }
  return best.rate
}

/** Share of positives above the score that at most `falseAlarms` of the negatives pass (the next one up). */
export function caught(
  negatives: readonly number[],
  positives: readonly number[],
  falseAlarms: number,
): number {
  const sorted = negatives.toSorted((a, b) => a - b)
  const limit =
    sorted[Math.min(sorted.length - 1, Math.ceil((1 - falseAlarms) * (sorted.length - 1)))] ?? Number.NaN
  return positives.filter((score) => score > limit).length / positives.length
}

export interface Estimate {
  readonly value: number
  /** 95 %; null where the protocol has no groups to draw. */
  readonly interval: readonly [number, number] | null
}

const DRAWS = 200

/** `measure` over groups drawn with replacement, with a fixed seed. */
export function estimate<G>(groups: readonly G[], measure: (drawn: readonly G[]) => number): Estimate {
  const random = lcg(7)
  const values: number[] = []
  for (let i = 0; i < DRAWS; i++) {
    const drawn = groups
      .map(() => groups[Math.floor(random() * groups.length)])
      .filter((g) => g !== undefined)
    const value = measure(drawn)
    if (Number.isFinite(value)) values.push(value)
  }
  values.sort((a, b) => a - b)
  const value = measure(groups)
  return {
    value,
    interval: values.length < DRAWS / 2 ? null : [quantile(values, 0.025), quantile(values, 0.975)],
  }
}

/** Exact 95 % interval of a share, `hits` of `n` (Clopper & Pearson, Biometrika 26, 1934). */
export function shareInterval(hits: number, n: number): readonly [number, number] {
  if (n === 0) return [0, 1]
  return [
    hits === 0 ? 0 : solve((p) => 1 - atMost(hits - 1, n, p) < 0.025),
    hits === n ? 1 : solve((p) => atMost(hits, n, p) > 0.025),
  ]
}

/** Where `below` stops holding in 0–1. */
function solve(below: (p: number) => boolean): number {
  let [low, high] = [0, 1]
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2
    if (below(middle)) low = middle
    else high = middle
  }
  return low
}

/** Chance of at most `hits` of `n`. */
function atMost(hits: number, n: number, p: number): number {
  let term = (1 - p) ** n
  let sum = term
  for (let k = 1; k <= hits; k++) {
    term *= ((n - k + 1) / k) * (p / (1 - p))
    sum += term
  }
  return sum
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Numbers in 0–1 from a seed (Numerical Recipes' constants). */
export function lcg(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
