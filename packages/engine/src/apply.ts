/**
 * `apply`: the only way the live state changes. In place, total, deterministic; needs nothing but the event, so a
 * replay in ledger order rebuilds what calls have done.
 * @module
 */
import { lowerTrust, trustRank } from '@safeconduct/protocol'
import { touch } from './bounded.ts'
import { forget as forgetSourceOf, reset, recompose as toOther } from './cold.ts'
import { emptySpent, giveBack, take } from './delegation/budget.ts'
import type { EngineEvent, TurnEvent } from './events.ts'
import { applyFlow, emptyFlow, stainOf } from './flow/index.ts'
import type { SavedBaseline } from './ports.ts'
import { groupOf, learnPeer } from './risk/behaviour/peers.ts'
import { short } from './risk/behaviour/sequence.ts'
import { learnCustoms } from './risk/customs.ts'
import { takeWindows } from './risk/detectors/breadth.ts'
import { learnQuery, linkQuery } from './risk/extraction/asked.ts'
import { answered, contested, forgetHabits, restoreBaseline } from './risk/learning/answers.ts'
import { sourceOf } from './risk/learning/influence.ts'
import { dropPending } from './risk/learning/learning.ts'
import { learnSeen } from './risk/login/seen.ts'
import { assess, learnAttempt, learnOver, learnSettled, remember } from './risk/score.ts'
import { underWay } from './risk/signal.ts'
import { CHANGED_LEVEL, initialTrust } from './risk/trust.ts'
import {
  type AgentLive,
  bindingKey,
  emptyAgent,
  FLOW_KEPT_MS,
  isCrowded,
  type Live,
  STATE_LIMITS,
  type TenantState,
} from './state.ts'

export function apply(tenant: TenantState, event: EngineEvent): void {
  const { live, directory } = tenant
  switch (event.type) {
    case 'turn':
      applyTurn(tenant, event)
      break
    case 'released':
      release(live, event.id)
      break
    case 'settled':
      settle(tenant, event)
      break
    case 'composition':
      recompose(tenant, event)
      break
    case 'trust-reset':
      resetTrust(agentOf(tenant, event.agent, event.at), event)
      break
    case 'feedback':
      answered(agentOf(tenant, event.agent, event.at).risk, event)
      break
    case 'baseline':
      restoreBaseline(agentOf(tenant, event.agent, event.at).risk, event)
      break
    case 'contested':
      contested(agentOf(tenant, event.agent, event.at).risk, event.id)
      break
    case 'baseline-saved':
      save(agentOf(tenant, event.agent, event.at), event)
      break
    case 'agent-erased':
      forgetAgent(agentOf(tenant, event.agent, event.at))
      forgetRead(live, event)
      break
    case 'vouched': {
      const flow = live.flows.get(event.key)
      if (flow !== undefined) live.flows.set(event.key, { ...flow, state: applyFlow(flow.state, event.flow) })
      break
    }
    case 'logged':
      touch(live.logged, event.id, event.at, STATE_LIMITS.logged)
      break
    case 'erased':
      erase(tenant, event)
      break
    case 'approval-opened':
      directory.approvals.set(bindingKey(event.approval), event.approval)
      break
    case 'approval-used': {
      const approval = directory.approvals.get(event.key)
      if (approval !== undefined) {
        directory.approvals.set(event.key, { ...approval, status: 'used', version: approval.version + 1 })
      }
    }
  }
}

function applyTurn(tenant: TenantState, event: TurnEvent): void {
  const { live } = tenant
  if (event.at - live.sweptAt >= SWEEP_MS || isCrowded(live, event.task.id)) forget(live, event.at)
  const agent = agentOf(tenant, event.agent, event.at)
  const idle = event.at - agent.lastAt
  agent.lastAt = event.at
  agent.assurance = event.assurance
  const risk = riskNow(agent, event.at)
  remember(agent.risk, event.doubts, event.at)
  // What was learned so long ago is kept of nobody.
  if (idle > BASELINE_KEPT_MS) forgetHabits(agent.risk)
  if (event.trust !== null) {
    if (trustRank(event.trust.level) < trustRank(agent.trust.level)) dropPending(agent.risk.learning)
    agent.trust = event.trust
  }
  trace(agent, risk, event.at)
  learn(live, event.agent, agent, event.at)
  learnAttempt(agent.risk, event.signal, event.outcome)
  if (event.signal.asked !== undefined) linkQuery(live, event.signal.asked)
  if (event.challenged !== undefined) agent.challengedAt = event.challenged
  applyTask(live, event)
  const flow = live.flows.get(event.flow.key)
  const state = flow?.state ?? emptyFlow(event.flow.intent)
  // The order of the map is the order of use: `forget` begins with what was used longest ago.
  live.flows.delete(event.flow.key)
  live.flows.set(event.flow.key, { state, lastAt: event.at })
  if (event.open === null) return
  for (const reservation of event.open.reservations) take(live.spent, reservation)
  live.calls.set(event.id, {
    id: event.id,
    at: event.at,
    agent: event.agent,
    user: event.user,
    via: event.via,
    task: event.task.id,
    flow: event.flow.key,
    outcome: event.outcome,
    reservations: event.open.reservations,
    signal: underWay(event.signal),
    clean: event.open.clean,
    ...(event.open.vouched === true ? { vouched: true } : {}),
  })
}

