/**
 * The three outcomes of a Cedar expression over an unknown resource, and the connectives between them.
 *
 * @module
 */

import type { Value } from '../values.ts'
import { always, type Condition, every, given, never, not, some } from './condition.ts'
import type { Term } from './terms.ts'

/** Where `whenTrue` holds, `defined` holds; false is defined and not true. */
export interface Truth {
  readonly whenTrue: Condition
  readonly defined: Condition
}

export const yes: Truth = { whenTrue: always, defined: always }
export const no: Truth = { whenTrue: never, defined: always }
export const error: Truth = { whenTrue: never, defined: never }

export function inverse(truth: Truth): Truth {
  return { whenTrue: whenFalse(truth), defined: truth.defined }
}

export function whenFalse({ whenTrue, defined }: Truth): Condition {
  return every(defined, not(whenTrue))
}

/** What decides on the left keeps the right from being looked at, so it need not be translatable either. */
export function and(left: Truth, lazyRight: () => Truth): Truth {
  if (left.whenTrue.kind === 'never') return left
  const right = lazyRight()
  return {
    whenTrue: every(left.whenTrue, right.whenTrue),
    defined: every(
      left.defined,
      some(given(every(left.defined, left.whenTrue), right.defined), not(left.whenTrue)),
    ),
  }
}

export function or(left: Truth, lazyRight: () => Truth): Truth {
  if (whenFalse(left).kind === 'never') return left
  const right = lazyRight()
  return {
    // What is true is defined, so the right's own fields are there where it is true.
    whenTrue: some(left.whenTrue, every(given(right.defined, left.defined), right.whenTrue)),
    defined: every(left.defined, some(given(left.defined, right.defined), left.whenTrue)),
  }
}

export function known(value: Value | undefined): Truth {
  if (value === true) return yes
  return value === false ? no : error
}

/** True where the condition holds, false where the field is there and it does not. */
export function onField(field: Field, whenTrue: Condition): Truth {
  return { whenTrue, defined: present(field) }
}

export function present({ path, required }: Field): Condition {
  return required ? always : { kind: 'present', field: path }
}

export function onResource(whenTrue: Condition): Truth {
  return { whenTrue, defined: always }
}

export type Field = Extract<Term, { kind: 'field' }>
