/**
 * Cedar values at run time.
 *
 * Values are immutable. Strings, booleans and Longs are JavaScript primitives (`long.ts`); everything else is one
 * of the classes below. Two values are equal in Cedar if and only if `equal` says so, and then `canonicalKey`
 * gives the same text. Nothing is interned: what a request brings is garbage when the request ends.
 *
 * @module
 */

import type { Datetime, Duration } from './extensions/datetime.ts'
import type { Decimal } from './extensions/decimal.ts'
import type { IpAddress } from './extensions/ip.ts'
import type { Long } from './long.ts'

export type Primitive = boolean | string | Long
export type Extension = Decimal | IpAddress | Datetime | Duration
export type Value = Primitive | EntityUid | CedarSet | CedarRecord | Extension

export class EntityUid {
  readonly type: string
  readonly id: string
  /** `Type::"id` : unambiguous because a type name has no quote. */
  readonly key: string

  /** `type` must be a valid name; use `entityUid` for what comes from outside. */
  constructor(type: string, id: string) {
    this.type = type
    this.id = id
    this.key = `${type}::"${id}`
  }

  toString(): string {
    return `${this.type}::${JSON.stringify(this.id)}`
  }
}

export class CedarRecord {
  readonly fields: ReadonlyMap<string, Value>
  #key: string | undefined

  constructor(fields: ReadonlyMap<string, Value>) {
    this.fields = fields
  }

  get canonicalKey(): string {
    this.#key ??= `{${[...this.fields]
      .map(([name, value]) => `${JSON.stringify(name)}:${canonicalKey(value)}`)
      .sort()
      .join(',')}}`
    return this.#key
  }
}

/** Most sets hold only one of the two kinds, and there are as many sets as entities: what is empty is shared. */
const noPrimitives: ReadonlySet<Primitive> = new Set()
const noOthers: ReadonlyMap<string, Exclude<Value, Primitive>> = new Map()

/** Members without duplicates. Primitives are looked up by themselves, all others by their canonical key. */
export class CedarSet {
  readonly #primitives: ReadonlySet<Primitive>
  readonly #others: ReadonlyMap<string, Exclude<Value, Primitive>>
  #key: string | undefined

  constructor(members: Iterable<Value>) {
    let primitives: Set<Primitive> | undefined
    let others: Map<string, Exclude<Value, Primitive>> | undefined
    for (const member of members) {
      if (typeof member === 'object') {
        others ??= new Map()
        others.set(canonicalKey(member), member)
      } else {
        primitives ??= new Set()
        primitives.add(member)
      }
    }
    this.#primitives = primitives ?? noPrimitives
    this.#others = others ?? noOthers
  }

  get size(): number {
    return this.#primitives.size + this.#others.size
  }

  has(value: Value): boolean {
    if (typeof value !== 'object') return this.#primitives.has(value)
    return this.#others.size > 0 && this.#others.has(canonicalKey(value))
  }

  /** Every member of `other` is here. */
  hasAll(other: CedarSet): boolean {
    for (const value of other.#primitives) if (!this.#primitives.has(value)) return false
    for (const key of other.#others.keys()) if (!this.#others.has(key)) return false
    return true
  }

  hasAny(other: CedarSet): boolean {
    for (const value of other.#primitives) if (this.#primitives.has(value)) return true
    for (const key of other.#others.keys()) if (this.#others.has(key)) return true
    return false
  }

  *[Symbol.iterator](): Generator<Value> {
    yield* this.#primitives
    yield* this.#others.values()
  }

  get canonicalKey(): string {
    this.#key ??= `[${[...this].map(canonicalKey).sort().join(',')}]`
    return this.#key
  }
}

/** Same text exactly when the values are equal. Strings are quoted, so no text of theirs imitates structure. */
export function canonicalKey(value: Value): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value instanceof EntityUid) return value.toString()
      return value.canonicalKey
    default:
      return String(value)
  }
}

export function equal(a: Value, b: Value): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object') return false
  if (a instanceof EntityUid) return b instanceof EntityUid && a.key === b.key
  if (a instanceof CedarSet) return b instanceof CedarSet && a.size === b.size && a.hasAll(b)
  if (a instanceof CedarRecord) return b instanceof CedarRecord && equalRecords(a, b)
  if (b instanceof EntityUid || b instanceof CedarSet || b instanceof CedarRecord) return false
  return a.canonicalKey === b.canonicalKey
}

function equalRecords(a: CedarRecord, b: CedarRecord): boolean {
  if (a.fields.size !== b.fields.size) return false
  for (const [name, value] of a.fields) {
    const other = b.fields.get(name)
    if (other === undefined || !equal(value, other)) return false
  }
  return true
}

/** The type's name as Cedar's messages spell it. */
export function typeName(value: Value): string {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value !== 'object') return 'long'
  if (value instanceof EntityUid) return `(entity of type \`${value.type}\`)`
  if (value instanceof CedarSet) return 'set'
  if (value instanceof CedarRecord) return 'record'
  return value.kind
}
