/**
 * What `bench:login` reports, as JSON and as text.
 * @module
 */
import type { Machine } from '../lib/machine.ts'
import { rounded } from '../lib/stats.ts'
import type { Result } from './measure.ts'

export interface LoginReport {
  readonly bench: 'login'
  readonly data: 'synthetic'
  readonly machine: Machine
  readonly sets: readonly {
    readonly name: string
    readonly seeds: readonly number[]
    /** By seed. */
    readonly results: readonly (readonly Result[])[]
  }[]
}

export interface LoginLine {
  readonly set: string
  readonly arm: string
  readonly attacker: string
  readonly tpr: number
  /** Of the worst seed. */
  readonly median: number
  readonly mean: number
  readonly p90: number
}

/** One line each, over the seeds: the worst median, the mean of the means. */
export function linesOf(report: LoginReport): LoginLine[] {
  return report.sets.flatMap(({ name, results }) => {
    const [first = []] = results
    return first.map(({ arm, attacker, tpr }, i) => {
      const each = results.flatMap((result) => result[i] ?? [])
      return {
        set: name,
        arm,
        attacker,
        tpr,
        median: Math.max(...each.map((one) => one.median)),
        mean: rounded(each.reduce((sum, one) => sum + one.mean, 0) / each.length),
        p90: Math.max(...each.map((one) => one.p90)),
      }
    })
  })
}

export interface LoginGoal {
  readonly name: string
  readonly target: number
  /** Median re-authentications, of the worst seed. */
  readonly measured: number
}

/** Goals of the issue; `plain` is the control arm and has none. */
export function goalsOf(report: LoginReport): LoginGoal[] {
  const wanted = [
    { arm: 'ours', attacker: 'targeted', tpr: 0.99, target: 3 },
    { arm: 'ours + round trip', attacker: 'targeted', tpr: 0.99, target: 3 },
    { arm: 'ours + round trip + key', attacker: 'targeted', tpr: 0.99, target: 3 },
    { arm: 'ours + round trip + key', attacker: 'very targeted', tpr: 0.9, target: 2 },
  ]
  return linesOf(report).flatMap((line): LoginGoal[] => {
    const goal = wanted.find(
      (each) => each.arm === line.arm && each.attacker === line.attacker && each.tpr === line.tpr,
    )
    if (goal === undefined) return []
    const name = `${line.set}, ${line.arm}: ${line.attacker}, TPR ${line.tpr}`
    return [{ name, target: goal.target, measured: line.median }]
  })
}

export function textReport(report: LoginReport): string {
  const lines = [
    'bench:login, SYNTHETIC data (a generator in the schema of the public RBA set; no real login was seen)',
    'Re-authentications within the first 12 logins of a user (the very first counts as one), where the share of attacks',
    'in the column TPR is caught. Worst seed of each set.',
    '',
    'set   arm                       attacker        TPR   median  mean   p90',
  ]
  for (const { set, arm, attacker, tpr, median, mean, p90 } of linesOf(report))
    lines.push(
      `${set.padEnd(5)} ${arm.padEnd(25)} ${attacker.padEnd(15)} ${tpr.toFixed(2)}  ${String(median).padStart(5)}  ${mean.toFixed(2).padStart(5)}  ${String(p90).padStart(4)}`,
    )
  lines.push('', 'goals: median re-authentications, worst seed')
  for (const { name, target, measured } of goalsOf(report))
    lines.push(`${measured <= target ? 'met   ' : 'MISSED'}  ${name}: ${measured} (at most ${target})`)
  lines.push('', '`held`: other parameters and seeds, run for reports only; nothing was chosen by them.')
  return `${lines.join('\n')}\n`
}
