/**
 * A tool that an agent with a settled way of working never used before.
 * @module
 */
import { touch } from '../../bounded.ts'
import type { Detector } from '../detector.ts'
import { LEARNED } from '../learning/learning.ts'

export interface UnusedState {
  /** Clean calls by tool. */
  readonly used: Map<string, number>
  settled: number
  /** Clean calls that were the first of their tool: how often something new is nothing special here. */
  novel: number
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
    if (state.settled < LEARNED || state.used.has(signal.tool)) return null
    const surprise = Math.log2((state.settled + 2) / (state.novel + 1)) / 2
    return {
      bits: Math.min(surprise, signal.write ? 2 : 0.75),
      reason: 'The agent never used this tool before.',
      confidence: 0.5,
    }
  },
  settled(state, signal) {
    if (!state.used.has(signal.tool)) state.novel++
    state.settled++
    touch(state.used, signal.tool, (state.used.get(signal.tool) ?? 0) + 1, KEPT)
  },
}
