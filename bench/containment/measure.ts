/**
 * Live processes: agents that work for some days through the daemon over HTTP, with a clock that is moved forward
 * between their calls, and then are taken over. What counts is what the server was made to do.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createTransport, type Presence, presenceOf, type Transport } from '../call/client.ts'
import type { AgentHandle } from '../call/daemon-process.ts'
import { startBench } from '../lib/child.ts'
import { random, type ShiftedClock } from '../lib/shifted-clock.ts'
import type { Input, PolicyName, Ready } from './daemon-process.ts'
import { type Act, attacker, LEVELS, NO_SUPPLIER, type Stealth, type Worker, worker } from './scenario.ts'
import { openUpstream } from './upstream.ts'

export interface Plan {
  readonly policy: PolicyName
  /** Agents taken over at each level of stealth. */
  readonly victims: number
  /** Agents that only work. */
  readonly others: number
  readonly days: number
  readonly seed: number
}

export interface Victim {
  /** Tools of the malicious calls that were carried out, in order. */
  readonly carried: readonly string[]
  /** A malicious call among the last five tried was carried out: nothing had stopped it. */
  readonly unstopped: boolean
  /** From the first malicious call to the answer of the last that was carried out, by the agents' clock; 0 = none was. */
  readonly seconds: number
  readonly levelAfter: string
}

export interface LevelResult {
  readonly level: string
  readonly about: string
  readonly attempts: number
  readonly victims: readonly Victim[]
}

export interface Benign {
  readonly agentDays: number
  readonly calls: number
  /** Calls that were refused or had to wait for a person, though the agent only worked; made-up tools left out. */
  readonly interrupted: number
  readonly suspended: number
  /** Agents that had fallen below what their proof allows at the end of a day, day by day. */
  readonly lowered: number
}

export interface LiveResult {
  readonly policy: PolicyName
  readonly seed: number
  readonly benign: Benign
  readonly levels: readonly LevelResult[]
  /** As the server counts and as agents saw them. */
  readonly calls: number
}

/** Between two calls of an agent at work; a day is eight hours of them. */
export const PACE_MS = 180_000
export const CALLS_A_DAY = 160
const NIGHT_MS = 24 * 3_600_000 - CALLS_A_DAY * PACE_MS
/** A grant lives an hour. */
const RENEW_MS = 40 * 60_000
const TOGETHER = 16
/** Malicious calls at the end of an attack of which none may succeed. */
const LAST = 5

interface Agent {
  readonly id: string
  /** Whose ways it has. */
  readonly desk: string
  readonly worker: Worker
  act(act: Act): Promise<boolean>
}

