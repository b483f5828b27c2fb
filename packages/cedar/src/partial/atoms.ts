/**
 * Operators with a field of the resource, or the resource itself, on one side.
 *
 * @module
 */

import type { SchemaType } from '../schema/types.ts'
import type { BinaryOperator, Expression } from '../source/syntax.ts'
import { CedarSet, EntityUid, type Value } from '../values.ts'
import { type Comparison, type Condition, every, never, some } from './condition.ts'
import { type Term, termOf, type Unknown, untranslatable } from './terms.ts'
import { error, type Field, inverse, onField, onResource, present, type Truth, yes } from './truth-value.ts'

const flipped: ReadonlyMap<BinaryOperator, Comparison> = new Map([
  ['<', '>'],
  ['<=', '>='],
  ['>', '<'],
  ['>=', '<='],
  ['==', '=='],
  ['!=', '!='],
])

export function binary(operator: BinaryOperator, left: Term, right: Term, unknown: Unknown): Truth {
  if (left.kind === 'failed' || right.kind === 'failed') return error
  const comparison = flipped.get(operator)
  if (comparison !== undefined) {
    const plain = operator as Comparison
    if (left.kind === 'field' && right.kind === 'field') return compareFields(left, plain, right)
    if (left.kind === 'field' && right.kind === 'known') return compare(left, plain, right.value)
    if (left.kind === 'known' && right.kind === 'field') return compare(right, comparison, left.value)
    return compareResource(plain, left, right, unknown)
  }
  switch (operator) {
    case 'in':
      return within(left, right, unknown)
    case 'contains':
      if (left.kind === 'known' && right.kind === 'field') return memberOfKnown(left.value, right)
      if (left.kind === 'known' && right.kind === 'resource') return identityIn(left.value, unknown)
      return left.kind === 'field' && right.kind === 'known'
        ? members(left, [right.value], every)
        : unsupported(operator)
    case 'containsAll':
      return left.kind === 'field' && right.kind === 'known'
        ? knownMembers(left, right.value, every)
        : unsupported(operator)
    case 'containsAny':
      if (left.kind === 'known' && right.kind === 'field') return knownMembers(right, left.value, some)
      return left.kind === 'field' && right.kind === 'known'
        ? knownMembers(left, right.value, some)
        : unsupported(operator)
    default:
      return unsupported(operator)
  }
}

function compare(field: Field, operator: Comparison, value: Value, ordered = hasOrder): Truth {
  if (field.type.kind === 'set' || field.type.kind === 'record')
    throw untranslatable('comparing a set or a record')
  if (!typeMatches(value, field)) {
    if (operator === '==') return onField(field, never)
    return operator === '!=' ? onField(field, { kind: 'present', field: field.path }) : error
  }
  if (operator !== '==' && operator !== '!=' && !ordered(field.type)) return error
  return onField(field, { kind: 'compare', field: field.path, operator, value })
}

/** Types that `<` and its kin take. */
function hasOrder(type: SchemaType): boolean {
  return (
    type.kind === 'long' ||
    (type.kind === 'extension' && (type.name === 'datetime' || type.name === 'duration'))
  )
}

function isDecimal(type: SchemaType): boolean {
  return type.kind === 'extension' && type.name === 'decimal'
}

/** Could the field hold an equal value at all? Its column need not hold the type of each row. */
function typeMatches(value: Value, { type }: Field): boolean {
  switch (type.kind) {
    case 'bool':
      return typeof value === 'boolean'
    case 'string':
      return typeof value === 'string'
    case 'long':
      return typeof value === 'number' || typeof value === 'bigint'
    case 'entity':
      return value instanceof EntityUid && value.type === type.name
    case 'extension':
      return typeof value === 'object' && 'kind' in value && value.kind === type.name
    default:
      return false
  }
}

function compareFields(left: Field, operator: Comparison, right: Field, ordered = hasOrder): Truth {
  const scalar = left.type.kind !== 'set' && left.type.kind !== 'record'
  if (!scalar || JSON.stringify(left.type) !== JSON.stringify(right.type)) {
    throw untranslatable('comparing these two fields')
  }
  if (operator !== '==' && operator !== '!=' && !ordered(left.type)) return error
  const whenTrue: Condition = { kind: 'compareFields', field: left.path, operator, other: right.path }
  return { whenTrue, defined: every(present(left), present(right)) }
}

function compareResource(operator: Comparison, left: Term, right: Term, unknown: Unknown): Truth {
  if (operator !== '==' && operator !== '!=') return error
  const sign = (truth: Truth) => (operator === '==' ? truth : inverse(truth))
  if (left.kind === 'resource' && right.kind === 'resource') return sign(yes)
  const other = left.kind === 'resource' ? right : left
  if (other.kind !== 'known') throw untranslatable('comparing the resource with its own field')
  return sign(identity([other.value], unknown))
}

