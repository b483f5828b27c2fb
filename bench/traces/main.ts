/**
 * `bench:traces`: replays recorded agent runs through an arm, writes one decision a line, and scores them when labels are
 * given. Offline replay: no model runs, and a refused call does not change what was recorded after it.
 * @module
 */
import { createWriteStream, existsSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { benchOptions, refuse, wholeOption } from '../lib/options.ts'
import type { TraceArm } from './arm.ts'
import { baselineArm } from './baseline.ts'
import { crossed, crossText } from './cross-run.ts'
import type { RecordedRun, RunLabels } from './data.ts'
import { collect, jsonLines, readOutputs, readSuites } from './data.ts'
import { domainsText, replayDomains } from './domains-run.ts'
import { flowArm } from './flow-arm.ts'
import { perturbed, perturbedText } from './perturb-run.ts'
import { pipelineArm } from './pipeline-arm.ts'
import type { ReplayOptions } from './replay.ts'
import { replayRun } from './replay.ts'
import { type Report, reportOf, textReport } from './report.ts'
import type { Rewrite } from './rewrites.ts'
import { isRewritable, REWRITES, rewriter } from './rewrites.ts'
import type { ScoredRun } from './score.ts'

const ARMS: Readonly<Record<string, () => TraceArm>> = {
  pipeline: pipelineArm,
  flow: flowArm,
  d4: baselineArm,
}
const DEFAULT_ARM = 'pipeline'

const USAGE = {
  name: 'traces',
  about: 'Recorded agent runs through the engine: what it would have stopped. Offline replay, no model runs.',
}
const { values } = benchOptions(USAGE, {
  inputs: {
    type: 'string',
    value: 'FILE',
    about: 'recorded runs (JSON lines, .gz or not); the shared ones when left out',
  },
  outputs: { type: 'string', value: 'FILE', about: 'outputs of tools by digest' },
  suites: { type: 'string', value: 'FILE', about: 'tool catalogues by suite' },
  labels: { type: 'string', value: 'FILE', about: 'what was an attack; without it nothing is scored' },
  decisions: { type: 'string', value: 'FILE', about: 'write one decision a line' },
  arm: { type: 'string', default: DEFAULT_ARM, value: Object.keys(ARMS).join('|'), about: 'who decides' },
  failures: { type: 'string', default: '20', value: 'N', about: 'how many failures of a kind to show' },
  'no-intent': { type: 'boolean', default: false, about: 'without the words of the user' },
  rewrites: { type: 'boolean', default: false, about: 'the attacks rewritten, too' },
  domains: {
    type: 'boolean',
    default: false,
    about: 'made-up domains in every form of attack; needs no files',
  },
  seeds: { type: 'string', default: '3', value: 'N', about: 'of the made-up domains' },
  every: { type: 'string', default: '1', value: 'N', about: 'every Nth run only' },
  cross: {
    type: 'boolean',
    default: false,
    about: 'weights tuned on one suite, tried on the others (arm flow)',
  },
  perturb: {
    type: 'boolean',
    default: false,
    about: 'the runs under other names, spellings, serialisations, words',
  },
  only: { type: 'string', value: 'TEXT', about: 'of --perturb those whose name holds it' },
})

const every = wholeOption(USAGE, 'every', values.every)
const seeds = wholeOption(USAGE, 'seeds', values.seeds)
const failures = wholeOption(USAGE, 'failures', values.failures, 0)

function shared(name: string): string {
  const root = process.env.SAFECONDUCT_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url))
  return `${root}/data/agent-traces/${name}`
}
function file(given: string | undefined, fallback: string, needed: boolean): string | null {
  const path = given ?? shared(fallback)
  if (existsSync(path)) return path
  if (given !== undefined || needed) return refuse(USAGE, `no such file: ${path}`)
  return null
}

