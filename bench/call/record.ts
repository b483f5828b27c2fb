/**
 * `prepare` and `settle` of the real decider on a durable ledger and the embedded store, as a gateway drives them: one
 * submitter, then 64 at once; beside it the same entries appended to a ledger alone, and the disk's own fdatasync.
 * @module
 */
import { generateKeyPairSync } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'
import { StatementSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import {
  createCedarEngine,
  type EngineDecider,
  type LedgerPort,
  openDecider,
  type PolicyEngine,
} from '@safeconduct/engine'
import { openLog } from '@safeconduct/ledger'
import { createBus, createIds, createKeyring, openSqliteStore } from '@safeconduct/store'
import { GATHER_MS } from '../../packages/cli/src/daemon/foundation.ts'
import { ledgerPort } from '../../packages/cli/src/daemon/ledger-port.ts'
import { countingFiles, measureDisk } from '../lib/disk.ts'
import { cpuMicros, median, perSecond, quantile } from '../lib/stats.ts'
import { callOf, ERRAND, foundation, START, type Trader, trader } from './workload.ts'

const DISK_MS = 150
const PARALLEL = 64
/** Traders of the round with one submitter; each does the whole errand. */
const ALONE = 12

export interface RecordRow {
  readonly submitters: number
  readonly calls: number
  /** Whole calls (prepare and settle), process CPU of every thread, microseconds. */
  readonly cpuMicros: number
  readonly callsPerSecond: number
  readonly prepareP50Ms: number
  readonly prepareP99Ms: number
  readonly settleP50Ms: number
  /** Syncs of the journal by call; a call alone needs two, its intent and its outcome. */
  readonly syncsPerCall: number
  /** SQL statements by call: summaries, written behind the calls. None is on the way of a call. */
  readonly statementsPerCall: number
  /** The same entries and attachments appended to a ledger alone. */
  readonly appendCpuMicros: number
  readonly appendP50Ms: number
  readonly syncP50Ms: number
  readonly prepareOverSync: number
  readonly appendOverSync: number
}

type Round = Omit<RecordRow, 'submitters'>
interface Kept {
  readonly entry: Uint8Array
  readonly attachment: Uint8Array
}

/** @param parent a directory on the disk that is to be measured */
export async function measureRecord(rounds: number, parent: string): Promise<RecordRow[]> {
  const engine = createCedarEngine()
  const directory = fs.mkdtempSync(path.join(parent, '.bench-call-'))
  const cases = [1, PARALLEL]
  const measured = new Map<number, Round[]>(cases.map((submitters) => [submitters, []]))
  try {
    for (let i = -1; i < rounds; i++) {
      for (const submitters of cases) {
        const where = fs.mkdtempSync(path.join(directory, 'round-'))
        const round = await measureRound(engine, where, submitters)
        fs.rmSync(where, { recursive: true })
        if (i >= 0) measured.get(submitters)?.push(round)
      }
    }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
  return [...measured].map(([submitters, list]) => {
    const of = (name: keyof Round) => median(list.map((round) => round[name]))
    return {
      submitters,
      calls: list.reduce((sum, { calls }) => sum + calls, 0),
      cpuMicros: of('cpuMicros'),
      callsPerSecond: of('callsPerSecond'),
      prepareP50Ms: of('prepareP50Ms'),
      prepareP99Ms: of('prepareP99Ms'),
      settleP50Ms: of('settleP50Ms'),
      syncsPerCall: of('syncsPerCall'),
      statementsPerCall: of('statementsPerCall'),
      appendCpuMicros: of('appendCpuMicros'),
      appendP50Ms: of('appendP50Ms'),
      syncP50Ms: of('syncP50Ms'),
      prepareOverSync: of('prepareOverSync'),
      appendOverSync: of('appendOverSync'),
    }
  })
}

async function measureRound(engine: PolicyEngine, directory: string, submitters: number): Promise<Round> {
  const kept: Kept[] = []
  const call = await measureCalls(engine, directory, submitters, kept)
  const append = await measureAppends(directory, submitters, kept)
  const bytes = kept.reduce((sum, { entry, attachment }) => sum + entry.length + attachment.length, 0)
  const disk = measureDisk(directory, Math.round(bytes / kept.length), DISK_MS)
  return {
    ...call,
    ...append,
    syncP50Ms: disk.p50Ms,
    prepareOverSync: call.prepareP50Ms / disk.p50Ms,
    appendOverSync: append.appendP50Ms / disk.p50Ms,
  }
}

/** A whole errand of every trader; `submitters` of them at once, each waiting for its own call. */
async function measureCalls(engine: PolicyEngine, directory: string, submitters: number, kept: Kept[]) {
  const traders = Array.from({ length: Math.max(ALONE, submitters) }, (_, i) => trader(i))
  let at = START
  const clock = { now: () => at }
  const { files, syncs } = countingFiles()
  const { privateKey: key } = generateKeyPairSync('ed25519')
  const log = await openLog({
    directory: path.join(directory, 'log'),
    origin: 'bench.invalid/log',
    key,
    files,
  })
  const store = await openSqliteStore({ directory: path.join(directory, 'store') })
  const keyring = createKeyring({ root: new Uint8Array(32).fill(1), blobs: store.blobs })
  const ledger = keeping(ledgerPort(log), kept)
  const ids = createIds(clock)
  const decider = await openDecider({
    clock,
    ids,
    store,
    ledger,
    keyring,
    bus: createBus(),
    policyEngine: engine,
    gather: () => setTimeout(GATHER_MS),
  })
  try {
    for (const event of foundation()) decider.control(event)
    for (const { events } of traders) for (const event of events) decider.control(event)
    const prepares: number[] = []
    const settles: number[] = []
    const statements = countStatements()
    const syncsBefore = syncs()
    const cpu = process.cpuUsage()
    const started = performance.now()
    const queue = [...traders]
    const submit = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await errand(decider, next, (now) => (at = Math.max(at, now)), prepares, settles)
      }
    }
    await Promise.all(Array.from({ length: submitters }, submit))
    const ms = performance.now() - started
    const micros = cpuMicros(cpu)
    const calls = traders.length * ERRAND.length
    const [asc, ascSettle] = [prepares, settles].map((list) => list.toSorted((a, b) => a - b))
    return {
      calls,
      cpuMicros: micros / calls,
      callsPerSecond: perSecond(calls, ms),
      prepareP50Ms: quantile(asc ?? [], 0.5),
      prepareP99Ms: quantile(asc ?? [], 0.99),
      settleP50Ms: quantile(ascSettle ?? [], 0.5),
      syncsPerCall: (syncs() - syncsBefore) / calls,
      statementsPerCall: statements.stop() / calls,
    }
  } finally {
    await decider.close()
    await log.close()
    await store.close()
  }
}

