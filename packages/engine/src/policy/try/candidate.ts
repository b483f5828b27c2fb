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
  if (lacksFacts(policies, question.context)) return { gap: 'missing-fact' }
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

/** True when the policies ask for a fact that is known today and that the record, being older, does not have. */
function lacksFacts(policies: CompiledPolicies, context: PolicyRecord): boolean {
  const asked =
    askedFacts.get(policies) ?? requiredFacts(FACTS).filter((path) => policies.uses(path.join('.')))
  askedFacts.set(policies, asked)
  return asked.some((path) => !has(context, path))
}

/** By policies, which do not change; nothing but time depends on it. */
const askedFacts = new WeakMap<CompiledPolicies, readonly (readonly string[])[]>()

function has(context: PolicyRecord, path: readonly string[]): boolean {
  let at: PolicyValue | undefined = context
  for (const name of path) at = asRecord(at)?.[name]
  return at !== undefined
}

/** Paths of the facts that every question has; `approved` and `freshProof` stand apart from the context. */
function requiredFacts(declared: PolicyRecord, above: readonly string[] = []): (readonly string[])[] {
  return Object.entries(declared).flatMap(([name, type]) => {
    if (above.length === 0 && (name === 'approved' || name === 'freshProof')) return []
    const shape = asRecord(type) ?? {}
    if (shape.required === false) return []
    const path = [...above, name]
    const attributes = asRecord(shape.attributes)
    return attributes === null ? [path] : requiredFacts(attributes, path)
  })
}
