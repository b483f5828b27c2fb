/**
 * Many agents in one decider on the embedded store: memory of an agent that sleeps and of one that is awake, the time to
 * wake one, and a burst of calls. Sealed bodies go to a real SQLite store; the ledger takes entries and keeps none, so that
 * only agents are measured.
 *
 *     node --conditions=safeconduct-src bench/agents.ts [--agents N] [--burst N] [--json] [--dir DIRECTORY]
 *
 * @module
 */
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type ControlEvent, createCedarEngine, createDecider, type LedgerPort } from '@safeconduct/engine'
import { createIds, createKeyring, loadRootKey, openSqliteStore } from '@safeconduct/store'
import { fakeClock } from '../packages/engine/src/testing/fakes.ts'
import {
  agent,
  call,
  DAY,
  epoch,
  grant,
  ok,
  START,
  setup,
  TENANT,
  task,
} from '../packages/engine/src/testing/world.ts'
import { machine } from './lib/machine.ts'
import { benchOptions, wholeOption } from './lib/options.ts'
import { cpuMicros, quantile, rounded } from './lib/stats.ts'

export interface AgentsReport {
  readonly bench: 'agents'
  readonly machine: ReturnType<typeof machine>
  readonly agents: number
  /** Bytes of heap that an agent takes while it sleeps, beside its registration; its errand is over. */
  readonly asleepBytes: number
  /** What an errand that still holds takes besides. */
  readonly errandBytes: number
  /** Bytes of heap of an agent that is awake and known by 220 calls; its errand is over. */
  readonly awakeBytes: number
  /** Bytes of its sealed body in the store, and the most that was written. */
  readonly bodyBytes: number
  readonly mostBodyBytes: number
  readonly wakeP50Ms: number
  readonly wakeP99Ms: number
  readonly burst: {
    readonly calls: number
    readonly agents: number
    readonly cpuMicros: number
    /** Heap after the burst beside heap after a tenth of it. */
    readonly growth: number
  }
}

/** In memory at a time. */
const HOT = 2000
/** Calls that make an agent known. */
const KNOWN_CALLS = 220
const KNOWN_AGENTS = 100
const BURST_AGENTS = 1000

