/**
 * Checks that cost more than a turn may: policies, policy stores and models of relations, validated from plain data, so
 * that a host can do it on another thread and end it when it takes too long. Nothing of the state is read here.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import { modelFromJson, modelToJson, RelationStore } from '@safeconduct/relations'
import { createCedarEngine } from '../policy/cedar.ts'
import type { PolicySource } from '../policy/engine.ts'
import { compileStore, type StoreSource } from '../policy/stores/index.ts'
import { diffPolicies, inspectPolicies, type PolicyChange, type PolicyProblem } from '../policy/try/index.ts'
import { type SchemaParts, schemaFrom } from './schema-parts.ts'

/** OpenFGA's text or its JSON. */
export type ModelSource = { readonly dsl: string } | { readonly definition: JsonObject }

export interface CheckedModel {
  readonly dsl: string
  readonly definition: JsonObject
}

/** Plain data both ways: it survives a structured clone. */
export type CheckJob =
  | { readonly kind: 'policy'; readonly source: PolicySource; readonly schema: SchemaParts }
  | { readonly kind: 'inspect'; readonly source: PolicySource; readonly schema: SchemaParts }
  | { readonly kind: 'diff'; readonly before: PolicySource; readonly after: PolicySource }
  | { readonly kind: 'store'; readonly source: StoreSource }
  | { readonly kind: 'model'; readonly source: ModelSource }

/** What a job of a kind answers. */
export interface CheckAnswers {
  readonly policy: null
  readonly inspect: PolicyProblem[]
  readonly diff: PolicyChange[]
  readonly store: null
  readonly model: CheckedModel
}

/** @throws {SafeconductError} `policy_invalid`, saying where; RelationsError for a model */
export function runCheck(job: CheckJob): CheckAnswers[CheckJob['kind']] {
  switch (job.kind) {
    case 'policy':
      createCedarEngine().compile(job.source, schemaFrom(job.schema))
      return null
    case 'inspect':
      return inspectPolicies(createCedarEngine(), job.source, schemaFrom(job.schema))
    case 'diff':
      return diffPolicies(job.before, job.after)
    case 'store':
      compileStore(job.source)
      return null
    case 'model':
      return checkModel(job.source)
  }
}

function checkModel(source: ModelSource): CheckedModel {
  const dsl = 'dsl' in source ? source.dsl : modelFromJson(source.definition)
  // Whether it compiles within the limits shows in a graph of its own.
  new RelationStore().writeModel(dsl)
  return { dsl, definition: JSON.parse(JSON.stringify(modelToJson(dsl))) }
}
