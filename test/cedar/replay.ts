/**
 * Replays one test of the Cedar corpora: its policies, entities and schema, and every request of it.
 *
 * Each request is asked twice: once without the schema's help, as the generated corpus allows, and once with
 * schema-directed parsing and request validation. Decision, reasons and errors must be those of the file.
 *
 * @module
 */

import {
  type Authorization,
  CedarError,
  type CedarSchema,
  type CompiledPolicySet,
  compile,
  type EntityInput,
  EntityStore,
  type EntityView,
  parseJson,
  parsePolicies,
  parseSchema,
} from '@safeconduct/cedar'
import { type Archive, textOf } from './archive.ts'

interface RequestCase {
  readonly description: string
  readonly principal: unknown
  readonly action: unknown
  readonly resource: unknown
  readonly context: object
  readonly validateRequest?: boolean
  readonly decision: 'allow' | 'deny'
  readonly reason: readonly string[]
  readonly errors: readonly string[]
}

interface TestCase {
  readonly policies: string
  readonly entities: string
  readonly schema: string
  readonly shouldValidate: boolean
  readonly requests: readonly RequestCase[]
}

export interface Replayed {
  requests: number
  /** Asked a second time, without schema-directed parsing. */
  plainRequests: number
  validated: number
  invalid: number
  /** Invalid when the corpus was made (Cedar 4.10), valid with a warning in Cedar 4.13: scopes that fit no action. */
  reclassified: number
  failures: string[]
}

export function replayed(): Replayed {
  return { requests: 0, plainRequests: 0, validated: 0, invalid: 0, reclassified: 0, failures: [] }
}

/** `plain`: also without the schema, which only works for data that carries all escapes. */
export function replay(archive: Archive, name: string, plain: boolean, into: Replayed): void {
  const test = parseJson(textOf(archive, name)) as unknown as TestCase
  const policies = textOf(archive, test.policies)
  const schemaText = textOf(archive, test.schema)
  const entities = parseJson(textOf(archive, test.entities)) as unknown as EntityInput[]
  const schema = parseSchema(schemaText)

  const strict = parsePolicies(policies, { schema: schemaText, idAnnotation: false })
  const fitsNoAction = strict.warnings.some((warning) =>
    warning.message.includes('find an applicable action'),
  )
  if (strict.valid === test.shouldValidate) into[strict.valid ? 'validated' : 'invalid']++
  else if (strict.valid && fitsNoAction) into.reclassified++
  else into.failures.push(`${name}: validates ${strict.valid}`)

  const modes = plain ? [undefined, schema] : [schema]
  for (const mode of modes) {
    const set = compiled(policies, mode)
    const store = EntityStore.from(entities, mode === undefined ? {} : { schema: mode })
    for (const request of test.requests) {
      if (mode === undefined) into.plainRequests++
      else into.requests++
      const difference = compare(set, store, request)
      if (difference !== undefined) {
        const how = mode === undefined ? 'plain' : 'with schema'
        into.failures.push(`${name}, ${request.description}, ${how}: ${difference}`)
      }
    }
  }
}

function compiled(policies: string, schema: CedarSchema | undefined): CompiledPolicySet {
  const options = { policies, validate: 'none', idAnnotation: false } as const
  return schema === undefined ? compile(options) : compile({ ...options, schema, validateRequests: true })
}

function compare(set: CompiledPolicySet, entities: EntityView, request: RequestCase): string | undefined {
  const want = signature(request.decision, request.reason, request.errors)
  const got = ask(set, entities, request)
  return got === want ? undefined : `wanted ${want}, got ${got}`
}

function ask(set: CompiledPolicySet, entities: EntityView, request: RequestCase): string {
  try {
    const answer: Authorization = set.authorize({
      principal: unwrapped(request.principal),
      action: unwrapped(request.action),
      resource: unwrapped(request.resource),
      context: request.context,
      entities,
    })
    return signature(
      answer.decision,
      answer.reasons,
      answer.errors.map((error) => error.policyId),
    )
  } catch (error) {
    if (error instanceof CedarError) return `${error.code}: ${error.message}`
    throw error
  }
}

function signature(decision: string, reasons: readonly string[], errors: readonly string[]): string {
  return `${decision} [${[...reasons].sort()}] errors [${[...errors].sort()}]`
}

function unwrapped(uid: unknown): { type: string; id: string } {
  const plain = typeof uid === 'object' && uid !== null && '__entity' in uid ? uid.__entity : uid
  return plain as { type: string; id: string }
}
