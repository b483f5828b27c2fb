/**
 * From the scope of a policy to tests, none of which can fail.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import type { ActionScope, EntityScope, Target } from '../source/syntax.ts'
import type { EntityUid } from '../values.ts'
import { isWithin, type Test } from './environment.ts'

/** `undefined` when the scope admits everything. Slots must be filled. */
export function entityScopeTest(variable: 'principal' | 'resource', scope: EntityScope): Test | undefined {
  switch (scope.kind) {
    case 'any':
      return undefined
    case 'equal': {
      const { key } = filled(scope.target)
      return (environment) => environment[variable].key === key
    }
    case 'in': {
      const { key } = filled(scope.target)
      return (environment) => isWithin(environment, environment[variable], key)
    }
    case 'is': {
      const { type } = scope
      if (scope.within === undefined) return (environment) => environment[variable].type === type
      const { key } = filled(scope.within)
      return (environment) =>
        environment[variable].type === type && isWithin(environment, environment[variable], key)
    }
  }
}

export function actionScopeTest(scope: ActionScope): Test | undefined {
  switch (scope.kind) {
    case 'any':
      return undefined
    case 'equal': {
      const { key } = scope.target
      return (environment) => environment.action.key === key
    }
    case 'in': {
      const keys = scope.targets.map((target) => target.key)
      return (environment) => keys.some((key) => isWithin(environment, environment.action, key))
    }
  }
}

export function filled(target: Target): EntityUid {
  if (typeof target === 'string') throw new CedarError('template_link', `the slot ${target} is not filled`)
  return target
}
