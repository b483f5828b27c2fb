/**
 * An agent in two parts: the head says how far it is trusted, what speaks against it and how it is composed, and is
 * always in memory; the body is what was learned of it. Bodies of agents that do not call are kept in the store
 * (`decider/heat.ts`) and come back exactly as they were, with what happened to the head meanwhile made good.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import { decode, encode } from './plain.ts'
import { forgetHabits, forgetSource } from './risk/learning/answers.ts'
import { emptyLearning, type Learning, type Summary, summarize } from './risk/learning/learning.ts'
import { endRuns } from './risk/score.ts'
import type { AgentLive } from './state.ts'

/** Stands in a head for a body that is elsewhere. */
export interface Cold {
  /** Under which name the body is kept. */
  readonly blob: string
  /** Of the body as it will be when it is back. */
  readonly summary: Summary
  /** The composition changed meanwhile: habits are to be forgotten. */
  readonly recomposed: boolean
  /** Since when a person has reset the trust meanwhile; null = nobody has. */
  readonly resetAt: number | null
  /** Sources to be forgotten: people erased meanwhile. */
  readonly forgotten: readonly string[]
}

/** Shared by every cold head; never learned into, because whoever calls is awake. */
const NOTHING_LEARNED: Learning = Object.freeze(emptyLearning())

export function bodyOf({ risk, used }: AgentLive): JsonValue {
  return encode({ detectors: risk.detectors, learning: risk.learning, used })
}

/** Leaves the head. The body has to be kept under `blob` already. */
export function chill(agent: AgentLive, blob: string): void {
  const summary = summarize(agent.risk.learning)
  agent.cold = { blob, summary, recomposed: false, resetAt: null, forgotten: [] }
  agent.risk.detectors.clear()
  agent.risk.learning = NOTHING_LEARNED
  agent.used.clear()
}

export function summaryOf({ cold, risk }: AgentLive): Summary {
  return cold === null ? summarize(risk.learning) : cold.summary
}

/** @param body as `bodyOf` gave it */
export function warm(agent: AgentLive, body: JsonValue): void {
  const { cold } = agent
  if (cold === null) return
  const kept = decode(body) as {
    readonly detectors: Map<string, unknown>
    readonly learning: Learning
    readonly used: Map<string, number>
  }
  agent.cold = null
  for (const [name, state] of kept.detectors) agent.risk.detectors.set(name, state)
  for (const [tool, at] of kept.used) agent.used.set(tool, at)
  agent.risk.learning = kept.learning
  for (const source of cold.forgotten) forgetSource(agent.risk, source)
  if (cold.recomposed) recompose(agent)
  if (cold.resetAt !== null) reset(agent, cold.resetAt)
}

/** What was learned was learned of another agent: its habits and its good record go, what speaks against it stays. */
export function recompose(agent: AgentLive): void {
  const { cold } = agent
  if (cold === null) {
    forgetHabits(agent.risk)
    return
  }
  const { weights, contestedAt } = cold.summary
  const summary = { ...summarize(NOTHING_LEARNED), weights, contestedAt }
  agent.cold = { ...cold, recomposed: true, summary }
}

/**
 * A person looked: habits stay, and runs are what they have just looked at. That it may go on accepts nothing of what it has
 * become: it is measured by its enrolment as before, until somebody dismisses just that (`risk/learning/answers.ts`).
 */
export function reset(agent: AgentLive, at: number): void {
  const { cold, risk } = agent
  risk.doubts.clear()
  if (cold === null) {
    risk.detectors.delete('denials')
    risk.detectors.delete('extraction')
    risk.learning.contestedAt = null
    endRuns(risk)
    return
  }
  agent.cold = { ...cold, resetAt: at, summary: { ...cold.summary, contestedAt: null } }
}

/** Somebody the agent worked for was erased. */
export function forget(agent: AgentLive, source: string): void {
  const { cold } = agent
  if (cold === null) forgetSource(agent.risk, source)
  else if (!cold.forgotten.includes(source)) agent.cold = { ...cold, forgotten: [...cold.forgotten, source] }
}

/** The snapshot of a cold head, read back. */
export function shareNothing(agent: AgentLive): AgentLive {
  if (agent.cold !== null) agent.risk.learning = NOTHING_LEARNED
  return agent
}
