/**
 * From expressions to closures.
 *
 * Sub-expressions of constants are evaluated once, here; one that fails becomes a closure that fails, because
 * Cedar reports the error only when it gets there.
 *
 * @module
 */

import { noEntities } from '../entities/entity.ts'
import { EvaluationFailure } from '../extensions/failure.ts'
import { callExtension, expectString, extensionFunctions, typeFailure } from '../extensions/functions.ts'
import { negateLong } from '../long.ts'
import type { BinaryOperator, Expression, VariableName } from '../source/syntax.ts'
import { CedarRecord, CedarSet, EntityUid, type Value } from '../values.ts'
import { type Environment, type Evaluate, environmentOf, findEntity, type Test } from './environment.ts'
import { likeMatcher } from './like.ts'
import { expectBool, expectEntity, expectLong, expectSet, inI64, operators } from './operators.ts'

interface Compiled {
  readonly run: Evaluate
  /** Reads nothing of the environment. */
  readonly constant: boolean
}

export function compileExpression(expression: Expression): Evaluate {
  return compile(expression).run
}

/** An expression that must be a boolean, as a condition of a policy must. */
export function compileTest(expression: Expression): Test {
  switch (expression.kind) {
    case 'and':
      return allOf(expression.operands.map(compileTest))
    case 'or':
      return anyOf(expression.operands.map(compileTest))
    case 'not': {
      const test = compileTest(expression.operand)
      return (environment) => !test(environment)
    }
    default: {
      const { run } = compile(expression)
      return (environment) => expectBool(run(environment))
    }
  }
}

/** Also what a policy's scope and conditions are joined with. */
export function allOf(tests: readonly Test[]): Test {
  const [first, second] = tests
  if (first === undefined) return () => true
  if (second === undefined) return first
  if (tests.length === 2) return (environment) => first(environment) && second(environment)
  return (environment) => {
    for (const test of tests) if (!test(environment)) return false
    return true
  }
}

function anyOf(tests: readonly Test[]): Test {
  const [first, second] = tests
  if (first !== undefined && second !== undefined && tests.length === 2) {
    return (environment) => first(environment) || second(environment)
  }
  return (environment) => {
    for (const test of tests) if (test(environment)) return true
    return false
  }
}

function compile(expression: Expression): Compiled {
  switch (expression.kind) {
    case 'value': {
      const { value } = expression
      return { run: () => value, constant: true }
    }
    case 'variable':
      return { run: variables[expression.name], constant: false }
    case 'and':
    case 'or':
    case 'not':
      return { run: compileTest(expression), constant: false }
    case 'negate':
      return compute([expression.operand], (value) => inI64(negateLong(expectLong(value))))
    case 'isEmpty':
      return compute([expression.operand], (value) => expectSet(value).size === 0)
    case 'like': {
      const matches = likeMatcher(expression.pattern)
      return compute([expression.of], (value) => matches(expectString(value)))
    }
    case 'call':
      return compileCall(expression.name, expression.operands)
    case 'set':
      return gather(expression.items, (members) => new CedarSet(members))
    case 'record': {
      const names = expression.fields.map(([name]) => name)
      const nodes = expression.fields.map(([, node]) => node)
      return gather(
        nodes,
        (values) => new CedarRecord(new Map(values.map((value, i) => [names[i] ?? '', value]))),
      )
    }
    case 'binary':
      return compileBinary(expression.operator, expression.left, expression.right)
    case 'attribute':
      return compileAttribute(expression.of, expression.name)
    case 'has':
      return compileHas(expression.of, expression.path)
    case 'is':
      return compileIs(expression)
    case 'if': {
      const condition = compileTest(expression.condition)
      const consequent = compile(expression.consequent).run
      const alternative = compile(expression.alternative).run
      return {
        run: (environment) => (condition(environment) ? consequent : alternative)(environment),
        constant: false,
      }
    }
  }
}

const variables: { readonly [name in 'principal' | 'action' | 'resource' | 'context']: Evaluate } = {
  principal: (environment) => environment.principal,
  action: (environment) => environment.action,
  resource: (environment) => environment.resource,
  context: (environment) => environment.context,
}

const nobody = new EntityUid('None', '')
const nowhere = environmentOf(
  { principal: nobody, action: nobody, resource: nobody, context: new CedarRecord(new Map()) },
  noEntities,
  noEntities,
)

/** Runs what is constant once and keeps its value or its failure. */
function folded(compiled: Compiled): Compiled {
  if (!compiled.constant) return compiled
  try {
    const value = compiled.run(nowhere)
    return { run: () => value, constant: true }
  } catch (failure) {
    if (!(failure instanceof EvaluationFailure)) throw failure
    const raise = () => {
      throw failure
    }
    return { run: raise, constant: true }
  }
}

function compute(operands: readonly [Expression], apply: (value: Value) => Value): Compiled {
  const { run, constant } = compile(operands[0])
  return folded({ run: (environment) => apply(run(environment)), constant })
}

function gather(nodes: readonly Expression[], build: (values: Value[]) => Value): Compiled {
  const parts = nodes.map(compile)
  const runs = parts.map((part) => part.run)
  const run: Evaluate = (environment) => build(runs.map((each) => each(environment)))
  return folded({ run, constant: parts.every((part) => part.constant) })
}

