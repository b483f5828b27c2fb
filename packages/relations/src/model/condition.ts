/**
 * Conditions: CEL expressions over declared parameters, compiled once per model.
 *
 * Every declared parameter must be present, in the request's context or in the tuple's (the tuple's wins), and of its
 * type; otherwise the evaluation fails, and never counts as true. Whoever asks sends the values, and decisions wait for
 * the answer, so what could take for ever is refused when the model is read: a backtracking `matches`, loops inside loops,
 * and what makes values out of values that double at every step.
 *
 * @module
 */
import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { modelError, RelationsError } from '../errors.ts'
import { convert, declaredType, IpAddress } from './condition-values.ts'
import type { ConditionDefinition } from './definition.ts'

export type Context = Readonly<Record<string, unknown>>

export interface Condition {
  readonly name: string
  /**
   * @throws RelationsError `validation` when a parameter is missing or has the wrong type, or the expression fails.
   */
  readonly evaluate: (request: Context, tuple: Context) => boolean
  /** @throws RelationsError `invalid_tuple` when a tuple's context has an unknown parameter or a wrong type. */
  readonly checkTupleContext: (context: Context) => void
}

const LIMITS = { maxAstNodes: 1000, maxDepth: 64, maxListElements: 500, maxMapEntries: 500 }

export function compileCondition(definition: ConditionDefinition): Condition {
  const parameters = Object.entries(definition.parameters)
  const run = compile(definition)
  return {
    name: definition.name,
    evaluate(request, tuple) {
      const values: Record<string, unknown> = {}
      for (const [name, type] of parameters) {
        const value = Object.hasOwn(tuple, name)
          ? tuple[name]
          : Object.hasOwn(request, name)
            ? request[name]
            : undefined
        if (value === undefined)
          throw new RelationsError('validation', `condition ${definition.name} needs the parameter ${name}`)
        const converted = convert(value, type)
        if (converted === undefined)
          throw new RelationsError(
            'validation',
            `condition ${definition.name}: ${name} is not a ${type.name}`,
          )
        values[name] = converted
      }
      let result: unknown
      try {
        result = run(values)
      } catch (cause) {
        throw new RelationsError('validation', `condition ${definition.name} failed`, [], cause)
      }
      if (typeof result !== 'boolean')
        throw new RelationsError('validation', `condition ${definition.name} is not true or false`)
      return result
    },
    checkTupleContext(context) {
      for (const [name, value] of Object.entries(context)) {
        const type = Object.hasOwn(definition.parameters, name) ? definition.parameters[name] : undefined
        if (type === undefined || convert(value, type) === undefined)
          throw new RelationsError(
            'invalid_tuple',
            `condition ${definition.name} has no such parameter: ${name}`,
          )
      }
    },
  }
}

function compile({ name, expression, parameters }: ConditionDefinition): (values: Context) => unknown {
  const problem = (text: string) => modelError('model_invalid', [{ message: `condition ${name}: ${text}` }])
  const environment = new Environment({ limits: LIMITS })
  environment.registerType('IpAddress', IpAddress)
  environment.registerFunction('IpAddress.in_cidr(string): bool', (address: IpAddress, range: string) =>
    address.inRange(range),
  )
  environment.registerFunction('ipaddress(string): IpAddress', (text: string) => IpAddress.parse(text))
  let parsed: ReturnType<Environment['parse']>
  try {
    for (const [parameter, type] of Object.entries(parameters))
      environment.registerVariable(parameter, declaredType(type))
    parsed = environment.parse(expression)
  } catch (cause) {
    throw problem(cause instanceof Error ? firstLine(cause.message) : 'cannot be read')
  }
  const checked = parsed.check()
  if (!checked.valid) throw problem(firstLine(checked.error?.message ?? 'does not fit its parameters'))
  if (checked.type !== 'bool' && checked.type !== 'dyn') throw problem('is not true or false')
  const refused = refusal(parsed.ast)
  if (refused !== null) throw problem(refused)
  return (values) => parsed(values)
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''

const REFUSED = new Set(['matches', 'split', 'join', 'bind'])
const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])
const MAX_LOOPS = 4
/** Nodes of what a loop does for each member. */
const MAX_LOOP_NODES = 48

/** Why a condition is not taken; null when it is. */
function refusal(root: ASTNode): string | null {
  const nodes = allOf(root)
  const refused = nodes.map(calledBy).find((name) => REFUSED.has(name))
  if (refused !== undefined) return `\`${refused}\` is not supported`
  const loops = nodes.filter((node) => LOOPS.has(calledBy(node)))
  if (loops.length > MAX_LOOPS) return `at most ${MAX_LOOPS} loops are supported`
  for (const loop of loops) {
    const body = bodyOf(loop).flatMap(allOf)
    if (body.some((node) => LOOPS.has(calledBy(node)))) return 'a loop inside a loop is not supported'
    if (body.length > MAX_LOOP_NODES) return `a loop does too much for each member`
    if (calledBy(loop) === 'map' && body.some(({ op }) => op === '+'))
      return '`+` inside `map` is not supported'
  }
  return null
}

function calledBy({ op, args }: ASTNode): string {
  return (op === 'call' || op === 'rcall') && Array.isArray(args) ? String(args[0]) : ''
}

/** What a loop is called with; what it is called on runs once. */
function bodyOf({ args }: ASTNode): ASTNode[] {
  return Array.isArray(args) ? below(args.slice(2)) : []
}

const allOf = (node: ASTNode): ASTNode[] => [node, ...below(node.args).flatMap(allOf)]

function below(value: unknown): ASTNode[] {
  if (Array.isArray(value)) return value.flatMap(below)
  return isNode(value) ? [value] : []
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value
