/**
 * What `bench:decision` says: the measurements as tables with their growth, and how they stand to the goals of issue 3.
 * @module
 */
import type { Table } from '../call/report.ts'
import type { Machine } from '../lib/machine.ts'
import { ENGINE, type EngineReport, type EngineSize } from './engines.ts'
import type { HttpRow } from './http.ts'
import type { Skipped } from './peers.ts'
import type { RelationRow } from './relations.ts'

export interface HttpSize {
  readonly resources: number
  readonly rows: readonly HttpRow[]
}

export interface DecisionReport {
  readonly machine: Machine
  readonly loadAfter: readonly number[]
  /** A part that `--only` left out is null. */
  readonly engines: EngineReport | null
  readonly http: readonly HttpSize[] | null
  readonly relations: readonly RelationRow[] | null
  readonly skipped: readonly Skipped[]
  readonly goals: readonly DecisionGoal[]
}

export interface DecisionGoal {
  readonly name: string
  readonly want: 'at most' | 'at least'
  readonly target: number
  /** null when it could not be measured: a goal that is not met. */
  readonly measured: number | null
  readonly unit: string
}

export const SERVER = {
  authzen: 'Safeconduct, /access/v1/evaluation',
  authzenTold: 'Safeconduct, /access/v1/evaluation with properties in the question',
  cerbos: 'Cerbos server, /api/check/resources',
} as const

const grouped = (value: number) => value.toLocaleString('en-US')
const fixed = (value: number | null | undefined, digits = 2) =>
  typeof value === 'number' && Number.isFinite(value) ? value.toFixed(digits) : '–'
const quotient = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? null : a / b

const cpuOf = (size: EngineSize, engine: string) => size.rows.find((row) => row.engine === engine)?.cpuMicros
const serverCpu = (size: HttpSize, target: string) =>
  size.rows.find((row) => row.target === target)?.cpuMicros

type Parts = Pick<DecisionReport, 'engines' | 'http' | 'relations'>

export function goalsOf({ engines, http, relations }: Parts): DecisionGoal[] {
  return [
    ...(engines?.worlds.flatMap(engineGoals) ?? []),
    ...(http?.map((size) => httpGoal(size)) ?? []),
    ...(relations === null ? [] : relationGoals(relations)),
  ]
}

function engineGoals(size: EngineSize): DecisionGoal[] {
  const where = `${grouped(size.entities)} entities`
  const times = (name: string, target: number, peer: string, mine: string): DecisionGoal => ({
    name: `${name}, ${where}`,
    want: 'at least',
    target,
    measured: quotient(cpuOf(size, peer), cpuOf(size, mine)),
    unit: '×',
  })
  return [
    times('compiled Cedar, resident entities: times cedar-wasm', 50, ENGINE.wasm, ENGINE.resident),
    times('compiled Cedar, JSON entities: times cedar-wasm', 20, ENGINE.wasm, ENGINE.json),
    times(
      'compiled Cedar, resident entities: times CASL cached by agent',
      1,
      ENGINE.caslAgent,
      ENGINE.resident,
    ),
  ]
}

function httpGoal(size: HttpSize): DecisionGoal {
  return {
    name: `whole AuthZEN evaluation over HTTP: times Cerbos per core, ${grouped(size.resources)} resources`,
    want: 'at least',
    target: 3,
    measured: quotient(serverCpu(size, SERVER.cerbos), serverCpu(size, SERVER.authzen)),
    unit: '×',
  }
}

function relationGoals(rows: readonly RelationRow[]): DecisionGoal[] {
  const near = (tuples: number) => rows.find((row) => Math.abs(row.tuples / tuples - 1) < 0.2)
  const middle = near(100_000)
  const large = near(1_000_000)
  const atMost = (name: string, target: number, measured: number | null | undefined, unit: string) => ({
    name,
    want: 'at most' as const,
    target,
    measured: measured ?? null,
    unit,
  })
  return [
    atMost('check at 100,000 tuples', 10, middle?.cpuMicrosPerCheck, 'µs'),
    atMost('list at 100,000 tuples, a result', 2, middle?.cpuMicrosPerResult, 'µs'),
    atMost(
      'check at 1,000,000 tuples / at 100,000',
      2,
      quotient(large?.cpuMicrosPerCheck, middle?.cpuMicrosPerCheck),
      '×',
    ),
    atMost(
      'list at 1,000,000 tuples / at 100,000',
      2,
      quotient(large?.cpuMicrosPerResult, middle?.cpuMicrosPerResult),
      '×',
    ),
    atMost('memory at 1,000,000 tuples', 250, large?.bytesPerTuple, 'bytes a tuple'),
  ]
}

