/**
 * Judging by the worse of two baselines. What only the frozen one finds strange is said as evidence of its own, bounded
 * so that it asks nobody by itself: agents do change. Somebody who moves the other baseline step by step still meets it.
 * @module
 */
import type { Evidence } from '@safeconduct/protocol'
import { clip, type Finding } from '../detector.ts'
import { isDrifted } from './drift.ts'
import type { Learning } from './learning.ts'

export const ENROLMENT = { name: 'enrolment', cap: 3.5 } as const
export const DRIFT = { name: 'drift', cap: 1.5 } as const
/** Bits below which nothing is said. */
const WORTH_SAYING = 0.25

export interface Comparison {
  readonly moving: Finding | null
  readonly frozen: Finding | null
}

/** Evidence of what the frozen baseline holds against the call beyond the moving one. */
export function enrolmentEvidence(comparisons: readonly Comparison[]): Evidence[] {
  let beyond = 0
  let worst: { readonly bits: number; readonly finding: Finding } | null = null
  for (const { moving, frozen } of comparisons) {
    if (frozen === null) continue
    const bits = frozen.bits - (moving?.bits ?? 0)
    if (!(bits > 0)) continue
    beyond += bits
    if (worst === null || bits > worst.bits) worst = { bits, finding: frozen }
  }
  if (worst === null || beyond < WORTH_SAYING) return []
  return [
    {
      detector: ENROLMENT.name,
      about: 'behaviour',
      bits: clip(beyond, 0, ENROLMENT.cap),
      reason: `Measured by how the agent worked when it was enrolled: ${worst.finding.reason}`,
      confidence: worst.finding.confidence,
      ...(worst.finding.technique === undefined ? {} : { technique: worst.finding.technique }),
    },
  ]
}

export function driftEvidence({ drift }: Learning): Evidence[] {
  if (!isDrifted(drift)) return []
  const { psi, ks } = drift
  return [
    {
      detector: DRIFT.name,
      about: 'behaviour',
      bits: clip(psi * 2 + ks * 2, 0, DRIFT.cap),
      reason: `The agent has moved away from how it worked when it was enrolled (tools ${psi.toFixed(2)}, sizes ${ks.toFixed(2)}).`,
      confidence: 0.7,
      technique: 'AML.T0020',
    },
  ]
}
