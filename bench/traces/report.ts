/**
 * What a replay says: per suite, pooled and macro-averaged, with intervals, cost, rewrites and failures by kind.
 * @module
 */
import type { Rewrite } from './rewrites.ts'
import type { Estimate, Failures, Ranking, ScoredRun } from './score.ts'
import { estimate, failures, METRICS, ranking } from './score.ts'

export interface Part {
  readonly runs: number
  readonly metrics: Readonly<Record<string, Estimate>>
  readonly ranking: Ranking
}
export interface Cost {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}
export interface Report {
  readonly kind: 'offline replay'
  readonly arm: string
  readonly intent: boolean
  readonly runs: number
  readonly calls: number
  readonly machine: { readonly cores: number; readonly load: number }
  readonly decide: Cost
  readonly observe: Cost
  readonly pooled: Part | null
  readonly suites: Readonly<Record<string, Part>>
  readonly macro: Readonly<Record<string, number | null>>
  readonly rewrites: Readonly<
    Record<
      string,
      {
        runs: number
        asrBefore: number | null
        asr: Estimate
        stopped: number | null
        failures: readonly Failures[]
      }
    >
  >
  readonly failures: readonly Failures[]
}

export interface Measured {
  readonly arm: string
  readonly intent: boolean
  readonly runs: number
  readonly scored: readonly ScoredRun[]
  readonly rewritten: ReadonlyMap<Rewrite, readonly ScoredRun[]> | null
  readonly times: { readonly decide: number[]; readonly observe: number[] }
  readonly machine: { readonly cores: number; readonly load: number }
}

export function reportOf(m: Measured): Report {
  const bySuite = groupBySuite(m.scored)
  const suites = Object.fromEntries([...bySuite].map(([name, runs]) => [name, partOf(runs)]))
  return {
    kind: 'offline replay',
    arm: m.arm,
    intent: m.intent,
    runs: m.runs,
    calls: m.times.decide.length,
    machine: m.machine,
    decide: costOf(m.times.decide),
    observe: costOf(m.times.observe),
    pooled: m.scored.length === 0 ? null : partOf(m.scored),
    suites,
    macro: macroOf(Object.values(suites)),
    rewrites: Object.fromEntries(
      [...(m.rewritten ?? [])].map(([kind, runs]) => {
        const metrics = estimate(runs)
        return [
          kind,
          {
            runs: runs.length,
            asrBefore: metrics['M3 ASR before']?.value ?? null,
            asr: metrics['M3 ASR after'] ?? { value: null, interval: null },
            stopped: metrics['M1 attack calls stopped']?.value ?? null,
            failures: failures(runs)
              .filter((f) => f.kind === 'attack succeeded')
              .slice(0, 40),
          },
        ]
      }),
    ),
    failures: failures(m.scored).slice(0, 200),
  }
}

function groupBySuite(runs: readonly ScoredRun[]): Map<string, ScoredRun[]> {
  const groups = new Map<string, ScoredRun[]>()
  for (const run of runs) {
    const known = groups.get(run.run.suite)
    if (known === undefined) groups.set(run.run.suite, [run])
    else known.push(run)
  }
  return groups
}

function partOf(runs: readonly ScoredRun[]): Part {
  return { runs: runs.length, metrics: estimate(runs), ranking: ranking(runs) }
}

function macroOf(parts: readonly Part[]): Record<string, number | null> {
  return Object.fromEntries(
    Object.keys(METRICS).map((name) => {
      const values = parts.map((p) => p.metrics[name]?.value ?? null).filter((v) => v !== null)
      return [name, values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length]
    }),
  )
}

export function costOf(ms: readonly number[]): Cost {
  const sorted = [...ms].sort((a, b) => a - b)
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

const number = (value: number | null, digits = 2): string => (value === null ? '–' : value.toFixed(digits))
function cell(e: Estimate | undefined): string {
  if (e === undefined || e.value === null) return '–'
  return e.interval === null
    ? number(e.value)
    : `${number(e.value)} [${number(e.interval[0])}, ${number(e.interval[1])}]`
}

export function textReport(r: Report, shown: number): string {
  const lines = [
    `offline replay · arm ${r.arm} · ${r.intent ? 'with' : 'without'} the user's words · ${r.runs} runs, ${r.calls} calls · ${r.machine.cores} cores, load ${r.machine.load.toFixed(2)}`,
    `decide p50 ${number(r.decide.p50Ms, 4)} p99 ${number(r.decide.p99Ms, 4)} max ${number(r.decide.maxMs, 3)} ms · observe p50 ${number(r.observe.p50Ms, 4)} p99 ${number(r.observe.p99Ms, 4)} ms`,
  ]
  if (r.pooled !== null) {
    const columns = [['pooled', r.pooled] as const, ...Object.entries(r.suites)]
    for (const name of Object.keys(METRICS))
      lines.push(
        `${name.padEnd(44)} ${columns.map(([label, part]) => `${label} ${cell(part.metrics[name])}`).join('  ')}  macro ${number(r.macro[name] ?? null)}`,
      )
    for (const [label, part] of columns)
      lines.push(
        `M6 ${label}: AUC ${number(part.ranking.auc, 4)} writes ${number(part.ranking.aucWrites, 4)} stopped at 1 % ${number(part.ranking.stoppedAtOnePercent, 4)}`,
      )
  }
  for (const [kind, w] of Object.entries(r.rewrites)) {
    lines.push(
      `rewrite ${kind.padEnd(10)} ${w.runs} runs  ASR before ${number(w.asrBefore)}  after ${cell(w.asr)}  attack calls stopped ${number(w.stopped)}`,
    )
    for (const f of w.failures.slice(0, Math.ceil(shown / 8)))
      lines.push(`    ${f.count} ${f.suite} ${f.task} ${f.injection ?? ''} ${f.tool} ${f.example}`)
  }
  for (const f of r.failures.slice(0, shown))
    lines.push(
      `${f.count} ${f.kind} ${f.suite} ${f.task} ${f.injection ?? ''} ${f.tool} {${f.terms}} ${f.example}`,
    )
  return `${lines.join('\n')}\n`
}
