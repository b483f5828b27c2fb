/**
 * Who is at the keyboard: per person the first 4,000 commands teach, the next 4,000 are judged in blocks; other people's
 * commands 4,000–8,000, every 4th block, are the impostors. Open set: the impostor is not among the peers. Means over
 * people. Three arms:
 *
 * - *frozen*: nothing is learned after the 4,000 (the protocol that the start was measured by);
 * - *streaming*: own blocks are learned once they were scored and spoke for the owner;
 * - *streaming, one stream*: own blocks with an impostor's before every 4th, for each impostor a stream; whatever speaks
 *   for the owner is learned, nobody says which is which.
 * @module
 */
import {
  type Background,
  background,
  emptySequence,
  learnPeer,
  learnSequence,
  type Peers,
  type SequenceState,
  scoreSequence,
} from '../../packages/engine/src/risk/behaviour/index.ts'
import { type CommandUser, readCommands } from './data.ts'
import { auc, caught, eer, estimate, mean } from './metrics.ts'
import { jsonBytes, type Report, type Row } from './report.ts'

const TAUGHT = 4000
const JUDGED = 8000
const IMPOSTOR_EVERY = 4
const BLOCKS = [10, 25, 100] as const
/** Learned when the score is below: rather the owner than somebody else. */
const OWN_BELOW = 0

interface Judged {
  readonly own: readonly number[]
  readonly foreign: readonly number[]
}
interface Pace {
  events: number
  ms: number
}

export function benchCommands(file: string): Report {
  return commandsReport(file, readCommands(file))
}

export function commandsReport(
  file: string,
  users: readonly CommandUser[],
  sizes: readonly number[] = BLOCKS,
): Report {
  const pace: Pace = { events: 0, ms: 0 }
  let stateBytes = 0
  const rows: Row[] = []
  const goals25 = { auc: 0.97, caught: 0.7 }
  for (const size of sizes) {
    const baseline = users.map((user) => judgeBaseline(user, users, size))
    rows.push(...rowsOf(`blocks of ${size}, start (naive Bayes against peers)`, baseline))
    for (const arm of ['frozen', 'streaming', 'streaming, one stream'] as const) {
      const judged = users.map((user) => {
        const started = performance.now()
        const { result, states, events } = judgeCommands(user, users, size, arm)
        pace.ms += performance.now() - started
        pace.events += events
        for (const state of states) stateBytes = Math.max(stateBytes, jsonBytes(state))
        return result
      })
      rows.push(...rowsOf(`blocks of ${size}, ${arm}`, judged, size === 25 ? goals25 : null))
    }
  }
  return {
    bench: 'unix-commands',
    file,
    data: `${users.length} people, open set`,
    rows,
    microsPerEvent: (pace.ms / pace.events) * 1000,
    stateBytes,
    notes: [
      "Goals are set for blocks of 25; the issue's start of .949 and .562 is that of the whole data set, here it is measured.",
      'Intervals draw people; with five people they are wide.',
      'Frozen misses come from people who begin something new (tools never used before for days): their alarms set the threshold at 1 %. Learning what spoke for the owner removes most of them.',
      'In blocks of 25, 1 % of a person’s 160 blocks is one block: the second-strangest sets the threshold, and its draw of five people spans the goal. Some 100 variants of the frozen score were tried, in a port of it, on two windows of the recording and two offsets of the blocks (mean caught at 1 %, .65 as it is, in brackets; AUC .97–.98 throughout): habits that are absent (.65–.66), presence by block instead of counts (.61), names without digits or within one letter of a known one (.61–.67), novelty priors (.59–.67), half-lives and the worse of two memories (.62–.66), fewer or weaker strongest terms (.55–.66), the nearest enrolled block (.28–.67), peers that claim the block (.65–.67), pairs weighed two and three times (.67–.68), by distinct commands (.64–.67), the last three together (.68). None moves the protocol’s own number by more than .03, a tenth of its interval; nothing was changed.',
    ],
  }
}

function rowsOf(
  name: string,
  judged: readonly Judged[],
  goals: { readonly auc: number; readonly caught: number } | null = null,
): Row[] {
  const by = (measure: (one: Judged) => number) =>
    estimate(judged, (drawn) => mean(drawn.map((one) => measure(one))))
  return [
    {
      metric: `${name}: AUC`,
      ...by(({ own, foreign }) => auc(own, foreign)),
      ...(goals === null ? {} : { start: 0.949, goal: goals.auc, want: 'at least' as const }),
    },
    { metric: `${name}: EER`, ...by(({ own, foreign }) => eer(own, foreign)) },
    {
      metric: `${name}: caught at 1 % false alarms`,
      ...by(({ own, foreign }) => caught(own, foreign, 0.01)),
      ...(goals === null ? {} : { start: 0.562, goal: goals.caught, want: 'at least' as const }),
    },
    {
      metric: `${name}: caught at 5 % false alarms`,
      ...by(({ own, foreign }) => caught(own, foreign, 0.05)),
    },
  ]
}

