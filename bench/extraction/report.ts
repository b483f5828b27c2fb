/**
 * What `bench:extraction` reports, as JSON and as text.
 * @module
 */
import { estimate, mean, shareInterval } from '../behaviour/metrics.ts'
import type { Machine } from '../lib/machine.ts'
import { rounded } from '../lib/stats.ts'
import type { AttackResult, SeedResult } from './measure.ts'

export interface ExtractionReport {
  readonly bench: 'extraction'
  readonly data: 'mnist 1.1.0'
  readonly machine: Machine
  readonly seeds: readonly SeedResult[]
}

export interface ExtractionGoal {
  readonly name: string
  readonly want: 'at most' | 'at least'
  readonly target: number
  /** Of the worst seed. */
  readonly measured: number
  readonly unit: string
}

/** 95 %, by drawing seeds with replacement: with each its model, its digits and all streams. */
export type Interval = readonly [number, number]

export interface AttackLine {
  readonly attack: string
  readonly tuned: boolean
  /** Queries until the alarm by seed; null = none. */
  readonly ours: readonly (number | null)[]
  readonly alone: readonly (number | null)[]
  readonly prada: readonly (number | null)[]
  /** Mean queries over the seeds; null where not every seed has an alarm, and then there is no interval. */
  readonly mean: number | null
  readonly meanInterval: Interval | null
  readonly copy: number
  readonly copyInterval: Interval | null
  readonly goal: number | null
}

export function attackLines({ seeds }: ExtractionReport): AttackLine[] {
  return (seeds[0]?.attacks ?? []).map(({ name, tuned, goal }, i) => {
    const each = seeds.flatMap(({ attacks }) => attacks[i] ?? [])
    const of = (pick: (result: AttackResult) => number | null) => each.map(pick)
    const copy = drawn(
      each.map((result) => result.copy),
      3,
    )
    const ours = of((result) => result.ours)
    const alarms = ours.filter((n) => n !== null)
    const queries = alarms.length === ours.length ? drawn(alarms, 1) : null
    return {
      attack: name,
      tuned,
      goal,
      ours,
      alone: of(({ alone }) => alone),
      prada: of(({ prada }) => prada),
      mean: queries?.value ?? null,
      meanInterval: queries?.interval ?? null,
      copy: copy.value,
      copyInterval: copy.interval,
    }
  })
}

/** By kind of caller: streams of all seeds with an alarm; exact 95 % intervals. */
export function honestLines({ seeds }: ExtractionReport) {
  return (seeds[0]?.honest ?? []).map(({ kind }) => {
    const each = seeds.flatMap(({ honest }) => honest.filter((one) => one.kind === kind))
    const sum = (pick: (one: (typeof each)[number]) => number) =>
      each.reduce((all, one) => all + pick(one), 0)
    const streams = sum((one) => one.streams)
    const alarms = sum(({ ours }) => ours)
    const prada = sum((one) => one.prada)
    return {
      kind,
      streams,
      queries: sum(({ queries }) => queries),
      ours: alarms,
      oursInterval: shareInterval(alarms, streams).map((end) => rounded(end, 3)),
      prada,
      pradaInterval: shareInterval(prada, streams).map((end) => rounded(end, 3)),
      highest: Math.max(...each.map(({ highest }) => highest)),
    }
  })
}

function drawn(values: readonly number[], digits: number): { value: number; interval: Interval | null } {
  const { value, interval } = estimate(values, mean)
  return {
    value: rounded(value, digits),
    interval: interval === null ? null : [rounded(interval[0], digits), rounded(interval[1], digits)],
  }
}

/** By arm: agreement of the copy and what honest callers get right, means over the seeds. */
export function hardeningLines({ seeds }: ExtractionReport) {
  return (seeds[0]?.hardening ?? []).map(({ arm, queries }, i) => {
    const each = seeds.flatMap(({ hardening }) => hardening[i] ?? [])
    const copy = drawn(
      each.map((one) => one.copy),
      3,
    )
    const honest = drawn(
      each.map((one) => one.honest),
      3,
    )
    return {
      arm,
      queries,
      copy: copy.value,
      copyInterval: copy.interval,
      honest: honest.value,
      honestInterval: honest.interval,
    }
  })
}

