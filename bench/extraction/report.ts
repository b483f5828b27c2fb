/**
 * What `bench:extraction` reports, as JSON and as text.
 * @module
 */
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

export interface AttackLine {
  readonly attack: string
  readonly tuned: boolean
  /** Queries until the alarm by seed; null = none. */
  readonly ours: readonly (number | null)[]
  readonly alone: readonly (number | null)[]
  readonly prada: readonly (number | null)[]
  readonly copy: number
  readonly goal: number | null
}

export function attackLines({ seeds }: ExtractionReport): AttackLine[] {
  return (seeds[0]?.attacks ?? []).map(({ name, tuned, goal }, i) => {
    const each = seeds.flatMap(({ attacks }) => attacks[i] ?? [])
    const of = (pick: (result: AttackResult) => number | null) => each.map(pick)
    return {
      attack: name,
      tuned,
      goal,
      ours: of(({ ours }) => ours),
      alone: of(({ alone }) => alone),
      prada: of(({ prada }) => prada),
      copy: rounded(mean(each.map(({ copy }) => copy)), 3),
    }
  })
}

/** By arm: agreement of the copy and what honest callers get right, means over the seeds. */
export function hardeningLines({ seeds }: ExtractionReport) {
  return (seeds[0]?.hardening ?? []).map(({ arm, queries }, i) => {
    const each = seeds.flatMap(({ hardening }) => hardening[i] ?? [])
    return {
      arm,
      queries,
      copy: rounded(mean(each.map(({ copy }) => copy)), 3),
      honest: rounded(mean(each.map(({ honest }) => honest)), 3),
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
    'honest callers: streams with an alarm (ours, PRADA), highest stake in bits (alarm at 20)',
  ]
  for (const { seed, honest } of seeds)
    for (const { kind, queries, ours, prada, highest } of honest)
      lines.push(
        `  seed ${seed}  ${kind.padEnd(11)} ${queries} queries  ${ours}  ${prada}  ${highest.toFixed(1)}`,
      )
  lines.push('', 'queries until the alarm, by seed: ours | PRADA | agreement of a copy made by then')
  for (const { attack, tuned, ours, alone, prada, copy } of attackLines(report)) {
    const unlinked = alone.some((value) => value !== null) ? ` (unlinked: ${show(alone)})` : ''
    lines.push(
      `  ${attack.padEnd(52)}${tuned ? 'tuned on' : 'untouched'}  ${show(ours)}${unlinked} | ${show(prada)} | ${copy.toFixed(3)}`,
    )
  }
  lines.push('', 'natural pool, hardened: agreement of the copy, right answers for honest callers')
  for (const { arm, queries, copy, honest } of hardeningLines(report))
    lines.push(`  ${arm.padEnd(30)} ${String(queries).padStart(5)}  ${copy.toFixed(3)}  ${honest.toFixed(3)}`)
  lines.push('', 'goals')
  for (const { name, want, target, measured, unit } of goalsOf(report))
    lines.push(
      `  ${(want === 'at most' ? measured <= target : measured >= target) ? 'met   ' : 'MISSED'}  ${name}: ${Number.isFinite(measured) ? measured : 'never'} ${unit} (${want} ${target})`,
    )
  return `${lines.join('\n')}\n`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
