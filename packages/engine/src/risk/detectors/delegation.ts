/**
 * The errand came to the agent by another way than ever before: through other agents, through more of them, or through
 * none where others always sent it.
 * @module
 */
import { touch } from '../../bounded.ts'
import { clip, type Detector } from '../detector.ts'
import { LEARNED } from '../learning/learning.ts'

export interface DelegationState {
  /** Settled calls by digest of the chain; the empty text is none. */
  readonly chains: Map<string, number>
  settled: number
  /** Settled calls that were the first of their chain: how often another way is nothing special here. */
  novel: number
}

const KEPT = 64

export const delegation: Detector<DelegationState> = {
  name: 'delegation',
  about: 'behaviour',
  cap: 3,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ chains: new Map(), settled: 0, novel: 0 }),
  score(state, { chain = '' }) {
    if (state.settled < LEARNED || state.chains.has(chain)) return null
    return {
      bits: clip(Math.log2((state.settled + 2) / (state.novel + 1)) / 2, 0, 3),
      reason:
        chain === ''
          ? 'The agent was always sent by other agents, and now comes by itself.'
          : 'The agent was never sent by these agents before.',
      confidence: 0.5,
    }
  },
  settled(state, { chain = '' }) {
    if (!state.chains.has(chain)) state.novel++
    state.settled++
    touch(state.chains, chain, (state.chains.get(chain) ?? 0) + 1, KEPT)
  },
}
