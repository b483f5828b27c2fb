/**
 * What the trace stage found, as evidence against the agent: one that carries other people's instructions into side
 * effects may have been taken over, whatever key it holds.
 * @module
 */
import type { Evidence } from '@safeconduct/protocol'
import type { Trace } from '../flow/index.ts'

/** Bits for each unit of the trace's score (`flow/weights.ts`): approval begins at 2, deny at 5. */
const BITS_PER_SCORE = 2
const MAX_BITS = 6
/** Below the score that asks a person, what is uncertain is said from here on. */
const WORTH_SAYING = 0.5

/** `known`: the passage that steers the call was held against the agent before. */
export function provenanceEvidence(trace: Trace, known = false): Evidence[] {
  if (trace.score < WORTH_SAYING) return []
  const worst = trace.evidence.reduce((a, b) => (b.weight > a.weight ? b : a), trace.evidence[0] ?? NOTHING)
  // Paths and sources are named by agents and servers; only what reads as a plain path is repeated.
  const says = worst.reason.replace(SOURCE, '')
  const sentence = PLAIN_PATH.test(worst.path)
    ? `The argument ${worst.path}: ${says}.`
    : `${says.charAt(0).toUpperCase()}${says.slice(1)}.`
  const doubted = trace.doubt !== 'none'
  return [
    {
      detector: doubted ? (known ? 'same-passage' : 'provenance') : 'origin',
      bits: Math.min(MAX_BITS, trace.score * BITS_PER_SCORE),
      reason: sentence,
      confidence: Math.min(1, trace.score / 4),
      about: 'provenance',
      ...(doubted ? { technique: 'AML.T0051' } : {}),
    },
  ]
}

const PLAIN_PATH = /^[\w.[\]-]{1,64}$/
/** ` (tool.field)` at the end of a reason: the label says it, as data. */
const SOURCE = / \([^)]*\)?$/

const NOTHING = { weight: 0, path: '', reason: 'the origin of the call is in doubt' }