function riskNow({ risk }: AgentLive, at: number): number {
  return Math.round(assess(risk, [], at).before)
}

/** A point where risk or level moved; the ring is small, so quiet calls leave none. */
function trace(agent: AgentLive, before: number, at: number): void {
  const risk = riskNow(agent, at)
  const { level } = agent.trust
  const last = agent.trend.at(-1)
  if (last !== undefined && risk === before && level === last.level) return
  agent.trend.push({ at, risk, level })
  if (agent.trend.length > STATE_LIMITS.trend) agent.trend.shift()
}

/** Whatever may be learned by now, of the agent and for those it is compared with. */
function learn(live: Live, id: string, agent: AgentLive, at: number): void {
  for (const { signal } of learnOver(agent.risk, at)) {
    learnPeer(live.peers, groupOf(id), short(signal.tool), 1)
    learnCustoms(live, groupOf(id), signal, takeWindows(agent.risk.detectors))
    if (signal.looked !== undefined) learnQuery(live, groupOf(id), signal.looked)
    if (signal.seen !== undefined) learnSeen(live.arrivals, groupOf(id), signal.seen)
  }
}

function applyTask(live: Live, { task, at }: TurnEvent): void {
  const known = live.tasks.get(task.id)
  if (known === undefined) {
    live.tasks.set(task.id, { startedAt: at, lastAt: at, expiresAt: task.expiresAt, implicit: task.implicit })
    return
  }
  const startedAt = task.rolled ? at : known.startedAt
  live.tasks.set(task.id, { ...known, startedAt, lastAt: at, expiresAt: task.expiresAt })
  if (!task.rolled) return
  live.spent.set(`task:${task.id}`, emptySpent(task.expiresAt))
}

function release(live: Live, id: string): void {
  const call = live.calls.get(id)
  if (call === undefined) return
  live.calls.delete(id)
  for (const reservation of call.reservations) giveBack(live.spent, reservation)
}

function settle(tenant: TenantState, event: Extract<EngineEvent, { type: 'settled' }>): void {
  const { live } = tenant
  const call = live.calls.get(event.id)
  if (call === undefined) return
  live.calls.delete(event.id)
  const flow = live.flows.get(call.flow)
  if (flow !== undefined && event.flow !== null) {
    live.flows.set(call.flow, { ...flow, state: applyFlow(flow.state, event.flow) })
    if (event.flow.type === 'observed')
      for (const [value] of event.flow.stained) {
        const stain = stainOf(value)
        if (stain !== null) touch(live.stains, stain, event.at, STATE_LIMITS.stains)
      }
  }
  const agent = knownAgent(tenant, call.agent)
  if (agent === undefined || event.status !== 'ok' || call.outcome !== 'allow') return
  touch(agent.used, call.signal.tool, event.at, STATE_LIMITS.usedTools)
  agent.settled++
  const vouched = call.vouched === true
  // In an incident only what a person gave their word for may become normal.
  if (!call.clean || (!vouched && trustRank(agent.trust.level) < LEAST_RANK)) return
  const { id, at, signal } = call
  const until = event.contestable ?? event.at
  learnSettled(agent.risk, { id, at, until, source: sourceOf(call.user), signal, vouched })
  learn(live, call.agent, agent, event.at)
}

const LEAST_RANK = trustRank('standard')

