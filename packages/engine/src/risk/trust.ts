/**
 * The trust level: what assurance allows at most, lowered by risk at once, raised again slowly and never by calls.
 * A lowered level rises one step a clean period, never in answer to calls; a suspended agent needs a person, because
 * it could otherwise wait its suspension out, and so does one that became another (model, prompt or tools) to rise above
 * `limited`. Changes take effect at the next call.
 * @module
 */
import { type Assurance, lowerTrust, TRUST_LEVELS, type TrustLevel, trustRank } from '@safeconduct/protocol'

/** What behaviour allows; assurance and a person's ceiling cap it per call. */
export interface TrustLive {
  level: TrustLevel
  since: number
  /** When evidence last spoke against the agent; clean time counts from here. */
  alarmedAt: number
  why: string
  /** Lowered because the agent became another one: time alone brings it no further than `limited`. */
  needsPerson?: boolean
}

export const CAP_OF_ASSURANCE: Readonly<Record<Assurance, TrustLevel>> = {
  declared: 'limited',
  bearer: 'limited',
  key: 'standard',
  attested: 'elevated',
}

/** From this risk on (0–100) an agent has at most this level. Highest first. */
export const FALLS: readonly { readonly from: number; readonly to: TrustLevel }[] = [
  { from: 90, to: 'suspended' },
  { from: 70, to: 'restricted' },
  { from: 35, to: 'limited' },
]
/** To rise above a level, risk must be this much below the number at which it was entered. */
export const MARGIN = 15
/** Clean time for one step up. */
export const CLEAN_MS = 30 * 60_000

export function initialTrust(at: number): TrustLive {
  return { level: 'elevated', since: at, alarmedAt: at, why: 'Nothing speaks against the agent.' }
}

/** Level after a change of model, prompt or tools. */
export const CHANGED_LEVEL: TrustLevel = 'restricted'

/** The level that risk alone calls for. */
export function fallTo(risk: number): TrustLevel {
  return FALLS.find((fall) => risk >= fall.from)?.to ?? 'elevated'
}

/** The level at `at`, after whatever clean time has passed. `risk` is the decayed risk, without new evidence. */
export function recovered(trust: TrustLive, risk: number, at: number): TrustLevel {
  if (trust.level === 'elevated' || trust.level === 'suspended') return trust.level
  const steps = Math.floor((at - Math.max(trust.since, trust.alarmedAt)) / CLEAN_MS)
  const top: TrustLevel = trust.needsPerson === true ? 'limited' : 'elevated'
  let level: TrustLevel = trust.level
  for (let step = 0; step < steps && level !== top; step++) {
    const entered = FALLS.find((fall) => fall.to === level)?.from ?? 100
    if (risk > entered - MARGIN) break
    level = above(level)
  }
  return level
}

/**
 * The stored trust after a call, or the same object when nothing changes.
 * @param call `before` and `after`: remembered risk around the call; `alarm`: it brought new evidence
 */
export function nextTrust(
  trust: TrustLive,
  call: {
    readonly at: number
    readonly before: number
    readonly after: number
    readonly alarm: boolean
    readonly why: string
  },
): TrustLive {
  const level = recovered(trust, call.before, call.at)
  const lowered = lowerTrust(level, fallTo(call.after))
  if (lowered !== trust.level) {
    const fell = trustRank(lowered) < trustRank(trust.level)
    return {
      level: lowered,
      since: call.at,
      alarmedAt: call.alarm || fell ? call.at : trust.alarmedAt,
      why: fell ? call.why : 'A clean period has passed.',
      ...(trust.needsPerson === true ? { needsPerson: true } : {}),
    }
  }
  return call.alarm && trust.alarmedAt !== call.at ? { ...trust, alarmedAt: call.at } : trust
}

/** What an agent has on a call: behaviour, assurance and a person's ceiling together. */
export function effectiveTrust(
  level: TrustLevel,
  assurance: Assurance,
  ceiling: TrustLevel | null,
): TrustLevel {
  const capped = lowerTrust(level, CAP_OF_ASSURANCE[assurance])
  return ceiling === null ? capped : lowerTrust(capped, ceiling)
}

function above(level: TrustLevel): TrustLevel {
  return TRUST_LEVELS[trustRank(level) + 1] ?? level
}