export function tablesOf(report: DecisionReport): Table[] {
  const { engines, http, relations, goals } = report
  return [
    {
      title: 'Goals',
      rows: goals.map(({ name, want, target, measured, unit }) => ({
        goal: name,
        wanted: `${want} ${target} ${unit}`,
        measured: measured === null ? 'not measured' : `${fixed(measured)} ${unit}`,
        verdict: isMet({ want, target, measured }) ? 'met' : 'missed',
      })),
    },
    ...(engines === null
      ? []
      : [
          {
            title: `CPU per decision in process, µs, by number of resident entities (${engines.worlds[0]?.policies ?? 0} policies)`,
            rows: growth(engines.worlds, (size) => `${grouped(size.entities)} entities`),
          },
          {
            title: `CPU per decision in process, µs, by number of policies (${grouped(engines.policies[0]?.entities ?? 0)} entities)`,
            rows: growth(engines.policies, (size) => `${size.policies} policies`),
          },
          {
            title: 'What compiled Cedar takes to start',
            rows: engines.worlds.map((size) => ({
              entities: grouped(size.entities),
              'policies parsed, validated, compiled: ms CPU': fixed(size.compileMs, 0),
              'entities loaded: ms CPU': fixed(size.loadMs, 0),
              'questions allowed': `${size.allowed} of ${size.questions}`,
              'entities a question reads': fixed(size.entitiesPerQuestion, 1),
            })),
          },
        ]),
    ...(http ?? []).map(({ resources, rows }) => ({
      title: `Over HTTP, ${grouped(resources)} resources`,
      rows: rows.map((row) => ({
        server: row.target,
        'µs CPU a decision': fixed(row.cpuMicros, 0),
        'decisions per core second': grouped(row.perCoreSecond),
        'decisions/s here': grouped(row.perSecond),
        'p50 ms': fixed(row.p50Ms),
        agrees: `${row.agrees} of ${row.asked}`,
      })),
    })),
    ...(relations === null
      ? []
      : [
          {
            title: 'Relations in process',
            rows: relations.map((row) => ({
              tuples: grouped(row.tuples),
              'µs CPU a check': fixed(row.cpuMicrosPerCheck),
              'µs CPU a listed result': fixed(row.cpuMicrosPerResult),
              'results a listing': grouped(row.resultsPerListing),
              'bytes a tuple': row.bytesPerTuple === null ? '–' : String(row.bytesPerTuple),
              'load, s CPU': fixed(row.loadCpuSeconds),
            })),
          },
        ]),
  ]
}

/** One row an engine, one column a size, and the last over the first. */
function growth(sizes: readonly EngineSize[], name: (size: EngineSize) => string): Table['rows'] {
  const engines = [...new Set(sizes.flatMap((size) => size.rows.map((row) => row.engine)))]
  return engines.map((engine) => {
    const first = sizes[0] === undefined ? undefined : cpuOf(sizes[0], engine)
    const last = sizes.at(-1)
    const rows = sizes.flatMap((size) => size.rows.filter((row) => row.engine === engine))
    return {
      engine,
      ...Object.fromEntries(sizes.map((size) => [name(size), fixed(cpuOf(size, engine))])),
      growth: `${fixed(quotient(last === undefined ? undefined : cpuOf(last, engine), first))}×`,
      agrees: rows.every((row) => row.agrees === row.asked)
        ? `all of ${rows[0]?.asked ?? 0}`
        : rows.map((row) => `${row.agrees} of ${row.asked}`).join(', '),
    }
  })
}

export function isMet({
  want,
  target,
  measured,
}: Pick<DecisionGoal, 'want' | 'target' | 'measured'>): boolean {
  if (measured === null || !Number.isFinite(measured)) return false
  return want === 'at most' ? measured <= target : measured >= target
}

/** Everyone who was measured gave the right answer to every question. */
export function allAgree({ engines, http }: Pick<DecisionReport, 'engines' | 'http'>): boolean {
  const sizes = [...(engines?.worlds ?? []), ...(engines?.policies ?? []), ...(http ?? [])]
  return sizes.every(({ rows }) =>
    rows.every((row: { agrees: number; asked: number }) => row.agrees === row.asked),
  )
}
