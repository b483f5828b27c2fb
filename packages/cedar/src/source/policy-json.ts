/**
 * From the JSON form of a policy, as cedar-wasm prints it, to the syntax tree.
 *
 * @module
 */

import type { Expr, ExprNoExt, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { CedarError } from '../errors.ts'
import { extensionFunctions } from '../extensions/functions.ts'
import { valueFrom } from '../json.ts'
import { entityUid } from '../names.ts'
import type { EntityUid, Value } from '../values.ts'
import type {
  ActionScope,
  BinaryOperator,
  EntityScope,
  Expression,
  PatternPart,
  PolicyTree,
  SlotName,
  Target,
  VariableName,
} from './syntax.ts'

const binaryOperators: ReadonlySet<string> = new Set<BinaryOperator>([
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '+',
  '-',
  '*',
  'in',
  'contains',
  'containsAll',
  'containsAny',
  'getTag',
  'hasTag',
])

/** `literal` gives the exact integer for a number in the JSON, which may stand for another (`exact-integers.ts`). */
export function policyTree(json: PolicyJson, literal: (value: number) => Value): PolicyTree {
  const expression = (node: Expr): Expression => readExpression(node, literal)
  return {
    effect: json.effect,
    principal: entityScope(json.principal),
    action: actionScope(json.action),
    resource: entityScope(json.resource),
    conditions: json.conditions.map((clause) => {
      const body = expression(clause.body)
      return clause.kind === 'when' ? body : { kind: 'not', operand: body }
    }),
    annotations: Object.fromEntries(
      Object.entries(json.annotations ?? {}).map(([name, text]) => [name, text ?? '']),
    ),
  }
}

type Constraint = PolicyJson['principal'] | PolicyJson['resource']

function entityScope(json: Constraint): EntityScope {
  switch (json.op) {
    case 'All':
      return { kind: 'any' }
    case '==':
      return { kind: 'equal', target: target(json) }
    case 'in':
      return { kind: 'in', target: target(json) }
    case 'is':
      return json.in === undefined
        ? { kind: 'is', type: json.entity_type }
        : { kind: 'is', type: json.entity_type, within: target(json.in) }
  }
}

function actionScope(json: PolicyJson['action']): ActionScope {
  switch (json.op) {
    case 'All':
      return { kind: 'any' }
    case '==':
      if ('slot' in json) throw new CedarError('policy_invalid', 'an action cannot be a slot')
      return { kind: 'equal', target: uid(json.entity) }
    case 'in':
      return { kind: 'in', targets: 'entities' in json ? json.entities.map(uid) : [uid(json.entity)] }
  }
}

function target(json: { entity: unknown } | { slot: string }): Target {
  return 'slot' in json ? (json.slot as SlotName) : uid(json.entity)
}

function uid(json: unknown): EntityUid {
  const wrapped = typeof json === 'object' && json !== null && '__entity' in json ? json.__entity : json
  return entityUid(wrapped)
}

function readExpression(node: Expr, literal: (value: number) => Value): Expression {
  const read = (inner: Expr): Expression => readExpression(inner, literal)
  const json = node as ExprNoExt
  if ('Value' in json) return { kind: 'value', value: constant(json.Value, literal) }
  if ('Var' in json) return { kind: 'variable', name: json.Var as VariableName }
  if ('&&' in json) return chain('and', read(json['&&'].left), read(json['&&'].right))
  if ('||' in json) return chain('or', read(json['||'].left), read(json['||'].right))
  if ('!' in json) return { kind: 'not', operand: read(json['!'].arg) }
  if ('neg' in json) return { kind: 'negate', operand: read(json.neg.arg) }
  if ('isEmpty' in json) return { kind: 'isEmpty', operand: read(json.isEmpty.arg) }
  if ('.' in json) return { kind: 'attribute', of: read(json['.'].left), name: json['.'].attr }
  if ('has' in json) return { kind: 'has', of: read(json.has.left), path: [json.has.attr].flat() }
  if ('like' in json) return { kind: 'like', of: read(json.like.left), pattern: pattern(json.like.pattern) }
  if ('is' in json) {
    const { left, entity_type: type, in: within } = json.is
    return within === undefined
      ? { kind: 'is', of: read(left), type }
      : { kind: 'is', of: read(left), type, within: read(within) }
  }
  if ('if-then-else' in json) {
    const branches = json['if-then-else']
    return {
      kind: 'if',
      condition: read(branches.if),
      consequent: read(branches.then),
      alternative: read(branches.else),
    }
  }
  if ('Set' in json) return { kind: 'set', items: (json.Set as Expr[]).map(read) }
  if ('Record' in json) {
    const fields = Object.entries(json.Record as Record<string, Expr>)
    return { kind: 'record', fields: fields.map(([name, node]) => [name, read(node)]) }
  }
  return readNamed(json, read)
}

/** Operators that share one shape, and extension functions, whose key is their name. */
function readNamed(json: object, read: (node: Expr) => Expression): Expression {
  const [entry] = Object.entries(json) as [string, unknown][]
  if (entry !== undefined) {
    const [name, body] = entry
    if (binaryOperators.has(name)) {
      const { left, right } = body as { left: Expr; right: Expr }
      return { kind: 'binary', operator: name as BinaryOperator, left: read(left), right: read(right) }
    }
    if (extensionFunctions.has(name)) return { kind: 'call', name, operands: (body as Expr[]).map(read) }
  }
  throw new CedarError('policy_invalid', `unsupported expression \`${entry?.[0] ?? ''}\``)
}

/** `&&` and `||` are associative also in their errors, so a chain may be flat. */
function chain(kind: 'and' | 'or', left: Expression, right: Expression): Expression {
  const flat = (side: Expression) => (side.kind === kind ? side.operands : [side])
  return { kind, operands: [...flat(left), ...flat(right)] }
}

function constant(json: unknown, literal: (value: number) => Value): Value {
  return typeof json === 'number' ? literal(json) : valueFrom(json)
}

function pattern(json: readonly ('Wildcard' | { Literal: string })[]): PatternPart[] {
  return json.map((part) => (part === 'Wildcard' ? { wildcard: true } : { literal: part.Literal }))
}
