/**
 * Behaviour models: streaming scorers over bounded, plain state. Learning and scoring are apart; what may be learned is
 * the caller's decision. All scores are sums of terms.
 * @module
 */
export { normalise } from './cohort.ts'
export { emptyRhythm, type Keystroke, learnKeystrokes, type Rhythm, scoreKeystrokes } from './keystrokes.ts'
export {
  countEvents,
  type Histograms,
  type MouseModel,
  type MouseRecording,
  recordMouse,
  scoreMouse,
  trainMouse,
} from './mouse.ts'
export { type Background, background, learnPeer, type Peers } from './peers.ts'
export { emptyPhrase, learnPhrase, type PhraseState, phraseProfile, scorePhrase } from './phrase.ts'
export type { PointerEvent } from './pointer.ts'
export { emptyProcess, learnRun, type ProcessState, scoreRun, step } from './process.ts'
export { type Run, startRun } from './run.ts'
export { emptySequence, learnSequence, type SequenceState, scoreSequence } from './sequence.ts'
export type { Score, Term } from './terms.ts'
