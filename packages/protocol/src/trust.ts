/**
 * Outcomes, trust levels and evidence: the words in which a decision is said.
 * @module
 */
import * as z from 'zod'

export const OUTCOMES = ['allow', 'step_up', 'approval', 'deny'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** From least to most; the order is the meaning. */
export const TRUST_LEVELS = ['suspended', 'restricted', 'limited', 'standard', 'elevated'] as const
export type TrustLevel = (typeof TRUST_LEVELS)[number]

export function trustRank(level: TrustLevel): number {
  return TRUST_LEVELS.indexOf(level)
}

export function lowerTrust(a: TrustLevel, b: TrustLevel): TrustLevel {
  return trustRank(a) <= trustRank(b) ? a : b
}

/**
 * How well the caller is proven: `declared` (local, unproven), `bearer` (anyone holding the token), `key`
 * (proof of possession now), `attested` (the composition is proven, too).
 */
export const ASSURANCES = ['declared', 'bearer', 'key', 'attested'] as const
export type Assurance = (typeof ASSURANCES)[number]

/** `observe` records what would have been decided and lets the call through; `enforce` holds it to it. */
export type Enforcement = 'observe' | 'enforce'

/** What a detector makes of signals. `bits` is a signed log2 likelihood ratio: above 0 speaks for an attack. */
export interface Evidence {
  readonly detector: string
  readonly bits: number
  /** A plain sentence for the entitled; holds no secret and no untrusted text. */
  readonly reason: string
  /** 0–1 */
  readonly confidence: number
  /** What the doubt is about decides what may clear it (design.md, "Which doubt asks for what"). */
  readonly about: 'credential' | 'behaviour' | 'provenance' | 'integrity'
  /** MITRE ATLAS technique, for example `AML.T0051`. */
  readonly technique?: string
}

export interface Obligation {
  readonly id: string
  readonly type: 'redact' | 'mask' | 'rate' | 'notify' | 'watermark'
  readonly properties: Readonly<Record<string, string | number | boolean>>
}

export const outcomeSchema = z.enum(OUTCOMES)
export const trustLevelSchema = z.enum(TRUST_LEVELS)