export async function measureLive(plan: Plan, clock: ShiftedClock): Promise<LiveResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-containment-'))
  const upstream = await openUpstream()
  const transport = createTransport()
  const count = LEVELS.length * plan.victims + plan.others
  const input: Input = {
    data: path.join(folder, 'd'),
    upstream: upstream.url,
    agents: count,
    policy: plan.policy,
    ahead: clock.ahead,
  }
  const daemon = await startBench<Ready>(new URL('./daemon-process.ts', import.meta.url), input)
  const ask = controlOf(daemon.ready.control)
  let answered = 0
  try {
    const { resource } = daemon.ready
    let presences = daemon.ready.agents.map((handle) => presenceOf(handle, resource))
    let granted = Date.now()
    const renew = async (what: 'grants' | 'errands') => {
      presences = ((await ask(what)).grants ?? []).map((handle) => presenceOf(handle, resource))
      granted = Date.now()
    }
    const agents = daemon.ready.agents.map(({ id }, i): Agent => {
      const call = callOf(transport, new URL(resource))
      return {
        id,
        desk: `desk-${i}`,
        worker: worker(`desk-${i}`, random(plan.seed * 1000 + i)),
        async act(act) {
          const presence = presences[i]
          if (presence === undefined) throw new Error('an agent without a grant')
          const { passed, reached } = await call(presence, act)
          if (reached) answered++
          return passed
        },
      }
    })
    const advance = async (ms: number) => {
      clock.advance(ms)
      await ask(`advance/${ms}`)
      if (Date.now() - granted > RENEW_MS) await renew('grants')
    }
    const levelOf = async (agent: Agent) => String((await ask(`level/${agent.id}`)).trust)

    const benign = { agentDays: 0, calls: 0, interrupted: 0, suspended: 0, lowered: 0 }
    for (let day = 0; day < plan.days; day++) {
      await renew('errands')
      for (const agent of agents) agent.worker.begin()
      for (let i = 0; i < CALLS_A_DAY; i++) {
        await advance(PACE_MS)
        await each(agents, async (agent) => {
          const act = agent.worker.next()
          const passed = await agent.act(act)
          benign.calls++
          if (!passed && !madeUp(act)) benign.interrupted++
        })
      }
      for (const agent of agents) {
        const level = await levelOf(agent)
        if (level === 'suspended') benign.suspended++
        if (level !== 'standard') benign.lowered++
      }
      benign.agentDays += agents.length
      await advance(NIGHT_MS)
    }

    const levels: LevelResult[] = []
    for (const [at, level] of LEVELS.entries()) {
      await renew('errands')
      for (const agent of agents) agent.worker.begin()
      const chosen = agents.slice(at * plan.victims, (at + 1) * plan.victims)
      levels.push(await attack(level, chosen, plan.seed, advance, levelOf))
    }
    // What agents were answered has to be what the server did: nothing reached it past the gateway, nothing was lost.
    if (upstream.executed() !== answered)
      throw new Error(`the server did ${upstream.executed()} calls, the agents saw ${answered}`)
    return { policy: plan.policy, seed: plan.seed, benign, levels, calls: answered }
  } finally {
    await daemon.stop()
    transport.close()
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function attack(
  level: Stealth,
  victims: readonly Agent[],
  seed: number,
  advance: (ms: number) => Promise<void>,
  levelOf: (agent: Agent) => Promise<string>,
): Promise<LevelResult> {
  const taken = victims.map((agent, i) => ({
    agent,
    evil: attacker(level.name, agent.desk, random(seed * 7777 + i)),
    start: 0,
    end: 0,
    passed: [] as boolean[],
    carried: [] as string[],
  }))
  const pause = level.pause / (level.between + 1)
  const one = async (victim: (typeof taken)[number]) => {
    if (victim.passed.length === 0) victim.start = Date.now()
    const act = victim.evil.next()
    const passed = await victim.agent.act(act)
    victim.passed.push(passed)
    if (!passed) return
    victim.end = Date.now()
    victim.carried.push(act.tool)
  }
  if (level.pause === 0) {
    await each(taken, async (victim) => {
      for (let i = 0; i < level.attempts; i++) await one(victim)
    })
  } else {
    for (let i = 0; i < level.attempts; i++) {
      for (let step = 0; step < level.between; step++) {
        await advance(pause)
        await each(taken, async ({ agent }) => void (await agent.act(agent.worker.next())))
      }
      await advance(pause)
      await each(taken, one)
    }
  }
  const results: Victim[] = []
  for (const { agent, start, end, passed, carried } of taken) {
    results.push({
      carried,
      unstopped: passed.slice(-LAST).includes(true),
      seconds: end === 0 ? 0 : (end - start) / 1000,
      levelAfter: await levelOf(agent),
    })
  }
  return { level: level.name, about: level.about, attempts: level.attempts, victims: results }
}

/** What no server has and no supplier is: refused or failed whoever asks. */
export function madeUp({ tool, args }: Act): boolean {
  return (
    tool === 'list_invoice' || (tool === 'get_supplier' && !String(args.supplier).startsWith('supplier-'))
  )
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let at = 0
  const lane = async () => {
    for (let item = items[at++]; item !== undefined; item = items[at++]) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(TOGETHER, items.length) }, lane))
}

// ── Over the wire ────────────────────────────────────────────────────────────────────────────────────────────

const REVISION = '2026-07-28'
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': REVISION,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'clerk', version: '1.0.0' },
}

interface Outcome {
  /** The server carried it out. */
  readonly passed: boolean
  /** The server was asked, whatever it said. */
  readonly reached: boolean
}

const NOWHERE: Outcome = { passed: false, reached: false }

function callOf(transport: Transport, url: URL): (presence: Presence, act: Act) => Promise<Outcome> {
  let id = 0
  const post = async (presence: Presence, { tool, args }: Act) => {
    const params = { name: tool, arguments: args, _meta: ENVELOPE }
    const headers = {
      'mcp-protocol-version': REVISION,
      'mcp-method': 'tools/call',
      'mcp-name': tool,
      ...presence.headers(),
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method: 'tools/call', params })
    const answer = await transport.post({ url, host: null }, headers, body)
    presence.seen(answer)
    return answer
  }
  return async (presence, act) => {
    let answer = await post(presence, act)
    // A nonce that has changed, and nothing else, is answered by asking again.
    if (
      answer.status === 401 &&
      /use_dpop_nonce/.test(`${answer.body}${String(answer.headers['www-authenticate'])}`)
    )
      answer = await post(presence, act)
    if (answer.status !== 200) return NOWHERE
    const data = answer.body.startsWith('{')
      ? answer.body
      : (answer.body.match(/^data: ?(.+)$/gm)?.at(-1) ?? '{}').replace(/^data: ?/, '')
    const { result }: { result?: { isError?: boolean } } = JSON.parse(data)
    const passed = result !== undefined && result.isError !== true
    return { passed, reached: passed || data.includes(NO_SUPPLIER) }
  }
}

interface Said {
  readonly trust?: string
  readonly grants?: readonly AgentHandle[]
}

function controlOf(origin: string): (what: string) => Promise<Said> {
  return (what) =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(`${origin}/${what}`, { method: 'POST' }, (response) => {
        let said = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          said += chunk
        })
        response.on('error', reject)
        response.on('end', () => resolve(JSON.parse(said)))
      })
      sent.on('error', reject)
      sent.end()
    })
}
