/**
 * Small generated worlds for tests: a model of any shape that does not depend on its own absence, tuples with ends and
 * conditions, and what the definition of OpenFGA says of them, computed by iterating to the least fixed point.
 *
 * @module
 */
import fc from 'fast-check'
import type { Tuple } from '../index.ts'

/** What a relation is, as data: `r0` to `r3`, each built on lower ones, on itself only through `parent`. */
export type Rule =
  | { readonly op: 'direct' }
  | { readonly op: 'computed'; readonly relation: string }
  | { readonly op: 'from'; readonly relation: string }
  | { readonly op: 'or' | 'and' | 'but not'; readonly left: Rule; readonly right: Rule }

export interface World {
  readonly rules: Readonly<Record<string, Rule>>
  readonly tuples: readonly Tuple[]
}

export const NOW = 1000
export const LEVEL = 5
export const RELATIONS = ['r0', 'r1', 'r2', 'r3'] as const
const range = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => `${prefix}:${i}`)
export const USERS = range('user', 4)
export const GROUPS = range('group', 3)
export const DOCUMENTS = range('document', 6)
export const SUBJECTS = [...USERS, 'user:*', ...GROUPS.map((group) => `${group}#member`)]

const DIRECT = '[user, user:*, group#member, user with low, document#r0]'
const BASE_DIRECT = '[user, user:*, group#member, user with low]'

/** What may stand in a place: below a `but not`, only relations that are settled before. */
function ruleOf(index: number, depth: number, settled: boolean): fc.Arbitrary<Rule> {
  const lower = RELATIONS.slice(0, index)
  const reachable = settled ? lower : [...lower, `r${index}`]
  const leaves: fc.Arbitrary<Rule>[] = [
    fc.record({ op: fc.constant('computed' as const), relation: fc.constantFrom(...lower) }),
    fc.record({ op: fc.constant('from' as const), relation: fc.constantFrom(...reachable) }),
  ]
  if (depth === 0) return fc.oneof(...leaves)
  const inner = ruleOf(index, depth - 1, settled)
  return fc.oneof(
    ...leaves,
    fc.record({ op: fc.constantFrom('or' as const, 'and' as const), left: inner, right: inner }),
    fc.record({ op: fc.constant('but not' as const), left: inner, right: ruleOf(index, depth - 1, true) }),
  )
}

/** The relation's own tuples stand leftmost, or a lower relation does: something must be there to start from. */
function relationRule(index: number): fc.Arbitrary<Rule> {
  const first: fc.Arbitrary<Rule> = fc.oneof(
    fc.constant<Rule>({ op: 'direct' }),
    fc.record({
      op: fc.constant('computed' as const),
      relation: fc.constantFrom(...RELATIONS.slice(0, index)),
    }),
  )
  const steps = fc.array(
    fc.oneof(
      fc.tuple(fc.constantFrom('or' as const, 'and' as const), ruleOf(index, 1, false)),
      fc.tuple(fc.constant('but not' as const), ruleOf(index, 1, true)),
    ),
    { maxLength: 3 },
  )
  return fc
    .tuple(first, steps)
    .map(([start, more]) => more.reduce<Rule>((left, [op, right]) => ({ op, left, right }), start))
    .filter((rule) => {
      // OpenFGA refuses a rule that says the same thing twice, and one that nothing could ever fulfil.
      const leaves = leavesOf(rule)
      return new Set(leaves).size === leaves.length && isPossible(rule, `r${index}`)
    })
}

const leavesOf = (rule: Rule): string[] =>
  'left' in rule ? [...leavesOf(rule.left), ...leavesOf(rule.right)] : [JSON.stringify(rule)]

function isPossible(rule: Rule, self: string): boolean {
  if (!('left' in rule)) return rule.op === 'direct' || rule.relation !== self
  const [left, right] = [isPossible(rule.left, self), isPossible(rule.right, self)]
  return rule.op === 'or' ? left || right : left && right
}

const rulesArbitrary = fc
  .tuple(relationRule(1), relationRule(2), relationRule(3))
  .map(([r1, r2, r3]) => ({ r0: { op: 'direct' } as Rule, r1, r2, r3 }))

