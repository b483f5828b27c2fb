/**
 * The risk of a decision without some of its parts.
 * @module
 */
import type { Decision } from '@safeconduct/protocol'

/** log2 odds of an attack before anything was seen, and the most that evidence adds (`engine/risk/combine.ts`). */
const PRIOR_BITS = -5
const MAX_BITS = 12

export function riskWithout({ contributions = [] }: Decision, detectors: readonly string[]): number {
  const bits = contributions
    .filter(({ detector }) => !detectors.includes(detector))
    .reduce((sum, one) => sum + one.bits, 0)
  return 100 / (1 + 2 ** -(PRIOR_BITS + Math.min(MAX_BITS, bits)))
}
