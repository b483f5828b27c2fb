/**
 * The errand came to the agent by another way than ever before: through other agents, through more of them, or through
 * none where others always sent it.
 * @module
 */
import type { Detector } from '../detector.ts'
import { learnSeen, type Novelty, surpriseOf } from '../novelty.ts'

export interface DelegationState extends Novelty {
  /** Settled calls by digest of the chain; the empty text is none. */
  readonly chains: Map<string, number>
}

const KEPT = 64
const CAP = 3

export const delegation: Detector<DelegationState> = {
  name: 'delegation',
  about: 'behaviour',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ chains: new Map(), settled: 0, novel: 0 }),
  score(state, { chain = '' }) {
    const surprise = surpriseOf(state.chains, state, chain)
    if (surprise === null) return null
    return {
      bits: Math.min(surprise, CAP),
      reason:
        chain === ''
          ? 'The agent was always sent by other agents, and now comes by itself.'
          : 'The agent was never sent by these agents before.',
      confidence: 0.5,
      technique: 'AML.T0012',
    }
  },
  settled(state, { chain = '' }) {
    learnSeen(state.chains, state, chain, KEPT)
  },
}
