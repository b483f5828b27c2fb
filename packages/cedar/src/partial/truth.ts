/**
 * When an expression is true, and when it has a value at all. Where it has none it errs, and its policy is skipped.
 *
 * @module
 */

import type { Expression } from '../source/syntax.ts'
import { EntityUid } from '../values.ts'
import { binary, decimalComparison } from './atoms.ts'
import { always, type Condition, every, never, some } from './condition.ts'
import {
  dependsOnResource,
  knownValue,
  recordAttributes,
  type Term,
  termOf,
  type Unknown,
  untranslatable,
} from './terms.ts'
import {
  and,
  error,
  inverse,
  known,
  no,
  onField,
  onResource,
  or,
  present,
  type Truth,
  whenFalse,
  yes,
} from './truth-value.ts'

/** @throws {CedarError} `not_translatable` */
export function truthOf(expression: Expression, unknown: Unknown): Truth {
  if (!dependsOnResource(expression)) return known(knownValue(expression, unknown))
  switch (expression.kind) {
    case 'and':
      return expression.operands.reduce<Truth>((left, right) => and(left, () => truthOf(right, unknown)), yes)
    case 'or':
      return expression.operands.reduce<Truth>((left, right) => or(left, () => truthOf(right, unknown)), no)
    case 'not':
      return inverse(truthOf(expression.operand, unknown))
    case 'if':
      return choose(expression, unknown)
    case 'attribute':
      return booleanField(termOf(expression, unknown))
    case 'has':
      return has(expression.of, expression.path, unknown)
    case 'like': {
      const term = termOf(expression.of, unknown)
      if (term.kind !== 'field') return error
      return onField(term, { kind: 'like', field: term.path, pattern: expression.pattern })
    }
    case 'is':
      return is(expression, unknown)
    case 'binary':
      return binary(
        expression.operator,
        termOf(expression.left, unknown),
        termOf(expression.right, unknown),
        unknown,
      )
    case 'call':
      return decimalComparison(expression.name, expression.operands, unknown)
    case 'isEmpty':
      throw untranslatable('`isEmpty` of a field')
    default:
      return error
  }
}

function choose(expression: Extract<Expression, { kind: 'if' }>, unknown: Unknown): Truth {
  const condition = truthOf(expression.condition, unknown)
  const branch = (taken: Condition, node: Expression) =>
    taken.kind === 'never' ? error : truthOf(node, unknown)
  const otherwise = whenFalse(condition)
  const consequent = branch(condition.whenTrue, expression.consequent)
  const alternative = branch(otherwise, expression.alternative)
  const either = (a: Condition, b: Condition) => some(every(condition.whenTrue, a), every(otherwise, b))
  const total = consequent.defined.kind === 'always' && alternative.defined.kind === 'always'
  return {
    whenTrue: either(consequent.whenTrue, alternative.whenTrue),
    defined: total ? condition.defined : either(consequent.defined, alternative.defined),
  }
}

function booleanField(term: Term): Truth {
  if (term.kind !== 'field' || term.type.kind !== 'bool') return error
  return onField(term, { kind: 'compare', field: term.path, operator: '==', value: true })
}

function has(of: Expression, names: readonly string[], unknown: Unknown): Truth {
  const start = termOf(of, unknown)
  const truth = (whenTrue: Condition) =>
    start.kind === 'field' ? onField(start, whenTrue) : onResource(whenTrue)
  let attributes = start.kind === 'resource' ? unknown.attributes : recordAttributes(start)
  const path = start.kind === 'field' ? [...start.path] : []
  let required = start.kind !== 'field' || start.required
  for (const name of names) {
    if (attributes === undefined) throw untranslatable('`has` through another entity')
    const attribute = attributes.get(name)
    if (attribute === undefined) return truth(never)
    path.push(name)
    required &&= attribute.required
    attributes = attribute.type.kind === 'record' ? attribute.type.attributes : undefined
  }
  return truth(required ? always : { kind: 'present', field: path })
}

function is(expression: Extract<Expression, { kind: 'is' }>, unknown: Unknown): Truth {
  const of = termOf(expression.of, unknown)
  const within = () =>
    expression.within === undefined ? yes : binary('in', of, termOf(expression.within, unknown), unknown)
  switch (of.kind) {
    case 'resource':
      return unknown.resourceType === expression.type ? within() : no
    case 'field': {
      if (of.type.kind !== 'entity') return error
      const fits = of.type.name === expression.type
      return and(onField(of, fits ? present(of) : never), within)
    }
    case 'known':
      if (!(of.value instanceof EntityUid)) return error
      return of.value.type === expression.type ? within() : no
    case 'failed':
      return error
  }
}
