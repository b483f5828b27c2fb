/**
 * What went wrong with credentials before this call, as the host counted it: proofs of the agent's key that came a second
 * time, its tokens without their key, and many clients that failed at one address. Anybody can send rubbish, so only what
 * was genuine counts against the agent; who fails at other doors counts against the address.
 * @module
 */
import { clip, type Detector, type Finding } from '../detector.ts'

export interface CredentialsState {
  /** Trouble up to then was answered by a call that was allowed, with a fresh proof. */
  answeredAt: number
  /** The same for the address. */
  answeredHere: number
}

/** Wrong proofs that a clock or a restart explains. */
const FREE = 2
/** Clients that fail at one address before it looks like trying them out. */
const MANY_CLIENTS = 5
const CAP = 4

export const credentials: Detector<CredentialsState> = {
  name: 'credentials',
  about: 'credential',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ answeredAt: Number.MIN_SAFE_INTEGER, answeredHere: Number.MIN_SAFE_INTEGER }),
  score({ answeredAt, answeredHere }, { attempts }) {
    if (attempts === undefined) return null
    const { replayed, unproven, latest, clientsHere, latestHere } = attempts
    const own = latest > answeredAt ? ownTrouble(replayed, unproven) : null
    const here = latestHere > answeredHere ? hereTrouble(clientsHere) : null
    return (own?.bits ?? 0) >= (here?.bits ?? 0) ? own : here
  },
  attempt(state, { attempts, proofAge }, outcome) {
    if (attempts === undefined || outcome !== 'allow' || proofAge === null) return
    state.answeredAt = Math.max(state.answeredAt, attempts.latest)
    state.answeredHere = Math.max(state.answeredHere, attempts.latestHere)
  },
}

function ownTrouble(replayed: number, unproven: number): Finding | null {
  if (replayed > 0) {
    return {
      bits: clip(2 + Math.log2(replayed) / 2, 0, CAP),
      reason: 'A proof of the key of the agent came a second time: somebody has heard it.',
      confidence: 0.7,
      technique: 'AML.T0091.000',
    }
  }
  if (unproven <= FREE) return null
  return {
    bits: clip(1 + Math.log2(unproven - FREE) / 2, 0, 3),
    reason: 'Tokens of the agent came without its key, or with another one.',
    confidence: 0.6,
    technique: 'AML.T0091.000',
  }
}

function hereTrouble(clients: number): Finding | null {
  if (clients < MANY_CLIENTS) return null
  return {
    bits: clip(1 + Math.log2(clients / MANY_CLIENTS), 0, 3),
    reason: 'Many different clients failed to prove themselves from the address of this call.',
    confidence: 0.6,
    technique: 'AML.T0012',
  }
}
