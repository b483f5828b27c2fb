/**
 * What may become part of an agent's baseline, and when. A lesson is taken only when its call is settled (the outcome
 * is known and the time in which somebody may contest it is over), was allowed, is uncontested, stayed below a bound of
 * risk, and the day and its source still have room (`influence.ts`). After the first lessons the baseline is frozen as
 * it is: calls are judged by the worse of the frozen and the moving one (`enrolment.ts`).
 *
 * Plain data throughout; changed in place by `apply` alone.
 * @module
 */
import { clip, type Detector, type Signal } from '../detector.ts'
import { type Drift, driftOf, emptySample, isDrifted, NO_DRIFT, notice, type Sample } from './drift.ts'
import { admit, emptyInfluence, type Influence } from './influence.ts'

/** A clean call whose outcome is known. */
export interface Lesson {
  readonly id: string
  readonly at: number
  /** Until then it may be contested. */
  readonly until: number
  readonly source: string
  readonly signal: Signal
  /** A person gave their word for this very call. */
  readonly vouched: boolean
  /** Calls before it were not kept: it follows none. */
  readonly gap: boolean
}

export interface Enrolment {
  readonly at: number
  /** Detector states by name, as they were. Only a person's word adds to them. */
  readonly detectors: Map<string, unknown>
  readonly sample: Sample
}

export interface Learning {
  /** Oldest first. */
  readonly pending: Lesson[]
  /** Lessons taken. */
  learned: number
  /** Lessons that were not taken: contested, in an incident, or more than a day or source may teach. */
  passed: number
  /** The latest lesson was not kept. */
  gap: boolean
  enrolment: Enrolment | null
  /** Of the first lessons until they are enough for an enrolment, of the latest ones from then on. */
  sample: Sample
  drift: Drift
  readonly influence: Influence
  /** What a person's answers have made of a detector's weight; 1 when absent. */
  readonly weights: Map<string, number>
  /** What people answered, by id of the contribution; the latest ones. */
  readonly answers: Map<string, 'confirm' | 'dismiss'>
  /** Since when evidence stands confirmed that nobody has cleared up; null = none. */
  contestedAt: number | null
}

/** Lessons after which the baseline is frozen beside the one that goes on learning. */
export const ENROLLED = 200
/** Lessons that wait; while as many wait, later ones are passed over, so a burst teaches little. */
export const PENDING = 128
const DRIFT_EVERY = 16
/** A person's answers move a detector's weight by a step, within bounds. */
export const WEIGHT = { step: 1.25, least: 0.5, most: 1.5 } as const
const KEPT_WEIGHTS = 64

export function emptyLearning(): Learning {
  return {
    pending: [],
    learned: 0,
    passed: 0,
    gap: false,
    enrolment: null,
    sample: emptySample(),
    drift: NO_DRIFT,
    influence: emptyInfluence(),
    weights: new Map(),
    answers: new Map(),
    contestedAt: null,
  }
}

export interface Pupil {
  readonly detectors: Map<string, unknown>
  learning: Learning
}

/** Queues the lesson; taken by `mature` when it may no longer be contested. */
export function queue(learning: Learning, lesson: Omit<Lesson, 'gap'>): void {
  if (learning.pending.length >= PENDING) {
    learning.passed++
    learning.gap = true
    return
  }
  learning.pending.push({ ...lesson, gap: learning.gap })
  learning.gap = false
}

/** Takes the lessons that are over by `at`, oldest first. @returns what was taken */
export function mature(pupil: Pupil, detectors: readonly Detector<unknown>[], at: number): Lesson[] {
  const { learning } = pupil
  const first = learning.pending[0]
  if (first === undefined || first.until > at) return []
  let over = learning.pending.findIndex(({ until }) => until > at)
  if (over < 0) over = learning.pending.length
  return learning.pending.splice(0, over).filter((lesson) => take(pupil, detectors, lesson))
}

