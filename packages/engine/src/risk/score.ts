/**
 * The score stage: every detector looks at the call; what they find becomes evidence and, with what is remembered,
 * risk. A detector that throws counts as having found as much as it ever may.
 * @module
 */
import type { Evidence, Outcome } from '@safeconduct/protocol'
import { NO_PEERS } from './behaviour/peers.ts'
import { type Doubt, decayed, grow, riskOf, STAGE_WEIGHTS, type Weighting } from './combine.ts'
import type { Population } from './customs.ts'
import type { Detector, Finding, Signal } from './detector.ts'
import { DETECTORS } from './detectors/index.ts'
import { type Comparison, DRIFT, driftEvidence, ENROLMENT, enrolmentEvidence } from './learning/enrolment.ts'
import { emptyLearning, type Learning, type Lesson, mature, queue, weightOf } from './learning/learning.ts'

/** Risk memory of one agent; all of it snapshots to JSON. */
export interface RiskLive {
  readonly doubts: Map<string, Doubt>
  /** State by detector name. */
  readonly detectors: Map<string, unknown>
  learning: Learning
}

export function emptyRisk(): RiskLive {
  return { doubts: new Map(), detectors: new Map(), learning: emptyLearning() }
}

/** Every detector by the moving baseline; beside it what the frozen one alone finds, and how far the two are apart. */
export function score(
  live: RiskLive,
  signal: Signal,
  peers: Population = NO_PEERS,
  detectors: readonly Detector<unknown>[] = DETECTORS,
): Evidence[] {
  const evidence: Evidence[] = []
  const comparisons: Comparison[] = []
  const { learning } = live
  const enrolled = learning.enrolment?.detectors
  for (const detector of detectors) {
    try {
      const state = live.detectors.get(detector.name) ?? detector.empty()
      const moving = weighed(detector, learning, detector.score(state, signal, peers))
      if (moving !== null) evidence.push({ detector: detector.name, about: detector.about, ...moving })
      const kept = enrolled?.get(detector.name)
      if (kept === undefined) continue
      const frozen = detector.score(detector.beside?.(kept, state) ?? kept, signal, peers)
      comparisons.push({ moving, frozen: weighed(detector, learning, frozen) })
    } catch {
      evidence.push({
        detector: detector.name,
        about: detector.about,
        bits: detector.cap,
        reason: 'A detector failed on this call, so the call counts as suspicious.',
        confidence: 0,
      })
    }
  }
  evidence.push(...enrolmentEvidence(comparisons), ...driftEvidence(learning))
  return evidence
}

/** As a person's earlier answers have it count. */
function weighed(detector: Detector<unknown>, learning: Learning, finding: Finding | null): Finding | null {
  if (finding === null) return null
  if (Number.isNaN(finding.bits)) throw new RangeError('not a number of bits')
  if (finding.bits <= 0) return null
  const weight = weightOf(learning, detector.name)
  return weight === 1 ? finding : { ...finding, bits: Math.min(detector.cap, finding.bits * weight) }
}

/** Bits by detector as they stand after a call. */
export type DoubtChange = readonly [name: string, bits: number]

export interface Assessment {
  /** Risk that is remembered, before this call. */
  readonly before: number
  /** Risk of this call: what is remembered and all that it brings. */
  readonly after: number
  /** Risk that is remembered from this call on; trust follows it. */
  readonly kept: number
  readonly changes: readonly DoubtChange[]
  /** Bits by detector: on this call, and remembered after it. */
  readonly now: ReadonlyMap<string, number>
  readonly held: ReadonlyMap<string, number>
}

/**
 * `counted`: this very call, argument for argument, was judged before and waits for a person or has their word. Its
 * evidence stands, but does not grow again each time the agent asks whether the person has answered.
 */
