/**
 * Splits expressions into what is known and what depends on the resource.
 *
 * @module
 */

import type { Environment } from '../compile/environment.ts'
import { compileExpression } from '../compile/expressions.ts'
import { CedarError } from '../errors.ts'
import { EvaluationFailure } from '../extensions/failure.ts'
import { childrenOf } from '../oracle/reachable.ts'
import type { AttributeType, SchemaType } from '../schema/types.ts'
import type { Expression } from '../source/syntax.ts'
import type { Value } from '../values.ts'
import type { FieldPath } from './condition.ts'

export interface Unknown {
  readonly environment: Environment
  readonly resourceType: string
  readonly attributes: ReadonlyMap<string, AttributeType>
}

/** A field is `required` when every resource of the type has it, by the schema. */
export type Term =
  | { readonly kind: 'known'; readonly value: Value }
  | { readonly kind: 'failed' }
  | { readonly kind: 'resource' }
  | {
      readonly kind: 'field'
      readonly path: FieldPath
      readonly type: SchemaType
      readonly required: boolean
    }

export function dependsOnResource(expression: Expression): boolean {
  return (
    (expression.kind === 'variable' && expression.name === 'resource') ||
    childrenOf(expression).some(dependsOnResource)
  )
}

/** The value of an expression without the resource; `undefined` when it errs. */
export function knownValue(expression: Expression, unknown: Unknown): Value | undefined {
  try {
    return compileExpression(expression)(unknown.environment)
  } catch (failure) {
    if (failure instanceof EvaluationFailure) return undefined
    throw failure
  }
}

/** @throws {CedarError} `not_translatable` for what is neither known, nor the resource, nor a field of it */
export function termOf(expression: Expression, unknown: Unknown): Term {
  if (!dependsOnResource(expression)) {
    const value = knownValue(expression, unknown)
    return value === undefined ? { kind: 'failed' } : { kind: 'known', value }
  }
  if (expression.kind === 'variable') return { kind: 'resource' }
  if (expression.kind === 'attribute') return fieldOf(expression, unknown)
  throw untranslatable(`\`${expression.kind}\` over the resource`)
}

function fieldOf(expression: Extract<Expression, { kind: 'attribute' }>, unknown: Unknown): Term {
  const of = termOf(expression.of, unknown)
  const attributes = of.kind === 'resource' ? unknown.attributes : recordAttributes(of)
  const attribute = attributes?.get(expression.name)
  if (attribute === undefined) throw untranslatable(`the attribute \`${expression.name}\``)
  const path = of.kind === 'field' ? [...of.path, expression.name] : [expression.name]
  const required = attribute.required && (of.kind !== 'field' || of.required)
  return { kind: 'field', path, type: attribute.type, required }
}

export function recordAttributes(term: Term): ReadonlyMap<string, AttributeType> | undefined {
  return term.kind === 'field' && term.type.kind === 'record' ? term.type.attributes : undefined
}

export function untranslatable(what: string): CedarError {
  return new CedarError('not_translatable', `${what} cannot be turned into a condition on one resource`)
}
