/**
 * Does a run of a process (its system calls, an agent's low-level steps) look like the runs it was learned from? Three
 * terms, each turned into bits by how rare its value was among known runs before they were learned (Fisher's method):
 *
 * - *order*: mean surprise of a step after the steps one, two and three before it, each taken alone, so that threads
 *   whose steps interleave at random do not look new (mixed transition distribution: Raftery, J. R. Stat. Soc. B 47, 1985;
 *   look-ahead pairs: Forrest, Hofmeyr, Somayaji, Longstaff, IEEE S&P 1996);
 * - *mixture*: distance from the set of kinds of steps to the nearest known set (cosine), so that a run put together
 *   of known steps of different programs shows.
 *
 * - *likeness*: the order's surprise above that of the known runs with the nearest sets: what is usual for a program with
 *   threads is strange for one without.
 *
 * All are means, so long and short runs compare. Scoring reads only.
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
  /** Runs and their mean surprise, by the set of their kinds, joined by spaces. */
  readonly sets: Map<string, KnownSet>
  /** Values of the terms of known runs, taken before the run was learned, oldest first. */
  readonly known: Readonly<Record<Term, number[]>>
}

interface KnownSet {
  readonly runs: number
  readonly surprise: number
}

const TERMS = ['order', 'mixture', 'likeness'] as const
type Term = (typeof TERMS)[number]

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
/** Known sets that a run is compared with. */
const NEAREST = 5
const LIMITS = { kinds: 1024, pairs: 16_384, sets: 1024, known: 512 } as const

export function emptyProcess(): ProcessState {
  return {
    singles: new Map(),
    pairs: new Map(),
    before: new Map(),
    steps: 0,
    sets: new Map(),
    known: { order: [], mixture: [], likeness: [] },
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

/** Bits of the run as far as it went; 0 = as usual as can be, 1 a term = what half of the known runs reach. */
export function scoreRun(state: ProcessState, run: Run): Score {
  const values = valuesOf(state, run)
  const terms = TERMS.map((name) => ({ name, bits: rarity(state.known[name], values[name]) }))
  let bits = 0
  for (const term of terms) bits += term.bits
  return { bits, terms: terms.sort((one, other) => other.bits - one.bits) }
}

/** @param weight of the run, 0–1; a doubtful one may teach less, or nothing */
export function learnRun(state: ProcessState, kinds: readonly string[], weight = 1): void {
  const held = clip(weight, 0, 1)
  if (!(held > 0) || kinds.length === 0) return
  const run = startRun()
  for (const kind of kinds) step(state, run, kind)
  const values = valuesOf(state, run)
  for (const name of TERMS) keep(state.known[name], values[name])
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
  const set = [...run.kinds].sort().join(' ')
  const had = state.sets.get(set)
  if (had === undefined && state.sets.size >= LIMITS.sets) return
  const runs = (had?.runs ?? 0) + held
  const surprise =
    had === undefined ? values.order : had.surprise + (held * (values.order - had.surprise)) / runs
  state.sets.set(set, { runs, surprise })
}

function valuesOf({ sets }: ProcessState, run: Run): Record<Term, number> {
  const order = run.steps === 0 ? 0 : run.surprise / run.steps
  const nearest: { readonly likeness: number; readonly surprise: number }[] = []
  for (const [set, { surprise }] of sets) {
    const likeness = alike(set.split(' '), run.kinds)
    if (nearest.length === NEAREST && likeness <= (nearest.at(-1)?.likeness ?? 0)) continue
    nearest.push({ likeness, surprise })
    nearest.sort((one, other) => other.likeness - one.likeness)
    if (nearest.length > NEAREST) nearest.pop()
  }
  let usual = 0
  for (const { surprise } of nearest) usual += surprise / nearest.length
  return { order, mixture: 1 - (nearest[0]?.likeness ?? 0), likeness: order - usual }
}

/** Cosine of the two sets. */
function alike(members: readonly string[], kinds: ReadonlySet<string>): number {
  let shared = 0
  for (const member of members) if (kinds.has(member)) shared++
  return shared / Math.sqrt(members.length * kinds.size)
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
