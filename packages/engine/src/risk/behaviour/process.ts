/**
 * Does a run of a process (its system calls, an agent's low-level steps) look like the runs it was learned from? Two
 * terms, each turned into bits by how rare its value was among known runs before they were learned (Fisher's method):
 *
 * - *order*: mean surprise of a step after the steps one, two and three before it, each taken alone, so that threads
 *   whose steps interleave at random do not look new (mixed transition distribution: Raftery, J. R. Stat. Soc. B 47, 1985;
 *   look-ahead pairs: Forrest, Hofmeyr, Somayaji, Longstaff, IEEE S&P 1996);
 * - *mixture*: distance from the set of kinds of steps to the nearest known set (cosine), so that a run put together
 *   of known steps of different programs shows.
 *
 * Both are means, so long and short runs compare. Scoring reads only.
 * @module
 */
import { clip } from '../detector.ts'
import type { Score } from './terms.ts'

export interface ProcessState {
  /** Steps by kind. */
  readonly singles: Map<string, number>
  /** Steps of one kind shortly after another: `<before> <kind>`, all lags together. */
  readonly pairs: Map<string, number>
  /** Pairs by their first kind. */
  readonly before: Map<string, number>
  steps: number
  /** Distinct sets of kinds of known runs, each joined by spaces; insertion order. */
  readonly sets: Map<string, number>
  /** Values of the two terms of known runs, taken before the run was learned, oldest first. */
  readonly known: { readonly order: number[]; readonly mixture: number[] }
}

/** One run under way. */
export interface Run {
  /** Latest kinds, newest first. */
  readonly recent: string[]
  readonly kinds: Set<string>
  surprise: number
  steps: number
}

const LAGS = 3
const PRIOR = 5
/** Weight of the order-free share beside the lags. */
const ALONE = 0.01
const LIMITS = { kinds: 1024, pairs: 16_384, sets: 1024, known: 512 } as const

export function emptyProcess(): ProcessState {
  return {
    singles: new Map(),
    pairs: new Map(),
    before: new Map(),
    steps: 0,
    sets: new Map(),
    known: { order: [], mixture: [] },
  }
}

export function startRun(): Run {
  return { recent: [], kinds: new Set(), surprise: 0, steps: 0 }
}

/** Changes the run, not the state. */
export function step(state: ProcessState, run: Run, kind: string): void {
  const alone = ((state.singles.get(kind) ?? 0) + 0.5) / (state.steps + 170)
  let sum = ALONE * alone
  for (const before of run.recent) {
    const together = state.pairs.get(`${before} ${kind}`) ?? 0
    sum += (together + PRIOR * alone) / ((state.before.get(before) ?? 0) + PRIOR)
  }
  run.surprise -= Math.log2(sum / (ALONE + run.recent.length))
  run.steps++
  run.recent.unshift(kind)
  if (run.recent.length > LAGS) run.recent.pop()
  if (run.kinds.size < LIMITS.kinds) run.kinds.add(kind)
}

/** Bits of the run as far as it went; 0 = as usual as can be, 2 = what half of the known runs reach in each term. */
export function scoreRun(state: ProcessState, run: Run): Score {
  const order = rarity(state.known.order, orderOf(run))
  const mixture = rarity(state.known.mixture, mixtureOf(state, run))
  return {
    bits: order + mixture,
    terms: [
      { name: 'order', bits: order },
      { name: 'mixture', bits: mixture },
    ].sort((a, b) => b.bits - a.bits),
  }
}

/** @param weight of the run, 0–1; a doubtful one may teach less, or nothing */
export function learnRun(state: ProcessState, kinds: readonly string[], weight = 1): void {
  const held = clip(weight, 0, 1)
  if (!(held > 0) || kinds.length === 0) return
  const run = startRun()
  for (const kind of kinds) step(state, run, kind)
  keep(state.known.order, orderOf(run))
  keep(state.known.mixture, mixtureOf(state, run))
  kinds.forEach((kind, i) => {
    add(state.singles, kind, held, LIMITS.kinds)
    for (let lag = 1; lag <= LAGS; lag++) {
      const before = kinds[i - lag]
      if (before === undefined) break
      add(state.pairs, `${before} ${kind}`, held, LIMITS.pairs)
      add(state.before, before, held, LIMITS.kinds)
    }
  })
  state.steps += held * kinds.length
  add(state.sets, [...run.kinds].sort().join(' '), held, LIMITS.sets)
}

function orderOf(run: Run): number {
  return run.steps === 0 ? 0 : run.surprise / run.steps
}

function mixtureOf({ sets }: ProcessState, { kinds }: Run): number {
  let nearest = 0
  for (const set of sets.keys()) {
    const members = set.split(' ')
    let shared = 0
    for (const member of members) if (kinds.has(member)) shared++
    const likeness = shared / Math.sqrt(members.length * kinds.size)
    if (likeness > nearest) nearest = likeness
  }
  return 1 - nearest
}

/** −log₂ of the share of known values that are at least this high. */
function rarity(known: readonly number[], value: number): number {
  let reached = 0
  for (const other of known) if (other >= value) reached++
  return -Math.log2((reached + 0.5) / (known.length + 1))
}

function keep(known: number[], value: number): void {
  known.push(value)
  if (known.length > LIMITS.known) known.shift()
}

/** Full maps keep what they know. */
function add(map: Map<string, number>, key: string, weight: number, limit: number): void {
  const had = map.get(key)
  if (had !== undefined) map.set(key, had + weight)
  else if (map.size < limit) map.set(key, weight)
}
