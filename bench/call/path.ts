/**
 * The whole HTTP path of one MCP `tools/call`: through the daemon, direct to the upstream, and through a bare proxy, in
 * interleaved rounds of one run. Every server has a process of its own and reports its own CPU.
 * @module
 */
import { type BenchProcess, startBench } from '../lib/child.ts'
import { median, perSecond, quantile } from '../lib/stats.ts'
import {
  type Caller,
  createTransport,
  NOBODY,
  openCaller,
  presenceOf,
  type Revision,
  type Target,
} from './client.ts'
import type { AgentHandle, DaemonReady, Scheme } from './daemon-process.ts'

export const CONCURRENCY = [1, 8, 32] as const
export const REVISIONS: readonly Revision[] = ['2025-11-25', '2026-07-28']
const WAYS = ['direct', 'proxy', 'bearer', 'dpop'] as const
export type Way = (typeof WAYS)[number]

const CALLS = 96
/** Calls an agent makes in the whole run: fewer than a minute may have, so that nobody is found too fast. */
const CALLS_PER_AGENT = 48

/** Medians of the rounds; CPU in microseconds a call, all threads. */
export interface PathRow {
  readonly revision: Revision
  readonly way: Way
  readonly concurrency: number
  readonly calls: number
  /** CPU of what stands between client and upstream: the daemon, the proxy, nothing. */
  readonly betweenCpu: number
  readonly upstreamCpu: number
  readonly callsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU of both servers by that of the upstream asked directly, round by round. */
  readonly cpuOverDirect: number
  /** CPU of what stands between by that of the bare proxy, round by round. */
  readonly cpuOverProxy: number | null
  readonly p50OverDirect: number
}

interface Block {
  readonly between: number
  readonly upstream: number
  readonly callsPerSecond: number
  readonly p50: number
  readonly p99: number
}

export interface Servers {
  readonly upstream: BenchProcess<{ url: string }>
  readonly proxy: BenchProcess<{ url: string }>
  readonly daemon: BenchProcess<DaemonReady>
  close(): Promise<void>
}

/** How many agents of each scheme the rounds need. */
export function agentsNeeded(rounds: number): Record<Scheme, number> {
  const calls = (rounds + 1) * CONCURRENCY.length * CALLS
  const each = REVISIONS.length * Math.max(32, Math.ceil(calls / CALLS_PER_AGENT))
  return { dpop: each, bearer: each }
}

