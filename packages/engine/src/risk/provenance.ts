/**
 * What the trace stage found, as evidence against the agent: one that carries other people's instructions into side
 * effects may have been taken over, whatever key it holds.
 * @module
 */
import type { Evidence } from '@safeconduct/protocol'
import type { Trace } from '../flow/index.ts'

const BITS = { approval: 1, deny: 4 } as const

export function provenanceEvidence(trace: Trace): Evidence[] {
  if (trace.doubt === 'none') return []
  const worst = trace.evidence.reduce((a, b) => (b.weight > a.weight ? b : a), trace.evidence[0] ?? NOTHING)
  // Paths and sources are named by agents and servers; only what reads as a plain path is repeated.
  const where = PLAIN_PATH.test(worst.path) ? `The argument ${worst.path}: ` : ''
  return [
    {
      detector: 'provenance',
      bits: BITS[trace.doubt],
      reason: `${where}${worst.reason.replace(SOURCE, '')}.`,
      confidence: Math.min(1, trace.score / 4),
      about: 'provenance',
      technique: 'AML.T0051',
    },
  ]
}

const PLAIN_PATH = /^[\w.[\]-]{1,64}$/
/** ` (tool.field)` at the end of a reason: the label says it, as data. */
const SOURCE = / \([^)]*\)?$/

const NOTHING = { weight: 0, path: '', reason: 'the origin of the call is in doubt' }
