/**
 * Does a process behave as trained? Learned from `train`, `valid` against `attack`, one score a trace. Two arms: *frozen*,
 * and *streaming*: both kinds mixed in a fixed order; what scores below the level that nine in ten training runs kept is
 * learned, nobody says which is which.
 * @module
 */
import {
  emptyProcess,
  learnRun,
  type ProcessState,
  scoreRun,
  startRun,
  step,
} from '../../packages/engine/src/risk/behaviour/index.ts'
import { quantile } from '../lib/stats.ts'
import { readSyscalls, type SyscallTrace } from './data.ts'
import { auc, caught, eer, estimate, lcg } from './metrics.ts'
import { jsonBytes, type Report, type Row } from './report.ts'

interface Group {
  readonly own: number[]
  readonly foreign: number[]
}

export function benchSyscalls(file: string): Report {
  return syscallsReport(file, readSyscalls(file))
}

export function syscallsReport(file: string, traces: readonly SyscallTrace[]): Report {
  const train = traces.filter(({ part }) => part === 'train')
  const judged = traces.filter(({ part }) => part !== 'train')
  const { state, before } = learned(train)
  const started = performance.now()
  const frozen = judgeTraces(state, judged)
  const ms = performance.now() - started
  const events = judged.reduce((sum, { kinds }) => sum + kinds.length, 0)
  const stateBytes = jsonBytes(state)
  const level = quantile(
    before.slice(Math.floor(before.length / 2)).sort((a, b) => a - b),
    0.9,
  )
  const streaming = new Map<SyscallTrace, number>()
  for (const trace of mixed(judged)) {
    const bits = bitsOf(state, trace.kinds)
    streaming.set(trace, bits)
    if (bits < level) learnRun(state, trace.kinds)
  }
  const families = [...new Set(judged.flatMap(({ attack }) => (attack === undefined ? [] : [attack])))].sort()
  return {
    bench: 'syscalls',
    file,
    data: `${train.length} training runs, ${judged.length} judged`,
    rows: [
      ...rowsOf('frozen', frozen, true),
      ...families.map((family): Row => {
        const one = new Map(
          [...frozen].filter(([trace]) => trace.part === 'valid' || trace.attack === family),
        )
        return { metric: `frozen: AUC, ${family}`, ...estimate(groupsOf(one), aucOf) }
      }),
      ...rowsOf('streaming', streaming, false),
    ],
    microsPerEvent: (ms / events) * 1000,
    stateBytes,
    notes: [
      'Intervals draw attack runs and blocks of ten valid traces.',
      'Two of the four terms (irregular, unlike) and the comparison with runs of as many kinds were chosen on dev with the labels at hand: some 160 terms one by one, some 6,200 sums of two to four of them. Chosen anew on two attack families and half of the normal traces, the best sum reaches .853, .884 (Adduser), .930, .934 (FTP), .920, .923 (SSH) on the family and half left out, where the three terms before had .828, .834, .887, .892, .885, .891; the four as they are: .878, .884, .931, .934, .925, .930.',
      'What is left: 98 % of the alarms at 5 % and 94 % of the attacks missed there have a mixture of calls that training never had, and three in four of the alarms have at most twelve kinds of calls: new small programs and attacks overlap. Weights fitted to the labels (logistic, cross-validated by attack run) do no better with these four terms (.914–.920); with all 160 they reach .957, Adduser .89.',
      'Streaming is shown because it fails: learned without a vetted outcome, attacks that look ordinary become known mixtures. The engine learns settled runs only.',
      'Tried without gain (dev AUC): STIDE .84, interpolated Witten–Bell of order 2–13 .80–.87 (mean or quantiles), an LSTM of 64 units .845, its median .868 and nothing on top of the four; nearest run by counts .75–.82, by n-grams present, weighted by rarity or not, .75–.86, by tokens covered .61–.82; distance against the neighbours’ own distances (local outlier factor) .59–.85; nearest neighbours or densities in up to 13 statistics of a run .61–.80; the best of 5–60 Markov chains by clustered runs .79–.82; what the first 5–40 singular vectors of frequencies leave .75–.81; cost above the run’s own cost .63–.84; look-ahead pairs alone .60–.77; normal scores added instead of bits .918, terms capped .916–.919, other weights .910–.919, a fifth term at most .920.',
    ],
  }
}

/** The state after training, and what each run scored before it was learned. */
export function learned(train: readonly SyscallTrace[]): { state: ProcessState; before: number[] } {
  const state = emptyProcess()
  const before: number[] = []
  for (const { kinds } of train) {
    before.push(bitsOf(state, kinds))
    learnRun(state, kinds)
  }
  return { state, before }
}

/** Nothing is learned. */
export function judgeTraces(
  state: ProcessState,
  judged: readonly SyscallTrace[],
): ReadonlyMap<SyscallTrace, number> {
  return new Map(judged.map((trace) => [trace, bitsOf(state, trace.kinds)]))
}

function rowsOf(name: string, scores: ReadonlyMap<SyscallTrace, number>, goals: boolean): Row[] {
  const groups = groupsOf(scores)
  const at = (rate: number) =>
    estimate(groups, (drawn) => caught(all(drawn, 'own'), all(drawn, 'foreign'), rate))
  return [
    {
      metric: `${name}: AUC`,
      ...estimate(groups, aucOf),
      ...(goals ? { start: 0.845, goal: 0.93, want: 'at least' as const } : {}),
    },
    {
      metric: `${name}: EER`,
      ...estimate(groups, (drawn) => eer(all(drawn, 'own'), all(drawn, 'foreign'))),
      ...(goals ? { start: 0.205 } : {}),
    },
    { metric: `${name}: caught at 1 % false alarms`, ...at(0.01) },
    {
      metric: `${name}: caught at 5 % false alarms`,
      ...at(0.05),
      ...(goals ? { start: 0.326, goal: 0.5, want: 'at least' as const } : {}),
    },
    { metric: `${name}: caught at 20 % false alarms`, ...at(0.2), ...(goals ? { start: 0.774 } : {}) },
  ]
}

function groupsOf(scores: ReadonlyMap<SyscallTrace, number>): Group[] {
  const groups = new Map<string, Group>()
  let valid = 0
  for (const [{ part, run, id }, bits] of scores) {
    const key = part === 'valid' ? `valid ${Math.floor(valid++ / 10)}` : `attack ${run ?? id}`
    const group = groups.get(key) ?? { own: [], foreign: [] }
    groups.set(key, group)
    group[part === 'valid' ? 'own' : 'foreign'].push(bits)
  }
  return [...groups.values()]
}

function aucOf(groups: readonly Group[]): number {
  return auc(all(groups, 'own'), all(groups, 'foreign'))
}

function all(groups: readonly Group[], side: keyof Group): number[] {
  return groups.flatMap((group) => group[side])
}

function bitsOf(state: ProcessState, kinds: readonly string[]): number {
  const run = startRun()
  for (const kind of kinds) step(state, run, kind)
  return scoreRun(state, run).bits
}

/** A fixed order that depends on nothing but the number of traces. */
function mixed<T>(items: readonly T[]): T[] {
  const random = lcg(1)
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
