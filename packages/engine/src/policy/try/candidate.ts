/**
 * One policy asked about one recorded question.
 * @module
 */
import type { Decision, ErrorCode, Outcome } from '@safeconduct/protocol'
import { type Ruling, rule } from '../../decision/rule.ts'
import { asRecord, type CompiledPolicies, type PolicyRecord, type PolicyValue } from '../engine.ts'
import { FACTS } from '../schema.ts'
import { type KeptCall, type KeptQuestion, lacksArguments, QUESTION_VERSION, unaskable } from './question.ts'
import { rebase } from './rebase.ts'

/** Why a call cannot be decided again from its record. */
export const GAPS = [
  'unknown-format',
  'no-entities',
  'large-arguments',
  'missing-fact',
  'relations',
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
  if (missingFacts(question.context).some((name) => policies.uses(name))) return { gap: 'missing-fact' }
  const posed = rebase(policies, question, call)
  if ('gap' in posed) return posed
  const confined = policies.within(question.entities)
  const ruling = rule(confined, posed)
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

/** Paths of facts that policies know today and that the record, being older, does not have. */
function missingFacts(context: PolicyRecord, declared: PolicyRecord = FACTS, above = ''): string[] {
  const missing: string[] = []
  for (const [name, type] of Object.entries(declared)) {
    // They are in the question apart from the context, in every record.
    if (above === '' && (name === 'approved' || name === 'freshProof')) continue
    const told = asRecord(context[name])
    const { attributes, required } = shapeOf(type)
    if (context[name] === undefined) {
      if (required) missing.push(above + name)
    } else if (attributes !== null && told !== null) {
      missing.push(...missingFacts(told, attributes, `${above}${name}.`))
    }
  }
  return missing
}

function shapeOf(type: PolicyValue): {
  readonly attributes: PolicyRecord | null
  readonly required: boolean
} {
  const shape = asRecord(type) ?? {}
  return { attributes: asRecord(shape.attributes), required: shape.required !== false }
}
