/**
 * Policies as whoever writes them needs to see them: every problem with its place, and what one text has that another
 * has not.
 * @module
 */
import { type ParsedPolicy, type Problem, parsePolicies } from '@safeconduct/cedar'
import { SafeconductError } from '@safeconduct/protocol'
import { MAX_POLICY_TEXT } from '../cedar.ts'
import {
  LAYERS,
  type Layer,
  type PolicyEngine,
  type PolicyRecord,
  type PolicySource,
  type SchemaFor,
} from '../engine.ts'

export interface PolicyProblem {
  /** null when it is about both. */
  readonly layer: Layer | null
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** A hint, such as the name that was probably meant. */
  readonly help: string | null
  /** Id of the policy it is in. */
  readonly policy: string | null
  /** From 1, in the text of the layer; null when it is about the whole. */
  readonly line: number | null
  readonly column: number | null
}

/** What activation would refuse, and warnings. Valid when no problem is an error. */
export function inspectPolicies(
  engine: PolicyEngine,
  source: PolicySource,
  schemaFor: SchemaFor,
): PolicyProblem[] {
  const schema = schemaUnder(engine, source, schemaFor)
  if (Array.isArray(schema)) return schema
  const problems = LAYERS.flatMap((layer) => {
    const text = textOf(source, layer)
    if (text.length > MAX_POLICY_TEXT) {
      return [whole(layer, `The ${layer} policies are longer than ${MAX_POLICY_TEXT} characters.`)]
    }
    const { errors, warnings } = parsePolicies(text, schema === null ? {} : { schema })
    return distinct([...errors, ...warnings].map((problem) => problemOf(layer, problem)))
  })
  // Whatever else activation would refuse is refused here, too: the texts were compiled and validated, the schema is left.
  if (schema === null || problems.some(({ severity }) => severity === 'error')) return problems
  const refused = attempt(() => engine.compile({ agentPolicies: '', userPolicies: '' }, schema))
  return refused instanceof SafeconductError ? [...problems, whole(null, refused.message)] : problems
}

/** What the policies bind is part of their schema. null when they do not even parse; problems of the bindings. */
function schemaUnder(
  engine: PolicyEngine,
  source: PolicySource,
  schemaFor: SchemaFor,
): PolicyRecord | null | PolicyProblem[] {
  const parses = LAYERS.every((layer) => {
    const text = textOf(source, layer)
    return text.length <= MAX_POLICY_TEXT && parsePolicies(text).valid
  })
  if (!parses) return null
  const schema = attempt(() => {
    const { bindings, relations } = engine.compile(source, null)
    return schemaFor(bindings, relations)
  })
  return schema instanceof SafeconductError ? [whole(null, schema.message)] : schema
}

function attempt<T>(work: () => T): T | SafeconductError {
  try {
    return work()
  } catch (error) {
    if (error instanceof SafeconductError) return error
    throw error
  }
}

function whole(layer: Layer | null, message: string): PolicyProblem {
  return { layer, severity: 'error', message, help: null, policy: null, line: null, column: null }
}

/** One for each place and hint: a fact is looked for once for every action that a policy is about. */
function distinct(problems: readonly PolicyProblem[]): PolicyProblem[] {
  const places = new Map<string, PolicyProblem>()
  for (const problem of problems) {
    const { severity, policy, line, column, help } = problem
    const place = JSON.stringify([severity, policy, line, column, help ?? problem.message])
    if (!places.has(place)) places.set(place, problem)
  }
  return [...places.values()].slice(0, MAX_PROBLEMS)
}

const MAX_PROBLEMS = 200

function problemOf(layer: Layer, { severity, message, help, policyId, start }: Problem): PolicyProblem {
  return {
    layer,
    severity,
    message,
    help: help ?? null,
    policy: policyId ?? null,
    line: start?.line ?? null,
    column: start?.column ?? null,
  }
}

export interface PolicyChange {
  readonly layer: Layer
  readonly id: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly effect: 'permit' | 'forbid'
  /** Text of the policy before and after; null where there is none. */
  readonly before: string | null
  readonly after: string | null
}

/** By policy id. Order, comments between policies and white space make no difference. */
export function diffPolicies(before: PolicySource, after: PolicySource): PolicyChange[] {
  return LAYERS.flatMap((layer) => {
    const [old, now] = [policiesOf(before, layer), policiesOf(after, layer)]
    const changes: PolicyChange[] = []
    for (const [id, policy] of old) {
      const kept = now.get(id)
      if (kept === undefined) changes.push(changeOf(layer, 'removed', policy, null))
      else if (normal(kept.text) !== normal(policy.text))
        changes.push(changeOf(layer, 'changed', policy, kept))
    }
    for (const [id, policy] of now) if (!old.has(id)) changes.push(changeOf(layer, 'added', null, policy))
    return changes
  })
}

function changeOf(
  layer: Layer,
  change: PolicyChange['change'],
  before: ParsedPolicy | null,
  after: ParsedPolicy | null,
): PolicyChange {
  const { id = '', effect = 'forbid' } = after ?? before ?? {}
  return { layer, id, change, effect, before: before?.text ?? null, after: after?.text ?? null }
}

function policiesOf(source: PolicySource, layer: Layer): ReadonlyMap<string, ParsedPolicy> {
  return new Map(parsePolicies(textOf(source, layer)).policies.map((policy) => [policy.id, policy]))
}

function textOf({ agentPolicies, userPolicies }: PolicySource, layer: Layer): string {
  return layer === 'agent' ? agentPolicies : userPolicies
}

/** Its tokens: white space and comments outside of strings mean nothing. */
function normal(text: string): string {
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|[\p{L}\p{N}_]+|[^\s]/gu)
  return JSON.stringify([...tokens].map(([token]) => token).filter((token) => !token.startsWith('//')))
}
