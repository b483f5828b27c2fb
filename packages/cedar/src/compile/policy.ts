/**
 * One policy, ready to run.
 *
 * @module
 */

import type { Effect, PolicyTree } from '../source/syntax.ts'
import type { Test } from './environment.ts'
import { allOf, compileTest } from './expressions.ts'
import { actionScopeTest, entityScopeTest } from './scope.ts'

export interface CompiledPolicy {
  readonly id: string
  readonly effect: Effect
  readonly tree: PolicyTree
  /** Scope and conditions. @throws {EvaluationFailure} */
  readonly applies: Test
}

export function compilePolicy(id: string, tree: PolicyTree): CompiledPolicy {
  const scope = [
    entityScopeTest('principal', tree.principal),
    actionScopeTest(tree.action),
    entityScopeTest('resource', tree.resource),
  ].filter((test) => test !== undefined)
  return { id, effect: tree.effect, tree, applies: allOf([...scope, ...tree.conditions.map(compileTest)]) }
}