function recompose(tenant: TenantState, event: Extract<EngineEvent, { type: 'composition' }>): void {
  const agent = agentOf(tenant, event.agent, event.at)
  agent.composition.current = event.digest
  if (event.first) {
    agent.composition.approved = event.digest
    return
  }
  toOther(agent)
  agent.trust = {
    level: lowerTrust(agent.trust.level, CHANGED_LEVEL),
    since: event.at,
    alarmedAt: event.at,
    why: 'The model, prompt or tools of the agent changed.',
    needsPerson: true,
  }
}

function resetTrust(agent: AgentLive, event: { readonly at: number; readonly by: string }): void {
  reset(agent, event.at)
  agent.composition.approved = agent.composition.current
  agent.challengedAt = null
  agent.trust = { ...initialTrust(event.at), why: 'A person looked at the agent and reset its trust.' }
}

/** The first one is how the agent was enrolled; it stays while later ones make room for each other. */
function save(agent: AgentLive, { id, at, by, digest, learned }: SavedBaseline): void {
  const [first, ...later] = [...agent.saved, { id, at, by, digest, learned }]
  if (first !== undefined) agent.saved = [first, ...later.slice(-(STATE_LIMITS.savedBaselines - 1))]
}

function forgetAgent(agent: AgentLive): void {
  forgetHabits(agent.risk)
  agent.used.clear()
  agent.trend.splice(0)
  agent.saved = []
}

/** That it is not known any more what the agent read is remembered: values of these errands stay doubtful. */
function forgetRead(
  live: Live,
  { agent, owner, tasks = [] }: Extract<EngineEvent, { type: 'agent-erased' }>,
): void {
  const errands = new Set(tasks)
  for (const [key, flow] of live.flows) {
    if (!errands.has(key) && flowParties(key)[0] !== agent) continue
    const read = { outputs: [], requests: [], stained: [], approved: [], forgot: true }
    live.flows.set(key, { ...flow, state: { ...flow.state, ...read } })
  }
  if (owner === undefined) return
  for (const key of live.streams.keys()) if (key.startsWith(`${owner} `)) live.streams.delete(key)
}

/** Baselines of agents unused for longer are forgotten; what speaks against them is not. */
const BASELINE_KEPT_MS = 400 * 24 * 3_600_000

function erase(
  { live, capture }: TenantState,
  event: { readonly user: string; readonly tasks: readonly string[] },
): void {
  for (const task of event.tasks) {
    live.tasks.delete(task)
    live.flows.delete(task)
  }
  for (const key of live.flows.keys()) if (flowParties(key)[1] === event.user) live.flows.delete(key)
  live.streams.clear()
  const source = sourceOf(event.user)
  for (const [id, agent] of live.agents) {
    capture?.touch(id)
    forgetSourceOf(agent, source)
  }
}

/** Agent and user of an implicit task's flow. */
function flowParties(key: string): readonly [agent: string | null, user: string | null] {
  return key.startsWith('[') ? (JSON.parse(key) as [string, string | null]) : [null, null]
}

/** An agent to be changed in place: a snapshot under way has to have it as it was. */
function knownAgent({ live, capture }: TenantState, id: string): AgentLive | undefined {
  capture?.touch(id)
  return live.agents.get(id)
}

function agentOf(tenant: TenantState, id: string, at: number): AgentLive {
  let agent = knownAgent(tenant, id)
  if (agent === undefined) {
    agent = emptyAgent(at)
    tenant.live.agents.set(id, agent)
  }
  return agent
}

const SWEEP_MS = 60_000

/**
 * Tasks past their end can no longer act, so what they spent and saw is not asked for again. Of too many errands the
 * ones used longest ago lose what they have read; that is remembered (`forgot`), and makes their values doubtful.
 */
function forget(live: Live, at: number): void {
  live.sweptAt = at
  for (const [id, task] of live.tasks) {
    if (task.expiresAt > at) continue
    live.tasks.delete(id)
    if (!task.implicit) live.flows.delete(id)
  }
  for (const [key, spent] of live.spent) if (spent.expiresAt <= at) live.spent.delete(key)
  for (const [key, flow] of live.flows)
    if (at - flow.lastAt > FLOW_KEPT_MS && key.startsWith('[')) live.flows.delete(key)
  const reading = [...live.flows].filter(([, { state }]) => state.outputs.length > 0)
  for (const [key, flow] of reading.slice(0, Math.max(0, reading.length - STATE_LIMITS.readingFlows))) {
    live.flows.set(key, { ...flow, state: { ...flow.state, outputs: [], forgot: true } })
  }
}
