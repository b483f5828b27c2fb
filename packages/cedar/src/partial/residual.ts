/**
 * Partial evaluation: which resources of one type may this principal act on?
 *
 * @module
 */

import { environmentOf } from '../compile/environment.ts'
import type { CompiledPolicy } from '../compile/policy.ts'
import { actionScopeTest, entityScopeTest, filled } from '../compile/scope.ts'
import type { EntityView } from '../entities/entity.ts'
import { CedarError } from '../errors.ts'
import { type EntityRef, isName } from '../names.ts'
import type { CompiledPolicySet } from '../policy-set.ts'
import { parseRequest } from '../schema/request.ts'
import type { CedarSchema } from '../schema/schema.ts'
import type { EntityScope } from '../source/syntax.ts'
import { always, type Condition, every, never, not, sizeOf, some } from './condition.ts'
import type { Unknown } from './terms.ts'
import { truthOf } from './truth.ts'

export interface ResidualRequest {
  readonly principal: EntityRef
  readonly action: EntityRef
  readonly resourceType: string
  readonly context?: object
  readonly entities: EntityView
}

export interface PolicyResidual {
  readonly policyId: string
  readonly effect: 'permit' | 'forbid'
  /** The policy applies exactly where this holds. */
  readonly condition: Condition
}

export interface Residual {
  /** A resource of the type is allowed exactly where this holds. */
  readonly condition: Condition
  /** The policies that may still apply, in source order. */
  readonly policies: readonly PolicyResidual[]
}

/** Parts that may err are asked for twice, so nesting them multiplies. */
const MAX_SIZE = 10_000

/**
 * Needs a set compiled with a schema, because only that tells what the fields of the resource are; the resources it
 * is then applied to must fit the schema.
 *
 * @throws {CedarError} `schema_required`; `not_translatable`, naming the policy, when one needs more than fields of
 * the resource (another entity's attributes, tags, arithmetic); and what `authorize` throws. Callers then ask
 * `authorize` for each resource.
 */
export function residual(set: CompiledPolicySet, request: ResidualRequest): Residual {
  const { schema } = set
  if (schema === undefined) throw new CedarError('schema_required', 'partial evaluation needs a schema')
  const unknown = unknownResource(set, schema, request)
  const policies = set.compiled
    .map((policy) => ({ policyId: policy.id, effect: policy.effect, condition: applies(policy, unknown) }))
    .filter(({ condition }) => condition.kind !== 'never')
  const where = (effect: 'permit' | 'forbid') =>
    some(...policies.filter((policy) => policy.effect === effect).map(({ condition }) => condition))
  const condition = every(where('permit'), not(where('forbid')))
  if (sizeOf(condition, MAX_SIZE) > MAX_SIZE) {
    throw new CedarError('not_translatable', 'the condition on the resource would be too large')
  }
  return { condition, policies }
}

function unknownResource(set: CompiledPolicySet, schema: CedarSchema, request: ResidualRequest): Unknown {
  const { resourceType, entities } = request
  const info = schema.entityTypes.get(resourceType)
  if (!isName(resourceType) || info === undefined) {
    throw new CedarError('request_invalid', 'the schema has no such type of resource')
  }
  // The id is never read: only what does not depend on the resource is evaluated. It must fit an enumerated type.
  const [id = ''] = info.ids ?? []
  const resource = { type: resourceType, id }
  const parsed = parseRequest({ ...request, resource }, set.validatesRequests ? schema : undefined)
  const environment = environmentOf(parsed, entities, schema.actionEntities)
  return { environment, resourceType, attributes: info.attributes }
}

function applies({ id, tree }: CompiledPolicy, unknown: Unknown): Condition {
  const { environment } = unknown
  const principalFits = entityScopeTest('principal', tree.principal)?.(environment) ?? true
  const actionFits = actionScopeTest(tree.action)?.(environment) ?? true
  if (!principalFits || !actionFits) return never
  const parts = [resourceScope(tree.resource, unknown.resourceType)]
  for (const condition of tree.conditions) {
    // Once it cannot apply, the rest is not looked at.
    if (parts.at(-1)?.kind === 'never') return never
    try {
      parts.push(truthOf(condition, unknown).whenTrue)
    } catch (cause) {
      if (!(cause instanceof CedarError)) throw cause
      throw new CedarError(cause.code, `policy \`${id}\`: ${cause.message}`)
    }
  }
  return every(...parts)
}

function resourceScope(scope: EntityScope, type: string): Condition {
  switch (scope.kind) {
    case 'any':
      return always
    case 'equal': {
      const uid = filled(scope.target)
      return uid.type === type ? { kind: 'identity', uids: [uid] } : never
    }
    case 'in':
      return { kind: 'within', field: undefined, uids: [filled(scope.target)] }
    case 'is':
      if (scope.type !== type) return never
      return scope.within === undefined
        ? always
        : { kind: 'within', field: undefined, uids: [filled(scope.within)] }
  }
}
