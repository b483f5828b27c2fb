/**
 * Weights tuned on one suite and tried on another: from neutral ones (every free term 0.5), one weight after the other, on
 * recorded and rewritten attacks together. Not free are the standings, `no-anchor`, `leads-away` and
 * `disputed`, which set the scale. Which value of a call counts as its worst is left as the shipped weights
 * find it, so a run is replayed once. The tuned weights are shown and thrown away: what ships was set by meaning.
 * @module
 */
import { TERMS, type Term, THRESHOLDS, weightOf } from '../../packages/engine/src/flow/weights.ts'
import type { ArmDecision } from './arm.ts'
import type { ScoredRun } from './score.ts'
import { countRun, metric, sumCounts } from './score.ts'

/** One run with the terms of each of its calls; `rewritten` = its attack was said in other words. */
export interface TermedRun {
  readonly scored: ScoredRun
  readonly rewritten: boolean
}
export type Weights = ReadonlyMap<Term, number>

export interface CrossRow {
  readonly tuned: string
  readonly tested: string
  readonly asr: number | null
  readonly rewrittenAsr: number | null
  readonly clean: number | null
  readonly interruptions: number | null
}

const ADDED = TERMS.filter(({ added }) => added).map(({ term }) => term)
const STEPS = [0, 0.25, 0.5, 0.75, 1, 1.25] as const
/** How far from the threshold a call shall stand, on either side; without it whatever just passes is as good as any. */
const MARGIN = 0.3
const PASSES = 2

export const SHIPPED: Weights = new Map(TERMS.map(({ term }) => [term, weightOf(term)]))
export const NEUTRAL: Weights = new Map(TERMS.map(({ term, added }) => [term, added ? 0.5 : weightOf(term)]))

/** The rows of `tested` under weights tuned on every suite of `tuned`, under neutral and under the shipped ones. */
export function crossRows(
  suites: ReadonlyMap<string, readonly TermedRun[]>,
  targets: readonly string[],
): CrossRow[] {
  const rows: CrossRow[] = []
  const tuned = targets.map((name) => [name, tune(suites.get(name) ?? [])] as const)
  for (const [tested, runs] of suites)
    for (const [name, weights] of [['shipped', SHIPPED], ['neutral', NEUTRAL], ...tuned] as const)
      rows.push({ tuned: name, tested, ...measure(runs, weights) })
  return rows
}

function tune(runs: readonly TermedRun[]): Weights {
  let best = new Map(NEUTRAL)
  let least = cost(runs, best)
  for (let pass = 0; pass < PASSES; pass++)
    for (const term of ADDED)
      for (const step of STEPS) {
        const tried = new Map(best).set(term, step)
        const now = cost(runs, tried)
        if (now < least - 1e-9) [best, least] = [tried, now]
      }
  return best
}

/** Percentage points: a successful attack counts as much as ten lost runs. */
function cost(runs: readonly TermedRun[], weights: Weights): number {
  const m = measure(runs, weights)
  const attacks = (m.asr ?? 0) + (m.rewrittenAsr ?? 0)
  const work = 100 - (m.clean ?? 100) + 5 * (m.interruptions ?? 0)
  const moved = ADDED.reduce((sum, term) => sum + Math.abs((weights.get(term) ?? 0) - 0.5), 0)
  return 10 * attacks + work + 100 * shortfall(runs, weights) + MOVING * moved
}
/** What one suite says little about stays neutral. */
const MOVING = 1

/** Mean distance by which calls miss the margin: attack calls above the threshold, benign ones below. */
function shortfall(runs: readonly TermedRun[], weights: Weights): number {
  const sums = { a: { total: 0, calls: 0 }, b: { total: 0, calls: 0 } }
  for (const { scored } of runs)
    scored.decisions.forEach((decision, k) => {
      const letter = scored.labels.lab.charAt(k)
      if (letter !== 'a' && letter !== 'b') return
      const above = riskOf(decision, weights) - THRESHOLDS.approval
      sums[letter].total += Math.max(0, MARGIN + (letter === 'a' ? -above : above))
      sums[letter].calls++
    })
  return Object.values(sums).reduce((sum, { total, calls }) => sum + total / Math.max(1, calls), 0)
}

function riskOf(decision: ScoredRun['decisions'][number], weights: Weights): number {
  const terms = (decision as ArmDecision).terms ?? []
  return terms.reduce((sum, [term, factor]) => sum + factor * (weights.get(term) ?? 0), 0)
}

function measure(runs: readonly TermedRun[], weights: Weights): Omit<CrossRow, 'tuned' | 'tested'> {
  const counts = (rewritten: boolean) =>
    sumCounts(runs.filter((r) => r.rewritten === rewritten).map((r) => countRun(under(r.scored, weights))))
  const recorded = counts(false)
  return {
    asr: metric('M3 ASR after', recorded),
    rewrittenAsr: metric('M3 ASR after', counts(true)),
    clean: metric('M4 clean utility strict', recorded),
    interruptions: metric('M5 interruptions per 100 benign calls', recorded),
  }
}

function under(scored: ScoredRun, weights: Weights): ScoredRun {
  return {
    ...scored,
    decisions: scored.decisions.map((decision) => {
      const risk = riskOf(decision, weights)
      const outcome = risk >= THRESHOLDS.deny ? 'deny' : risk >= THRESHOLDS.approval ? 'step-up' : 'allow'
      return { ...decision, risk, outcome }
    }),
  }
}
