/**
 * The risk of a decision without some of its parts.
 * @module
 */
import type { Decision } from '@safeconduct/protocol'
import { riskOf } from '../../packages/engine/src/risk/combine.ts'

export function riskWithout({ contributions = [] }: Decision, detectors: readonly string[]): number {
  const bits = contributions
    .filter(({ detector }) => !detectors.includes(detector))
    .reduce((sum, one) => sum + one.bits, 0)
  return riskOf(bits)
}
