/**
 * What people do to a baseline: answer a piece of evidence, forget what was learned, bring an earlier state back.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import { touch } from '../../bounded.ts'
import { decode, encode } from '../../plain.ts'
import type { Doubt } from '../combine.ts'
import { contributionId } from '../contributions.ts'
import { extraction } from '../detectors/extraction.ts'
import { DETECTORS } from '../detectors/index.ts'
import { completed } from './completed.ts'
import { DRIFT, ENROLMENT } from './enrolment.ts'
import { dropPending, emptyLearning, enrol, type Learning, weigh } from './learning.ts'

/** The parts of an agent's risk that answers change. */
export interface Judged {
  readonly doubts: Map<string, Doubt>
  readonly detectors: Map<string, unknown>
  learning: Learning
}

const KEPT_ANSWERS = 128
const ACCEPTS: ReadonlySet<string> = new Set([ENROLMENT.name, DRIFT.name])

/** The call was not what the agent should have done, whoever allowed it: it teaches nothing, if it has not yet. */
export function contested({ learning }: Pick<Judged, 'learning'>, call: string): void {
  const at = learning.pending.findIndex(({ id }) => id === call)
  if (at < 0) return
  learning.pending.splice(at, 1)
  learning.passed++
  const next = learning.pending[at]
  if (next === undefined) learning.gap = true
  else learning.pending[at] = { ...next, gap: true }
}

/**
 * Dismissed: the doubt is over and the detector counts less for this agent; where the doubt was that it is not what it was
 * enrolled as, what it has become is accepted. Confirmed: it counts more, and nothing is
 * learned until a person has cleared the matter up; what the agent did just before is not learned either.
 */
export function answered(
  risk: Judged,
  {
    decision,
    detector,
    verdict,
    at,
  }: {
    readonly decision: string
    readonly detector: string
    readonly verdict: 'confirm' | 'dismiss'
    readonly at: number
  },
): void {
  const id = contributionId(decision, detector)
  // One piece of evidence has one answer: saying it again moves nothing further.
  if (risk.learning.answers.has(id)) return
  touch(risk.learning.answers, id, verdict, KEPT_ANSWERS)
  weigh(risk.learning, detector, verdict)
  if (verdict === 'dismiss') {
    risk.doubts.delete(detector)
    const state = risk.detectors.get(detector)
    if (ACCEPTS.has(detector) && risk.learning.enrolment !== null) enrol(risk, DETECTORS, at)
    if (state !== undefined) DETECTORS.find(({ name }) => name === detector)?.looked?.(state)
    return
  }
  risk.learning.contestedAt ??= at
  dropPending(risk.learning)
}

/** What was learned goes; people's answers and whatever is contested stay. */
export function forgetHabits(risk: Judged): void {
  const { weights, answers, contestedAt } = risk.learning
  risk.detectors.clear()
  risk.learning = { ...emptyLearning(), weights, answers, contestedAt }
}

/** Whom the agent worked for is not told apart any more; what waits to be learned of their calls, and queries that may be theirs, go. */
export function forgetSource(
  { learning, detectors }: Pick<Judged, 'learning' | 'detectors'>,
  source: string,
): void {
  detectors.delete(extraction.name)
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
  const { influence } = risk.learning
  forgetHabits(risk)
  if (baseline === null) return
  // Shape is ours: it was sealed under the agent's key by `baselineOf`, and its digest stands in the ledger.
  const { detectors, ...learned } = decode(baseline) as Pick<Judged, 'detectors'> &
    Pick<Learning, 'learned' | 'passed' | 'enrolment' | 'sample' | 'drift'>
  for (const [name, state] of detectors) risk.detectors.set(name, known(name, state))
  const { enrolment } = learned
  if (enrolment !== null)
    for (const [name, state] of enrolment.detectors) enrolment.detectors.set(name, known(name, state))
  // A day teaches no more because an earlier state came back.
  risk.learning = { ...risk.learning, ...learned, influence }
}

/** A state that an earlier release saved, with what it did not have yet. Of a detector that is gone it stays as it is. */
function known(name: string, state: unknown): unknown {
  const detector = DETECTORS.find((one) => one.name === name)
  return detector === undefined ? state : completed(detector.empty(), state)
}