function within(left: Term, right: Term, unknown: Unknown): Truth {
  if (right.kind === 'known') {
    const uids = entities(right.value)
    if (uids === undefined) return error
    if (left.kind === 'resource')
      return onResource(uids.length === 0 ? never : { kind: 'within', field: undefined, uids })
    if (left.kind !== 'field' || left.type.kind !== 'entity') return error
    return onField(left, uids.length === 0 ? never : { kind: 'within', field: left.path, uids })
  }
  if (left.kind !== 'known') throw untranslatable('`in` between two parts of the resource')
  if (!(left.value instanceof EntityUid)) return error
  const above = selfAndAncestors(left.value, unknown)
  if (right.kind === 'resource') return identity(above, unknown)
  if (right.kind !== 'field') return error
  if (right.type.kind === 'set') return members(right, above, some)
  if (right.type.kind !== 'entity') return error
  const { name } = right.type
  return oneOf(
    right,
    above.filter((uid) => uid.type === name),
  )
}

function selfAndAncestors(uid: EntityUid, { environment }: Unknown): EntityUid[] {
  const reached = new Map([[uid.key, uid]])
  for (const each of reached.values()) {
    const entity = environment.entities.find(each.key) ?? environment.actions.find(each.key)
    for (const parent of entity?.parents ?? []) reached.set(parent.key, parent)
  }
  return [...reached.values()]
}

function entities(value: Value): EntityUid[] | undefined {
  if (value instanceof EntityUid) return [value]
  if (!(value instanceof CedarSet)) return undefined
  const uids = [...value].filter((member) => member instanceof EntityUid)
  return uids.length === value.size ? uids : undefined
}

function oneOf(field: Field, values: readonly Value[]): Truth {
  const fitting = values.filter((value) => typeMatches(value, field))
  return onField(field, fitting.length === 0 ? never : { kind: 'oneOf', field: field.path, values: fitting })
}

function memberOfKnown(set: Value, field: Field): Truth {
  if (!(set instanceof CedarSet)) return error
  if (field.type.kind === 'set' || field.type.kind === 'record')
    throw untranslatable('a set of sets or records')
  return oneOf(field, [...set])
}

function identityIn(set: Value, unknown: Unknown): Truth {
  return set instanceof CedarSet ? identity([...set], unknown) : error
}

/** Entities of another type, and values that are no entities, are never the resource. */
function identity(values: readonly Value[], unknown: Unknown): Truth {
  const uids = values
    .filter((value) => value instanceof EntityUid)
    .filter(({ type }) => type === unknown.resourceType)
  return onResource(uids.length === 0 ? never : { kind: 'identity', uids })
}

function knownMembers(field: Field, set: Value, join: typeof every): Truth {
  return set instanceof CedarSet ? members(field, [...set], join) : error
}

/** All or any of the values are members of the field. A value of another type is a member of nothing. */
function members(field: Field, values: readonly Value[], join: typeof every): Truth {
  const { type } = field
  if (type.kind !== 'set') return error
  const { element } = type
  if (element.kind === 'set' || element.kind === 'record') throw untranslatable('a set of sets or records')
  const tests = values.map<Condition>((value) =>
    typeMatches(value, { ...field, type: element }) ? { kind: 'hasMember', field: field.path, value } : never,
  )
  return onField(field, every(present(field), join(...tests)))
}

const decimalOperators: ReadonlyMap<string, Comparison> = new Map([
  ['lessThan', '<'],
  ['lessThanOrEqual', '<='],
  ['greaterThan', '>'],
  ['greaterThanOrEqual', '>='],
])

export function decimalComparison(name: string, operands: readonly Expression[], unknown: Unknown): Truth {
  const operator = decimalOperators.get(name)
  const [left, right] = operands
  if (operator === undefined || left === undefined || right === undefined || operands.length !== 2) {
    throw untranslatable(`\`${name}\``)
  }
  const a = termOf(left, unknown)
  const b = termOf(right, unknown)
  const back = flipped.get(operator) ?? operator
  if (a.kind === 'field' && b.kind === 'field') return compareFields(a, operator, b, isDecimal)
  if (a.kind === 'field' && b.kind === 'known') return compare(a, operator, b.value, isDecimal)
  if (a.kind === 'known' && b.kind === 'field') return compare(b, back, a.value, isDecimal)
  return error
}

function unsupported(operator: BinaryOperator): never {
  throw untranslatable(`\`${operator}\` over the resource`)
}