async function errand(
  decider: EngineDecider,
  who: Trader,
  pass: (now: number) => void,
  prepares: number[],
  settles: number[],
): Promise<void> {
  for (const [k, step] of ERRAND.entries()) {
    const request = callOf(who, k, step)
    pass(request.at)
    const asked = performance.now()
    const { forward, decision } = await decider.prepare(request)
    const answered = performance.now()
    prepares.push(answered - asked)
    if (!forward) throw new Error(`a call of the errand was refused: ${decision.why.join(' ')}`)
    await decider.settle(request.id, step.result)
    settles.push(performance.now() - answered)
  }
}

/** What calls wrote, to be written once more to a ledger alone. */
function keeping(ledger: LedgerPort, kept: Kept[]): LedgerPort {
  return {
    ...ledger,
    get size() {
      return ledger.size
    },
    append(entry, options) {
      if (options?.attachment !== undefined) kept.push({ entry, attachment: options.attachment })
      return ledger.append(entry, options)
    },
  }
}

async function measureAppends(directory: string, submitters: number, kept: readonly Kept[]) {
  const { privateKey: key } = generateKeyPairSync('ed25519')
  const log = await openLog({ directory: path.join(directory, 'alone'), origin: 'bench.invalid/log', key })
  const times: number[] = []
  const queue = kept.values()
  const cpu = process.cpuUsage()
  const submit = async () => {
    for (const { entry, attachment } of queue) {
      const asked = performance.now()
      await log.append(entry, { attachment })
      times.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: submitters }, submit))
  const micros = cpuMicros(cpu)
  await log.close()
  times.sort((a, b) => a - b)
  return { appendCpuMicros: micros / kept.length, appendP50Ms: quantile(times, 0.5) }
}

const EXECUTING = ['run', 'get', 'all', 'iterate'] as const

/** Counts what SQLite executes in this process until it is stopped. */
function countStatements(): { stop(): number } {
  const prototype: Record<string, (...args: unknown[]) => unknown> = Object(StatementSync.prototype)
  const before = EXECUTING.map((name) => [name, prototype[name]] as const)
  let count = 0
  for (const [name, execute] of before) {
    if (execute === undefined) continue
    prototype[name] = function counted(this: unknown, ...args: unknown[]) {
      count++
      return execute.apply(this, args)
    }
  }
  return {
    stop() {
      for (const [name, execute] of before) if (execute !== undefined) prototype[name] = execute
      return count
    },
  }
}
