/**
 * A condition as SQL for a `WHERE` clause.
 *
 * Every value becomes a parameter; the text holds only operators and the columns that the mapping names. Every test
 * of a column also asks for `IS NOT NULL`, so no part is unknown to SQL and negation means what it says.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import { Datetime, Duration } from '../extensions/datetime.ts'
import { Decimal } from '../extensions/decimal.ts'
import type { PatternPart } from '../source/syntax.ts'
import { EntityUid, type Value } from '../values.ts'
import type { Comparison, Condition, FieldPath } from './condition.ts'

export type SqlDialect = 'sqlite' | 'postgres'
export type SqlParameter = string | number | bigint | boolean | null

export interface Sql {
  /** With `?` (SQLite) or `$1` (PostgreSQL) where the parameters go, in order. */
  readonly sql: string
  readonly params: readonly SqlParameter[]
}

/** Adds a parameter and gives its placeholder. */
export type Bind = (value: SqlParameter) => string

export interface SqlMapping {
  readonly dialect: SqlDialect
  /** The column with the id of the resource. */
  readonly id: string
  /** Columns by field, names joined by dots: `{ 'owner': 'owner_id', 'address.city': 'city' }`. NULL is absent. */
  readonly columns: Readonly<Record<string, string>>
  /**
   * What a value is in its column. Default: entities by their id, decimals in ten-thousandths, datetimes and
   * durations in milliseconds. IP addresses have none.
   */
  readonly encode?: (value: Value) => SqlParameter
  /** SQL that is true when the set in the column has the member. */
  readonly member?: (column: string, value: SqlParameter, bind: Bind) => string
  /** SQL that is true when the entity whose id is in the column is one of the entities or below one of them. */
  readonly within?: (column: string, uids: readonly EntityUid[], bind: Bind) => string
}

/** @throws {CedarError} `not_translatable` for a field, a set or a hierarchy that the mapping does not have */
export function toSql(condition: Condition, mapping: SqlMapping, firstParameter = 1): Sql {
  return translated(condition, mapping, (number) =>
    mapping.dialect === 'sqlite' ? '?' : `$${firstParameter + number}`,
  )
}

/** The text around the parameters, and the parameters, as the tag of a template gets them. */
export interface SqlTemplate {
  readonly strings: TemplateStringsArray
  readonly values: readonly SqlParameter[]
}

/** No identifier of SQL can hold it. */
const GAP = '\u0000'

/**
 * For libraries with a template tag, which number the parameters themselves: Kysely's `sql(strings, ...values)` is an
 * expression for `where`.
 *
 * @throws {CedarError} as `toSql`
 */
export function toTemplate(condition: Condition, mapping: SqlMapping): SqlTemplate {
  const { sql, params } = translated(condition, mapping, () => GAP)
  const strings = sql.split(GAP)
  if (strings.length !== params.length + 1) throw missing('a name with a character that SQL cannot have')
  return { strings: Object.assign(strings, { raw: strings }), values: params }
}

function translated(condition: Condition, mapping: SqlMapping, placeholder: (number: number) => string): Sql {
  const params: SqlParameter[] = []
  const bind: Bind = (value) => {
    params.push(mapping.dialect === 'sqlite' && typeof value === 'boolean' ? Number(value) : value)
    return placeholder(params.length - 1)
  }
  return { sql: render(condition, mapping, bind), params }
}

function render(condition: Condition, mapping: SqlMapping, bind: Bind): string {
  const encode = (value: Value) => bind((mapping.encode ?? defaultEncoding)(value))
  const list = (values: readonly Value[]) => `(${values.map(encode).join(', ')})`
  switch (condition.kind) {
    case 'always':
      return '(1 = 1)'
    case 'never':
      return '(1 = 0)'
    case 'all':
    case 'any': {
      const parts = condition.of.map((part) => render(part, mapping, bind))
      return `(${parts.join(condition.kind === 'all' ? ' AND ' : ' OR ')})`
    }
    case 'not':
      return `(NOT ${render(condition.of, mapping, bind)})`
    case 'present':
      return `(${column(mapping, condition.field)} IS NOT NULL)`
    case 'compare':
      return there(
        mapping,
        condition.field,
        (name) => `${name} ${symbols[condition.operator]} ${encode(condition.value)}`,
      )
    case 'compareFields': {
      const other = column(mapping, condition.other)
      const test = (name: string) =>
        `${other} IS NOT NULL AND ${name} ${symbols[condition.operator]} ${other}`
      return there(mapping, condition.field, test)
    }
    case 'oneOf':
      return there(mapping, condition.field, (name) => `${name} IN ${list(condition.values)}`)
    case 'hasMember': {
      const { member } = mapping
      if (member === undefined) throw missing('sets')
      const value = (mapping.encode ?? defaultEncoding)(condition.value)
      return there(mapping, condition.field, (name) => `COALESCE((${member(name, value, bind)}), FALSE)`)
    }
    case 'like':
      return there(mapping, condition.field, (name) => like(name, condition.pattern, mapping.dialect, bind))
    case 'identity':
      return `(${quoted(mapping.id)} IN ${list(condition.uids)})`
    case 'within': {
      const { within } = mapping
      if (within === undefined) throw missing('hierarchies')
      const name = condition.field === undefined ? quoted(mapping.id) : column(mapping, condition.field)
      return `(${name} IS NOT NULL AND COALESCE((${within(name, condition.uids, bind)}), FALSE))`
    }
  }
}

const symbols: { readonly [operator in Comparison]: string } = {
  '==': '=',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

function there(mapping: SqlMapping, field: FieldPath, test: (column: string) => string): string {
  const name = column(mapping, field)
  return `(${name} IS NOT NULL AND ${test(name)})`
}

/** SQLite's LIKE ignores case, GLOB does not. */
function like(name: string, pattern: readonly PatternPart[], dialect: SqlDialect, bind: Bind): string {
  if (dialect === 'sqlite') {
    const glob = pattern.map((part) => ('wildcard' in part ? '*' : part.literal.replace(/[*?[]/g, '[$&]')))
    return `${name} GLOB ${bind(glob.join(''))}`
  }
  const text = pattern.map((part) => ('wildcard' in part ? '%' : part.literal.replace(/[%_\\]/g, '\\$&')))
  return `${name} LIKE ${bind(text.join(''))} ESCAPE '\\'`
}

function defaultEncoding(value: Value): SqlParameter {
  if (typeof value !== 'object') return value
  if (value instanceof EntityUid) return value.id
  if (value instanceof Decimal) return value.units
  if (value instanceof Datetime) return value.epochMilliseconds
  if (value instanceof Duration) return value.milliseconds
  throw missing('such values')
}

function column(mapping: SqlMapping, field: FieldPath): string {
  const name = field.join('.')
  const found = Object.hasOwn(mapping.columns, name) ? mapping.columns[name] : undefined
  if (found === undefined) throw missing(`the field \`${name}\``)
  return quoted(found)
}

/** A column may be qualified by its table: `documents.owner_id`. */
function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}

function missing(what: string): CedarError {
  return new CedarError('not_translatable', `the mapping has nothing for ${what}`)
}
