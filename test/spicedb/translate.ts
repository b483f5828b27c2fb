/**
 * A generated world in SpiceDB's words: a relation's own tuples become a relation of their own beside the permission,
 * conditions become caveats, ends become expirations.
 *
 * SpiceDB gives an error where data is cyclic; so what would close a cycle is left out, on both sides.
 *
 * @module
 */
import { LEVEL, NOW, RELATIONS, type Rule, type World } from '../../packages/relations/src/testing/world.ts'

/** A relationship as SpiceDB's API takes it. */
export interface Relationship {
  readonly resource: Reference
  readonly relation: string
  readonly subject: { readonly object: Reference; readonly optionalRelation: string }
  readonly caveat?: { readonly name: string; readonly context: Readonly<Record<string, unknown>> }
  readonly expires: boolean
}

export interface Reference {
  readonly objectType: string
  readonly objectId: string
}

/** Names have three letters at least there. */
export const permissionOf = (relation: string): string => (isOurs(relation) ? `may_${relation}` : relation)
const ownOf = (relation: string): string => (isOurs(relation) ? `own_${relation}` : relation)
const isOurs = (relation: string): boolean => RELATIONS.some((one) => one === relation)

const CAVEAT = `caveat low(level int, most int) {\n  level <= most\n}`
const expiring = (...kinds: string[]): string =>
  kinds
    .flatMap((kind) => [kind, `${kind}${kind.includes(' with ') ? ' and' : ' with'} expiration`])
    .join(' | ')

export function schemaOf({ rules }: World): string {
  const relations = RELATIONS.flatMap((name) => {
    const kinds = ['user', 'user:*', 'group#member', 'user with low']
    const own = name === 'r0' ? kinds : [...kinds, `document#${permissionOf('r0')}`]
    return [
      `  relation ${ownOf(name)}: ${expiring(...own)}`,
      `  permission ${permissionOf(name)} = ${expressionOf(rules[name], name)}`,
    ]
  })
  return [
    'use expiration',
    CAVEAT,
    'definition user {}',
    `definition group {\n  relation member: ${expiring('user', 'group#member')}\n}`,
    `definition document {\n  relation parent: ${expiring('document')}\n${relations.join('\n')}\n}`,
  ].join('\n')
}

const OPERATOR = { or: '+', and: '&', 'but not': '-' } as const

function expressionOf(rule: Rule | undefined, name: string): string {
  if (rule === undefined || rule.op === 'direct') return ownOf(name)
  if (rule.op === 'computed') return permissionOf(rule.relation)
  if (rule.op === 'from') return `parent->${permissionOf(rule.relation)}`
  return `(${expressionOf(rule.left, name)} ${OPERATOR[rule.op]} ${expressionOf(rule.right, name)})`
}

/** Without edges that go back: parents and nested groups have higher numbers. */
export function acyclic(world: World): World {
  const number = (text: string) => Number(/\d+/.exec(text)?.[0] ?? -1)
  return {
    ...world,
    tuples: world.tuples.filter(
      ({ object, relation, user }) =>
        (relation !== 'parent' && !(relation === 'member' && user.startsWith('group:'))) ||
        number(object) < number(user),
    ),
  }
}

/** What has ended is not there. */
export function relationshipsOf({ tuples }: World): Relationship[] {
  return tuples
    .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > NOW)
    .map(({ object, relation, user, condition, expiresAt }) => {
      const [subject = '', of = ''] = user.split('#')
      return {
        resource: referenceOf(object),
        relation: ownOf(relation),
        subject: { object: referenceOf(subject), optionalRelation: permissionOf(of) },
        expires: expiresAt !== undefined,
        ...(condition === undefined
          ? {}
          : { caveat: { name: condition.name, context: condition.context ?? {} } }),
      }
    })
}

export function referenceOf(object: string): Reference {
  const colon = object.indexOf(':')
  return { objectType: object.slice(0, colon), objectId: object.slice(colon + 1) }
}

export const CONTEXT = { most: LEVEL } as const
