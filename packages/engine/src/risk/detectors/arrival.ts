/**
 * The agent comes from where, or with what, it never comes: network, country, rented machine, client and its version,
 * hour, each by how much likelier it is anybody's than this agent's (`login/likeness.ts`, after Freeman et al. 2016). One
 * that was let in before is known for a while, so nobody is asked twice.
 * @module
 */
import { touch } from '../../bounded.ts'
import { clip, type Detector } from '../detector.ts'
import { emptyHabit, type Habit, learnArrival, likeness } from '../login/likeness.ts'
import { arrivalOf, populationOf, type Seen } from '../login/seen.ts'

export interface ArrivalState {
  readonly habit: Habit
  /** Arrivals learned. */
  learned: number
  /** Of the latest one that was learned. */
  latest: { readonly key: string; readonly at: number } | null
  /** What was let in, by when. */
  readonly known: Map<string, number>
}

const ENOUGH = 5
/** Calls that follow each other by less are one arrival. */
const GAP = 30 * 60_000
const KNOWN_FOR = 7 * 24 * 3_600_000
const KEPT = 16
/** Bits that a journey or an update costs, and nobody is asked for. */
const USUAL = 3
const SHARE = 0.5
const CAP = 3

export const arrival: Detector<ArrivalState> = {
  name: 'arrival',
  about: 'credential',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ habit: emptyHabit(), learned: 0, latest: null, known: new Map() }),
  score(state, signal) {
    const { seen } = signal
    if (seen === undefined || state.learned < ENOUGH) return null
    const knownAt = state.known.get(keyOf(seen))
    if (knownAt !== undefined && signal.at - knownAt < KNOWN_FOR) return null
    const { bits, terms } = likeness(
      state.habit,
      arrivalOf(seen, signal.place, signal.at),
      populationOf(seen),
    )
    if (bits <= USUAL) return null
    const said = terms
      .filter((term) => term.bits > 0)
      .map((term) => `${NAMES[term.name] ?? term.name} (${term.bits.toFixed(1)} bits)`)
    return {
      bits: clip((bits - USUAL) * SHARE, 0, CAP),
      reason: `The agent does not usually come like this: ${said.join(', ')}.`,
      confidence: state.learned / (state.learned + ENOUGH),
      technique: 'AML.T0012',
    }
  },
  attempt(state, { seen, at }, outcome) {
    if (seen !== undefined && outcome === 'allow') touch(state.known, keyOf(seen), at, KEPT)
  },
  beside: (enrolled, live) => ({ ...enrolled, known: live.known }),
  settled(state, signal) {
    const { seen, place, at } = signal
    if (seen === undefined) return
    const key = `${keyOf(seen)} ${place ?? ''}`
    const again = state.latest !== null && state.latest.key === key && Math.abs(at - state.latest.at) < GAP
    state.latest = { key, at }
    if (again) return
    learnArrival(state.habit, arrivalOf(seen, place, at))
    state.learned++
  },
}

const NAMES: Readonly<Record<string, string>> = {
  place: 'its network',
  client: 'its client',
  version: 'an older version of it',
  hosting: 'a rented machine',
  hour: 'the hour',
}

/** Another address of the same network is the same arrival. */
function keyOf({ country, asn, client, channel }: Seen): string {
  return `${country ?? ''} ${asn ?? ''} ${channel} ${client ?? ''}`
}
