/**
 * A set of policies, compiled once and asked many times.
 *
 * The answer is exactly Cedar's: a policy that errs is skipped and reported, a `forbid` that applies wins, nothing
 * that applies means deny. Who must not fail open has to deny when `errors` names a `forbid`.
 *
 * @module
 */

import { environmentOf } from './compile/environment.ts'
import { type CompiledPolicy, compilePolicy } from './compile/policy.ts'
import { PolicyIndex } from './compile/policy-index.ts'
import { fillSlots, type TemplateLink } from './compile/templates.ts'
import { type EntityView, noEntities } from './entities/entity.ts'
import { CedarError, errorOf, type Problem } from './errors.ts'
import { EvaluationFailure } from './extensions/failure.ts'
import { parseRequest, type RequestInput } from './schema/request.ts'
import { type CedarSchema, parseSchema } from './schema/schema.ts'
import { type ParsedPolicy, parsePolicies, type SchemaSource, validatePolicies } from './source/parse.ts'
import type { Effect } from './source/syntax.ts'

export interface CompileOptions {
  /** Cedar policy text. */
  readonly policies: string
  readonly schema?: SchemaSource | CedarSchema
  /** `strict` refuses policies and links that do not validate against the schema, and requests that do not fit it. */
  readonly validate: 'strict' | 'none'
  readonly links?: readonly TemplateLink[]
  readonly idPrefix?: string
  readonly idAnnotation?: string | false
  /** Whether requests must fit the schema. Default: when policies are validated. */
  readonly validateRequests?: boolean
}

export interface PolicyInfo {
  readonly id: string
  readonly effect: Effect
  readonly annotations: Readonly<Record<string, string>>
  /** The policy as written; for a link, its template. */
  readonly text: string
  /** Set on a link. */
  readonly templateId?: string
}

export interface AuthorizationRequest extends RequestInput {
  readonly entities: EntityView
}

export interface PolicyFailure {
  readonly policyId: string
  readonly message: string
}

export interface Authorization {
  readonly decision: 'allow' | 'deny'
  /** Ids of the policies that decided, in source order: forbids on a deny, permits on an allow. */
  readonly reasons: readonly string[]
  /** Policies that erred and were skipped. */
  readonly errors: readonly PolicyFailure[]
}

export interface CompiledPolicySet {
  /** Static policies and links, in source order, links last. */
  readonly policies: readonly PolicyInfo[]
  readonly templates: readonly PolicyInfo[]
  readonly schema: CedarSchema | undefined
  readonly warnings: readonly Problem[]
  /** What was compiled, for the oracle and for partial evaluation. */
  readonly compiled: readonly CompiledPolicy[]
  readonly parsed: readonly ParsedPolicy[]
  readonly links: readonly TemplateLink[]
  readonly validatesRequests: boolean
  /**
   * Synchronous and pure.
   *
   * @throws {CedarError} `request_invalid`, `entity_invalid`, `value_invalid` or `limit_exceeded` for a request
   * that Cedar would not evaluate at all. Callers deny.
   */
  authorize(request: AuthorizationRequest): Authorization
}

/**
 * Parses, validates and compiles.
 *
 * @throws {CedarError} `policy_syntax`, `policy_invalid`, `policy_duplicate_id`, `schema_invalid`,
 * `schema_required`, `template_link`, `limit_exceeded`; `problems` lists all findings
 */
export function compile(options: CompileOptions): CompiledPolicySet {
  if (options.validate === 'strict' && options.schema === undefined) {
    throw new CedarError('schema_required', 'strict validation needs a schema')
  }
  const schema = options.schema === undefined ? undefined : asSchema(options.schema)
  const source = parsePolicies(options.policies, {
    ...(options.idPrefix === undefined ? {} : { idPrefix: options.idPrefix }),
    ...(options.idAnnotation === undefined ? {} : { idAnnotation: options.idAnnotation }),
  })
  if (!source.valid) throw errorOf(source.errors)

  const links = options.links ?? []
  const compiled = [
    ...source.policies.filter((policy) => !policy.isTemplate).map(({ id, tree }) => compilePolicy(id, tree)),
    ...linked(source.policies, links),
  ]
  const problems =
    options.validate === 'none' || schema === undefined
      ? []
      : validatePolicies(source.text, source.policies, schema.source, links)
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw errorOf(errors)
  const index = new PolicyIndex(compiled)
  const validatesRequests = options.validateRequests ?? options.validate === 'strict'
  const actions = schema?.actionEntities ?? noEntities
  return {
    policies: [
      ...source.policies.filter((policy) => !policy.isTemplate).map(info),
      ...links.map((link) => linkInfo(link, source.policies)),
    ],
    templates: source.policies.filter((policy) => policy.isTemplate).map(info),
    schema,
    warnings: problems,
    compiled,
    parsed: source.policies,
    links,
    validatesRequests,
    authorize: (input) => {
      const request = parseRequest(input, validatesRequests ? schema : undefined)
      const candidates = index.candidates(request.action.key, request.resource.type)
      return decide(candidates, environmentOf(request, input.entities, actions))
    },
  }
}

function decide(
  candidates: readonly CompiledPolicy[],
  environment: Parameters<CompiledPolicy['applies']>[0],
) {
  const permits: string[] = []
  const forbids: string[] = []
  const errors: PolicyFailure[] = []
  for (const policy of candidates) {
    try {
      if (policy.applies(environment)) (policy.effect === 'permit' ? permits : forbids).push(policy.id)
    } catch (failure) {
      if (!(failure instanceof EvaluationFailure)) throw failure
      errors.push({ policyId: policy.id, message: failure.message })
    }
  }
  const decision: Authorization['decision'] = forbids.length === 0 && permits.length > 0 ? 'allow' : 'deny'
  return { decision, reasons: forbids.length > 0 ? forbids : permits, errors }
}

function linked(policies: readonly ParsedPolicy[], links: readonly TemplateLink[]): CompiledPolicy[] {
  const taken = new Set(policies.map((policy) => policy.id))
  return links.map((link) => {
    if (taken.has(link.id))
      throw new CedarError('policy_duplicate_id', `the policy id \`${link.id}\` is used twice`)
    taken.add(link.id)
    return compilePolicy(link.id, fillSlots(template(link, policies).tree, link))
  })
}

function template(link: TemplateLink, policies: readonly ParsedPolicy[]): ParsedPolicy {
  const found = policies.find((policy) => policy.isTemplate && policy.id === link.templateId)
  if (found === undefined)
    throw new CedarError('template_link', `there is no template \`${link.templateId}\``)
  return found
}

function info({ id, effect, annotations, text }: ParsedPolicy): PolicyInfo {
  return { id, effect, annotations, text }
}

function linkInfo(link: TemplateLink, policies: readonly ParsedPolicy[]): PolicyInfo {
  return { ...info(template(link, policies)), id: link.id, templateId: link.templateId }
}

function asSchema(schema: SchemaSource | CedarSchema): CedarSchema {
  return typeof schema === 'object' && 'actionEntities' in schema && 'entityTypes' in schema
    ? (schema as CedarSchema)
    : parseSchema(schema)
}
