/**
 * What a risk is made of, for whoever is entitled: one part a detector, strongest first, each with what would hold
 * without it. Ids are made of the decision's id and the detector's name, so they never change.
 * @module
 */
import {
  type Assurance,
  type Contribution,
  type Evidence,
  lowerTrust,
  type TrustLevel,
} from '@safeconduct/protocol'
import { riskOf } from './combine.ts'
import type { Assessment } from './score.ts'
import { effectiveTrust, fallTo } from './trust.ts'

/** Bits below which a part is not worth a sentence. */
const WORTH_SAYING = 0.25

export function contributionId(decision: string, detector: string): string {
  return `${decision}/${detector}`
}

/** @returns null for what is no such id */
export function readContributionId(
  id: string,
): { readonly decision: string; readonly detector: string } | null {
  const at = id.lastIndexOf('/')
  return at <= 0 || at === id.length - 1 ? null : { decision: id.slice(0, at), detector: id.slice(at + 1) }
}

export function contributionsOf(
  decision: string,
  { now, held }: Pick<Assessment, 'now' | 'held'>,
  evidence: readonly Evidence[],
  agent: { readonly level: TrustLevel; readonly assurance: Assurance; readonly ceiling: TrustLevel | null },
): Contribution[] {
  const [all, kept] = [total(now), total(held)]
  const found: Contribution[] = []
  for (const [detector, bits] of now) {
    if (bits < WORTH_SAYING) continue
    const without = lowerTrust(agent.level, fallTo(riskOf(kept - (held.get(detector) ?? 0))))
    found.push({
      id: contributionId(decision, detector),
      detector,
      bits,
      reason: reasonOf(detector, evidence),
      without: {
        risk: Math.round(riskOf(all - bits)),
        trust: effectiveTrust(without, agent.assurance, agent.ceiling),
      },
    })
  }
  return found.sort((a, b) => b.bits - a.bits)
}

function reasonOf(detector: string, evidence: readonly Evidence[]): string {
  const mine = evidence.filter((item) => item.detector === detector).sort((a, b) => b.bits - a.bits)
  return mine[0]?.reason ?? `Remembered of earlier calls (${detector}).`
}

function total(bits: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const one of bits.values()) sum += one
  return sum
}
