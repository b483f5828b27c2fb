/**
 * Tuples as rows: keys encoded like all keys, a condition as JSON text. Shared by all implementations.
 * @module
 */
import type { RelationTuple } from '@safeconduct/protocol'
import { SafeconductError } from '@safeconduct/protocol'
import { decodeKey, encodeKey, writeKey } from './key-text.ts'
import { fromJson, readInteger, toJson } from './records.ts'

export type TupleKey = Pick<RelationTuple, 'object' | 'relation' | 'user'>

export interface TupleRow {
  readonly object: string
  readonly relation: string
  readonly user: string
  readonly condition: string | null
  readonly expiresAt: number | null
}

/** Rows of one page of tuples or changes. */
export const MAX_RELATION_PAGE = 10_000

/** @throws {SafeconductError} `invalid_request` */
export function readRelationLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_RELATION_PAGE) return limit
  throw new SafeconductError('invalid_request', {
    message: `The limit must be a whole number from 1 to ${MAX_RELATION_PAGE}.`,
    details: { limit: MAX_RELATION_PAGE },
  })
}

/** @throws {SafeconductError} `invalid_request` */
export const writeTupleKey = ({ object, relation, user }: TupleKey): TupleKey => ({
  object: writeKey('object', object),
  relation: writeKey('relation', relation),
  user: writeKey('user', user),
})

/** @throws {SafeconductError} `invalid_request`, `invalid_json`, `too_large` */
export function writeTuple(tuple: RelationTuple): TupleRow {
  const { condition, expiresAt } = tuple
  return {
    ...writeTupleKey(tuple),
    condition: condition === null ? null : toJson({ name: condition.name, context: condition.context }),
    expiresAt: expiresAt === null ? null : readInteger('expiry', expiresAt),
  }
}

export function readTuple(row: TupleRow): RelationTuple {
  const condition = row.condition === null ? null : fromJson(row.condition)
  return {
    object: decodeKey(row.object),
    relation: decodeKey(row.relation),
    user: decodeKey(row.user),
    condition: condition === null ? null : (condition as unknown as RelationTuple['condition'] & object),
    expiresAt: row.expiresAt,
  }
}

/** What every object of a type starts with. */
export const typePrefix = (type: string): string => `${encodeKey(type)}:`
