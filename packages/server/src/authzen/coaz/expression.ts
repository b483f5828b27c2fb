/**
 * Values of a mapping: text that begins with `$` is a CEL expression over `params` and `token`, `$$` stands for one `$`.
 * Servers declare mappings, so they are bounded: no loops, no regular expressions, no large trees.
 * @module
 */
import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { isJsonArray, type JsonObject, type JsonValue, SafeconductError } from '@safeconduct/protocol'

export interface MappingInput {
  readonly params: JsonObject
  readonly token: JsonObject
}

export type Resolve = (input: MappingInput) => JsonValue | undefined

const LIMITS = { maxAstNodes: 64, maxDepth: 16, maxListElements: 32, maxMapEntries: 32 }
const MAX_LENGTH = 1024
/** Expressions of one mapping. */
const MAX_EXPRESSIONS = 64
const MAX_DEPTH = 8
/** Loops over what a caller sends, a pattern that may backtrack over it, and what makes more of it. */
const REFUSED = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'matches', 'bind', 'split'])

/** What is left for a mapping: its items share it. */
export interface Allowance {
  expressions: number
}

export const allowance = (): Allowance => ({ expressions: MAX_EXPRESSIONS })

/** Compiles every text in the value. @throws {SafeconductError} `invalid_params` */
export function compileValue(value: JsonValue, left = allowance()): Resolve {
  const compile = (at: JsonValue, depth: number): Resolve => {
    if (depth > MAX_DEPTH) throw bad('is nested too deeply')
    if (typeof at === 'string') {
      if (at.startsWith('$$')) return constant(at.slice(1))
      if (!at.startsWith('$')) return constant(at)
      if (--left.expressions < 0) throw bad('has too many expressions')
      return compileExpression(at.slice(1))
    }
    if (at === null || typeof at !== 'object') return constant(at)
    if (isJsonArray(at)) {
      const items = at.map((item) => compile(item, depth + 1))
      return (input) => items.map((item) => item(input) ?? null)
    }
    const members = Object.entries(at).map(([name, member]) => [name, compile(member, depth + 1)] as const)
    return (input) => {
      const made: [string, JsonValue][] = []
      for (const [name, resolve] of members) {
        const resolved = resolve(input)
        if (resolved !== undefined) made.push([name, resolved])
      }
      return Object.fromEntries(made)
    }
  }
  return compile(value, 0)
}

function constant(value: JsonValue): Resolve {
  return () => value
}

function compileExpression(source: string): Resolve {
  if (source.length > MAX_LENGTH) throw bad('has an expression that is too long')
  let parsed: ReturnType<Environment['parse']>
  try {
    parsed = environment().parse(source)
  } catch (cause) {
    throw bad('has an expression that cannot be read', cause)
  }
  if (isRefused(parsed.ast)) throw bad('has an expression with a loop or a pattern')
  return (input) => {
    try {
      return jsonOf(parsed({ params: input.params, token: input.token }), 0)
    } catch (cause) {
      throw bad('has an expression that fails', cause)
    }
  }
}

function environment(): Environment {
  return new Environment({ limits: LIMITS, enableOptionalTypes: true })
    .registerVariable('params', 'map')
    .registerVariable('token', 'map')
}

function isRefused(node: ASTNode): boolean {
  const { op, args } = node
  if ((op === 'call' || op === 'rcall') && Array.isArray(args) && REFUSED.has(String(args[0]))) return true
  return below(args).some(isRefused)
}

function below(value: unknown): ASTNode[] {
  if (Array.isArray(value)) return value.flatMap(below)
  return isNode(value) ? [value] : []
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value

/** What JSON can say of a CEL value; an empty optional is nothing. @throws for anything else */
function jsonOf(value: unknown, depth: number): JsonValue | undefined {
  if (depth > MAX_DEPTH * 2) throw new TypeError('too deep')
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value)
  if (Array.isArray(value)) return value.map((item) => jsonOf(item, depth + 1) ?? null)
  if (typeof value === 'object') {
    if ('hasValue' in value && typeof value.hasValue === 'function' && 'value' in value)
      return value.hasValue() === true && typeof value.value === 'function'
        ? jsonOf(value.value(), depth + 1)
        : undefined
    const entries = value instanceof Map ? [...value] : Object.entries(value)
    const members = entries.map(
      ([name, member]) => [String(name), jsonOf(member, depth + 1) ?? null] as const,
    )
    return Object.fromEntries(members)
  }
  throw new TypeError('not a JSON value')
}

/** The text of a server is never repeated. */
export function bad(why: string, cause?: unknown): SafeconductError {
  return new SafeconductError('invalid_params', { message: `The mapping of the tool ${why}.`, cause })
}
