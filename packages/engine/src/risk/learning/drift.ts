/**
 * How far an agent has moved from its enrolment: the population stability index of its tools, and the
 * Kolmogorov–Smirnov distance of the magnitudes of its numbers, both over counts of fixed size. Slow change that no
 * single call shows is what they are for.
 *
 * PSI: Lewis, "An Introduction to Credit Scoring", 1994; its expectation without any change, (k − 1)(1/n + 1/m), is
 * taken off (Yurdakul, "Statistical Properties of Population Stability Index", 2018).
 * @module
 */
import { type Counts, count, countedAll, emptyCounts, type Fading } from '../behaviour/counts.ts'
import type { Signal } from '../detector.ts'

export interface Sample {
  /** Calls by tool. */
  readonly tools: Counts
  /** Numeric arguments of calls with side effects, by power of two of their magnitude. */
  readonly sizes: Counts
}

export interface Drift {
  /** Beyond what chance gives; 0 = none. */
  readonly psi: number
  /** 0–1; 0 where chance alone explains it. */
  readonly ks: number
}

export const NO_DRIFT: Drift = { psi: 0, ks: 0 }
/** The usual reading of the index: below 0.1 none, above 0.25 another population. */
export const DRIFTED = { psi: 0.25, ks: 0.3 } as const

const ENROLLED: Fading = { halfLife: Number.POSITIVE_INFINITY, limit: 64 }
const RECENT: Fading = { halfLife: 200, limit: 64 }
const LEAST_EVENTS = 60
const LEAST_SIZES = 30
/** Share given to a tool that one side never saw. */
const UNSEEN = 0.002
/** Kolmogorov's λ at one false alarm in a thousand. */
const LAMBDA = 1.95
const LARGEST = 60

export function emptySample(): Sample {
  return { tools: emptyCounts(), sizes: emptyCounts() }
}

export function notice(sample: Sample, signal: Signal, recent: boolean): void {
  const fading = recent ? RECENT : ENROLLED
  count(sample.tools, signal.tool.slice(0, 64), 1, fading)
  if (!signal.write) return
  for (const [, value] of signal.numbers) count(sample.sizes, String(binOf(value)), 1, fading)
}

export function driftOf(enrolled: Sample, recent: Sample): Drift {
  return { psi: stability(enrolled.tools, recent.tools), ks: distance(enrolled.sizes, recent.sizes) }
}

export function isDrifted({ psi, ks }: Drift): boolean {
  return psi >= DRIFTED.psi || ks >= DRIFTED.ks
}

/** Events that fading counts are worth for an estimate: about 1.44 half-lives at most. */
function worth(counts: Counts, fading: Fading): number {
  return Math.min(countedAll(counts), fading.halfLife * Math.LOG2E)
}

function stability(before: Counts, now: Counts): number {
  const [n, m] = [worth(before, ENROLLED), worth(now, RECENT)]
  if (n < LEAST_EVENTS || m < LEAST_EVENTS) return 0
  const keys = new Set([...before.values.keys(), ...now.values.keys()])
  let sum = 0
  let bins = 0
  for (const key of keys) {
    const p = Math.max(UNSEEN, (before.values.get(key) ?? 0) / before.total)
    const q = Math.max(UNSEEN, (now.values.get(key) ?? 0) / now.total)
    sum += (q - p) * Math.log(q / p)
    bins++
  }
  return Math.max(0, sum - (bins - 1) * (1 / n + 1 / m))
}

function distance(before: Counts, now: Counts): number {
  const [n, m] = [worth(before, ENROLLED), worth(now, RECENT)]
  if (n < LEAST_SIZES || m < LEAST_SIZES) return 0
  let [a, b, widest] = [0, 0, 0]
  for (let bin = -LARGEST; bin <= LARGEST; bin++) {
    a += (before.values.get(String(bin)) ?? 0) / before.total
    b += (now.values.get(String(bin)) ?? 0) / now.total
    widest = Math.max(widest, Math.abs(a - b))
  }
  return widest > LAMBDA * Math.sqrt((n + m) / (n * m)) ? widest : 0
}

function binOf(value: number): number {
  const bin = Math.round(Math.log2(Math.max(Math.abs(value), Number.MIN_VALUE)))
  return Math.max(-LARGEST, Math.min(LARGEST, bin))
}