const keyArbitrary = fc.oneof(
  fc.record({
    object: fc.constantFrom(...GROUPS),
    relation: fc.constant('member'),
    user: fc.constantFrom(...USERS, ...GROUPS.map((group) => `${group}#member`)),
  }),
  fc.record({
    object: fc.constantFrom(...DOCUMENTS),
    relation: fc.constant('parent'),
    user: fc.constantFrom(...DOCUMENTS),
  }),
  fc.record({
    object: fc.constantFrom(...DOCUMENTS),
    relation: fc.constantFrom(...RELATIONS),
    user: fc.constantFrom(...SUBJECTS),
  }),
  fc.record({
    object: fc.constantFrom(...DOCUMENTS),
    relation: fc.constantFrom('r1', 'r2', 'r3'),
    user: fc.constantFrom(...DOCUMENTS.map((document) => `${document}#r0`)),
  }),
)

const isDirect = (rule: Rule): boolean => rule.op === 'direct' || ('left' in rule && isDirect(rule.left))

const worldOf = (minLength: number): fc.Arbitrary<World> =>
  fc
    .record({
      rules: rulesArbitrary,
      keys: fc.uniqueArray(
        fc.tuple(
          keyArbitrary,
          fc.constantFrom(undefined, undefined, undefined, NOW - 1, NOW + 1),
          fc.constantFrom(undefined, undefined, LEVEL, LEVEL + 1),
        ),
        { minLength, maxLength: 60, size: 'max', selector: ([key]) => JSON.stringify(key) },
      ),
    })
    .map(({ rules, keys }) => ({
      rules,
      tuples: keys.flatMap(([key, end, level]): Tuple[] => {
        const rule = rules[key.relation as keyof typeof rules]
        if (rule !== undefined && !isDirect(rule)) return []
        const conditional = rule !== undefined && USERS.includes(key.user) && level !== undefined
        return [
          {
            ...key,
            ...(conditional ? { condition: { name: 'low', context: { level } } } : {}),
            ...(end === undefined ? {} : { expiresAt: end }),
          },
        ]
      }),
    }))

export const fullWorldArbitrary = worldOf(35)
/** Half of them nearly empty, so that counterexamples are small. */
export const worldArbitrary = fc.oneof(worldOf(0), fullWorldArbitrary)

export function modelOf({ rules }: World): string {
  const defined = RELATIONS.map((name) => `    define ${name}: ${textOf(rules[name], name)}`).join('\n')
  return `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define parent: [document]
${defined}
condition low(level: int, most: int) {
  level <= most
}
`
}

export function textOf(rule: Rule | undefined, name: string): string {
  if (rule === undefined || rule.op === 'direct') return name === 'r0' ? BASE_DIRECT : DIRECT
  if (rule.op === 'computed') return rule.relation
  if (rule.op === 'from') return `${rule.relation} from parent`
  const side = (one: Rule) => ('left' in one ? `(${textOf(one, name)})` : textOf(one, name))
  return `${side(rule.left)} ${rule.op} ${side(rule.right)}`
}

/** What requests bring along: the condition `low` takes levels up to 5. */
export const CIRCUMSTANCES = { context: { most: LEVEL }, now: NOW } as const

/**
 * By definition: per relation in order, from nothing, until nothing is added. Gives `object#relation`.
 * @param most what the request says of the condition `low`.
 */
export function heldBy({ rules, tuples }: World, asker: string, most = LEVEL): ReadonlySet<string> {
  const alive = tuples.filter(
    ({ expiresAt = Number.POSITIVE_INFINITY, condition }) =>
      expiresAt > NOW && (condition === undefined || Number(condition.context?.level) <= most),
  )
  const held = new Set<string>([asker])
  const names = (subject: string) =>
    subject === asker || held.has(subject) || (subject === 'user:*' && asker.startsWith('user:'))
  const own = (object: string, relation: string) =>
    alive.filter((one) => one.object === object && one.relation === relation)
  const holds = (rule: Rule, object: string, relation: string): boolean => {
    if (rule.op === 'direct') return own(object, relation).some(({ user }) => names(user))
    if (rule.op === 'computed') return held.has(`${object}#${rule.relation}`)
    if (rule.op === 'from')
      return own(object, 'parent').some(({ user }) => held.has(`${user}#${rule.relation}`))
    const left = holds(rule.left, object, relation)
    if (rule.op === 'or') return left || holds(rule.right, object, relation)
    return left && holds(rule.right, object, relation) === (rule.op === 'and')
  }
  const settle = (relation: string, objects: readonly string[], rule: Rule) => {
    for (let grown = true; grown; ) {
      grown = false
      for (const object of objects)
        if (!held.has(`${object}#${relation}`) && holds(rule, object, relation)) {
          held.add(`${object}#${relation}`)
          grown = true
        }
    }
  }
  settle('member', GROUPS, { op: 'direct' })
  for (const relation of RELATIONS) settle(relation, DOCUMENTS, rules[relation] ?? { op: 'direct' })
  return held
}
