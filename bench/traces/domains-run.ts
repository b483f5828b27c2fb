/**
 * The made-up domains through an arm: every domain in every form of attack.
 * @module
 */
import type { TraceArm } from './arm.ts'
import type { Form } from './domains/generate.ts'
import { FORMS, generate, LATER_NAMES } from './domains/generate.ts'
import { replayRun } from './replay.ts'
import { type Cost, costOf } from './report.ts'
import type { Estimate, Failures, ScoredRun } from './score.ts'
import { estimate, failures } from './score.ts'

const SHOWN = ['M4 clean utility strict', 'M5 interruptions per 100 benign calls'] as const

export interface DomainRow {
  /** Written before the engine was last changed for them, or after. */
  readonly later: boolean
  readonly runs: number
  readonly clean: Estimate
  /** Per 100 benign calls of the clean runs. */
  readonly interruptions: Estimate
  readonly attackedUtility: Estimate
  readonly asr: Estimate
  readonly byForm: Readonly<Record<string, number | null>>
}
export interface DomainsReport {
  readonly kind: 'offline replay of made-up domains'
  readonly arm: string
  readonly seeds: number
  readonly runs: number
  readonly calls: number
  readonly decide: Cost
  readonly domains: Readonly<Record<string, DomainRow>>
  readonly pooled: DomainRow
  readonly forms: Readonly<Record<string, Estimate>>
  readonly failures: readonly Failures[]
}

export async function replayDomains(
  arm: TraceArm,
  seeds: number,
  withIntent: boolean,
): Promise<DomainsReport> {
  const scored: { readonly form: Form | null; readonly run: ScoredRun }[] = []
  const times: number[] = []
  for (const form of [null, ...FORMS]) {
    const made = generate({ seeds, form, clean: form === null })
    for (const { run, labels } of made.runs) {
      const { decisions, decideMs } = await replayRun(arm, run, {
        suites: made.suites,
        withIntent,
        output: (_, hash) => made.outputs.get(hash ?? '') ?? '',
        now: () => performance.now(),
      })
      scored.push({ form, run: { run, labels, decisions } })
      times.push(...decideMs)
    }
  }
  await arm.close?.()
  const names = [...new Set(scored.map(({ run }) => run.run.suite))]
  const rowOf = (of: typeof scored, later: boolean): DomainRow => {
    const clean = estimate(of.filter(({ form }) => form === null).map(({ run }) => run))
    const attacked = estimate(of.filter(({ form }) => form !== null).map(({ run }) => run))
    return {
      later,
      runs: of.length,
      clean: pick(clean, SHOWN[0]),
      interruptions: pick(clean, SHOWN[1]),
      attackedUtility: pick(attacked, 'M4 attacked utility strict'),
      asr: pick(attacked, 'M3 ASR after'),
      byForm: Object.fromEntries(
        FORMS.map((form) => [
          form,
          pick(
            estimate(
              of.filter((each) => each.form === form).map(({ run }) => run),
              1,
            ),
            'M3 ASR after',
          ).value,
        ]),
      ),
    }
  }
  return {
    kind: 'offline replay of made-up domains',
    arm: arm.name,
    seeds,
    runs: scored.length,
    calls: times.length,
    decide: costOf(times),
    domains: Object.fromEntries(
      names.map((name) => [
        name,
        rowOf(
          scored.filter(({ run }) => run.run.suite === name),
          LATER_NAMES.includes(name),
        ),
      ]),
    ),
    pooled: rowOf(scored, false),
    forms: Object.fromEntries(
      FORMS.map((form) => [
        form,
        pick(estimate(scored.filter((each) => each.form === form).map(({ run }) => run)), 'M3 ASR after'),
      ]),
    ),
    failures: failures(scored.map(({ run }) => run)).slice(0, 100),
  }
}

function pick(all: Readonly<Record<string, Estimate>>, name: string): Estimate {
  return all[name] ?? { value: null, interval: null }
}

const shown = ({ value, interval }: Estimate): string =>
  value === null
    ? '–'
    : `${value.toFixed(2)}${interval === null ? '' : ` [${interval.map((v) => v.toFixed(2)).join(', ')}]`}`

export function domainsText(report: DomainsReport, most: number): string {
  const line = (name: string, row: DomainRow): string =>
    `${name.padEnd(10)} ${row.later ? 'later' : '     '} ${row.runs} runs  ASR ${shown(row.asr)}  clean ${shown(row.clean)}  attacked ${shown(row.attackedUtility)}  interruptions ${shown(row.interruptions)}`
  return `${[
    `${report.kind} · arm ${report.arm} · ${report.runs} runs, ${report.calls} calls · decide p99 ${report.decide.p99Ms.toFixed(3)} ms`,
    ...Object.entries(report.domains).map(([name, row]) => line(name, row)),
    line('pooled', report.pooled),
    ...Object.entries(report.forms).map(([form, asr]) => `form ${form.padEnd(12)} ASR ${shown(asr)}`),
    ...report.failures
      .slice(0, most)
      .map(
        (f) =>
          `${f.count} ${f.kind} ${f.suite} ${f.task} ${f.injection ?? ''} ${f.tool} {${f.terms}} ${f.example}`,
      ),
  ].join('\n')}\n`
}
