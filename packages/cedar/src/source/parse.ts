/**
 * From policy text to policies: parsed and, with a schema, strictly validated by cedar-wasm.
 *
 * @module
 */

import type { PolicySet, Schema, ValidationCall } from '@cedar-policy/cedar-wasm/nodejs'
import type { TemplateLink } from '../compile/templates.ts'
import { CedarError, type Problem } from '../errors.ts'
import { MAX_PROBLEMS } from '../limits.ts'
import { longFrom } from '../long.ts'
import { exactIntegers } from './exact-integers.ts'
import { policyTree } from './policy-json.ts'
import { positionAt } from './position.ts'
import { type Statement, statements, tokens, tooDeepAt } from './scan.ts'
import type { Effect, PolicyTree } from './syntax.ts'
import { callWasm, problemFrom } from './wasm.ts'

/** A schema: Cedar schema text, or the JSON form as text or object. */
export type SchemaSource = string | object

export interface ParseOptions {
  /** With a schema the policies are validated strictly; without one they are only parsed. */
  readonly schema?: SchemaSource
  /** Policies without an id annotation are named by this and their place in the text, from 0. Default `policy`. */
  readonly idPrefix?: string
  /** The annotation that names a policy. Default `id`; `false` names all by place. */
  readonly idAnnotation?: string | false
}

export interface ParsedPolicy {
  readonly id: string
  readonly effect: Effect
  readonly annotations: Readonly<Record<string, string>>
  readonly isTemplate: boolean
  readonly text: string
  /** UTF-16 offset of `text` in the whole. */
  readonly start: number
  readonly tree: PolicyTree
}

export interface PolicySource {
  readonly text: string
  /** Source order. Policies that do not parse are missing here and named in `errors`. */
  readonly policies: readonly ParsedPolicy[]
  /** At most 500; what comes behind so many is not looked at. */
  readonly errors: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** No errors. */
  readonly valid: boolean
}

/** Never throws for bad policies or a bad schema: they are listed in `errors`, with their positions. */
export function parsePolicies(text: string, options: ParseOptions = {}): PolicySource {
  const problems: Problem[] = []
  const policies: ParsedPolicy[] = []
  const seen = new Set<string>()
  for (const [index, statement] of statements(text).entries()) {
    if (problems.length >= MAX_PROBLEMS) break
    const outcome = collect(() => parseStatement(text, statement, index, options))
    if ('problems' in outcome) problems.push(...outcome.problems)
    else if (seen.has(outcome.value.id)) problems.push(duplicate(text, outcome.value))
    else {
      seen.add(outcome.value.id)
      policies.push(outcome.value)
    }
  }
  if (problems.length === 0 && options.schema !== undefined) {
    const { schema } = options
    const outcome = collect(() => validatePolicies(text, policies, schema))
    problems.push(...('problems' in outcome ? outcome.problems : outcome.value))
  }
  const errors = problems.filter((problem) => problem.severity === 'error')
  const warnings = problems.filter((problem) => problem.severity === 'warning')
  return { text, policies, errors, warnings, valid: errors.length === 0 }
}

function parseStatement(
  whole: string,
  statement: Statement,
  index: number,
  options: ParseOptions,
): ParsedPolicy {
  const { start, end, isTemplate } = statement
  const deep = tooDeepAt(whole, statement.tokens)
  if (deep !== undefined) throw atPlace('limit_exceeded', 'brackets are nested too deeply', whole, deep)
  const text = whole.slice(start, end)
  const parse = (source: string) =>
    callWasm((wasm) => (isTemplate ? wasm.templateToJson(source) : wasm.policyToJson(source)))

  let answer = parse(text)
  const exact = exactIntegers(whole, statement)
  // The written text is parsed first, so that messages and positions are about what the author wrote.
  if (answer.type === 'success' && exact !== undefined) answer = parse(exact.text)
  if (answer.type === 'failure') {
    const part = { text, start, whole }
    const found = answer.errors.map((error) => problemFrom(error, 'policy_syntax', 'error', part))
    throw new CedarError('policy_syntax', 'syntax error', found)
  }
  const tree = policyTree(answer.json, exact?.literal ?? longFrom)
  const annotation = options.idAnnotation ?? 'id'
  const named = annotation === false ? undefined : tree.annotations[annotation]
  const id = named === undefined || named === '' ? `${options.idPrefix ?? 'policy'}${index}` : named
  return { id, effect: tree.effect, annotations: tree.annotations, isTemplate, text, start, tree }
}

