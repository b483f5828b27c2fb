/**
 * Which passages steered the agent, and to what. One injected text may ask for many things: that is one injection. An
 * agent that comes back with what it was stopped at before is another matter, and counts in full each time.
 * @module
 */

import { hash } from 'node:crypto'
import { touch } from '../../bounded.ts'
import type { Trace } from '../../flow/index.ts'
import type { Detector, Steering } from '../detector.ts'
import type { RiskLive } from '../score.ts'

interface SteeringState {
  /** Questions by passage, both as digests. */
  readonly passages: Map<string, readonly string[]>
}

const NAME = 'steering'
const KEPT_PASSAGES = 64
const KEPT_QUESTIONS = 32

/** Finds nothing by itself: the trace stage does. It remembers. */
export const steering: Detector<SteeringState> = {
  name: NAME,
  about: 'provenance',
  cap: 0,
  halfLife: 60_000,
  grows: 'level',
  empty: () => ({ passages: new Map() }),
  score: () => null,
  attempt(state, signal, outcome) {
    const by = signal.steering
    if (by == null || outcome === 'allow') return
    const questions = state.passages.get(by.passage) ?? []
    const kept = [...questions.filter((each) => each !== by.question), by.question].slice(-KEPT_QUESTIONS)
    touch(state.passages, by.passage, kept, KEPT_PASSAGES)
  },
}

export function steeringOf({ passage, question }: Trace): Steering | null {
  if (passage === null || question === null) return null
  return { passage, question: hash('sha256', question, 'base64url').slice(0, 16) }
}

/** The passage is known and asks for something that was not tried yet. */
export function isSamePassage(live: RiskLive | null, by: Steering | null): boolean {
  const state = live?.detectors.get(NAME) as SteeringState | undefined
  const questions = by === null ? undefined : state?.passages.get(by.passage)
  return questions !== undefined && by !== null && !questions.includes(by.question)
}
