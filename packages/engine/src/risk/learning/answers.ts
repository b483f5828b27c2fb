/**
 * What people do to a baseline: answer a piece of evidence, forget what was learned, bring an earlier state back.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import { decode, encode } from '../../plain.ts'
import type { Doubt } from '../combine.ts'
import { dropPending, emptyLearning, type Learning, weigh } from './learning.ts'

/** The parts of an agent's risk that answers change. */
export interface Judged {
  readonly doubts: Map<string, Doubt>
  readonly detectors: Map<string, unknown>
  learning: Learning
}

/**
 * Dismissed: the doubt is over and the detector counts less for this agent. Confirmed: it counts more, and nothing is
 * learned until a person has cleared the matter up; what the agent did just before is not learned either.
 */
export function answered(
  risk: Judged,
  {
    detector,
    verdict,
    at,
  }: { readonly detector: string; readonly verdict: 'confirm' | 'dismiss'; readonly at: number },
): void {
  weigh(risk.learning, detector, verdict)
  if (verdict === 'dismiss') {
    risk.doubts.delete(detector)
    return
  }
  risk.learning.contestedAt ??= at
  dropPending(risk.learning)
}

/** What was learned goes; people's answers and whatever is contested stay. */
export function forgetHabits(risk: Judged): void {
  const { weights, contestedAt } = risk.learning
  risk.detectors.clear()
  risk.learning = { ...emptyLearning(), weights, contestedAt }
}

/** Whom the agent worked for is not told apart any more, and what waits to be learned of their calls goes. */
export function forgetSource({ learning }: Pick<Judged, 'learning'>, source: string): void {
  learning.influence.known.delete(source)
  learning.influence.sources.delete(source)
  dropPending(learning, (lesson) => lesson.source === source)
}

/** What a saved baseline holds: all that was learned, nothing that waits and nothing that speaks against the agent. */
export function baselineOf({ detectors, learning }: Judged): JsonValue {
  const { learned, passed, enrolment, sample, drift } = learning
  return encode({ detectors, learned, passed, enrolment, sample, drift })
}

export function restoreBaseline(risk: Judged, { baseline }: { readonly baseline: JsonValue | null }): void {
  forgetHabits(risk)
  if (baseline === null) return
  // Shape is ours: it was sealed under the agent's key by `baselineOf`, and its digest stands in the ledger.
  const { detectors, ...learned } = decode(baseline) as Pick<Judged, 'detectors'> &
    Pick<Learning, 'learned' | 'passed' | 'enrolment' | 'sample' | 'drift'>
  for (const [name, state] of detectors) risk.detectors.set(name, state)
  risk.learning = { ...risk.learning, ...learned }
}
