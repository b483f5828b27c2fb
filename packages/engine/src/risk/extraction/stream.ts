/**
 * Whether a stream of queries to a model is made to copy it. Made-up queries give themselves away by how they differ from
 * the ones before: perturbing an input by a signed step changes every coordinate alike (the difference is *flat*) or some of
 * them alike and the others not at all (it is *even*), and noise is equally *far* from everything. Three bets are kept
 * against the hypothesis that the differences are distributed as those of other callers. Each multiplies by p(own habit so far) / p(others) and is clipped at 1 from below, so harmless queries bank no credit for
 * later; a bet grows to 2^k no sooner than in 2^k queries on average while the hypothesis holds.
 *
 * E-detectors: Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", 2022.
 * What it replaces: Juuti et al., "PRADA", EuroS&P 2019 (a normality test of distances).
 * @module
 */
import { clip } from '../detector.ts'
import { distanceTo, type Folded, unfold } from './vector.ts'

export interface QueryStream {
  /** Distinct queries so far. */
  readonly n: number
  /** A sample of them, every one equally likely to be in it, and the latest ones. */
  readonly kept: readonly Folded[]
  /** By bet: what the caller's own differences are, fading. */
  readonly own: Readonly<Record<Bet, ReadonlyMap<string, number>>>
  /** By bet: log2 of the stake, at least 0. */
  readonly stakes: Readonly<Record<Bet, number>>
}

export const BETS = ['flat', 'even', 'far'] as const
export type Bet = (typeof BETS)[number]

/** By bet: bits that one query adds. */
export type Gains = Readonly<Record<Bet, number>>

/** Share of the others' differences that fall into a bin, 0–1; null = not enough is known of them. */
export type Others = (bin: string) => number | null

export interface QueryLook {
  /** By bet; null = says nothing, as a repeated query. */
  readonly bins: Readonly<Record<Bet, string | null>>
  readonly repeated: boolean
}

const KEPT = 232
const LATEST = 96
/** Queries that the mean distance is taken from. */
const MEASURED = 48
/** Queries before differences mean anything. */
const SETTLED_AFTER = 8
/** Bits a query by which others may differ from each other without it counting. */
const ALLOWANCE = 0.5
const MOST = 4
/** Of the own habit, after each difference. */
const FADE = 2 ** (-1 / 48)
/** Bins: at least as many as a bet has. */
const PRIOR = { weight: 6, bins: 24 } as const
/** Share of the others' that every bin is granted. */
const FLOOR = 0.003
/** Share of the others' differences that are at least as flat or far as one that adds bits. */
const TAIL = 0.1
/** log2 of a stake that counts as found: a million queries on average without cause. */
export const FOUND = 20

export function emptyStream(): QueryStream {
  return {
    n: 0,
    kept: [],
    own: { flat: new Map(), even: new Map(), far: new Map() },
    stakes: { flat: 0, even: 0, far: 0 },
  }
}

/** Reads only. All vectors of a stream are of one size. */
export function lookAt(stream: QueryStream, query: Folded): QueryLook {
  const first = stream.kept[0]
  const nothing: QueryLook = { bins: { flat: null, even: null, far: null }, repeated: false }
  if (first === undefined || first.size !== query.size) return nothing
  const values = unfold(query)
  let nearest = Number.POSITIVE_INFINITY
  let closest = first
  let sum = 0
  let measured = 0
  // The latest first: what is made from what came just before is found soon.
  for (let i = stream.kept.length - 1; i >= 0; i--) {
    const kept = stream.kept[i]
    if (kept === undefined) continue
    const whole = measured < MEASURED
    const squared = distanceTo(values, kept, whole ? Number.POSITIVE_INFINITY : nearest)
    if (whole) {
      sum += Math.sqrt(squared)
      measured++
    }
    if (squared >= nearest) continue
    nearest = squared
    closest = kept
  }
  const mean = sum / measured
  const away = Math.sqrt(nearest)
  if (!(mean > 0) || away <= mean * SAME) return { ...nothing, repeated: true }
  if (stream.n < SETTLED_AFTER) return nothing
  const other = unfold(closest)
  const flatness = flatnessOf(values, other)
  const evenness = evennessOf(values, other)
  const count = Math.min(8, Math.floor(Math.log2(stream.kept.length)))
  return {
    bins: {
      flat: `f${binOf(flatness, FLAT_STEPS, FLAT_RANGE)}`,
      even: evenness === null ? null : `e${binOf(evenness, EVEN_STEPS, EVEN_RANGE)}`,
      far: `n${count}.${Math.floor(clip(away / mean, 0, 0.95) * FAR_STEPS)}`,
    },
    repeated: false,
  }
}

/** Of the mean distance: nearer than this is the same query again. */
const SAME = 1e-3
const FLAT_STEPS = 20
const FLAT_RANGE = [4, 18] as const
const EVEN_STEPS = 40
const EVEN_RANGE = [20, 39] as const
const FAR_STEPS = 10

function binOf(share: number, steps: number, [low, high]: readonly [number, number]): number {
  return Math.floor(clip(share * steps, low, high))
}

/** The bins among which this one is, itself included: together they are everything that could have been. */
export function besides(bin: string): string[] {
  if (bin.startsWith('f'))
    return Array.from({ length: FLAT_RANGE[1] - FLAT_RANGE[0] + 1 }, (_, i) => `f${FLAT_RANGE[0] + i}`)
  if (bin.startsWith('e'))
    return Array.from({ length: EVEN_RANGE[1] - EVEN_RANGE[0] + 1 }, (_, i) => `e${EVEN_RANGE[0] + i}`)
  const [count = ''] = bin.split('.', 1)
  return Array.from({ length: FAR_STEPS }, (_, i) => `${count}.${i}`)
}

