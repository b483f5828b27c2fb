/**
 * `apply`: the only way the live state changes. In place, total, deterministic; needs nothing but the event, so a
 * replay in ledger order rebuilds what calls have done.
 * @module
 */
import { lowerTrust } from '@safeconduct/protocol'
import { touch } from './bounded.ts'
import { emptySpent, giveBack, take } from './delegation/budget.ts'
import type { EngineEvent, TurnEvent } from './events.ts'
import { applyFlow, emptyFlow } from './flow/index.ts'
import { groupOf, learnPeer } from './risk/behaviour/peers.ts'
import { short } from './risk/behaviour/sequence.ts'
import { learnAttempt, learnSettled, remember } from './risk/score.ts'
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
    case 'vouched': {
      const flow = live.flows.get(event.key)
      if (flow !== undefined) live.flows.set(event.key, { ...flow, state: applyFlow(flow.state, event.flow) })
      break
    }
    case 'logged':
      touch(live.logged, event.id, event.at, STATE_LIMITS.logged)
      break
    case 'erased':
      erase(live, event)
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
  agent.lastAt = event.at
  agent.assurance = event.assurance
  remember(agent.risk, event.doubts, event.at)
  learnAttempt(agent.risk, event.signal, event.outcome)
  if (event.trust !== null) agent.trust = event.trust
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
    signal: event.signal,
    clean: event.open.clean,
  })
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
  }
  const agent = knownAgent(tenant, call.agent)
  if (agent === undefined || event.status !== 'ok' || call.outcome !== 'allow') return
  touch(agent.used, call.signal.tool, event.at, STATE_LIMITS.usedTools)
  agent.settled++
  if (!call.clean) return
  learnSettled(agent.risk, call.signal)
  learnPeer(live.peers, groupOf(call.agent), short(call.signal.tool), 1)
}

function recompose(tenant: TenantState, event: Extract<EngineEvent, { type: 'composition' }>): void {
  const agent = agentOf(tenant, event.agent, event.at)
  agent.composition.current = event.digest
  if (event.first) {
    agent.composition.approved = event.digest
    return
  }
  // What was learned was learned of another agent: its habits and its good record go, what speaks against it stays.
  agent.risk.detectors.clear()
  agent.trust = {
    level: lowerTrust(agent.trust.level, CHANGED_LEVEL),
    since: event.at,
    alarmedAt: event.at,
    why: 'The model, prompt or tools of the agent changed.',
  }
}

function resetTrust(agent: AgentLive, event: { readonly at: number; readonly by: string }): void {
  agent.risk.doubts.clear()
  // Habits stay; a run of refusals is what the person has just looked at.
  agent.risk.detectors.delete('denials')
  agent.composition.approved = agent.composition.current
  agent.challengedAt = null
  agent.trust = { ...initialTrust(event.at), why: 'A person looked at the agent and reset its trust.' }
}

function erase(live: Live, event: { readonly user: string; readonly tasks: readonly string[] }): void {
  for (const task of event.tasks) {
    live.tasks.delete(task)
    live.flows.delete(task)
  }
  for (const key of live.flows.keys()) if (flowUser(key) === event.user) live.flows.delete(key)
}

function flowUser(key: string): string | null {
  if (!key.startsWith('[')) return null
  const [, user] = JSON.parse(key) as [string, string | null]
  return user
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
