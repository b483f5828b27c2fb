/**
 * One policy asked about one recorded question.
 * @module
 */
import type { Decision, ErrorCode, Outcome } from '@safeconduct/protocol'
import { type Ruling, rule } from '../../decision/rule.ts'
import type { CompiledPolicies, PolicyRecord } from '../engine.ts'
import { FACTS } from '../schema.ts'
import {
  type KeptCall,
  type KeptQuestion,
  lacksArguments,
  posedOf,
  QUESTION_VERSION,
  unaskable,
} from './question.ts'

/** Why a call cannot be decided again from its record. */
export const GAPS = [
  'unknown-format',
  'no-entities',
  'large-arguments',
  'missing-fact',
  'other-entities',
] as const
export type Gap = (typeof GAPS)[number]

export type Retried =
  | {
      readonly gap: null
      readonly outcome: Outcome
      readonly code: ErrorCode | null
      readonly policies: Ruling['policies']
      /** Obligation types of an allow. */
      readonly obligations: readonly string[]
    }
  | { readonly gap: Gap }

export interface RecordedCall {
  readonly question: KeptQuestion
  readonly call: KeptCall
  readonly decision: Pick<Decision, 'enforcement' | 'code'>
}

/** What the policies make of the call; never a guess: what the record lacks is a gap. */
export function retry(policies: CompiledPolicies, { question, call, decision }: RecordedCall): Retried {
  if (question.v !== QUESTION_VERSION) return { gap: 'unknown-format' }
  if (question.entities === null) return { gap: 'no-entities' }
  const { args } = question
  if (lacksArguments(question, call) && args.given.some((name) => policies.mentions(name))) {
    return { gap: 'large-arguments' }
  }
  if (missingFacts(question.context).some((name) => policies.speaksOf(name))) return { gap: 'missing-fact' }
  const confined = policies.within(question.entities)
  const ruling = rule(confined, posedOf(question, call))
  if (confined.missed) return { gap: 'other-entities' }
  const refused = ruling.outcome === 'approval' ? unaskable(question, decision) : null
  return {
    gap: null,
    outcome: refused === null ? ruling.outcome : 'deny',
    code: refused ?? ruling.code,
    policies: ruling.policies,
    obligations: ruling.obligations.map(({ type }) => type),
  }
}

/** Facts that policies know today and that the record, being older, does not have. */
function missingFacts(context: PolicyRecord, declared: PolicyRecord = FACTS): string[] {
  const missing: string[] = []
  for (const [name, type] of Object.entries(declared)) {
    // They are in the question apart from the context, in every record.
    if (name === 'approved' || name === 'freshProof') continue
    const told = context[name]
    const { attributes, required } = shapeOf(type)
    if (told === undefined) {
      if (required) missing.push(name)
    } else if (attributes !== null && typeof told === 'object' && !Array.isArray(told)) {
      missing.push(...missingFacts(told as PolicyRecord, attributes))
    }
  }
  return missing
}

function shapeOf(type: unknown): { readonly attributes: PolicyRecord | null; readonly required: boolean } {
  const shape = type as { readonly attributes?: PolicyRecord; readonly required?: boolean }
  return { attributes: shape.attributes ?? null, required: shape.required !== false }
}
