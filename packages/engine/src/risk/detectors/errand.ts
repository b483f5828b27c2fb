/**
 * A new agent that calls for what errands of its kind never need: while its own way of working is hardly known, what other
 * agents do for the same purpose, or in answer to words of the same kind, is the measure. How much is known of such
 * errands is said with it.
 * @module
 */

import { within } from '../customs.ts'
import type { Detector } from '../detector.ts'
import { LEARNED } from '../learning/learning.ts'

export interface ErrandState {
  /** Settled calls. */
  settled: number
}

/** Settled calls after which an agent is measured by itself. */
const COLD = 100
const GROUPS = 2
/** Bits that a share counts for less than it says: errands differ. */
const CHANCE = 4
/** Share that is granted for what nobody did yet. */
const UNSEEN_SHARE = 2 ** -8
const CAP = 2.5

export const errand: Detector<ErrandState> = {
  name: 'errand',
  about: 'behaviour',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ settled: 0 }),
  score({ settled }, { errand: of, write }, peers) {
    if (of === undefined || of.asked === true || settled >= COLD) return null
    const others = of.kinds
      .map((kind) => within(peers.kinds, kind, of.does))
      .find(({ whole, groups }) => whole > 0 && groups >= GROUPS)
    if (others === undefined) return null
    const share = Math.min(1, others.share + UNSEEN_SHARE)
    const left = 1 - settled / COLD
    const bits = (-Math.log2(share) - CHANCE) * left * (write ? 1 : 0.5)
    if (bits < 0.25) return null
    const known = settled < LEARNED ? 'next to nothing is known' : `${settled} calls are known`
    return {
      bits: Math.min(CAP, bits),
      reason: `Of this agent itself ${known}. In errands of this kind, agents of ${others.groups} other groups made such calls at most ${(share * 100).toFixed(1)} times in a hundred.`,
      confidence: 0.25 + 0.25 * left,
      technique: 'AML.T0053',
    }
  },
  settled(state) {
    if (state.settled < COLD) state.settled++
  },
}
