/**
 * The composition of an agent (model, prompt, tools) as one digest, so that a change is seen at the next call.
 * @module
 */
import { createHash } from 'node:crypto'
import { type CompositionPart, canonicalize, type Evidence } from '@safeconduct/protocol'

/** What is known about one agent's composition: the digest a person last approved, and the one registered now. */
export interface CompositionLive {
  approved: string
  current: string
}

/** `sha256:` over kind, name and digest of every part, in one order. How a part was proven is no part of what it is. */
export function compositionDigest(parts: readonly CompositionPart[]): string {
  const bare = parts.map(({ kind, name, digest }) => canonicalize({ kind, name, digest })).sort()
  return `sha256:${createHash('sha256').update(canonicalize(bare)).digest('hex')}`
}

/** The attest stage: is the agent still composed as approved? */
export function attest(composition: CompositionLive | undefined): Evidence[] {
  if (composition === undefined || composition.approved === composition.current) return []
  return [
    {
      detector: 'composition',
      bits: 2,
      reason: 'The model, prompt or tools of the agent changed since a person last approved it.',
      confidence: 1,
      about: 'integrity',
      technique: 'AML.T0010',
    },
  ]
}
