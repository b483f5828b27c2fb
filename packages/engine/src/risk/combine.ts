/**
 * From evidence to risk: each detector's bits are capped and decay by half-lives; their clipped sum on top of a prior
 * goes through the logistic to 0–100. Additive, so the terms are the explanation. Suspicion (how likely is an
 * attack) is kept apart from impact (how bad would this call be).
 * @module
 */
import type { Evidence } from '@safeconduct/protocol'
import { clip } from './detector.ts'

/** Log2 odds of an attack before anything was seen. */
export const PRIOR_BITS = -5
/** The sum is held inside this, in both directions. */
export const MAX_BITS = 12

/** Decayed bits of one detector against one agent. */
export interface Doubt {
  bits: number
  at: number
}

/** How long and how strongly each kind of evidence counts. */
export interface Weighting {
  readonly cap: number
  readonly halfLife: number
  readonly grows: 'level' | 'events'
  /** Share of a finding that is remembered against the agent beyond the call it was made on; 1 when left out. */
  readonly kept?: number
}

/**
 * Evidence of stages that are no detectors of `risk/`. A value of foreign origin is judged with the call that carries
 * it; only a part is held against the agent, so one injection that was stopped does not cripple the errand, and a
 * second and third one do. What else the same passage steers the agent to is the same injection (`steering.ts`).
 */
export const STAGE_WEIGHTS: Readonly<Record<string, Weighting>> = {
  provenance: { cap: 6, halfLife: 30 * 60_000, grows: 'events', kept: 0.25 },
  'same-passage': { cap: 6, halfLife: 30 * 60_000, grows: 'events', kept: 0.05 },
  origin: { cap: 2, halfLife: 60_000, grows: 'level', kept: 0 },
  composition: { cap: 2, halfLife: 60 * 60_000, grows: 'level' },
}

export function decayed(doubt: Doubt, halfLife: number, at: number): number {
  return doubt.bits * 2 ** (-Math.max(0, at - doubt.at) / halfLife)
}

/** Bits of one detector after a finding of `bits`. */
export function grow(before: number, bits: number, weighting: Weighting): number {
  const after = weighting.grows === 'events' ? before + bits : Math.max(before, bits)
  return clip(after, 0, weighting.cap)
}

/** 0–100. */
export function riskOf(bits: number): number {
  return 100 / (1 + 2 ** -(PRIOR_BITS + clip(bits, 0, MAX_BITS)))
}

/** 0–100: what a call of this kind can break, whoever makes it. */
export function impactOf(facts: {
  readonly write: boolean
  readonly destructive: boolean
  readonly openWorld: boolean
  readonly reversible: boolean
}): number {
  if (!facts.write) return facts.openWorld ? 20 : 5
  if (facts.destructive) return 100
  if (facts.openWorld) return 80
  return facts.reversible ? 30 : 60
}

/** Doubt about the credential that a fresh proof answers. */
export function doubtsCredential(evidence: readonly Evidence[]): boolean {
  return evidence.some((item) => item.about === 'credential' && item.bits > 0)
}
