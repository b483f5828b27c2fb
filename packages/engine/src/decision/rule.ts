/**
 * What policy makes of one call: the part of the decide stage that a candidate policy can turn. `rule` is a function of
 * the policies and of `Posed`, which is plain data and is kept with the decision; so a replay and a shadow rule exactly
 * as the live decision did.
 * @module
 */
import type { ErrorCode, Obligation, Outcome } from '@safeconduct/protocol'
import type { Asked } from '../policy/context.ts'
import type { AskedPolicies, Obtainable } from '../policy/engine.ts'
import { type Actors, type Judgement, judge } from '../policy/judge.ts'
import { policySentence } from './words.ts'

/** Everything that policy was asked of one call, and what it takes to make an outcome of the answer. */
export interface Posed {
  readonly actors: Actors
  readonly asked: Asked
  /** What is the case. */
  readonly real: Obtainable
  /** The caller holds a key, so a doubt about its credential can be answered by a new proof. */
  readonly canStepUp: boolean
  /** A person refused exactly this call, and that still holds. */
  readonly refused: boolean
  /** Obligation types that can be met here. */
  readonly obligations: readonly string[]
}

export interface Ruling {
  readonly outcome: Outcome
  readonly code: ErrorCode | null
  readonly why: readonly string[]
  readonly policies: Judgement['reasons']
  readonly policyErrors: Judgement['errors']
  readonly obligations: readonly Obligation[]
  /** Denied only because a policy needs arguments that a listing does not have. */
  readonly needsArguments: boolean
}

export function rule(policies: AskedPolicies, posed: Posed): Ruling {
  const { actors, asked, real } = posed
  const unfit = asked.unfit.find((name) => policies.mentions(name))
  if (unfit !== undefined) {
    return {
      outcome: 'deny',
      code: 'invalid_params',
      why: [
        `A policy speaks of the argument ${unfit}, and its value does not fit the type it is declared with.`,
      ],
      policies: [{ layer: 'engine', id: 'arguments', effect: 'forbid' }],
      policyErrors: [],
      obligations: [],
      needsArguments: false,
    }
  }
  return conclude(posed, judge(policies, actors, asked, real))
}

function conclude({ canStepUp, refused, obligations }: Posed, judged: Judgement): Ruling {
  const base = {
    outcome: 'deny',
    policies: judged.reasons,
    policyErrors: judged.errors,
    obligations: [],
    needsArguments: false,
  } as const
  const sentences = judged.reasons.map(policySentence)
  if (judged.allowed) {
    const unmet = judged.obligations.find((item) => item === null || !obligations.includes(item.type))
    if (unmet === undefined) {
      const met = judged.obligations.filter((item) => item !== null)
      return { ...base, outcome: 'allow', code: null, why: sentences, obligations: met }
    }
    const what = unmet === null ? 'An obligation' : `The obligation ${unmet.id}`
    return { ...base, code: 'denied', why: [`${what} of a policy cannot be met here.`, ...sentences] }
  }
  const failures = judged.errors.map(({ layer, id }) => `The ${layer} policy ${id} could not be evaluated.`)
  const why = [...failures, ...sentences]
  if (why.length === 0) why.push('No policy permits this.')
  if (judged.missing === null) {
    return { ...base, code: 'denied', why, needsArguments: judged.errors.length > 0 }
  }
  if (judged.missing !== 'approval' && canStepUp) {
    return { ...base, outcome: 'step_up', code: 'step_up_required', why }
  }
  if (refused) {
    return { ...base, code: 'approval_refused', why: ['A person refused exactly this call.', ...why] }
  }
  return { ...base, outcome: 'approval', code: 'approval_required', why }
}
