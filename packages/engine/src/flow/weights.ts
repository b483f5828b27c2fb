/**
 * The weight of every term, and the two thresholds. Set by reasoning about a term's meaning, checked on recorded and on
 * rewritten attacks; a term never depends on a suite, a tool or a task.
 * @module
 */
import type { Standing } from './origin.ts'

export const THRESHOLDS = { approval: 1, deny: 2.5 } as const

const ORIGIN: Readonly<Record<Standing, number>> = {
  user: 0,
  approved: 0,
  own: 0.1,
  field: 0.1,
  delegated: 0.2,
  said: 0.3,
  composed: 0.4,
  mentioned: 0.6,
  assembled: 1.2,
  stated: 1,
  followed: 1.1,
  'asked-named': 1.6,
  asked: 2,
  hidden: 2,
  hostile: 3,
}

const ADDED = {
  'no-anchor': 0.7,
  'unnamed-object': 0.9,
  remark: 0.4,
  'carries-out': 0.8,
  'other-role': 0.7,
  'other-than-named': 0.7,
  disputed: 0.9,
  lookalike: 1,
  'leads-away': 0.7,
  unlisted: 0.7,
  'read-only-request': 0.9,
  'other-action': 0.7,
  'action-requested': 0.6,
  destructive: 0.3,
  'requested-value': 1,
  'value-is-request': 1,
  'quotes-request': 0.8,
  laundered: 2,
  'session-marked': 0.4,
  'query-in-url': 0.7,
  'unknown-tool': 1,
  'unknown-argument': 0.2,
  oversized: 1,
  'untrusted-unasked': 1,
  'unseen-unasked': 1,
} as const

export type Term = Standing | keyof typeof ADDED

/** Nothing holds a value; nothing holds a link; another source speaks against a value. */
const SCALE: readonly string[] = ['no-anchor', 'leads-away', 'disputed', 'lookalike']

/**
 * Every term, and whether it is free. Where a value stands and whether anything holds it there define the scale: a
 * statement that nothing holds, that another source disputes, or that only looks like what holds, is what a person is asked
 * about, whatever else is weighed.
 */
export const TERMS: readonly { readonly term: Term; readonly added: boolean }[] = [
  ...Object.keys(ORIGIN).map((term) => ({ term: term as Term, added: false })),
  ...Object.keys(ADDED).map((term) => ({ term: term as Term, added: !SCALE.includes(term) })),
]

const WEIGHTS: Readonly<Record<Term, number>> = { ...ORIGIN, ...ADDED }

export function weightOf(term: Term): number {
  return WEIGHTS[term]
}
