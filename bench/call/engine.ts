/**
 * CPU of the engine alone: `decide`, what it does in each stage, `apply`, and what an outcome teaches. Pure, so one
 * thread; traders take each step together, hence many calls between two looks at the clock.
 * @module
 */
import {
  apply,
  control,
  createCedarEngine,
  createState,
  decide,
  decideBriefly,
  type EngineEvent,
  emptyFlow,
  observe,
  type PolicyEngine,
  STAGES,
  type TenantState,
} from '@safeconduct/engine'
import type { Outcome } from '@safeconduct/protocol'
import { cpuOf, median } from '../lib/stats.ts'
import { callOf, ERRAND, foundation, INJECTION, START, type Step, trader } from './workload.ts'

const TRADERS = 64
/**
 * Rounds until the compiler has settled; it runs on other threads, and process CPU counts those. After five rounds it is
 * still at work (three times the CPU of later ones), after twenty it hardly is; a round is 1,536 calls.
 */
const WARM_UP = 24

export type Stage = keyof typeof STAGES

/** Microseconds of CPU a call; medians of the rounds. */
export interface EngineCost {
  readonly calls: number
  readonly stages: Readonly<Record<Stage, number>>
  readonly decideAllowed: number
  readonly decideRefused: number
  /** Beyond the quota of refusals that are recorded. */
  readonly decideFlood: number
  readonly applyTurn: number
  readonly observe: number
  readonly applyOutcome: number
  /** What was decided, so that nobody has to guess what was measured. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>
  readonly refused: Readonly<Partial<Record<Outcome, number>>>
}

type Counts = Partial<Record<Outcome, number>>

interface Round {
  readonly calls: number
  readonly decideAllowed: number
  readonly decideRefused: number
  readonly decideFlood: number
  readonly applyTurn: number
  readonly observe: number
  readonly applyOutcome: number
  readonly outcomes: Counts
  readonly refused: Counts
}

export function measureEngine(rounds: number): EngineCost {
  const engine = createCedarEngine()
  for (let i = 0; i < WARM_UP; i++) day(engine)
  const plain: Round[] = []
  const staged: Record<Stage, number>[] = []
  for (let i = 0; i < rounds; i++) {
    plain.push(day(engine))
    staged.push(inStages(() => day(engine, false)))
  }
  const of = (pick: (each: Round) => number) => median(plain.map(pick))
  const last = plain[0]
  return {
    calls: plain.reduce((sum, { calls }) => sum + calls, 0),
    stages: mapStages((name) => median(staged.map((each) => each[name]))),
    decideAllowed: of((each) => each.decideAllowed),
    decideRefused: of((each) => each.decideRefused),
    decideFlood: of((each) => each.decideFlood),
    applyTurn: of((each) => each.applyTurn),
    observe: of((each) => each.observe),
    applyOutcome: of((each) => each.applyOutcome),
    outcomes: last?.outcomes ?? {},
    refused: last?.refused ?? {},
  }
}

/** A fresh desk, from the first call of everybody to the end of the errand. */
function day(engine: PolicyEngine, injected = true): Round {
  const state = createState()
  const traders = Array.from({ length: TRADERS }, (_, i) => trader(i))
  let desk: TenantState | null = null
  for (const event of [...foundation(), ...traders.flatMap(({ events }) => events)]) {
    const told = control(state, engine, event, START)
    desk = told.tenant
    for (const change of told.events) apply(told.tenant, change)
  }
  if (desk === null) throw new Error('no tenant')
  const tenant = desk

  /** One step of everybody; the times of its four parts. */
  function take(k: number, step: Step, outcomes: Counts) {
    const requests = traders.map((each) => callOf(each, k, step))
    const decided: ReturnType<typeof decide>[] = []
    const decideTime = cpuOf(() => {
      for (const request of requests) decided.push(decide(state, request))
    })
    for (const { decision } of decided) outcomes[decision.outcome] = (outcomes[decision.outcome] ?? 0) + 1
    const applyTime = cpuOf(() => {
      for (const { events } of decided) for (const event of events) apply(tenant, event)
    })
    const forwarded = requests.filter((_, i) => decided[i]?.forward === true)
    const settled: EngineEvent[] = []
    const observeTime = cpuOf(() => {
      for (const { id, at } of forwarded)
        settled.push({ type: 'settled', id, at, status: 'ok', flow: learn(id, step) })
    })
    const outcomeTime = cpuOf(() => {
      for (const event of settled) apply(tenant, event)
    })
    return {
      calls: requests.length,
      forwarded: forwarded.length,
      decideTime,
      applyTime,
      observeTime,
      outcomeTime,
    }
  }

  function learn(id: string, { tool, args, result }: Step) {
    const open = tenant.live.calls.get(id)
    const known = tenant.directory.tools.get(`market/${tool}`)
    if (open === undefined || known === undefined) throw new Error('not a call under way')
    const flow = tenant.live.flows.get(open.flow)?.state ?? emptyFlow(null)
    const read = {
      text: result.text,
      ...(result.structured === null ? {} : { structured: result.structured }),
    }
    return observe(flow, {
      callId: id,
      server: 'market',
      tool,
      roles: known.roles,
      args,
      result: read,
      error: null,
    })
  }

  const sum = { calls: 0, forwarded: 0, decideTime: 0, applyTime: 0, observeTime: 0, outcomeTime: 0 }
  const outcomes: Counts = {}
  ERRAND.forEach((step, k) => {
    const took = take(k, step, outcomes)
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += took[name]
  })
  const refused: Counts = {}
  const [news, transfer] = INJECTION
  if (news === undefined || transfer === undefined) throw new Error('the story has no injection')
  let perRefused = Number.NaN
  let perFlood = Number.NaN
  if (injected) {
    take(ERRAND.length, news, {})
    const flood = traders.map((each) => callOf(each, ERRAND.length + 1, transfer))
    perFlood = cpuOf(() => flood.forEach((request) => void decideBriefly(state, request))) / flood.length
    const stopped = take(ERRAND.length + 1, transfer, refused)
    perRefused = stopped.decideTime / stopped.calls
  }
  return {
    calls: sum.calls,
    decideAllowed: sum.decideTime / sum.calls,
    decideRefused: perRefused,
    decideFlood: perFlood,
    applyTurn: sum.applyTime / sum.calls,
    observe: sum.observeTime / sum.forwarded,
    applyOutcome: sum.outcomeTime / sum.forwarded,
    outcomes,
    refused,
  }
}

type AnyStage = (...args: never[]) => unknown

/**
 * Runs `work` with a clock around every stage, each where it stands in the pipeline. The clock's own cost, measured the
 * same way on a stage that does nothing, is taken off.
 */
function inStages(work: () => void): Record<Stage, number> {
  const names = Object.keys(STAGES) as Stage[]
  const table: Record<string, AnyStage> = STAGES
  const before = { ...STAGES }
  const spent = mapStages(() => 0)
  const calls = mapStages(() => 0)
  const timed =
    (name: Stage, stage: AnyStage): AnyStage =>
    (...args) => {
      const { user, system } = process.cpuUsage()
      const found = stage(...args)
      const after = process.cpuUsage()
      spent[name] += after.user + after.system - user - system
      calls[name]++
      return found
    }
  try {
    const idle = timed('authenticate', () => null)
    for (let i = 0; i < 20_000; i++) idle()
    const overhead = spent.authenticate / calls.authenticate
    spent.authenticate = 0
    calls.authenticate = 0
    for (const name of names) table[name] = timed(name, before[name])
    work()
    return mapStages((name) => Math.max(0, spent[name] / calls[name] - overhead))
  } finally {
    Object.assign(STAGES, before)
  }
}

function mapStages(value: (name: Stage) => number): Record<Stage, number> {
  return {
    authenticate: value('authenticate'),
    delegate: value('delegate'),
    attest: value('attest'),
    score: value('score'),
    trace: value('trace'),
    decide: value('decide'),
  }
}
