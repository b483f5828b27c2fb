/**
 * What `bench:call` says: the measurements, and how they stand to the goals of the design.
 * @module
 */
import type { Machine } from '../lib/machine.ts'
import type { AuthenticateCost } from './authenticate.ts'
import type { EngineCost } from './engine.ts'
import type { PathRow } from './path.ts'
import type { RecordRow } from './record.ts'
import type { RevocationRow } from './revocation.ts'

export interface Goal {
  readonly name: string
  readonly budget: number
  readonly measured: number
  readonly unit: string
  readonly met: boolean
}

export interface CallReport {
  readonly machine: Machine
  readonly loadAfter: readonly number[]
  readonly engine: EngineCost
  readonly authenticate: AuthenticateCost
  readonly record: readonly RecordRow[]
  readonly path: readonly PathRow[]
  readonly revocation: readonly RevocationRow[]
  readonly goals: readonly Goal[]
}

const within = (name: string, budget: number, measured: number, unit: string): Goal => ({
  name,
  budget,
  measured,
  unit,
  met: measured <= budget,
})

/** The speed budget of one governed call, and what the notes and issues ask of record and revocation. */
export function goalsOf({
  engine,
  authenticate,
  record,
  revocation,
}: Omit<CallReport, 'goals' | 'machine' | 'loadAfter'>): Goal[] {
  const { stages } = engine
  const alone = record.find(({ submitters }) => submitters === 1)
  const together = record.find(({ submitters }) => submitters > 1)
  const worst = Math.max(authenticate.dpopEd25519, authenticate.dpopEs256)
  return [
    within('authenticate (DPoP, the dearer algorithm)', 130, worst + stages.authenticate, 'µs'),
    within('delegate', 5, stages.delegate, 'µs'),
    within('score', 20, stages.score, 'µs'),
    within('trace', 30, stages.trace, 'µs'),
    within('decide', 15, stages.decide, 'µs'),
    within('record: journal syncs a call, 64 submitters', 1, together?.syncsPerCall ?? Number.NaN, 'syncs'),
    within(
      'record: append p50 / fdatasync p50, one submitter',
      1.5,
      alone?.appendOverSync ?? Number.NaN,
      '×',
    ),
    within(
      'record: prepare p50 / fdatasync p50, one submitter (held to the goal of an append)',
      1.5,
      alone?.prepareOverSync ?? Number.NaN,
      '×',
    ),
    within(
      'calls that pass after a revocation',
      0,
      revocation.reduce((sum, row) => sum + row.passedLate, 0),
      'calls',
    ),
  ]
}

const fixed = (value: number, digits = 1) => (Number.isFinite(value) ? value.toFixed(digits) : '–')

/** Tables as rows of named cells; the text report and RESULTS.md print the same ones. */
export interface Table {
  readonly title: string
  readonly rows: readonly Readonly<Record<string, string | number>>[]
}

export function tablesOf(report: CallReport): Table[] {
  const { engine, authenticate, record, path, revocation, goals } = report
  const named = (name: string, micros: number) => ({ what: name, 'µs CPU a call': fixed(micros) })
  return [
    {
      title: 'Speed budget of one governed call',
      rows: goals.map(({ name, budget, measured, unit, met }) => ({
        goal: name,
        budget: `≤ ${budget} ${unit}`,
        measured: `${fixed(measured, measured < 10 ? 2 : 1)} ${unit}`,
        verdict: met ? 'met' : `missed, ${fixed(measured / budget, 2)}× the budget`,
      })),
    },
    {
      title: 'The engine by stage, in place',
      rows: [
        ...Object.entries(engine.stages).map(([name, micros]) => named(name, micros)),
        named('decide() whole, allowed calls', engine.decideAllowed),
        named('decide() whole, refused calls with their counterfactual', engine.decideRefused),
        named('decide() whole, refused calls beyond the recorded quota', engine.decideFlood),
        named('apply, the turn', engine.applyTurn),
        named('observe, what an outcome teaches', engine.observe),
        named('apply, the outcome', engine.applyOutcome),
      ],
    },
    {
      title: 'Authentication at the gateway',
      rows: [
        named('token and DPoP proof, Ed25519', authenticate.dpopEd25519),
        named('token and DPoP proof, ES256', authenticate.dpopEs256),
        named('bearer token', authenticate.bearer),
        named('of it: the token (ES256)', authenticate.tokenAlone),
        named('of it: the proof, Ed25519', authenticate.proofAloneEd25519),
        named('of it: the proof, ES256', authenticate.proofAloneEs256),
      ],
    },
    {
      title: 'prepare and settle with the durable ledger and the embedded store',
      rows: record.map((row) => ({
        submitters: row.submitters,
        'µs CPU a call': fixed(row.cpuMicros, 0),
        'calls/s': fixed(row.callsPerSecond, 0),
        'prepare p50 ms': fixed(row.prepareP50Ms, 3),
        'p99 ms': fixed(row.prepareP99Ms, 2),
        'settle p50 ms': fixed(row.settleP50Ms, 3),
        'syncs a call': fixed(row.syncsPerCall, 3),
        'SQL a call (behind it)': fixed(row.statementsPerCall, 2),
        'append alone µs CPU': fixed(row.appendCpuMicros, 0),
        'append p50 ms': fixed(row.appendP50Ms, 3),
        'fdatasync p50 ms': fixed(row.syncP50Ms, 3),
      })),
    },
    {
      title: 'tools/call over HTTP: direct, through a bare proxy, through Safeconduct',
      rows: path.map((row) => ({
        revision: row.revision,
        clients: row.concurrency,
        way: row.way,
        'µs CPU between': row.way === 'direct' ? '–' : fixed(row.betweenCpu, 0),
        'µs CPU upstream': fixed(row.upstreamCpu, 0),
        'calls/s': fixed(row.callsPerSecond, 0),
        'p50 ms': fixed(row.p50Ms, 2),
        'p99 ms': fixed(row.p99Ms, 1),
        'CPU / direct': fixed(row.cpuOverDirect, 2),
        'CPU between / proxy': row.cpuOverProxy === null ? '–' : fixed(row.cpuOverProxy, 2),
        'p50 / direct': fixed(row.p50OverDirect, 2),
      })),
    },
    {
      title: 'Revocation',
      rows: revocation.map((row) => ({
        revoked: row.kind,
        times: row.times,
        'revoke ms': fixed(row.revokeMs, 2),
        'first refusal after the answer, ms': fixed(row.refusedAfterMs, 2),
        'passed before': row.passedBefore,
        'under way, passed': row.passedUnderWay,
        'sent after the answer': row.lateCalls,
        'of these passed': row.passedLate,
      })),
    },
  ]
}
