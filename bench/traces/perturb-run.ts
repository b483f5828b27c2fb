/**
 * Every perturbation through the trace stage, each beside the same runs as recorded.
 * @module
 */
import type { TraceArm } from './arm.ts'
import type { InjectionTask, RecordedRun, RunLabels, Suite } from './data.ts'
import { jsonLines } from './data.ts'
import { PERTURBATIONS, type Perturbation } from './perturb.ts'
import { type ReplayOptions, replayRun } from './replay.ts'
import type { Estimate, Failures, ScoredRun } from './score.ts'
import { estimate, failures } from './score.ts'

/** Every so many runs: rows of one case repeat each other. */
const EVERY = 3

export interface PerturbedRow {
  readonly kind: string
  readonly name: string
  readonly asr: Estimate
  readonly clean: Estimate
  readonly attackedUtility: Estimate
  readonly interruptions: Estimate
  readonly failures: readonly Failures[]
}
export interface PerturbedReport {
  readonly kind: 'offline replay of perturbed runs'
  readonly arm: string
  readonly runs: number
  readonly rows: readonly PerturbedRow[]
}

export async function perturbed(
  make: () => TraceArm,
  inputs: string,
  labels: ReadonlyMap<string, RunLabels>,
  options: ReplayOptions,
  outputs: ReadonlyMap<string, string>,
  only: string | undefined,
): Promise<PerturbedReport> {
  const runs: { readonly run: RecordedRun; readonly labels: RunLabels }[] = []
  let n = 0
  for await (const run of jsonLines<RecordedRun>(inputs)) {
    const label = labels.get(run.id)
    if (label !== undefined && n++ % EVERY === 0) runs.push({ run, labels: label })
  }
  const rows: PerturbedRow[] = []
  for (const [kind, list] of [['', [{ name: 'as recorded' }]] as const, ...Object.entries(PERTURBATIONS)])
    for (const each of list) {
      if (only !== undefined && !`${kind} ${each.name}`.includes(only)) continue
      const scored = await replayed(make(), runs, options, outputs, each)
      const metrics = estimate(scored)
      const pick = (name: string): Estimate => metrics[name] ?? { value: null, interval: null }
      rows.push({
        kind,
        name: each.name,
        asr: pick('M3 ASR after'),
        clean: pick('M4 clean utility strict'),
        attackedUtility: pick('M4 attacked utility strict'),
        interruptions: pick('M5 interruptions per 100 benign calls'),
        failures: failures(scored).slice(0, 40),
      })
    }
  return { kind: 'offline replay of perturbed runs', arm: make().name, runs: runs.length, rows }
}

async function replayed(
  arm: TraceArm,
  runs: readonly { readonly run: RecordedRun; readonly labels: RunLabels }[],
  options: ReplayOptions,
  outputs: ReadonlyMap<string, string>,
  change: Perturbation,
): Promise<ScoredRun[]> {
  const suites: Record<string, Suite> = Object.fromEntries(
    Object.entries(options.suites).map(([name, suite]) => [name, change.suite?.(suite) ?? suite]),
  )
  const said = sayer(outputs, change)
  const scored: ScoredRun[] = []
  for (const { run, labels } of runs) {
    const task = labels.it === null ? null : (options.suites[run.suite]?.injection_tasks?.[labels.it] ?? null)
    const { decisions } = await replayRun(arm, change.run?.(run) ?? run, {
      ...options,
      suites,
      output: (_, hash) => said(hash, task),
    })
    scored.push({ run, labels, decisions })
  }
  await arm.close?.()
  return scored
}

/** The same output under the same task is changed once. */
function sayer(outputs: ReadonlyMap<string, string>, { output }: Perturbation) {
  const known = new Map<string, string>()
  return (hash: string | undefined, task: InjectionTask | null): string => {
    const text = outputs.get(hash ?? '') ?? ''
    if (output === undefined) return text
    const key = `${hash} ${task?.goal ?? ''}`
    const made = known.get(key) ?? output(text, task)
    known.set(key, made)
    return made
  }
}

const shown = ({ value, interval }: Estimate): string =>
  value === null
    ? '–'
    : `${value.toFixed(2)}${interval === null ? '' : ` [${interval.map((v) => v.toFixed(2)).join(', ')}]`}`

export function perturbedText(report: PerturbedReport, most: number): string {
  return `${[
    `${report.kind} · arm ${report.arm} · ${report.runs} runs each`,
    ...report.rows.flatMap((row) => [
      `${row.kind.padEnd(14)} ${row.name.padEnd(26)} ASR ${shown(row.asr)}  clean ${shown(row.clean)}  attacked ${shown(row.attackedUtility)}  interruptions ${shown(row.interruptions)}`,
      ...row.failures
        .slice(0, most)
        .map(
          (f) =>
            `    ${f.count} ${f.kind} ${f.suite} ${f.task} ${f.injection ?? ''} ${f.tool} {${f.terms}} ${f.example}`,
        ),
    ]),
  ].join('\n')}\n`
}
