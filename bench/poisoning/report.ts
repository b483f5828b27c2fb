/**
 * What `bench:poisoning` reports, as JSON and as text.
 * @module
 */

import { estimate } from '../behaviour/metrics.ts'
import type { Interval } from '../containment/report.ts'
import { between } from '../containment/report.ts'
import type { Machine } from '../lib/machine.ts'
import { rounded } from '../lib/stats.ts'
import type { Arm, Result } from './measure.ts'

export interface PoisoningReport {
  readonly bench: 'poisoning'
  readonly machine: Machine
  readonly seeds: readonly number[]
  /** By seed. */
  readonly results: readonly (readonly Result[])[]
}

export interface PoisoningLine {
  readonly method: string
  readonly target: string
  readonly agents: number
  /** Percent of attacks. */
  readonly clean: number
  readonly poisoned: number
  /** Points lost; below 0 = the poisoned arm was detected more often. */
  readonly loss: number
  /** The same by call. */
  readonly callLoss: number
  /** 95 %, agents drawn again, each in both arms. */
  readonly lossInterval: Interval
  readonly callLossInterval: Interval
  /** Percent of agents that were noticed before the attack, in the poisoned and in the clean arm. */
  readonly seenBefore: number
  readonly seenClean: number
}

export function linesOf({ results }: Pick<PoisoningReport, 'results'>): PoisoningLine[] {
  const [first = []] = results
  return first.map(({ method, target }, i) => {
    const each = results.flatMap((one) => one[i] ?? [])
    const clean = pooled(each.map((one) => one.clean))
    const poisoned = pooled(each.map((one) => one.poisoned))
    return {
      method,
      target,
      agents: clean.agents,
      clean: clean.detected,
      poisoned: poisoned.detected,
      loss: rounded(clean.detected - poisoned.detected, 1),
      callLoss: rounded(clean.calls - poisoned.calls, 1),
      ...intervalsOf(each),
      seenBefore: poisoned.seen,
      seenClean: clean.seen,
    }
  })
}

/** An agent is in both arms, so it is drawn with both of its attacks. */
function intervalsOf(each: readonly Result[]): Pick<PoisoningLine, 'lossInterval' | 'callLossInterval'> {
  const pairs = each.flatMap(({ clean, poisoned }) =>
    clean.shares.map((share, i): readonly [number, number] => [share, poisoned.shares[i] ?? 0]),
  )
  const points = (of: (share: number) => number) =>
    estimate(pairs, (drawn) => (drawn.reduce((sum, [a, b]) => sum + of(a) - of(b), 0) / drawn.length) * 100)
      .interval
  return { lossInterval: points((share) => (share > 0 ? 1 : 0)), callLossInterval: points((share) => share) }
}

function pooled(arms: readonly Arm[]) {
  const agents = arms.reduce((sum, one) => sum + one.agents, 0)
  const share = (of: (arm: Arm) => number) =>
    rounded((arms.reduce((sum, one) => sum + of(one), 0) / agents) * 100, 1)
  return {
    agents,
    detected: share((one) => one.detected),
    calls: share((one) => one.callShare * one.agents),
    seen: share((one) => one.seenBefore),
  }
}

/** Detection lost to a method, over its targets. */
export function lossBy(
  lines: readonly PoisoningLine[],
): { readonly method: string; readonly loss: number }[] {
  return [...new Set(lines.map(({ method }) => method))].map((method) => {
    const mine = lines.filter((line) => line.method === method)
    return { method, loss: rounded(mine.reduce((sum, { loss }) => sum + loss, 0) / mine.length, 1) }
  })
}

export function textReport(report: PoisoningReport): string {
  const lines = linesOf(report)
  const text = [
    'bench:poisoning. A synthetic office in process, simulated time; behaviour only (evidence of provenance left out).',
    'Attacks of which at least one call reached the risk at which writes wait for a person, in percent.',
    'Intervals: 95 %, agents drawn again, each in both arms.',
    '',
    'method          target   agents   clean  poisoned    loss                loss by call              noticed before (clean arm)',
  ]
  for (const one of lines)
    text.push(
      `${one.method.padEnd(15)} ${one.target.padEnd(8)} ${String(one.agents).padStart(6)}  ${one.clean.toFixed(1).padStart(6)}  ${one.poisoned.toFixed(1).padStart(8)}  ${one.loss.toFixed(1).padStart(6)} ${between(one.lossInterval, 1).padEnd(13)}  ${one.callLoss.toFixed(1).padStart(6)} ${between(one.callLossInterval, 1).padEnd(15)}   ${one.seenBefore.toFixed(1)} (${one.seenClean.toFixed(1)})`,
    )
  text.push('', ...lossBy(lines).map(({ method, loss }) => `${method}: ${loss.toFixed(1)} points lost`))
  return `${text.join('\n')}\n`
}