const USAGE = {
  name: 'agents',
  about: 'Memory of many agents in one decider, waking one, and a burst of calls. Takes most of an hour.',
}
const { values } = benchOptions(USAGE, {
  agents: { type: 'string', default: '100000', value: 'N', about: 'how many agents' },
  burst: { type: 'string', default: '1000000', value: 'N', about: 'how many calls the burst has' },
  dir: { type: 'string', default: tmpdir(), value: 'DIRECTORY', about: 'where the store goes' },
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
function heap(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

function ledger(): LedgerPort {
  let size = 0
  return {
    append: async () => ({ index: size++ }),
    get size() {
      return size
    },
    async *entries() {
      // Nothing is kept.
    },
    receipt: async () => ({}),
  }
}

async function open(directory: string, hotAgents: number) {
  const store = await openSqliteStore({ directory })
  const clock = fakeClock(START)
  const decider = createDecider({
    clock,
    ids: createIds(clock),
    store: { ...store, decisions: { ...store.decisions, insert: async () => undefined } },
    ledger: ledger(),
    keyring: createKeyring({ root: loadRootKey(directory), blobs: store.blobs }),
    // Nobody listens, and nothing is kept for anybody.
    bus: { publish: () => undefined, subscribe: () => () => undefined },
    policyEngine: createCedarEngine(),
    settings: { hotAgents, contestWindow: 0 },
  })
  for (const event of setup()) decider.control(event)
  return { store, clock, decider }
}

type Desk = Awaited<ReturnType<typeof open>>

async function register({ clock, decider }: Desk, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    // What was registered is on its way to the ledger until the next turn.
    if (i % 100 === 0) await setImmediate()
    const id = `many-${i}`
    const events: ControlEvent[] = [
      { type: 'epoch', tenant: TENANT, ref: epoch('agent', id) },
      { type: 'epoch', tenant: TENANT, ref: epoch('task', id) },
      { type: 'agent', agent: agent({ id, name: id }) },
      { type: 'task', task: task({ id, agent: id, expiresAt: clock.now() + DAY }) },
    ]
    for (const event of events) decider.control(event)
  }
  for (let turn = 0; turn < 1000; turn++) await setImmediate()
}

/** A new errand for an agent whose first one is over. */
function sendAgain({ clock, decider }: Desk, i: number): void {
  const id = `again-${i}`
  decider.control({ type: 'epoch', tenant: TENANT, ref: epoch('task', id) })
  decider.control({ type: 'task', task: task({ id, agent: `many-${i}`, expiresAt: clock.now() + DAY }) })
}

async function getKnown(desk: Desk, from: number, to: number): Promise<void> {
  await register(desk, from, to)
  for (let n = 0; n < KNOWN_CALLS; n++) {
    desk.clock.advance(180_000)
    for (let i = from; i < to; i++) await work(desk, i, n)
  }
}

/** Tasks have ended by then; the next call sweeps what they spent and saw. */
async function endErrands(desk: Desk): Promise<void> {
  desk.clock.advance(3 * DAY)
  for (let i = 0; i < 2 * KNOWN_AGENTS; i++) sendAgain(desk, i)
  await work(desk, 0, KNOWN_CALLS, 'again-0')
}

const TOOLS = ['get_quote', 'place_order', 'save_watchlist'] as const
let calls = 0

async function work({ clock, decider }: Desk, i: number, n: number, errand = `many-${i}`): Promise<void> {
  const id = `many-${i}`
  clock.advance(1)
  const at = clock.now()
  const tool =
    TOOLS[Number.parseInt(hash('sha256', `${i}/${n}`).slice(0, 2), 16) % TOOLS.length] ?? 'get_quote'
  const args = tool === 'place_order' ? { symbol: 'ACME', quantity: 5 + (n % 9) } : {}
  const request = call({
    id: `b${++calls}`,
    at,
    tool,
    args,
    grant: grant({ agent: id, task: errand, expiresAt: clock.now() + DAY }),
  })
  const { forward } = await decider.prepare(request)
  if (forward) await decider.settle(request.id, ok())
}

const folder = mkdtempSync(path.join(values.dir, 'sc-agents-'))
try {
  const count = wholeOption(USAGE, 'agents', values.agents, 2 * KNOWN_AGENTS + 1)
  const burst = wholeOption(USAGE, 'burst', values.burst, 10)
  const desk = await open(path.join(folder, 'a'), HOT)

  process.stderr.write('known agents…\n')
  // What all agents share has its size after the first of them.
  await getKnown(desk, 0, KNOWN_AGENTS)
  const before = heap()
  await getKnown(desk, KNOWN_AGENTS, 2 * KNOWN_AGENTS)
  await endErrands(desk)
  const awakeBytes = (heap() - before) / KNOWN_AGENTS

  process.stderr.write(`${count} agents…\n`)
  const rest = count - 2 * KNOWN_AGENTS
  await register(desk, 2 * KNOWN_AGENTS, count)
  const registered = heap()
  for (let i = 2 * KNOWN_AGENTS; i < count; i++) await work(desk, i, 0)
  const woken = heap()
  await endErrands(desk)
  const over = heap()
  // Those that are awake take no more than those that were before.
  const asleepBytes = (over - registered) / rest
  const errandBytes = (woken - over) / rest
  const names = await desk.store.blobs.names('engine/cold/')
  const sizes: number[] = []
  for (const name of names.filter((each) => /many-\d?\d\//.test(each)))
    sizes.push((await desk.store.blobs.get(name))?.byteLength ?? 0)
  sizes.sort((a, b) => a - b)

  process.stderr.write('waking…\n')
  const waits: number[] = []
  for (let i = 1; i < KNOWN_AGENTS; i++) {
    const start = performance.now()
    await work(desk, i, KNOWN_CALLS, `again-${i}`)
    waits.push(performance.now() - start)
  }
  waits.sort((a, b) => a - b)

  process.stderr.write(`a burst of ${burst}…\n`)
  await desk.decider.close().catch(() => undefined)
  const busy = await open(path.join(folder, 'b'), HOT)
  await register(busy, 0, BURST_AGENTS)
  const since = process.cpuUsage()
  let tenth = 0
  for (let n = 0; n < burst; n++) {
    await work(busy, n % BURST_AGENTS, n)
    if (n + 1 === Math.ceil(burst / 10)) tenth = heap()
  }
  const spent = cpuMicros(since)
  const report: AgentsReport = {
    bench: 'agents',
    machine: machine(),
    agents: count,
    asleepBytes: Math.round(asleepBytes),
    errandBytes: Math.round(errandBytes),
    awakeBytes: Math.round(awakeBytes),
    bodyBytes: Math.round(quantile(sizes, 0.5)),
    mostBodyBytes: sizes.at(-1) ?? 0,
    wakeP50Ms: rounded(quantile(waits, 0.5), 2),
    wakeP99Ms: rounded(quantile(waits, 0.99), 2),
    burst: {
      calls: burst,
      agents: BURST_AGENTS,
      cpuMicros: rounded(spent / burst, 1),
      growth: rounded(heap() / tenth, 3),
    },
  }
  await busy.store.close()
  await desk.store.close()
  process.stdout.write(
    values.json
      ? `${JSON.stringify(report)}\n`
      : [
          `bench:agents. ${report.agents} agents in one decider, ${HOT} awake at most.`,
          `asleep  ${report.asleepBytes} bytes of heap each, ${report.errandBytes} more while its errand holds`,
          `awake   ${report.awakeBytes} bytes of heap each, known by ${KNOWN_CALLS} calls; body in the store ${report.bodyBytes} bytes (most ${report.mostBodyBytes})`,
          `waking  p50 ${report.wakeP50Ms} ms, p99 ${report.wakeP99Ms} ms with the call itself`,
          `burst   ${report.burst.calls} calls of ${report.burst.agents} agents: ${report.burst.cpuMicros} µs CPU each, heap ${report.burst.growth}× what it was after a tenth`,
          '',
        ].join('\n'),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
