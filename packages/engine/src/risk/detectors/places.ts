/**
 * One credential used from two places at nearly the same time, from two countries that nobody can have been in within the
 * time, or on a proof that has grown old. Doubt about the credential is answered by a fresh proof.
 * @module
 */
import { touch } from '../../bounded.ts'
import type { Detector, Finding, Signal } from '../detector.ts'
import { isTooFar } from '../login/countries.ts'

export interface PlacesState {
  /** Latest use by place. */
  readonly places: Map<string, PlaceUsed>
}

interface PlaceUsed {
  readonly at: number
  readonly asn: number | null
  readonly country: string | null
  readonly hosting: boolean | null
}

const KEPT = 16
const TOGETHER = 10 * 60_000
const OLD_PROOF = 15 * 60_000
/** Journeys longer ago than this are no news: nowhere on earth is farther. */
const LONGEST = 24 * 3_600_000

export const places: Detector<PlacesState> = {
  name: 'places',
  about: 'credential',
  cap: 3,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ places: new Map() }),
  score(state, signal) {
    if (signal.proofAge !== null && signal.proofAge > OLD_PROOF) {
      return { bits: 1, reason: 'The key of the agent was last proven long ago.', confidence: 0.9 }
    }
    if (signal.place === null || state.places.has(signal.place)) return null
    const here = usedBy(signal)
    let worst: Finding | null = null
    for (const there of state.places.values()) {
      const found = between(there, here)
      if (found !== null && found.bits > (worst?.bits ?? 0)) worst = found
    }
    return worst
  },
  attempt(state, signal, outcome) {
    // A refused call must not make its place a known one; the fresh proof does, by being allowed.
    if (signal.place !== null && outcome === 'allow') touch(state.places, signal.place, usedBy(signal), KEPT)
  },
}

function usedBy({ at, seen }: Signal): PlaceUsed {
  return { at, asn: seen?.asn ?? null, country: seen?.country ?? null, hosting: seen?.hosting ?? null }
}

function between(there: PlaceUsed, here: PlaceUsed): Finding | null {
  // A clock that went back tells nothing of how long a journey took.
  const ms = Math.max(0, here.at - there.at)
  const technique = 'AML.T0012'
  if (
    ms <= LONGEST &&
    there.country !== null &&
    here.country !== null &&
    isTooFar(there.country, here.country, ms)
  ) {
    // Who goes through a rented machine is where that stands without having travelled.
    const rented = there.hosting === true || here.hosting === true
    return {
      bits: rented ? 2 : 3,
      reason: `The credential was used in ${there.country} and then in ${here.country}, sooner than anybody can travel.`,
      confidence: rented ? 0.5 : 0.8,
      technique,
    }
  }
  if (ms > TOGETHER) return null
  const same = there.asn !== null && there.asn === here.asn
  return {
    bits: same ? 1 : 2.5,
    reason: same
      ? 'The credential is used from two addresses of one network at nearly the same time.'
      : 'The credential is used from two network addresses at nearly the same time.',
    confidence: same ? 0.3 : 0.6,
    technique,
  }
}
