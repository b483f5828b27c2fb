/**
 * Whether a stream of queries to a model is made to copy it. Made-up queries give themselves away by how they differ from
 * the ones before: perturbing an input by a signed step changes every coordinate alike (the difference is *flat*), steps
 * have one length, and noise is equally far from everything. Two bets are kept against the hypothesis that the differences
 * are distributed as those of other callers: one on flatness, one on the distance of the nearest earlier query. Each
 * multiplies by p(own habit so far) / p(others) and is clipped at 1 from below, so harmless queries bank no credit for
 * later; a bet grows to 2^k no sooner than in 2^k queries on average while the hypothesis holds.
 *
 * E-detectors: Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", 2022.
 * What it replaces: Juuti et al., "PRADA", EuroS&P 2019 (a normality test of distances).
 * @module
 */
import { clip } from '../detector.ts'
import { type Folded, unfold } from './vector.ts'

export interface QueryStream {
  /** Distinct queries so far. */
  n: number
  /** A sample of them, every one equally likely to be in it, and the latest ones. */
  readonly kept: Folded[]
  /** By bet: what the caller's own differences are, fading. */
  readonly own: Record<Bet, Map<string, number>>
  /** By bet: log2 of the stake, at least 0. */
  readonly stakes: Record<Bet, number>
}

export const BETS = ['flat', 'near'] as const
export type Bet = (typeof BETS)[number]

/** Share of the others' differences that fall into a bin, 0–1; null = not enough is known of them. */
export type Others = (bin: string) => number | null

export interface QueryLook {
  /** By bet; null = says nothing, as a repeated query. */
  readonly bins: Readonly<Record<Bet, string | null>>
  readonly repeated: boolean
}

const KEPT = 256
const LATEST = 96
/** Queries before differences mean anything. */
const SETTLED_AFTER = 8
/** Bits a query by which others may differ from each other without it counting. */
const ALLOWANCE = 0.5
const MOST = 4
/** Of the own habit, after each difference. */
const FADE = 2 ** (-1 / 48)
const PRIOR = { weight: 6, bins: 16 } as const
/** Share of the others' that every bin is granted. */
const FLOOR = 0.003
/** log2 of a stake that counts as found: a million queries on average without cause. */
export const FOUND = 20

export function emptyStream(): QueryStream {
  return { n: 0, kept: [], own: { flat: new Map(), near: new Map() }, stakes: { flat: 0, near: 0 } }
}

/** Reads only. Null for a vector of another size than those before. */
export function lookAt(stream: QueryStream, query: Folded): QueryLook | null {
  const first = stream.kept[0]
  const nothing: QueryLook = { bins: { flat: null, near: null }, repeated: false }
  if (first === undefined) return nothing
  if (first.size !== query.size) return null
  const values = unfold(query)
  let nearest = Number.POSITIVE_INFINITY
  let closest: Folded | null = null
  let sum = 0
  for (const kept of stream.kept) {
    const distance = distanceOf(values, unfold(kept))
    sum += distance
    if (distance < nearest) {
      nearest = distance
      closest = kept
    }
  }
  const mean = sum / stream.kept.length
  if (closest === null || !(mean > 0) || nearest <= mean * 1e-3)
    return { ...nothing, repeated: closest !== null }
  if (stream.n < SETTLED_AFTER) return nothing
  const flatness = flatnessOf(values, unfold(closest))
  const count = Math.min(8, Math.floor(Math.log2(stream.kept.length)))
  return {
    bins: {
      flat: `f${Math.floor(clip(flatness, 0.2, 0.94) * 20)}`,
      near: `n${count}.${Math.floor(clip(nearest / mean, 0, 1.09) * 10)}`,
    },
    repeated: false,
  }
}

/** log2 of each stake after this query. Reads only. */
export function stakesAfter(stream: QueryStream, look: QueryLook, others: Others): Record<Bet, number> {
  const after = { ...stream.stakes }
  for (const bet of BETS) {
    const bin = look.bins[bet]
    const usual = bin === null ? null : others(bin)
    if (bin === null || usual === null) continue
    const own = ownShare(stream.own[bet], bin)
    const gain = Math.log2(own / (usual * (1 - FLOOR * PRIOR.bins) + FLOOR)) - ALLOWANCE
    after[bet] = Math.max(0, stream.stakes[bet] + clip(gain, -MOST, MOST))
  }
  return after
}

/** After the query was asked, whatever came of it. Changes `stream` in place. */
export function keepQuery(stream: QueryStream, query: Folded, look: QueryLook, others: Others): void {
  Object.assign(stream.stakes, stakesAfter(stream, look, others))
  if (look.repeated) return
  for (const bet of BETS) {
    const bin = look.bins[bet]
    if (bin === null) continue
    const own = stream.own[bet]
    for (const [key, value] of own) {
      if (value < 1e-3) own.delete(key)
      else own.set(key, value * FADE)
    }
    own.set(bin, (own.get(bin) ?? 0) + 1)
  }
  stream.n++
  stream.kept.push(query)
  if (stream.kept.length <= KEPT) return
  // The one that leaves the latest takes the place of a random member of the sample, or none (Vitter's algorithm R).
  const leaving = stream.kept.length - LATEST
  const sample = KEPT - LATEST
  const at = scrambled(stream.n) % stream.n
  const [moved] = stream.kept.splice(Math.max(sample, leaving - 1), 1)
  if (moved !== undefined && at < sample) stream.kept[at] = moved
}

/** log2 of the larger stake, less one bit for having two. */
export function found(stakes: Readonly<Record<Bet, number>>): number {
  return Math.max(0, Math.max(stakes.flat, stakes.near) - 1)
}

function ownShare(own: ReadonlyMap<string, number>, bin: string): number {
  let total = 0
  for (const value of own.values()) total += value
  return ((own.get(bin) ?? 0) + PRIOR.weight / PRIOR.bins) / (total + PRIOR.weight)
}

function distanceOf(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2
  return Math.sqrt(sum)
}

/** 1 when every coordinate differs by the same amount, 1/√d when one alone does. */
function flatnessOf(a: Float64Array, b: Float64Array): number {
  let one = 0
  let two = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0))
    one += difference
    two += difference * difference
  }
  return two > 0 ? one / Math.sqrt(two * a.length) : 0
}

/** The same every time, yet no pattern that a caller could time (SplitMix's finaliser, 32 bits). */
function scrambled(n: number): number {
  let x = Math.imul(n ^ (n >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
