/**
 * One tool, called far more often among the latest calls than its share of the agent's settled ones explains: a tool that
 * an agent knows and rarely uses does harm by being used all the time. The surprise is Chernoff's bound for a Poisson
 * count (Mitzenmacher, Upfal, "Probability and Computing", theorem 5.4), so a handful of calls says nothing; agents that
 * work in bursts are granted the bursts that they settled.
 * @module
 */
import { type Counts, count, counted, countedAll, emptyCounts, type Fading } from '../behaviour/counts.ts'
import { short } from '../behaviour/sequence.ts'
import { clip, type Detector } from '../detector.ts'

export interface RateState {
  /** Settled calls by tool. */
  readonly own: Counts
  /** Tools of the latest calls, whatever was decided of them, oldest first. */
  readonly recent: string[]
  /** The same of settled calls. */
  readonly trail: string[]
  /** Most surprise of its own settled bursts, bits; slowly forgotten. */
  burst: number
}

const FADING: Fading = { halfLife: 2000, limit: 128 }
const PIECE = 40
/** Settled calls before anything is said. */
const KNOWN = 100
/** Calls of the tool within the piece below which nothing is said. */
const SEVERAL = 4
/** Settled calls that everybody is granted of no tool in particular. */
const UNKNOWN_CALLS = 20
/** Bits of surprise that count as chance: many tools are looked at, all the time. */
const CHANCE = 8
/** Above the own bursts. */
const MARGIN = 4
const MOST_BURST = 20
const FORGETTING = 0.999
const STEEPNESS = 0.35
const CAP = 4.5

export const rate: Detector<RateState> = {
  name: 'rate',
  about: 'behaviour',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ own: emptyCounts(), recent: [], trail: [], burst: 0 }),
  score({ own, recent, burst }, signal) {
    const known = countedAll(own)
    if (known < KNOWN) return null
    const tool = short(signal.tool)
    const times = timesIn(recent, tool) + 1
    if (times < SEVERAL) return null
    const beyond = surprise(own, tool, times, recent.length + 1) - Math.max(CHANCE, burst + MARGIN)
    if (beyond <= 0) return null
    return {
      bits: clip(beyond * STEEPNESS, 0, CAP),
      reason: `Of the latest ${recent.length + 1} calls ${times} were of this tool, far more than the agent's share of it.`,
      confidence: known / (known + KNOWN),
      technique: 'AML.T0012',
    }
  },
  attempt({ recent }, signal) {
    recent.push(short(signal.tool))
    if (recent.length >= PIECE) recent.shift()
  },
  gap({ trail }) {
    trail.splice(0)
  },
  beside: ({ own, trail, burst }, { recent }) => ({ own, trail, burst, recent }),
  settled(state, signal) {
    const { own, trail } = state
    const tool = short(signal.tool)
    if (countedAll(own) >= KNOWN) {
      const found = surprise(own, tool, timesIn(trail, tool) + 1, trail.length + 1)
      state.burst = Math.min(MOST_BURST, Math.max(found, state.burst * FORGETTING))
    }
    count(own, tool, 1, FADING)
    trail.push(tool)
    if (trail.length >= PIECE) trail.shift()
  },
}

/** Bits: how unlikely at least so many calls of the tool are among so many. */
function surprise(own: Counts, tool: string, times: number, among: number): number {
  const expected = (among * (counted(own, tool) + 1)) / (countedAll(own) + UNKNOWN_CALLS)
  if (times <= expected) return 0
  return (times * Math.log(times / expected) - times + expected) * Math.LOG2E
}

function timesIn(tools: readonly string[], tool: string): number {
  let times = 0
  for (const one of tools) if (one === tool) times++
  return times
}