/**
 * Strict validation. Positions are those of `text`, out of which the policies were parsed; a problem of a link has the
 * place of its template. Links must fit their templates.
 *
 * @throws {CedarError} `schema_invalid`, `limit_exceeded`
 */
export function validatePolicies(
  text: string,
  policies: readonly ParsedPolicy[],
  schema: SchemaSource,
  links: readonly TemplateLink[] = [],
): Problem[] {
  const call: ValidationCall = {
    validationSettings: { mode: 'strict' },
    schema: wasmSchema(schema),
    policies: wasmPolicies(policies, links),
  }
  const answer = callWasm((wasm) => wasm.validate(call), 'schema_invalid')
  if (answer.type === 'failure') {
    const part = {
      text: typeof schema === 'string' ? schema : '',
      start: 0,
      whole: typeof schema === 'string' ? schema : '',
    }
    return answer.errors.map((error) => problemFrom(error, 'schema_invalid', 'error', part))
  }
  const byId = new Map(policies.map((policy) => [policy.id, policy]))
  for (const { id, templateId } of links) {
    const template = byId.get(templateId)
    if (template !== undefined) byId.set(id, template)
  }
  const of = (severity: Problem['severity']) => (found: (typeof answer.validationErrors)[number]) => {
    const policy = byId.get(found.policyId)
    const part = { text: policy?.text ?? '', start: policy?.start ?? 0, whole: text }
    return problemFrom(found.error, 'policy_invalid', severity, part, found.policyId)
  }
  return [
    ...answer.validationErrors.slice(0, MAX_PROBLEMS).map(of('error')),
    ...answer.validationWarnings.slice(0, MAX_PROBLEMS).map(of('warning')),
  ]
}

/** The policies as cedar-wasm takes them, under our ids. */
export function wasmPolicies(
  policies: readonly ParsedPolicy[],
  links: readonly TemplateLink[] = [],
): PolicySet {
  const texts = (template: boolean) =>
    Object.fromEntries(policies.filter((p) => p.isTemplate === template).map((p) => [p.id, p.text]))
  const templateLinks = links.map(({ templateId, id, principal, resource }) => ({
    templateId,
    newId: id,
    values: {
      ...(principal === undefined ? {} : { '?principal': { type: principal.type, id: principal.id } }),
      ...(resource === undefined ? {} : { '?resource': { type: resource.type, id: resource.id } }),
    },
  }))
  return { staticPolicies: texts(false), templates: texts(true), templateLinks }
}

/** JSON schemas become objects, as cedar-wasm wants them. @throws {CedarError} `schema_invalid`, `limit_exceeded` */
export function wasmSchema(schema: SchemaSource): Schema {
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema)
  const deep = tooDeepAt(text, tokens(text), '([{<', ')]}>')
  if (deep !== undefined) throw atPlace('limit_exceeded', 'the schema is nested too deeply', text, deep)
  if (!text.trimStart().startsWith('{')) return text
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CedarError('schema_invalid', 'the JSON schema is malformed', [], cause)
  }
}

function atPlace(code: 'limit_exceeded', message: string, text: string, offset: number): CedarError {
  const problem: Problem = { code, severity: 'error', message, start: positionAt(text, offset) }
  return new CedarError(code, message, [problem])
}

function duplicate(text: string, policy: ParsedPolicy): Problem {
  const message = `the policy id \`${policy.id}\` is used twice`
  const start = positionAt(text, policy.start)
  return { code: 'policy_duplicate_id', severity: 'error', message, policyId: policy.id, start }
}

function collect<T>(work: () => T): { value: T } | { problems: readonly Problem[] } {
  try {
    return { value: work() }
  } catch (error) {
    if (!(error instanceof CedarError)) throw error
    if (error.problems.length > 0) return { problems: error.problems }
    return { problems: [{ code: error.code, severity: 'error', message: error.message }] }
  }
}
