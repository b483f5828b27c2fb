/**
 * What `bench:containment` reports, as JSON and as text.
 * @module
 */

import { estimate } from '../behaviour/metrics.ts'
import type { Machine } from '../lib/machine.ts'
import { median, quantile, rounded } from '../lib/stats.ts'
import type { AgentDays, BenignDays } from './benign.ts'
import type { LiveResult, Victim } from './measure.ts'

export interface ContainmentReport {
  readonly bench: 'containment'
  readonly machine: Machine
  readonly live: readonly LiveResult[]
  readonly benign: BenignDays
}

export type Interval = readonly [number, number] | null

export interface LevelLine {
  readonly policy: string
  readonly level: string
  readonly about: string
  readonly agents: number
  readonly attempts: number
  readonly median: number
  readonly mean: number
  /** 95 %, agents drawn again. */
  readonly medianInterval: Interval
  readonly meanInterval: Interval
  readonly most: number
  /** Agents of which a late malicious call was still carried out. */
  readonly unstopped: number
  /** Seconds from the first malicious call to the last that was carried out, at the attacker's own pace. */
  readonly secondsMedian: number
  readonly secondsP99: number
  /** Tools of what was carried out, most often first. */
  readonly carried: string
}

export function linesOf({ live }: Pick<ContainmentReport, 'live'>): LevelLine[] {
  return live.flatMap(({ policy, levels }) =>
    levels.map(({ level, about, attempts, victims }) => ({
      policy,
      level,
      about,
      agents: victims.length,
      attempts,
      ...summaryOf(victims),
    })),
  )
}

export interface Overall {
  readonly median: number
  readonly medianInterval: Interval
  readonly noisyMedian: number
  readonly unstopped: number
  readonly agents: number
  /** Of attacks as fast as answers come. */
  readonly fastSecondsP99: number
}

/** Over all levels of one policy. */
export function overallOf({ levels }: LiveResult): Overall {
  const all = levels.flatMap(({ victims }) => victims)
  const noisy = levels.find(({ level }) => level === 'noisy')?.victims ?? []
  return {
    median: median(carriedOf(all)),
    medianInterval: estimate(carriedOf(all), median).interval,
    noisyMedian: median(noisy.map(({ carried }) => carried.length)),
    unstopped: all.filter(({ unstopped }) => unstopped).length,
    agents: all.length,
    fastSecondsP99: p99(noisy.map(({ seconds }) => seconds)),
  }
}

function summaryOf(victims: readonly Victim[]) {
  const counts = carriedOf(victims)
  const seconds = victims.map((victim) => victim.seconds)
  const tools = new Map<string, number>()
  for (const { carried } of victims) for (const tool of carried) tools.set(tool, (tools.get(tool) ?? 0) + 1)
  return {
    median: median(counts),
    mean: rounded(mean(counts)),
    medianInterval: estimate(counts, median).interval,
    meanInterval: estimate(counts, mean).interval,
    most: Math.max(0, ...counts),
    unstopped: victims.filter(({ unstopped }) => unstopped).length,
    secondsMedian: rounded(median(seconds), 1),
    secondsP99: rounded(p99(seconds), 1),
    carried: [...tools]
      .sort((a, b) => b[1] - a[1])
      .map(([tool, times]) => `${tool} ${times}`)
      .join(', '),
  }
}

function carriedOf(victims: readonly Victim[]): number[] {
  return victims.map(({ carried }) => carried.length)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length)
}

/** Of agents that only work: 95 %, agents drawn again with all their days. */
export function benignIntervals({ agents = [] }: Partial<BenignDays>): {
  readonly suspended: Interval
  readonly lowered: Interval
  readonly interrupted: Interval
} {
  const share = (of: (one: AgentDays) => number, among: (one: AgentDays) => number) =>
    estimate(
      agents,
      (drawn) =>
        drawn.reduce((sum, one) => sum + of(one), 0) / drawn.reduce((sum, one) => sum + among(one), 0),
    ).interval
  const days = ({ days: all }: AgentDays) => all
  return {
    suspended: share(({ suspended }) => suspended, days),
    lowered: share(({ lowered }) => lowered, days),
    interrupted: share(
      ({ interrupted }) => interrupted,
      ({ calls }) => calls,
    ),
  }
}

export function between(interval: Interval, digits: number, times = 1): string {
  return interval === null ? '' : `[${interval.map((end) => (end * times).toFixed(digits)).join(', ')}]`
}

function p99(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.99,
  )
}

/** Upper end of a 95 % interval of a share: exact where nothing was seen (rule of three), else Wilson's. */
export function upperShare(seen: number, of: number): number {
  if (of === 0) return 1
  if (seen === 0) return Math.min(1, 3 / of)
  const [z, p] = [1.96, seen / of]
  const middle = p + (z * z) / (2 * of)
  const spread = z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of))
  return (middle + spread) / (1 + (z * z) / of)
}

const percent = (share: number, digits = 2) => `${(share * 100).toFixed(digits)} %`

export function textReport(report: ContainmentReport): string {
  const lines = [
    'bench:containment. Live processes over HTTP; a synthetic office; the clock is moved between calls.',
    'Malicious calls carried out before the agent was stopped, by stealth of whoever took it over.',
    '',
    'policy      level        agents  tries  median            mean               most  unstopped  s median     s p99   carried out',
  ]
  for (const one of linesOf(report))
    lines.push(
      `${one.policy.padEnd(11)} ${one.level.padEnd(12)} ${String(one.agents).padStart(6)}  ${String(one.attempts).padStart(5)}  ${String(one.median).padStart(6)} ${between(one.medianInterval, 0).padEnd(9)}  ${one.mean.toFixed(1).padStart(4)} ${between(one.meanInterval, 1).padEnd(12)}  ${String(one.most).padStart(4)}  ${String(one.unstopped).padStart(9)}  ${one.secondsMedian.toFixed(1).padStart(8)}  ${one.secondsP99.toFixed(1).padStart(8)}   ${one.carried}`,
    )
  for (const one of report.live) {
    const { median: middle, medianInterval, noisyMedian, unstopped, agents, fastSecondsP99 } = overallOf(one)
    const { agentDays, calls, interrupted, suspended, lowered } = one.benign
    lines.push(
      '',
      `${one.policy}: median ${middle} ${between(medianInterval, 0)} over all levels, noisy ${noisyMedian}; ${unstopped} of ${agents} agents not stopped; attacks as fast as answers come end within ${fastSecondsP99.toFixed(2)} s (p99)`,
      `  at work before: ${agentDays} agent-days, ${calls} calls, ${percent(interrupted / calls)} interrupted, ${suspended} suspended, ${lowered} lowered`,
    )
  }
  const { benign } = report
  const intervals = benignIntervals(benign)
  lines.push(
    '',
    `At work only (in process, simulated time): ${benign.agentDays} agent-days, ${benign.calls} calls, ${benign.suspended} suspensions (${percent(benign.suspended / benign.agentDays, 3)} a day, at most ${percent(upperShare(benign.suspended, benign.agentDays), 3)} at 95 %), ${benign.lowered} days ended lowered (${between(intervals.lowered, 3, 100)} %), calls interrupted ${between(intervals.interrupted, 4, 100)} % (95 %, agents drawn again)`,
    ...Object.entries(benign.interrupted).map(
      ([why, times]) => `  ${String(times).padStart(6)}  ${percent(times / benign.calls, 3)}  ${why}`,
    ),
  )
  return `${lines.join('\n')}\n`
}
