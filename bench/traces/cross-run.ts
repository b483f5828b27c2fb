/**
 * Runs of the cross-suite check: recorded and rewritten attacks of the files, and the made-up domains as a third suite.
 * @module
 */
import { type CrossRow, crossRows, type TermedRun } from './cross.ts'
import type { RecordedRun, RunLabels } from './data.ts'
import { jsonLines } from './data.ts'
import { FORMS, generate } from './domains/generate.ts'
import { flowArm } from './flow-arm.ts'
import { type ReplayOptions, replayRun } from './replay.ts'
import { isRewritable, type Rewrite, rewriter } from './rewrites.ts'

/** Forms that bring a value in different ways; all of them would only repeat these. */
const TRIED: readonly Rewrite[] = ['plain', 'statement', 'label', 'split', 'spanish']
/** Every so many runs of the files: rows of one case repeat each other. */
const EVERY = 4
const SEEDS = 2

export interface CrossReport {
  readonly kind: 'weights tuned on one suite, tested on another'
  readonly rows: readonly CrossRow[]
}

export async function crossed(
  inputs: string,
  labels: ReadonlyMap<string, RunLabels>,
  options: ReplayOptions,
  outputs: ReadonlyMap<string, string>,
): Promise<CrossReport> {
  const suites = new Map<string, TermedRun[]>()
  const arm = flowArm()
  const sayers = TRIED.map((kind) => rewriter(kind, options.suites, outputs))
  const kept: TermedRun[] = []
  let n = 0
  for await (const run of jsonLines<RecordedRun>(inputs)) {
    const label = labels.get(run.id)
    if (label === undefined || n++ % EVERY !== 0) continue
    const { decisions } = await replayRun(arm, run, options)
    kept.push({ scored: { run, labels: label, decisions }, rewritten: false })
    const { it } = label
    if (it === null || !isRewritable(run, label)) continue
    for (const say of sayers) {
      const again = await replayRun(arm, run, { ...options, output: (r, hash) => say(r.suite, it, hash) })
      kept.push({ scored: { run, labels: label, decisions: again.decisions }, rewritten: true })
    }
  }
  for (const name of new Set(kept.map(({ scored }) => scored.run.suite)))
    suites.set(
      name,
      kept.filter(({ scored }) => scored.run.suite === name),
    )
  const targets = [...suites.keys()]
  const others: TermedRun[] = []
  for (const form of FORMS.filter((each) => each === 'marked' || TRIED.includes(each))) {
    const made = generate({ seeds: SEEDS, form, clean: form === 'marked' })
    for (const { run, labels: label } of made.runs) {
      const { decisions } = await replayRun(arm, run, {
        ...options,
        suites: made.suites,
        output: (_, hash) => made.outputs.get(hash ?? '') ?? '',
      })
      others.push({ scored: { run, labels: label, decisions }, rewritten: form !== 'marked' })
    }
  }
  suites.set('domains', others)
  return { kind: 'weights tuned on one suite, tested on another', rows: crossRows(suites, targets) }
}

export function crossText({ kind, rows }: CrossReport): string {
  const cell = (value: number | null): string => (value === null ? '–' : value.toFixed(2)).padStart(7)
  return `${kind}\ntested     tuned        ASR  rewritten   clean  interruptions\n${rows
    .map(
      (r) =>
        `${r.tested.padEnd(10)} ${r.tuned.padEnd(9)} ${cell(r.asr)} ${cell(r.rewrittenAsr)} ${cell(r.clean)} ${cell(r.interruptions)}`,
    )
    .join('\n')}\n`
}