/** Scores of one person's blocks and of the impostors', in the order in which they were judged. */
export function judgeCommands(
  user: CommandUser,
  users: readonly CommandUser[],
  size: number,
  arm: 'frozen' | 'streaming' | 'streaming, one stream',
): { result: Judged; states: SequenceState[]; events: number } {
  const others = users.filter((other) => other !== user)
  const peers: Peers = new Map()
  others.forEach((other, group) => {
    for (const command of other.commands.slice(0, TAUGHT)) learnPeer(peers, group, command, 1)
  })
  const blocks = blocksOf(user, size)
  const impostors = others.map((other) => blocksOf(other, size).filter((_, i) => i % IMPOSTOR_EVERY === 0))
  const own: number[] = []
  const foreign: number[] = []
  const states: SequenceState[] = []
  let events = 0
  const score = (state: SequenceState, against: Background, block: readonly string[]): number => {
    events += block.length
    return scoreSequence(state, against, block, 0).bits
  }
  const learn = (state: SequenceState, block: readonly string[], bits: number): void => {
    if (arm === 'frozen' || bits >= OWN_BELOW) return
    events += block.length
    for (const command of block) learnSequence(state, command)
  }
  const taught = (): SequenceState => {
    const state = emptySequence()
    for (const command of user.commands.slice(0, TAUGHT)) learnSequence(state, command)
    events += TAUGHT
    states.push(state)
    return state
  }
  const backgrounds = others.map((_, group) => background(peers, group))
  if (arm === 'streaming, one stream') {
    backgrounds.forEach((against, impostor) => {
      const state = taught()
      blocks.forEach((block, i) => {
        const strange = i % IMPOSTOR_EVERY === 0 ? impostors[impostor]?.[i / IMPOSTOR_EVERY] : undefined
        if (strange !== undefined) {
          const bits = score(state, against, strange)
          foreign.push(bits)
          learn(state, strange, bits)
        }
        const bits = score(state, against, block)
        own.push(bits)
        learn(state, block, bits)
      })
    })
    return { result: { own, foreign }, states, events }
  }
  const state = taught()
  const everybody = background(peers, null)
  blocks.forEach((block, i) => {
    if (i % IMPOSTOR_EVERY === 0)
      backgrounds.forEach((against, impostor) => {
        const strange = impostors[impostor]?.[i / IMPOSTOR_EVERY]
        if (strange !== undefined) foreign.push(score(state, against, strange))
      })
    const bits = score(state, everybody, block)
    own.push(bits)
    learn(state, block, bits)
  })
  return { result: { own, foreign }, states, events }
}

/** Naive Bayes of the note: own against pooled peers, order 0, floor for what peers never did. */
function judgeBaseline(user: CommandUser, users: readonly CommandUser[], size: number): Judged {
  const others = users.filter((other) => other !== user)
  const counts = users.map(({ commands }) => tally(commands.slice(0, TAUGHT)))
  const mine = counts[users.indexOf(user)] ?? new Map<string, number>()
  const kinds = new Set(counts.flatMap((map) => [...map.keys()])).size
  const score = (block: readonly string[], peers: readonly CommandUser[]): number =>
    mean(
      block.map((command) => {
        const total = peers.length * TAUGHT
        let common = 0
        for (const peer of peers) common += counts[users.indexOf(peer)]?.get(command) ?? 0
        const own = ((mine.get(command) ?? 0) + 0.1) / (TAUGHT + 0.1 * kinds)
        return Math.log2(Math.max(common / total, 1e-3) / own)
      }),
    )
  return {
    own: blocksOf(user, size).map((block) => score(block, others)),
    foreign: others.flatMap((impostor) =>
      blocksOf(impostor, size)
        .filter((_, i) => i % IMPOSTOR_EVERY === 0)
        .map((block) =>
          score(
            block,
            others.filter((other) => other !== impostor),
          ),
        ),
    ),
  }
}

function tally(commands: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const command of commands) counts.set(command, (counts.get(command) ?? 0) + 1)
  return counts
}

/** Whole blocks only. */
function blocksOf({ commands }: CommandUser, size: number): string[][] {
  const judged = commands.slice(TAUGHT, JUDGED)
  return Array.from({ length: Math.floor(judged.length / size) }, (_, i) =>
    judged.slice(i * size, (i + 1) * size),
  )
}
