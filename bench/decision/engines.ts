/**
 * CPU per decision of engines that run in this process, on the same questions in worlds of three sizes. An engine must
 * agree with the definition on every question that it is asked, before it is measured.
 * @module
 */
import {
  type CompiledPolicySet,
  compile,
  EntityStore,
  type OracleQuestion,
  wasmOracle,
} from '@safeconduct/cedar'
import { cpuMicros, median, rounded } from '../lib/stats.ts'
import { casbinEngine } from './casbin.ts'
import { caslEngines } from './casl.ts'
import type { Peers, Skipped } from './peers.ts'
import { allowed, type Scenario, scenario } from './scenario.ts'

export const SIZES = [1_000, 10_000, 100_000] as const
export const KINDS = [10, 40, 160] as const

/** Names by which goals and tables find their row. */
export const ENGINE = {
  plain: 'plain JavaScript function',
  resident: 'compiled Cedar, resident entities',
  json: 'compiled Cedar, entities as JSON with each call',
  wasm: 'cedar-wasm stateful, entities as JSON with each call',
  caslReady: 'CASL, ability and subject made beforehand',
  caslAgent: 'CASL, ability cached by agent',
  caslRequest: 'CASL, ability built with each call',
  casbin: 'casbin enforceSync',
} as const

export interface EngineRow {
  readonly engine: string
  readonly agrees: number
  readonly asked: number
  /** Median of the rounds, user and system. */
  readonly cpuMicros: number
}

export interface EngineSize {
  readonly resources: number
  readonly entities: number
  readonly policies: number
  readonly entitiesPerQuestion: number
  readonly questions: number
  readonly allowed: number
  /** Parse, strict validation and compilation, milliseconds of CPU. */
  readonly compileMs: number
  /** All entities into the store, milliseconds of CPU. */
  readonly loadMs: number
  readonly rows: readonly EngineRow[]
}

export interface EngineReport {
  /** 50 policies, growing world. */
  readonly worlds: readonly EngineSize[]
  /** The smallest world, growing number of policies. */
  readonly policies: readonly EngineSize[]
  readonly skipped: readonly Skipped[]
}

interface Engine {
  readonly name: string
  /** Questions it is asked; slow ones get the first few. */
  readonly questions: number
  readonly decide: (i: number) => boolean
}

const ROUNDS = 9
const ROUND_MS = 150
/** Enough to tell, and casbin takes most of a millisecond for each. */
const CASBIN_QUESTIONS = 400

export async function measureEngines(peers: Peers, progress: (text: string) => void): Promise<EngineReport> {
  const skipped: Skipped[] = []
  const worlds: EngineSize[] = []
  for (const size of SIZES) {
    progress(`engines in process, ${size} resources`)
    const world = prepared(scenario(size))
    worlds.push(measured(world, [...ours(world), ...(await theirs(world, peers, skipped))]))
  }
  const policies: EngineSize[] = []
  for (const kinds of KINDS) {
    progress(`engines in process, ${kinds * 4 + 10} policies`)
    const world = prepared(scenario(SIZES[0], kinds))
    const some = ours(world).filter(({ name }) => name !== ENGINE.plain && name !== ENGINE.json)
    policies.push(measured(world, [...some, ...(await theirs(world, peers, [], [ENGINE.caslAgent]))]))
  }
  return { worlds, policies, skipped }
}

interface Prepared extends Scenario {
  readonly set: CompiledPolicySet
  readonly store: EntityStore
  readonly compileMs: number
  readonly loadMs: number
}

function prepared(given: Scenario): Prepared {
  const { policies, schema } = given
  const [set, compileMs] = timed(() => compile({ policies, schema, validate: 'strict' }))
  const options = set.schema === undefined ? {} : { schema: set.schema }
  const [store, loadMs] = timed(() => EntityStore.from(given.entities, options))
  return { ...given, set, store, compileMs, loadMs }
}