/**
 * Bits that the query adds to each bet, before clipping at 0. Only what is flatter or farther than nearly all of the
 * others' adds any: callers who ask nearly the same again and again copy nothing. Reads only.
 */
export function gainsOf(stream: QueryStream, look: QueryLook, others: Others): Gains {
  const gains = { flat: 0, even: 0, far: 0 }
  for (const bet of BETS) {
    const bin = look.bins[bet]
    const usual = bin === null ? null : others(bin)
    if (bin === null || usual === null) continue
    const own = ownShare(stream.own[bet], bin)
    const gain = Math.log2(own / (usual * (1 - FLOOR * PRIOR.bins) + FLOOR)) - ALLOWANCE
    gains[bet] = clip(gain, -MOST, beyond(bin, others) <= TAIL ? MOST : 0)
  }
  return gains
}

/** Share of the others' in this bin and the ones above it. */
function beyond(bin: string, others: Others): number {
  const all = besides(bin)
  return all.slice(all.indexOf(bin)).reduce((sum, each) => sum + (others(each) ?? 0), 0)
}

/** log2 of each stake after a query that adds so much. */
export function stakesAfter({ stakes }: Pick<QueryStream, 'stakes'>, gains: Gains): Gains {
  return {
    flat: clip(stakes.flat + gains.flat, 0, HIGHEST),
    even: clip(stakes.even + gains.even, 0, HIGHEST),
    far: clip(stakes.far + gains.far, 0, HIGHEST),
  }
}

/** A stake grows no further, so a caller that stops is cleared after so many usual queries. */
const HIGHEST = 4 * FOUND

/** The stream after the query was asked, whatever came of it. */
export function keepQuery(stream: QueryStream, query: Folded, look: QueryLook, gains: Gains): QueryStream {
  const stakes = stakesAfter(stream, gains)
  if (look.repeated) return { ...stream, stakes }
  const n = stream.n + 1
  return {
    n,
    kept: sampled(stream.kept, query, n),
    own: {
      flat: habit(stream.own.flat, look.bins.flat),
      even: habit(stream.own.even, look.bins.even),
      far: habit(stream.own.far, look.bins.far),
    },
    stakes,
  }
}

/** log2 of a stake from which on a stream is not dropped for another one. */
const WORTH_KEEPING = 4

/**
 * Keeps the stream, and `limit` of them. The one used longest ago goes, of those whose bets have won nothing yet while
 * there are such: asking for other things must not wipe out what speaks against the caller.
 */
export function keepStream(
  streams: Map<string, QueryStream>,
  key: string,
  stream: QueryStream,
  limit: number,
): void {
  streams.delete(key)
  streams.set(key, stream)
  if (streams.size <= limit) return
  let [leaving, least] = ['', Number.POSITIVE_INFINITY]
  for (const [other, { stakes }] of streams) {
    const most = Math.max(stakes.flat, stakes.even, stakes.far)
    if (other === key || most >= least) continue
    leaving = other
    least = most < WORTH_KEEPING ? Number.NEGATIVE_INFINITY : most
  }
  streams.delete(leaving)
}

/** The one that leaves the latest takes the place of a random member of the sample, or none (Vitter's algorithm R). */
function sampled(before: readonly Folded[], query: Folded, n: number): Folded[] {
  const kept = [...before, query]
  if (kept.length <= KEPT) return kept
  const sample = KEPT - LATEST
  const at = scrambled(n) % (n - LATEST)
  const [leaving] = kept.splice(sample, 1)
  if (leaving !== undefined && at < sample) kept[at] = leaving
  return kept
}

function habit(own: ReadonlyMap<string, number>, bin: string | null): ReadonlyMap<string, number> {
  if (bin === null) return own
  const faded = new Map<string, number>()
  for (const [key, value] of own) if (value >= 1e-3) faded.set(key, value * FADE)
  return faded.set(bin, (faded.get(bin) ?? 0) + 1)
}

/** log2 of the largest stake, less what having three costs. */
export function found(stakes: Gains): number {
  return Math.max(0, Math.max(stakes.flat, stakes.even, stakes.far) - Math.log2(BETS.length))
}

function ownShare(own: ReadonlyMap<string, number>, bin: string): number {
  let total = 0
  for (const value of own.values()) total += value
  return ((own.get(bin) ?? 0) + PRIOR.weight / PRIOR.bins) / (total + PRIOR.weight)
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

/** The same of the coordinates that differ at all; null when those are too few to tell. */
function evennessOf(a: Float64Array, b: Float64Array): number | null {
  const away = a.map((value, i) => Math.abs(value - (b[i] ?? 0)))
  let most = 0
  for (const each of away) if (each > most) most = each
  const moved = away.filter((each) => each > UNMOVED * most)
  return moved.length < FEW ? null : flatnessOf(moved, new Float64Array(moved.length))
}

/** Of the largest difference: less is not counted as one. */
const UNMOVED = 0.1
/** Whoever asks what would be if one thing were otherwise moves few coordinates, and alike. */
const FEW = 8

/** The same every time, yet no pattern that a caller could time (SplitMix's finaliser, 32 bits). */
function scrambled(n: number): number {
  let x = Math.imul(n ^ (n >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
