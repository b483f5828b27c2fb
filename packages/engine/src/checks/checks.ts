/**
 * The checks as routes ask for them, whoever runs them.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import type { PolicySource } from '../policy/engine.ts'
import type { PolicyChange, PolicyProblem } from '../policy/try/index.ts'
import { type CheckAnswers, type CheckedModel, type CheckJob, type ModelSource, runCheck } from './run.ts'
import type { SchemaParts } from './schema-parts.ts'

/** Rejects as `runCheck` throws; `too_large` when it took longer than whoever runs it lets it. */
export interface Checks {
  /** Strictly, against the schema of the tools known now. */
  policy(tenant: string, source: PolicySource): Promise<void>
  /** The same as a list of problems with their places; nothing is an error when it could be activated. */
  inspect(tenant: string, source: PolicySource): Promise<PolicyProblem[]>
  diff(before: PolicySource, after: PolicySource): Promise<PolicyChange[]>
  store(source: {
    readonly policies: string
    readonly schema: string
    readonly entities: readonly JsonObject[]
  }): Promise<void>
  model(source: ModelSource): Promise<CheckedModel>
  /** The same on behalf of somebody else; without it, it is a `check`. */
  as(rank: CheckRank): Checks
}

/**
 * On whose behalf: anybody who wants to know, a change that the owner is to be asked about, or one that was confirmed.
 * Whoever runs them keeps a place for the later ones.
 */
export type CheckRank = 'check' | 'ask' | 'confirmed'

export type RunCheck = (job: CheckJob, rank?: CheckRank) => Promise<CheckAnswers[CheckJob['kind']]>

/** In the thread of whoever asks: for hosts that hold nobody up by it. */
export const runHere: RunCheck = async (job) => runCheck(job)

/** @param partsOf the schema of a tenant's tools now */
export function createChecks(
  run: RunCheck,
  partsOf: (tenant: string) => SchemaParts,
  rank: CheckRank = 'check',
): Checks {
  // A job answers what its kind answers.
  const ask = <K extends CheckJob['kind']>(job: CheckJob & { readonly kind: K }) =>
    run(job, rank) as Promise<CheckAnswers[K]>
  const only = ({ agentPolicies, userPolicies }: PolicySource): PolicySource => ({
    agentPolicies,
    userPolicies,
  })
  return {
    async policy(tenant, source) {
      await ask({ kind: 'policy', source: only(source), schema: partsOf(tenant) })
    },
    inspect: (tenant, source) => ask({ kind: 'inspect', source: only(source), schema: partsOf(tenant) }),
    diff: (before, after) => ask({ kind: 'diff', before: only(before), after: only(after) }),
    async store({ policies, schema, entities }) {
      await ask({ kind: 'store', source: { policies, schema, entities } })
    },
    model: (source) => ask({ kind: 'model', source }),
    as: (other) => createChecks(run, partsOf, other),
  }
}