function ours({ questions, requests, entitiesOf, set, store }: Prepared): Engine[] {
  const nobody = new EntityStore()
  const oracle = wasmOracle(set)
  const count = questions.length
  // Its questions are made when its turn comes: what is kept alive would cost the others garbage collection.
  let asked: readonly OracleQuestion[] = []
  return [
    { name: ENGINE.plain, questions: count, decide: (i) => allowed(at(questions, i)) },
    {
      name: ENGINE.resident,
      questions: count,
      decide: (i) => set.authorize({ ...at(requests, i), entities: store }).decision === 'allow',
    },
    {
      name: ENGINE.json,
      questions: count,
      decide: (i) =>
        set.authorize({ ...at(requests, i), entities: nobody.snapshot(at(entitiesOf, i)) }).decision ===
        'allow',
    },
    {
      name: ENGINE.wasm,
      questions: count,
      decide(i) {
        if (asked.length === 0) {
          asked = requests.map((request, n) =>
            oracle.question({ ...request, entities: nobody.snapshot(at(entitiesOf, n)) }),
          )
        }
        return oracle.answer(at(asked, i)).decision === 'allow'
      },
    },
  ]
}

async function theirs(
  { questions, kinds }: Prepared,
  peers: Peers,
  skipped: Skipped[],
  only?: readonly string[],
): Promise<Engine[]> {
  const found: Engine[] = []
  const attempt = async (what: string, add: () => Promise<void> | void) => {
    try {
      await add()
    } catch (error) {
      const why = peers.problem ?? (error instanceof Error ? error.message : String(error))
      if (!skipped.some((each) => each.what === what)) skipped.push({ what, why })
    }
  }
  await attempt('@casl/ability', () => {
    const casl = caslEngines(peers, kinds)
    const count = questions.length
    found.push(
      { name: ENGINE.caslReady, questions: count, decide: casl.ready(questions) },
      { name: ENGINE.caslAgent, questions: count, decide: (i) => casl.perAgent(at(questions, i)) },
      { name: ENGINE.caslRequest, questions: count, decide: (i) => casl.perRequest(at(questions, i)) },
    )
  })
  await attempt('casbin', async () => {
    const decide = await casbinEngine(peers, kinds)
    found.push({ name: ENGINE.casbin, questions: CASBIN_QUESTIONS, decide: (i) => decide(at(questions, i)) })
  })
  return found.filter(({ name }) => only === undefined || only.includes(name))
}

function measured(world: Prepared, engines: readonly Engine[]): EngineSize {
  const { set, store, questions, entitiesOf, compileMs, loadMs } = world
  return {
    resources: world.resources,
    entities: store.size,
    policies: set.policies.length,
    entitiesPerQuestion: rounded(
      entitiesOf.reduce((sum, each) => sum + each.length, 0) / questions.length,
      1,
    ),
    questions: questions.length,
    allowed: world.allowed.filter(Boolean).length,
    compileMs,
    loadMs,
    rows: measure(engines, world.allowed),
  }
}

/** In turns, so that a neighbour on the machine who comes and goes is met by all. */
function measure(engines: readonly Engine[], expected: readonly boolean[]): EngineRow[] {
  const agrees = engines.map(
    ({ questions, decide }) =>
      expected.slice(0, questions).filter((answer, i) => decide(i) === answer).length,
  )
  const rounds = Array.from({ length: ROUNDS }, () => engines.map(round))
  return engines.map(({ name, questions }, e) => ({
    engine: name,
    agrees: agrees[e] ?? 0,
    asked: Math.min(questions, expected.length),
    cpuMicros: rounded(median(rounds.map((each) => each[e] ?? Number.NaN)), 3),
  }))
}

function round({ questions, decide }: Engine): number {
  const start = process.cpuUsage()
  const until = performance.now() + ROUND_MS
  let count = 0
  // The clock is read once in ten: a plain function takes less than reading it.
  while (performance.now() < until) for (let n = 0; n < 10; n++) decide(count++ % questions)
  return cpuMicros(start) / count
}

function timed<T>(work: () => T): [T, number] {
  const start = process.cpuUsage()
  const result = work()
  return [result, rounded(cpuMicros(start) / 1000, 1)]
}

function at<T>(list: readonly T[], i: number): T {
  const item = list[i]
  if (item === undefined) throw new Error('no such question')
  return item
}
