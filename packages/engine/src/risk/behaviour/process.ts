/**
 * Does a run of a process (its system calls, an agent's low-level steps) look like the runs it was learned from? Four
 * terms, each turned into bits by how rare its value was among known runs before they were learned (Fisher's method):
 *
 * - *mixture*: distance from the set of kinds of steps to the nearest known set (cosine), so that a run put together
 *   of known steps of different programs shows;
 * - *order*: surprise of the typical step after the steps one, two and three before it, each taken alone, so that threads
 *   whose steps interleave at random do not look new (mixed transition distribution: Raftery, J. R. Stat. Soc. B 47, 1985;
 *   look-ahead pairs: Forrest, Hofmeyr, Somayaji, Longstaff, IEEE S&P 1996);
 * - *irregular*: what a step costs a model of nothing but the run itself (`run.ts`);
 * - *unlike*: the same above that of the known runs with the nearest sets: what is usual for a program with threads is
 *   strange for one without.
 *
 * Order and irregularity are rare or not for a run of so many kinds of steps: they are compared with known runs of about
 * as many. All are typical values or means, so long and short runs compare. Scoring reads only.
 * @module
 */
import { clip } from '../detector.ts'
import { advance, irregularity, LAGS, type Run, startRun, typicalSurprise } from './run.ts'
import type { Score } from './terms.ts'

export interface ProcessState {
  /** Steps by kind. */
  readonly singles: Map<string, number>
  /** Steps of one kind shortly after another: `<before> <kind>`, all lags together. */
  readonly pairs: Map<string, number>
  /** Pairs by their first kind. */
  readonly before: Map<string, number>
  steps: number
  /** Runs and their mean irregularity, by the set of their kinds, joined by spaces. */
  readonly sets: Map<string, KnownSet>
  /** What known runs were before they were learned, oldest first. */
  readonly known: Values[]
}

interface KnownSet {
  readonly runs: number
  readonly irregular: number
}

const TERMS = ['mixture', 'order', 'irregular', 'unlike'] as const
type Term = (typeof TERMS)[number]
/** Of a run; `kinds`: natural logarithm of how many. */
type Values = Readonly<Record<Term | 'kinds', number>>
/** Terms that depend on how many kinds of steps a run has. */
const BY_KINDS: readonly Term[] = ['order', 'irregular']
/** How near in number of kinds, as a natural logarithm, known runs must be to count fully. */
const NEAR_KINDS = 0.2

const PRIOR = 5
/** Weight of the order-free share beside the lags. */
const ALONE = 0.01
/** Known runs that a run is compared with. */
const NEAREST = 10
const LIMITS = { kinds: 1024, pairs: 16_384, sets: 1024, known: 512 } as const

export function emptyProcess(): ProcessState {
  return { singles: new Map(), pairs: new Map(), before: new Map(), steps: 0, sets: new Map(), known: [] }
}

/** Changes the run, not the state. */
export function step(state: ProcessState, run: Run, kind: string): void {
  const alone = ((state.singles.get(kind) ?? 0) + 0.5) / (state.steps + 170)
  let sum = ALONE * alone
  for (const before of run.recent) {
    const together = state.pairs.get(`${before} ${kind}`) ?? 0
    sum += (together + PRIOR * alone) / ((state.before.get(before) ?? 0) + PRIOR)
  }
  advance(run, kind, -Math.log2(sum / (ALONE + run.recent.length)))
}

/** Bits of the run as far as it went; 0 = as usual as can be, 1 a term = what half of the known runs reach. */
export function scoreRun(state: ProcessState, run: Run): Score {
  const values = valuesOf(state, run)
  const terms = TERMS.map((name) => ({ name, bits: rarity(state.known, name, values) }))
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
  state.known.push(valuesOf(state, run))
  if (state.known.length > LIMITS.known) state.known.shift()
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
  const set = [...run.kinds.keys()].sort().join(' ')
  const had = state.sets.get(set)
  if (had === undefined && state.sets.size >= LIMITS.sets) return
  const runs = (had?.runs ?? 0) + held
  const own = irregularity(run)
  const irregular = had === undefined ? own : had.irregular + (held * (own - had.irregular)) / runs
  state.sets.set(set, { runs, irregular })
}

function valuesOf({ sets }: ProcessState, run: Run): Values {
  const likenesses = [...sets].map(([set, known]) => ({
    ...known,
    likeness: alike(set.split(' '), run.kinds),
  }))
  likenesses.sort((one, other) => other.likeness - one.likeness)
  let runs = 0
  let usual = 0
  for (const known of likenesses) {
    if (runs >= NEAREST || known.likeness === 0) break
    const counted = Math.min(known.runs, NEAREST - runs)
    runs += counted
    usual += counted * known.irregular
  }
  const irregular = irregularity(run)
  return {
    kinds: rounded(Math.log(Math.max(run.kinds.size, 1))),
    mixture: rounded(1 - (likenesses[0]?.likeness ?? 0)),
    order: rounded(typicalSurprise(run)),
    irregular: rounded(irregular),
    unlike: rounded(irregular - (runs === 0 ? 0 : usual / runs)),
  }
}

/** Hundreds of values are kept: a thousandth is enough, and equal runs stay equal. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** Cosine of the two sets. */
function alike(members: readonly string[], kinds: ReadonlyMap<string, number>): number {
  let shared = 0
  for (const member of members) if (kinds.has(member)) shared++
  return shared / Math.sqrt(members.length * Math.max(kinds.size, 1))
}

/** −log₂ of the share of known runs, those with about as many kinds where that matters, whose value is as high. */
function rarity(known: readonly Values[], name: Term, values: Values): number {
  const nearness = BY_KINDS.includes(name)
    ? (other: Values) => Math.exp(-0.5 * ((other.kinds - values.kinds) / NEAR_KINDS) ** 2)
    : () => 1
  let reached = 0
  let compared = 0
  for (const other of known) {
    const weight = nearness(other)
    compared += weight
    if (other[name] >= values[name]) reached += weight
  }
  return -Math.log2((reached + 0.5) / (compared + 1))
}

/** Full maps keep what they know. */
function add(map: Map<string, number>, key: string, weight: number, limit: number): void {
  const had = map.get(key)
  if (had !== undefined) map.set(key, had + weight)
  else if (map.size < limit) map.set(key, weight)
}
