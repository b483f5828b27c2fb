/**
 * `x-authzen-mapping` of a tool: the questions that a server wants asked about a call of it. A server is not trusted:
 * what it declares can only add a question that must be allowed, and the subject is the token's whatever it says.
 * @module
 */
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@safeconduct/protocol'
import { type Evaluation, evaluation, MAX_EVALUATIONS } from '../schema.ts'
import { allowance, bad, compileValue, type MappingInput } from './expression.ts'
import { defaultMapping, type McpMessage, type TokenClaims } from './methods.ts'

/** Of the params that expressions may work on, characters. */
const MAX_PARAMS = 64 * 1024

export type ToolMapping = (input: MappingInput) => readonly JsonObject[]

/** null when the tool declares none. @throws {SafeconductError} `invalid_params` when it cannot be understood */
export function readMapping(definition: JsonObject): ToolMapping | null {
  const schema = definition.inputSchema
  const declared = isJsonObject(schema) ? schema['x-authzen-mapping'] : undefined
  if (declared === undefined) return null
  if (!isJsonObject(declared)) throw bad('is no object')
  const { evaluation: one, evaluations: many } = declared
  if (isJsonObject(one) && many === undefined) {
    const resolve = compileValue(one)
    return (input) => [objectOf(resolve(input))]
  }
  if (isJsonObject(many) && one === undefined) return severalOf(many)
  throw bad('has neither one `evaluation` nor `evaluations`')
}

/** Top-level members are defaults that an item replaces as a whole; the subject is for all of them. */
function severalOf({ evaluations: items, options: _options, ...defaults }: JsonObject): ToolMapping {
  if (items === undefined || !isJsonArray(items) || items.length === 0 || items.length > MAX_EVALUATIONS)
    throw bad('lists no evaluations')
  const each = items.map((item) => {
    if (!isJsonObject(item) || 'subject' in item) throw bad('has a subject of its own in an item')
    return item
  })
  const left = allowance()
  const shared = compileValue(defaults, left)
  const own = each.map((item) => compileValue(item, left))
  return (input) => {
    const base = objectOf(shared(input))
    return own.map((resolve) => ({ ...base, ...objectOf(resolve(input)) }))
  }
}

function objectOf(value: JsonValue | undefined): JsonObject {
  if (isJsonObject(value)) return value
  throw bad('makes no question')
}

/**
 * The questions about one call: what is not declared comes from the default mapping.
 * @throws {SafeconductError} `invalid_params` when a question names another subject or is none
 */
export function mappedQuestions(
  mapping: ToolMapping | null,
  message: McpMessage,
  token: TokenClaims,
): readonly Evaluation[] {
  const usual = defaultMapping(message, token)
  if (usual === null) return []
  if (mapping === null) return [usual]
  if (JSON.stringify(message.params).length > MAX_PARAMS) throw bad('is not asked about so much')
  return mapping({ params: message.params, token }).map((made) => {
    const parsed = evaluation.safeParse({ ...usual, ...made })
    if (!parsed.success) throw bad('makes a question that is none', parsed.error)
    if (parsed.data.subject.id !== token.sub) throw bad('names another subject than the token')
    return parsed.data
  })
}