function take(pupil: Pupil, detectors: readonly Detector<unknown>[], lesson: Lesson): boolean {
  const { learning } = pupil
  const { signal } = lesson
  if (
    learning.contestedAt !== null ||
    !admit(learning.influence, lesson.source, lesson.at, learning.learned)
  ) {
    learning.passed++
    return false
  }
  teach(pupil.detectors, detectors, lesson)
  if (lesson.vouched && learning.enrolment !== null) {
    teach(learning.enrolment.detectors, detectors, lesson)
    notice(learning.enrolment.sample, signal, false)
  }
  notice(learning.sample, signal, learning.enrolment !== null)
  learning.learned++
  if (learning.enrolment === null) {
    if (learning.learned >= ENROLLED) enrol(pupil, detectors, lesson.at)
  } else if (learning.learned % DRIFT_EVERY === 0) {
    learning.drift = driftOf(learning.enrolment.sample, learning.sample)
  }
  return true
}

function teach(states: Map<string, unknown>, detectors: readonly Detector<unknown>[], lesson: Lesson): void {
  for (const detector of detectors) {
    if (detector.settled === undefined) continue
    const state = states.get(detector.name) ?? detector.empty()
    states.set(detector.name, state)
    try {
      if (lesson.gap) detector.gap?.(state)
      detector.settled(state, lesson.signal)
    } catch {
      // It learned nothing, so it goes on knowing less of the agent; the others have their lesson.
    }
  }
}

/** Freezes what was learned as it is now: at the end of enrolment, and when a person accepts what an agent has become. */
export function enrol(
  { detectors: states, learning }: Pupil,
  detectors: readonly Detector<unknown>[],
  at: number,
): void {
  const kept = new Map<string, unknown>()
  for (const { name, settled, beside } of detectors) {
    const state = states.get(name)
    // A copy: nothing may be shared with the state that goes on changing.
    if ((settled ?? beside) !== undefined && state !== undefined) kept.set(name, structuredClone(state))
  }
  learning.enrolment = { at, detectors: kept, sample: learning.sample }
  learning.sample = emptySample()
  learning.drift = NO_DRIFT
}

/** An incident: what the agent did just before must not become normal, whatever became of it. */
export function dropPending(learning: Learning, which: (lesson: Lesson) => boolean = () => true): void {
  const kept = learning.pending.filter((lesson) => lesson.vouched || !which(lesson))
  if (kept.length === learning.pending.length) return
  learning.passed += learning.pending.length - kept.length
  learning.gap = true
  learning.pending.splice(0, learning.pending.length, ...kept)
}

export function weightOf({ weights }: Learning, detector: string): number {
  return weights.get(detector) ?? 1
}

export function weigh({ weights }: Learning, detector: string, verdict: 'confirm' | 'dismiss'): void {
  if (!weights.has(detector) && weights.size >= KEPT_WEIGHTS) return
  const factor = verdict === 'confirm' ? WEIGHT.step : 1 / WEIGHT.step
  weights.set(detector, clip((weights.get(detector) ?? 1) * factor, WEIGHT.least, WEIGHT.most))
}

export type BaselineState = 'learning' | 'active' | 'stale' | 'drifted' | 'contested'

/** An agent unused for this long is not known any more. */
const STALE_MS = 30 * 24 * 3_600_000
/** Lessons from which on something is known of an agent. */
export const LEARNED = 20

/** What a baseline rests on, in few words: all that is in memory of the baseline of an agent that does not call. */
export interface Summary {
  readonly learned: number
  readonly passed: number
  readonly pending: number
  /** From when on enough is known of the agent; null = more calls are needed. */
  readonly knownFrom: number | null
  readonly enrolledAt: number | null
  readonly drift: Drift
  readonly weights: Readonly<Record<string, number>>
  readonly contestedAt: number | null
}

export function summarize(learning: Learning): Summary {
  const { learned, passed, pending, enrolment, drift, weights, contestedAt } = learning
  // What waits is taken at the agent's next call after that.
  const waits = pending[LEARNED - learned - 1]?.until ?? null
  return {
    learned,
    passed,
    pending: pending.length,
    knownFrom: learned >= LEARNED ? 0 : waits,
    enrolledAt: enrolment?.at ?? null,
    drift: { ...drift },
    weights: Object.fromEntries(weights),
    contestedAt,
  }
}

/** @param lastAt of the agent's latest call */
export function baselineState(summary: Summary, lastAt: number, at: number): BaselineState {
  if (summary.contestedAt !== null) return 'contested'
  if (summary.knownFrom === null || at < summary.knownFrom) return 'learning'
  if (isDrifted(summary.drift)) return 'drifted'
  return at - lastAt > STALE_MS ? 'stale' : 'active'
}
