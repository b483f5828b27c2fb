/**
 * What `bench:login` reports, as JSON and as text.
 * @module
 */
import type { Machine } from '../lib/machine.ts'
import { rounded } from '../lib/stats.ts'
import { ATTACKERS } from './generate.ts'
import { type Interval, intervalsOf } from './intervals.ts'
import { ARMS, BOUNDS, RATES, type Result, type UserScores } from './measure.ts'

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
  readonly lines: readonly LoginLine[]
}

/** A set of parameters as it was measured; users by seed. */
export interface MeasuredSet {
  readonly name: string
  readonly seeds: readonly number[]
  readonly users: readonly (readonly UserScores[])[]
  readonly results: readonly (readonly Result[])[]
}

export interface LoginLine {
  readonly set: string
  readonly arm: string
  readonly attacker: string
  readonly tpr: number
  /** Of the worst seed. */
  readonly median: number
  readonly medianInterval: Interval
  readonly mean: number
  readonly meanInterval: Interval
  readonly p90: number
}

/** One line each, over the seeds: the worst median, the mean of the means. */
export function linesOf(sets: readonly MeasuredSet[]): LoginLine[] {
  return sets.flatMap(({ name, users, results }) => {
    const [first = []] = results
    const intervals = new Map(
      [...ARMS, ...BOUNDS].flatMap((arm) =>
        ATTACKERS.flatMap((attacker) =>
          intervalsOf(users, arm, attacker, RATES).map((each, i): [string, typeof each] => [
            `${arm}|${attacker}|${RATES[i]}`,
            each,
          ]),
        ),
      ),
    )
    return first.flatMap(({ arm, attacker, tpr }, i): LoginLine[] => {
      const each = results.flatMap((result) => result[i] ?? [])
      const interval = intervals.get(`${arm}|${attacker}|${tpr}`)
      if (interval === undefined) return []
      return [
        {
          set: name,
          arm,
          attacker,
          tpr,
          median: Math.max(...each.map((one) => one.median)),
          medianInterval: interval.median,
          mean: rounded(each.reduce((sum, one) => sum + one.mean, 0) / each.length),
          meanInterval: [rounded(interval.mean[0]), rounded(interval.mean[1])],
          p90: Math.max(...each.map((one) => one.p90)),
        },
      ]
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
  return report.lines.flatMap((line): LoginGoal[] => {
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
    'in the column TPR is caught. Median: worst seed of each set; mean: of the seeds.',
    'In brackets 95 % intervals: users drawn with replacement.',
    '',
    'set   arm                       attacker        TPR   median           mean                 p90',
  ]
  const within = (interval: Interval, digits: number) =>
    `[${interval.map((end) => end.toFixed(digits)).join(', ')}]`
  for (const { set, arm, attacker, tpr, median, medianInterval, mean, meanInterval, p90 } of report.lines)
    lines.push(
      [
        set.padEnd(5),
        arm.padEnd(25),
        attacker.padEnd(15),
        `${tpr.toFixed(2)} `,
        `${median} ${within(medianInterval, 0)}`.padEnd(16),
        `${mean.toFixed(2)} ${within(meanInterval, 2)}`.padEnd(20),
        p90,
      ].join(' '),
    )
  lines.push('', 'goals: median re-authentications, worst seed')
  for (const { name, target, measured } of goalsOf(report))
    lines.push(`${measured <= target ? 'met   ' : 'MISSED'}  ${name}: ${measured} (at most ${target})`)
  lines.push('', '`held`: other parameters and seeds, run for reports only; nothing was chosen by them.')
  return `${lines.join('\n')}\n`
}
