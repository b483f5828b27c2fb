/**
 * Where an agent stands now: level after whatever clean time has passed, and remembered risk. Reads only.
 * @module
 */
import type { Assurance, Evidence, TrustLevel } from '@safeconduct/protocol'
import { lowerTrust } from '@safeconduct/protocol'
import type { AgentLive, TenantState } from '../state.ts'
import { type Assessment, assess, emptyRisk, type RiskLive } from './score.ts'
import { effectiveTrust, initialTrust, nextTrust, recovered, type TrustLive } from './trust.ts'

export interface Standing {
  readonly assessment: Assessment
  /** What behaviour alone allows, before assurance and a person's ceiling cap it. */
  readonly level: TrustLevel
  readonly ceiling: TrustLevel | null
  /** Holds for this call; what the call itself brings holds from the next one. */
  readonly trust: TrustLevel
  /** The stored trust after the call, when it changes. */
  readonly next: TrustLive | null
}

const NOTHING: RiskLive = emptyRisk()
/** Evidence of at least this many bits ends a clean time. */
const ALARM_BITS = 1
/** What is no event: a composition that waits for a person, a value of no certain origin. */
const STANDING_FACTS: ReadonlySet<string> = new Set(['composition', 'origin'])

export function standing(
  state: TenantState,
  actors: readonly string[],
  evidence: readonly Evidence[],
  at: number,
  assurance: Assurance,
  counted = false,
): Standing {
  const [caller, ...others] = actors
  const live = caller === undefined ? undefined : state.live.agents.get(caller)
  const stored = live?.trust ?? initialTrust(at)
  const assessment = assess(live?.risk ?? NOTHING, evidence, at, counted)
  const level = recovered(stored, assessment.before, at)
  const ceiling =
    (caller === undefined ? undefined : state.directory.agents.get(caller)?.trustCeiling) ?? null
  let trust = effectiveTrust(level, assurance, ceiling)
  // Whoever handed the errand on is part of it: what is below a suspended agent is suspended.
  for (const id of others) trust = lowerTrust(trust, chainTrust(state, id, at))
  const fresh = counted
    ? []
    : evidence.filter((item) => !STANDING_FACTS.has(item.detector) && item.bits >= ALARM_BITS)
  const next = nextTrust(stored, {
    at,
    before: assessment.before,
    after: assessment.kept,
    alarm: fresh.length > 0,
    why: fresh[0]?.reason ?? 'What is remembered of the agent adds up.',
  })
  return { assessment, level, ceiling, trust, next: next === stored && live !== undefined ? null : next }
}

/** What behaviour and a person's ceiling allow an agent that does not call itself. */
export function chainTrust(state: TenantState, id: string, at: number): TrustLevel {
  const live = state.live.agents.get(id)
  const ceiling = state.directory.agents.get(id)?.trustCeiling ?? null
  const level = live === undefined ? 'elevated' : levelNow(live, at)
  return ceiling === null ? level : lowerTrust(level, ceiling)
}

export function levelNow(live: AgentLive, at: number): TrustLevel {
  return recovered(live.trust, assess(live.risk, [], at).before, at)
}