export function assess(
  live: RiskLive,
  evidence: readonly Evidence[],
  at: number,
  counted = false,
): Assessment {
  const held = new Map<string, number>()
  for (const [name, doubt] of live.doubts) held.set(name, decayed(doubt, weighting(name).halfLife, at))
  const before = riskOf(sum(held.values()))
  const now = new Map(held)
  const changes = new Map<string, number>()
  for (const { detector, bits } of evidence) {
    const weights = weighting(detector)
    if (counted) {
      now.set(detector, Math.max(now.get(detector) ?? 0, bits))
      continue
    }
    now.set(detector, grow(now.get(detector) ?? 0, bits, weights))
    const had = held.get(detector) ?? 0
    const has = grow(had, bits * (weights.kept ?? 1), weights)
    if (has === had) continue
    held.set(detector, has)
    changes.set(detector, has)
  }
  return {
    before,
    after: riskOf(sum(now.values())),
    kept: riskOf(sum(held.values())),
    changes: [...changes],
    now,
    held,
  }
}

/** Names of what still counts, strongest first. */
export function standingDoubts(live: RiskLive, at: number): string[] {
  return [...live.doubts]
    .map(([name, doubt]) => ({ name, bits: decayed(doubt, weighting(name).halfLife, at) }))
    .filter(({ bits }) => bits >= 0.25)
    .sort((a, b) => b.bits - a.bits)
    .map(({ name, bits }) => `${name} speaks against the agent (${bits.toFixed(1)} bits).`)
}

/** Applies the changes of one call. Doubts that have faded away are forgotten, so the map stays small. */
export function remember(live: RiskLive, changes: readonly DoubtChange[], at: number): void {
  for (const [name, bits] of changes) {
    if (bits <= 0) live.doubts.delete(name)
    else live.doubts.set(name, { bits, at })
  }
}

/** A detector that throws has seen what it cannot judge: that counts as its worst finding, and the turn goes on. */
export function learnAttempt(
  live: RiskLive,
  signal: Signal,
  outcome: Outcome,
  detectors: readonly Detector<unknown>[] = DETECTORS,
): void {
  for (const detector of detectors) {
    try {
      detector.attempt?.(stateOf(live, detector), signal, outcome)
    } catch {
      remember(live, [[detector.name, detector.cap]], signal.at)
    }
  }
}

/** A call that was allowed without doubt and came back well; it teaches once nobody may contest it any more. */
export function learnSettled(live: RiskLive, lesson: Omit<Lesson, 'gap'>): void {
  queue(live.learning, lesson)
}

/** Takes the lessons that are over. @returns what was taken, oldest first */
export function learnOver(live: RiskLive, at: number): Lesson[] {
  return mature(live, DETECTORS, at)
}

/** What the agent did lately is what a person has looked at. */
export function endRuns(live: Pick<RiskLive, 'detectors'>): void {
  for (const { name, looked } of DETECTORS) {
    const state = live.detectors.get(name)
    if (state !== undefined) looked?.(state)
  }
}

function stateOf(live: RiskLive, detector: Detector<unknown>): unknown {
  let state = live.detectors.get(detector.name)
  if (state === undefined) {
    state = detector.empty()
    live.detectors.set(detector.name, state)
  }
  return state
}

const WEIGHTINGS: ReadonlyMap<string, Weighting> = new Map<string, Weighting>([
  ...Object.entries(STAGE_WEIGHTS),
  [ENROLMENT.name, { cap: ENROLMENT.cap, halfLife: 30 * 60_000, grows: 'level', kept: 0.5 }],
  [DRIFT.name, { cap: DRIFT.cap, halfLife: 60 * 60_000, grows: 'level' }],
  ...DETECTORS.map((detector): [string, Weighting] => [detector.name, detector]),
])
/** For a name of an older release: counts little and fades fast. */
const UNKNOWN: Weighting = { cap: 1, halfLife: 60_000, grows: 'level' }

function weighting(name: string): Weighting {
  return WEIGHTINGS.get(name) ?? UNKNOWN
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
