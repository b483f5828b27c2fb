/**
 * The syntax tree that policies are compiled from and partially evaluated over.
 *
 * Compared with Cedar's JSON form: constants are values already, chains of `&&` and `||` are flat, and every node
 * has a `kind`.
 *
 * @module
 */

import type { EntityUid, Value } from '../values.ts'

export type Effect = 'permit' | 'forbid'
export type VariableName = 'principal' | 'action' | 'resource' | 'context'
export type SlotName = '?principal' | '?resource'

export type BinaryOperator =
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | 'in'
  | 'contains'
  | 'containsAll'
  | 'containsAny'
  | 'getTag'
  | 'hasTag'

/** `*` of a `like` pattern, or the text between. */
export type PatternPart = { readonly wildcard: true } | { readonly literal: string }

export type Expression =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'variable'; readonly name: VariableName }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Expression[] }
  | { readonly kind: 'not' | 'negate' | 'isEmpty'; readonly operand: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'attribute'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'has'; readonly of: Expression; readonly path: readonly string[] }
  | { readonly kind: 'like'; readonly of: Expression; readonly pattern: readonly PatternPart[] }
  | { readonly kind: 'is'; readonly of: Expression; readonly type: string; readonly within?: Expression }
  | {
      readonly kind: 'if'
      readonly condition: Expression
      readonly consequent: Expression
      readonly alternative: Expression
    }
  | { readonly kind: 'set'; readonly items: readonly Expression[] }
  | { readonly kind: 'record'; readonly fields: readonly (readonly [string, Expression])[] }
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Expression[] }

/** Scope of principal or resource. A slot stands where a template's link will put an entity. */
export type Target = EntityUid | SlotName
export type EntityScope =
  | { readonly kind: 'any' }
  | { readonly kind: 'equal' | 'in'; readonly target: Target }
  | { readonly kind: 'is'; readonly type: string; readonly within?: Target }
export type ActionScope =
  | { readonly kind: 'any' }
  | { readonly kind: 'equal'; readonly target: EntityUid }
  | { readonly kind: 'in'; readonly targets: readonly EntityUid[] }

export interface PolicyTree {
  readonly effect: Effect
  readonly principal: EntityScope
  readonly action: ActionScope
  readonly resource: EntityScope
  /** All must be true: `when` as it stands, `unless` negated. */
  readonly conditions: readonly Expression[]
  readonly annotations: Readonly<Record<string, string>>
}