export function goalsOf(report: ExtractionReport): ExtractionGoal[] {
  const { seeds } = report
  const worst = (values: readonly (number | null)[]) =>
    Math.max(...values.map((value) => value ?? Number.POSITIVE_INFINITY))
  const alarms = seeds.map(({ honest }) => honest.reduce((sum, { ours }) => sum + ours, 0))
  const asked = seeds.reduce((sum, { honest }) => sum + honest.reduce((n, { queries }) => n + queries, 0), 0)
  const lines = hardeningLines(report)
  const plain = lines.find(({ arm }) => arm === 'nothing')
  const hardest = lines.find(({ arm }) => arm === 'at most 100 queries, rounded')
  return [
    {
      name: `honest streams with a false alarm, ${asked} queries`,
      want: 'at most',
      target: 0,
      measured: alarms.reduce((sum, n) => sum + n, 0),
      unit: '',
    },
    ...attackLines(report).flatMap(({ attack, ours, goal }): ExtractionGoal[] =>
      goal === null
        ? []
        : [{ name: attack, want: 'at most', target: goal, measured: worst(ours), unit: 'queries' }],
    ),
    ...(plain === undefined || hardest === undefined
      ? []
      : ([
          {
            name: 'natural pool: agreement of the copy lowered by a cap and rounding',
            want: 'at least',
            target: 10,
            measured: rounded(100 * (plain.copy - hardest.copy), 1),
            unit: 'points',
          },
          {
            name: 'what rounding costs honest callers',
            want: 'at most',
            target: 0.5,
            measured: rounded(100 * (plain.honest - hardest.honest), 2),
            unit: 'points',
          },
        ] as const)),
  ]
}

export function textReport(report: ExtractionReport): string {
  const { seeds } = report
  const show = (values: readonly (number | null)[]) => values.map((value) => value ?? 'never').join(' ')
  const lines = [
    `bench:extraction, digits of mnist 1.1.0, seeds ${seeds.map(({ seed }) => seed).join(' ')}; attacks re-implemented small`,
    `target ${seeds.map(({ accuracy }) => accuracy.toFixed(3)).join(' ')} right; ${mean(seeds.map(({ microsPerQuery }) => microsPerQuery)).toFixed(0)} µs CPU a query; state ${(Math.max(...seeds.map(({ stateBytes }) => stateBytes)) / 1024).toFixed(1)} kB`,
    '',
    'honest callers: streams with an alarm (ours, PRADA; exact 95 %), highest stake in bits (alarm at 20)',
  ]
  for (const each of honestLines(report)) {
    const { kind, queries, streams, ours, oursInterval, prada, pradaInterval, highest } = each
    lines.push(
      `  ${kind.padEnd(11)} ${queries} queries  ${ours} of ${streams} ${within(oursInterval, 2)}  ${prada} ${within(pradaInterval, 2)}  ${highest.toFixed(1)}`,
    )
  }
  lines.push(
    '',
    'queries until the alarm, by seed: ours, mean [95 %, seeds drawn] | PRADA | agreement of a copy made by then',
  )
  for (const each of attackLines(report)) {
    const { attack, tuned, ours, alone, prada, copy, copyInterval, meanInterval } = each
    const unlinked = alone.some((value) => value !== null) ? ` (unlinked: ${show(alone)})` : ''
    const average = each.mean === null ? '' : `, ${each.mean} ${within(meanInterval, 1)}`
    lines.push(
      `  ${attack.padEnd(52)}${tuned ? 'tuned on' : 'untouched'}  ${show(ours)}${average}${unlinked} | ${show(prada)} | ${copy.toFixed(3)} ${within(copyInterval, 3)}`,
    )
  }
  lines.push('', 'natural pool, hardened: agreement of the copy, right answers for honest callers')
  for (const { arm, queries, copy, copyInterval, honest, honestInterval } of hardeningLines(report))
    lines.push(
      `  ${arm.padEnd(30)} ${String(queries).padStart(5)}  ${copy.toFixed(3)} ${within(copyInterval, 3)}  ${honest.toFixed(3)} ${within(honestInterval, 3)}`,
    )
  lines.push('', 'goals')
  for (const { name, want, target, measured, unit } of goalsOf(report))
    lines.push(
      `  ${(want === 'at most' ? measured <= target : measured >= target) ? 'met   ' : 'MISSED'}  ${name}: ${Number.isFinite(measured) ? measured : 'never'} ${unit} (${want} ${target})`,
    )
  return `${lines.join('\n')}\n`
}

function within(interval: readonly number[] | null, digits: number): string {
  return interval === null ? '' : `[${interval.map((end) => end.toFixed(digits)).join(', ')}]`
}
