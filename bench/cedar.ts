/**
 * CPU per decision of the compiled engine and of cedar-wasm, same requests, one run.
 * `node --conditions=safeconduct-src bench/cedar.ts [--json]`
 *
 * The engines must agree on every request before anything is measured; exit code 1 when they do not.
 *
 * @module
 */

import {
  type Authorization,
  compile,
  EntityStore,
  type OracleQuestion,
  parseContext,
  sameAnswer,
  wasmOracle,
} from '@safeconduct/cedar'
import { scenario } from './cedar/scenario.ts'

const MEASURE_MS = 1500
const ROUNDS = 3

interface Engine {
  readonly name: string
  readonly prepare?: () => void
  readonly decide: (i: number) => Authorization
}

interface Result {
  readonly name: string
  readonly agrees: number
  readonly decisions: number
  /** Median of the rounds, microseconds of user and system CPU. */
  readonly cpuMicroseconds: number
  readonly perCpuSecond: number
}

const { policies, schema, entities, requests, entitiesOf } = scenario()
const at = <T>(list: readonly T[], i: number): T => {
  const item = list[i % list.length]
  if (item === undefined) throw new Error('empty workload')
  return item
}

const loadStart = performance.now()
const set = compile({ policies, schema, validate: 'strict' })
const loadMs = performance.now() - loadStart
const store = EntityStore.from(entities, set.schema === undefined ? {} : { schema: set.schema })
const nobody = new EntityStore()
const contexts = requests.map((request) => parseContext(request.context ?? {}, set.schema, request.action))
const oracle = wasmOracle(set)
// Made when cedar-wasm's turn comes: what is kept alive would cost the others garbage collection.
let questions: readonly OracleQuestion[] = []

const engines: readonly Engine[] = [
  {
    name: 'compiled, resident entities',
    decide: (i) => set.authorize({ ...at(requests, i), entities: store }),
  },
  {
    name: 'compiled, resident entities, context parsed once',
    decide: (i) => set.authorize({ ...at(requests, i), context: at(contexts, i), entities: store }),
  },
  {
    name: 'compiled, entities from JSON per call',
    decide: (i) => set.authorize({ ...at(requests, i), entities: nobody.snapshot(at(entitiesOf, i)) }),
  },
  {
    name: 'cedar-wasm, stateful',
    prepare: () => {
      questions = requests.map((request, i) =>
        oracle.question({ ...request, entities: nobody.snapshot(at(entitiesOf, i)) }),
      )
    },
    decide: (i) => oracle.answer(at(questions, i)),
  },
]

const expected = requests.map((_, i) => at(engines, 0).decide(i))
const results = engines.map(measure)
const [resident, , json, wasm] = results
const ratio = (a: Result | undefined, b: Result | undefined) =>
  a === undefined || b === undefined ? 0 : b.cpuMicroseconds / a.cpuMicroseconds
const report = {
  node: process.version,
  policies: set.policies.length,
  entities: store.size,
  requests: requests.length,
  entitiesPerRequest: entitiesOf.reduce((sum, each) => sum + each.length, 0) / requests.length,
  allowed: expected.filter((each) => each.decision === 'allow').length,
  loadMs: Math.round(loadMs),
  results,
  residentTimesWasm: ratio(resident, wasm),
  jsonTimesWasm: ratio(json, wasm),
}

if (process.argv.includes('--json')) console.log(JSON.stringify(report))
else {
  console.log(
    `${report.policies} policies, ${report.requests} requests (${report.allowed} allowed), ${report.entitiesPerRequest.toFixed(1)} entities each, load ${report.loadMs} ms`,
  )
  for (const { name, agrees, cpuMicroseconds, perCpuSecond } of results) {
    console.log(
      `${name.padEnd(50)} ${cpuMicroseconds.toFixed(2).padStart(9)} µs CPU  ${Math.round(perCpuSecond).toString().padStart(8)}/s  agrees ${agrees}/${requests.length}`,
    )
  }
  console.log(
    `resident ${report.residentTimesWasm.toFixed(0)}× cedar-wasm, JSON entities ${report.jsonTimesWasm.toFixed(0)}×`,
  )
}
if (results.some(({ agrees }) => agrees !== requests.length)) process.exitCode = 1

function measure(engine: Engine): Result {
  engine.prepare?.()
  const agrees = expected.filter((answer, i) => sameAnswer(answer, engine.decide(i))).length
  const rounds = Array.from({ length: ROUNDS }, () => round(engine)).sort((a, b) => a.each - b.each)
  const cpuMicroseconds = at(rounds, Math.floor(ROUNDS / 2)).each
  const decisions = rounds.reduce((sum, { count }) => sum + count, 0)
  return { name: engine.name, agrees, decisions, cpuMicroseconds, perCpuSecond: 1e6 / cpuMicroseconds }
}

function round(engine: Engine): { each: number; count: number } {
  const start = process.cpuUsage()
  const until = performance.now() + MEASURE_MS
  let count = 0
  while (performance.now() < until) for (let n = 0; n < 100; n++) engine.decide(count++)
  const { user, system } = process.cpuUsage(start)
  return { each: (user + system) / count, count }
}