async function main(): Promise<void> {
  const make = ARMS[values.arm]
  if (make === undefined) return refuse(USAGE, `no such arm: ${values.arm} (${Object.keys(ARMS).join(', ')})`)
  if (values.domains) {
    const report = await replayDomains(make(), seeds, !values['no-intent'])
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : domainsText(report, failures))
    return
  }
  const inputs = file(values.inputs, 'dev.inputs.jsonl.gz', true)
  const outputsFile = file(values.outputs, 'dev.outputs.jsonl.gz', true)
  const suitesFile = file(values.suites, 'suites.dev.json', true)
  // Labels of dev belong to dev inputs only: other inputs are scored only with the labels given beside them.
  const labelsFile =
    values.inputs === undefined || values.labels !== undefined
      ? file(values.labels, 'dev.labels.jsonl.gz', false)
      : null
  if (inputs === null || outputsFile === null || suitesFile === null) throw new Error('files are missing')
  const [outputs, suites] = await Promise.all([readOutputs(outputsFile), readSuites(suitesFile)])
  const labels =
    labelsFile === null ? null : new Map((await collect<RunLabels>(labelsFile)).map((l) => [l.id, l]))
  if (labels === null && (values.cross || values.perturb || values.rewrites))
    return refuse(USAGE, '--cross, --perturb and --rewrites need --labels')
  const options: ReplayOptions = {
    suites,
    withIntent: !values['no-intent'],
    output: (_run, hash) => outputs.get(hash ?? '') ?? '',
    now: () => performance.now(),
  }
  if (values.cross && labels !== null) {
    const report = await crossed(inputs, labels, options, outputs)
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : crossText(report))
    return
  }
  if (values.perturb && labels !== null) {
    const report = await perturbed(make, inputs, labels, options, outputs, values.only)
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : perturbedText(report, failures))
    return
  }
  const arm = make()
  const out = values.decisions === undefined ? null : createWriteStream(values.decisions)
  const scored: ScoredRun[] = []
  const times = { decide: [] as number[], observe: [] as number[] }
  let runs = 0
  let read = 0
  for await (const run of jsonLines<RecordedRun>(inputs)) {
    if (read++ % every !== 0) continue
    const done = await replayRun(arm, run, options)
    runs++
    times.decide.push(...done.decideMs)
    times.observe.push(...done.observeMs)
    done.decisions.forEach((d, k) => {
      out?.write(`${JSON.stringify({ id: run.id, k, outcome: d.outcome, risk: d.risk, why: d.why })}\n`)
    })
    const label = labels?.get(run.id)
    if (label !== undefined) scored.push({ run, labels: label, decisions: done.decisions })
  }
  if (out !== null) await finished(out.end())
  const rewritten =
    values.rewrites && labels !== null ? await replayRewrites(make, inputs, labels, options, outputs) : null
  const report: Report = reportOf({
    arm: arm.name,
    intent: options.withIntent,
    runs,
    scored,
    rewritten,
    times,
    machine: { cores: cpus().length, load: loadavg()[0] ?? 0 },
  })
  await arm.close?.()
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : textReport(report, failures))
}

async function replayRewrites(
  make: () => TraceArm,
  inputs: string,
  labels: ReadonlyMap<string, RunLabels>,
  options: ReplayOptions,
  outputs: ReadonlyMap<string, string>,
): Promise<Map<Rewrite, ScoredRun[]>> {
  const all = new Map<Rewrite, ScoredRun[]>()
  for (const kind of REWRITES) {
    const arm = make()
    const say = rewriter(kind, options.suites, outputs)
    const scored: ScoredRun[] = []
    for await (const run of jsonLines<RecordedRun>(inputs)) {
      const label = labels.get(run.id)
      if (label === undefined || label.it === null || !isRewritable(run, label)) continue
      const injection = label.it
      const { decisions } = await replayRun(arm, run, {
        ...options,
        output: (r, hash) => say(r.suite, injection, hash),
      })
      scored.push({ run, labels: label, decisions })
    }
    await arm.close?.()
    all.set(kind, scored)
  }
  return all
}

await main()
