/**
 * A tool that an agent with a settled way of working never used before.
 * @module
 */
import type { Detector } from '../detector.ts'
import { learnSeen, type Novelty, surpriseOf } from '../novelty.ts'

export interface UnusedState extends Novelty {
  /** Clean calls by tool. */
  readonly used: Map<string, number>
}

const KEPT = 256

export const unused: Detector<UnusedState> = {
  name: 'unused-tool',
  about: 'behaviour',
  cap: 3,
  halfLife: 30 * 60_000,
  grows: 'events',
  empty: () => ({ used: new Map(), settled: 0, novel: 0 }),
  score(state, signal) {
    const surprise = surpriseOf(state.used, state, signal.tool)
    if (surprise === null) return null
    return {
      bits: Math.min(surprise, signal.write ? 2 : 0.75),
      reason: 'The agent never used this tool before.',
      confidence: 0.5,
      technique: 'AML.T0053',
    }
  },
  settled(state, signal) {
    learnSeen(state.used, state, signal.tool, KEPT)
  },
}
