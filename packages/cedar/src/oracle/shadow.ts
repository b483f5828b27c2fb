/**
 * Shadow mode: a sample of live decisions is asked again of cedar-wasm, after the fact.
 *
 * The live answer never waits and never changes. The question is taken down in the turn that decided, because
 * entities move on; the answer is compared when `schedule` runs the job. What waits is bounded; the rest is counted.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import type { Authorization, AuthorizationRequest, CompiledPolicySet } from '../policy-set.ts'
import { type OracleQuestion, sameAnswer, wasmOracle } from './wasm-oracle.ts'

export interface ShadowOptions {
  /** Share of decisions to compare, from 0 to 1. */
  readonly rate: number
  /** Called once per difference. The question holds request and entities: it is not for open logs. */
  readonly onDifference: (difference: ShadowDifference) => void
  /** Runs a job later. Default `setImmediate`. */
  readonly schedule?: (job: () => void) => void
  /** Uniform in [0, 1). Default `Math.random`: an attacker gains nothing by predicting it. */
  readonly random?: () => number
  /** Comparisons waiting at once. Default 64. */
  readonly maxPending?: number
}

export interface ShadowDifference {
  readonly live: Authorization
  readonly oracle: Authorization
  readonly question: OracleQuestion
}

export interface ShadowCounts {
  decisions: number
  compared: number
  differences: number
  /** Sampled, but cedar-wasm cannot be asked (Longs beyond 2^53-1) or did not answer. */
  skipped: number
  /** Sampled, but too many were waiting. */
  dropped: number
}

export interface ShadowedPolicySet {
  authorize(request: AuthorizationRequest): Authorization
  readonly counts: Readonly<ShadowCounts>
}

export function shadow(set: CompiledPolicySet, options: ShadowOptions): ShadowedPolicySet {
  const { rate, onDifference, random = Math.random, maxPending = 64 } = options
  const schedule = options.schedule ?? ((job: () => void) => void setImmediate(job))
  const oracle = wasmOracle(set)
  const counts: ShadowCounts = { decisions: 0, compared: 0, differences: 0, skipped: 0, dropped: 0 }
  let pending = 0

  const compare = (live: Authorization, question: OracleQuestion) => {
    pending--
    const answer = attempt(() => oracle.answer(question))
    if (answer === undefined) {
      counts.skipped++
      return
    }
    counts.compared++
    if (sameAnswer(live, answer)) return
    counts.differences++
    onDifference({ live, oracle: answer, question })
  }

  return {
    counts,
    authorize: (request) => {
      const live = set.authorize(request)
      counts.decisions++
      if (random() >= rate) return live
      if (pending >= maxPending) {
        counts.dropped++
        return live
      }
      const question = attempt(() => oracle.question(request))
      if (question === undefined) counts.skipped++
      else {
        pending++
        schedule(() => compare(live, question))
      }
      return live
    },
  }
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof CedarError) return undefined
    throw error
  }
}
