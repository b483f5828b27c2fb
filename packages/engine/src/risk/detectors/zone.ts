/**
 * A zone that the agent never worked in: a server or tool stands in another part of the house than whatever it was
 * called for before.
 * @module
 */
import type { Detector } from '../detector.ts'
import { learnSeen, type Novelty, surpriseOf } from '../novelty.ts'

export interface ZoneState extends Novelty {
  /** Settled calls by zone; the empty text is none. */
  readonly zones: Map<string, number>
}

const KEPT = 64
const CAP = 3

export const zone: Detector<ZoneState> = {
  name: 'new-zone',
  about: 'behaviour',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'events',
  empty: () => ({ zones: new Map(), settled: 0, novel: 0 }),
  score(state, { zone: to, write }) {
    // Out of every zone is no zone: what is there is open to all.
    if (to === undefined || to === '') return null
    const surprise = surpriseOf(state.zones, state, to)
    if (surprise === null) return null
    return {
      bits: Math.min(surprise, write ? CAP : CAP / 2),
      reason: `The agent never worked in the zone ${to.replace(/[^\w.-]/g, '_').slice(0, 64)} before.`,
      confidence: 0.5,
      technique: 'AML.T0053',
    }
  },
  settled(state, { zone: to }) {
    if (to !== undefined) learnSeen(state.zones, state, to, KEPT)
  },
}
