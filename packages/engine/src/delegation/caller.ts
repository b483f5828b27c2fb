/**
 * The authenticate stage's word about a caller whose token and proof have been verified (`engine/identity`): how well
 * it is proven, and whether it can prove itself anew.
 * @module
 */
import type { Agent, Assurance, CallRequest } from '@safeconduct/protocol'

export interface Caller {
  readonly assurance: Assurance
  /** It holds a key, so a doubt about the credential can be answered by a new proof. */
  readonly canStepUp: boolean
  /** The key was shown to be held within `FRESH_PROOF_MS`. */
  readonly proofAge: number | null
}

/** A proof older than this answers no doubt about the credential. */
export const FRESH_PROOF_MS = 60_000

export function authenticate(request: CallRequest, agent: Agent | undefined): Caller {
  const { proof, grant } = request
  const keyed =
    (proof.kind === 'dpop' || proof.kind === 'mtls') && grant.jkt !== null && proof.provenAt !== null
  const proofAge = proof.provenAt === null ? null : Math.max(0, request.at - proof.provenAt)
  return { assurance: assurance(proof.kind, keyed, agent), canStepUp: keyed, proofAge }
}

/** Every part of the composition must be proven for `attested`; a declared digest raises nothing. */
function assurance(kind: CallRequest['proof']['kind'], keyed: boolean, agent: Agent | undefined): Assurance {
  if (kind === 'local') return 'declared'
  if (!keyed) return 'bearer'
  const parts = agent?.composition ?? []
  return parts.length > 0 && parts.every((part) => part.standing === 'attested') ? 'attested' : 'key'
}