function compileCall(name: string, nodes: readonly Expression[]): Compiled {
  const fn = extensionFunctions.get(name)
  const [first, second] = nodes
  if (fn === undefined || first === undefined || nodes.length !== fn.arity) {
    return gather(nodes, (values) => callExtension(name, values))
  }
  const receiver = compile(first)
  const argument = second === undefined ? receiver : compile(second)
  const { apply } = fn
  const run: Evaluate =
    second === undefined
      ? (environment) => {
          const value = receiver.run(environment)
          return apply(value, value)
        }
      : (environment) => apply(receiver.run(environment), argument.run(environment))
  return folded({ run, constant: receiver.constant && argument.constant })
}

function compileBinary(operator: BinaryOperator, leftNode: Expression, rightNode: Expression): Compiled {
  const left = compile(leftNode)
  const right = compile(rightNode)
  const quick = comparisonWithConstant(operator, left, rightNode)
  if (quick !== undefined) return { run: quick, constant: false }
  const apply = operators[operator]
  const l = left.run
  const r = right.run
  const run: Evaluate = (environment) => apply(l(environment), r(environment), environment)
  // `in` and tags read the entities even when both sides are constants.
  const readsEntities = operator === 'in' || operator === 'getTag' || operator === 'hasTag'
  return folded({ run, constant: left.constant && right.constant && !readsEntities })
}

/** The commonest tests, `x == "text"` and `x < 3`, without a general dispatch. */
function comparisonWithConstant(
  operator: BinaryOperator,
  left: Compiled,
  right: Expression,
): Evaluate | undefined {
  if (right.kind !== 'value' || left.constant) return undefined
  const { run } = left
  const { value } = right
  if (typeof value !== 'object') {
    if (operator === '==') return (environment) => run(environment) === value
    if (operator === '!=') return (environment) => run(environment) !== value
  }
  if (typeof value !== 'number') return undefined
  const general = operators[operator]
  const slow = (other: Value, environment: Environment) => general(other, value, environment)
  const numeric = (test: (other: number) => boolean): Evaluate => {
    return (environment) => {
      const other = run(environment)
      return typeof other === 'number' ? test(other) : slow(other, environment)
    }
  }
  if (operator === '<') return numeric((other) => other < value)
  if (operator === '<=') return numeric((other) => other <= value)
  if (operator === '>') return numeric((other) => other > value)
  if (operator === '>=') return numeric((other) => other >= value)
  return undefined
}

function compileAttribute(of: Expression, name: string): Compiled {
  if (of.kind === 'variable') return { run: attributeOfVariable(of.name, name), constant: false }
  const { run } = compile(of)
  const read: Evaluate = (environment) => {
    const holder = run(environment)
    const value = attribute(holder, name, environment)
    if (value === undefined) throw missing(holder, name, environment)
    return value
  }
  return { run: read, constant: false }
}

/** Most of what policies read, so without asking what kind of thing it is. */
function attributeOfVariable(variable: VariableName, name: string): Evaluate {
  const orMissing = (value: Value | undefined, environment: Environment): Value => {
    if (value === undefined) throw missing(environment[variable], name, environment)
    return value
  }
  switch (variable) {
    case 'principal':
      return (environment) => orMissing(environment.principalEntity?.attributes.get(name), environment)
    case 'resource':
      return (environment) => orMissing(environment.resourceEntity?.attributes.get(name), environment)
    case 'context':
      return (environment) => orMissing(environment.context.fields.get(name), environment)
    case 'action':
      return (environment) => orMissing(attribute(environment.action, name, environment), environment)
  }
}

/** `undefined` when it is absent, also because the entity is unknown. */
function attribute(holder: Value, name: string, environment: Environment): Value | undefined {
  if (holder instanceof CedarRecord) return holder.fields.get(name)
  if (holder instanceof EntityUid) return findEntity(environment, holder)?.attributes.get(name)
  throw typeFailure('record or entity', holder)
}

function missing(holder: Value, name: string, environment: Environment): EvaluationFailure {
  if (!(holder instanceof EntityUid))
    return new EvaluationFailure(`record does not have the attribute \`${name}\``)
  const known = findEntity(environment, holder) !== undefined
  return new EvaluationFailure(
    known ? `\`${holder}\` does not have the attribute \`${name}\`` : `entity \`${holder}\` does not exist`,
  )
}

/** `x has a.b.c` is `x has a && x.a has b && x.a.b has c`. */
function compileHas(of: Expression, path: readonly string[]): Compiled {
  const { run } = compile(of)
  const has: Evaluate = (environment) => {
    let holder: Value | undefined = run(environment)
    for (const name of path) {
      holder = attribute(holder, name, environment)
      if (holder === undefined) return false
    }
    return true
  }
  return { run: has, constant: false }
}

function compileIs(expression: Extract<Expression, { kind: 'is' }>): Compiled {
  const { type } = expression
  const { run } = compile(expression.of)
  if (expression.within === undefined) {
    return { run: (environment) => expectEntity(run(environment)).type === type, constant: false }
  }
  const within = compile(expression.within).run
  const test: Evaluate = (environment) => {
    const uid = expectEntity(run(environment))
    return uid.type === type && operators.in(uid, within(environment), environment)
  }
  return { run: test, constant: false }
}