export async function startServers(data: string, agents: Record<Scheme, number>): Promise<Servers> {
  const started: BenchProcess<unknown>[] = []
  const start = async <Ready>(file: string, input: unknown) => {
    const process = await startBench<Ready>(new URL(file, import.meta.url), input)
    started.push(process)
    return process
  }
  const close = async () => {
    for (const each of started.reverse()) await each.stop()
  }
  try {
    const upstream = await start<{ url: string }>('./upstream-process.ts', null)
    const proxy = await start<{ url: string }>('./proxy-process.ts', { upstream: upstream.ready.url })
    const daemon = await start<DaemonReady>('./daemon-process.ts', {
      data,
      upstream: upstream.ready.url,
      agents,
    })
    return { upstream, proxy, daemon, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The daemon answers to `localhost`; connections go to 127.0.0.1, which needs no resolver. */
export function gatewayTarget({ resource }: DaemonReady): Target {
  const url = new URL(resource)
  const { host } = url
  url.hostname = '127.0.0.1'
  return { url, host }
}

export async function measurePath(
  servers: Servers,
  rounds: number,
  progress: (text: string) => void,
): Promise<PathRow[]> {
  const transport = createTransport()
  const { upstream, proxy, daemon } = servers
  const between: Readonly<Record<Way, BenchProcess<unknown> | null>> = {
    direct: null,
    proxy,
    bearer: daemon,
    dpop: daemon,
  }
  const peer = (url: string): Target => ({ url: new URL(url), host: null })
  const { agents, resource } = daemon.ready
  const target = gatewayTarget(daemon.ready)

  async function openAll(revision: Revision, way: Way): Promise<Caller[]> {
    if (way === 'direct' || way === 'proxy') {
      const to = peer(way === 'direct' ? upstream.ready.url : proxy.ready.url)
      return openEach(Array.from({ length: 32 }), () => openCaller(transport, to, NOBODY, revision))
    }
    const all = agents.filter(({ scheme }) => scheme === way)
    const half = REVISIONS.indexOf(revision) * (all.length / REVISIONS.length)
    const mine = all.slice(half, half + all.length / REVISIONS.length)
    return openEach(mine, (handle: AgentHandle) =>
      openCaller(transport, target, presenceOf(handle, resource), revision),
    )
  }

  async function block(way: Way, callers: readonly Caller[], concurrency: number): Promise<Block> {
    const turns = Array.from({ length: CALLS }, (_, i) => i % callers.length)
    const counts = new Map<number, number>()
    for (const turn of turns) counts.set(turn, (counts.get(turn) ?? 0) + 1)
    for (const [turn, count] of counts) callers[turn]?.ready(count)
    const times: number[] = []
    const cpu = async () => [(await between[way]?.cpu()) ?? 0, await upstream.cpu()] as const
    const before = await cpu()
    const started = performance.now()
    const queue = turns.values()
    const work = async () => {
      for (const turn of queue) {
        const asked = performance.now()
        await callers[turn]?.call()
        times.push(performance.now() - asked)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    const ms = performance.now() - started
    const after = await cpu()
    times.sort((a, b) => a - b)
    return {
      between: (after[0] - before[0]) / CALLS,
      upstream: (after[1] - before[1]) / CALLS,
      callsPerSecond: perSecond(CALLS, ms),
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
    }
  }

  const blocks = new Map<string, Block[]>()
  const keyOf = (revision: Revision, way: Way, concurrency: number) => `${revision} ${way} ${concurrency}`
  try {
    const callers = new Map<string, Rotation>()
    for (const revision of REVISIONS) {
      for (const way of WAYS) callers.set(`${revision} ${way}`, rotation(await openAll(revision, way)))
    }
    for (let round = -1; round < rounds; round++) {
      progress(round < 0 ? 'path: warm-up round' : `path: round ${round + 1} of ${rounds}`)
      for (const revision of REVISIONS) {
        for (const concurrency of CONCURRENCY) {
          for (const way of WAYS) {
            const next = callers.get(`${revision} ${way}`)?.(CALLS) ?? []
            const measured = await block(way, next, concurrency)
            if (round < 0) continue
            const key = keyOf(revision, way, concurrency)
            blocks.set(key, [...(blocks.get(key) ?? []), measured])
          }
        }
      }
    }
  } finally {
    transport.close()
  }
  const rows: PathRow[] = []
  for (const revision of REVISIONS) {
    for (const concurrency of CONCURRENCY) {
      const direct = blocks.get(keyOf(revision, 'direct', concurrency)) ?? []
      const bare = blocks.get(keyOf(revision, 'proxy', concurrency)) ?? []
      for (const way of WAYS) {
        const mine = blocks.get(keyOf(revision, way, concurrency)) ?? []
        rows.push(rowOf({ revision, way, concurrency }, mine, direct, bare))
      }
    }
  }
  return rows
}

function rowOf(
  cell: Pick<PathRow, 'revision' | 'way' | 'concurrency'>,
  mine: readonly Block[],
  direct: readonly Block[],
  bare: readonly Block[],
): PathRow {
  const of = (pick: (block: Block, i: number) => number) => median(mine.map(pick))
  const whole = ({ between, upstream }: Block) => between + upstream
  return {
    ...cell,
    calls: mine.length * CALLS,
    betweenCpu: of(({ between }) => between),
    upstreamCpu: of(({ upstream }) => upstream),
    callsPerSecond: of(({ callsPerSecond }) => callsPerSecond),
    p50Ms: of(({ p50 }) => p50),
    p99Ms: of(({ p99 }) => p99),
    cpuOverDirect: of((block, i) => whole(block) / (direct[i]?.upstream ?? Number.NaN)),
    cpuOverProxy:
      cell.way === 'direct' ? null : of((block, i) => block.between / (bare[i]?.between ?? Number.NaN)),
    p50OverDirect: of((block, i) => block.p50 / (direct[i]?.p50 ?? Number.NaN)),
  }
}

type Rotation = (calls: number) => Caller[]

/** Takes the callers in turn, so that each makes few calls in any minute. */
function rotation(all: readonly Caller[]): Rotation {
  let at = 0
  return (calls) =>
    Array.from({ length: Math.min(calls, all.length) }, () => {
      const caller = all[at++ % all.length]
      if (caller === undefined) throw new Error('nobody to call')
      return caller
    })
}

const OPENING_AT_ONCE = 8

async function openEach<T, R>(list: readonly T[], open: (item: T) => Promise<R>): Promise<R[]> {
  const opened: R[] = []
  const queue = list.values()
  const work = async () => {
    for (const item of queue) opened.push(await open(item))
  }
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, work))
  return opened
}
