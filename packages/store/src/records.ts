/**
 * What every store knows of its records: which indexes a collection has, what may be written, and the JSON text in
 * which a record is kept. Shared by all implementations, so that they refuse the same things in the same words.
 * @module
 */
import type { Collection, Page, Repositories } from '@safeconduct/engine'
import {
  EPOCH_KINDS,
  type EpochKind,
  type JsonObject,
  SafeconductError,
  type Stored,
} from '@safeconduct/protocol'
import { encodeKey, MAX_KEY_LENGTH, writeKey } from './key-text.ts'

type IndexOf<C> = C extends Collection<infer _Record, infer Index> ? Index : never

/** Names of the port's collections. */
export type CollectionName = {
  [K in keyof Repositories]: IndexOf<Repositories[K]> extends never ? never : K
}[keyof Repositories]

/** `unique` within a tenant, or `many` records to a value. */
export type IndexKind = 'unique' | 'many'

/** Every collection with its indexed members. The compiler holds this table to the port. */
export const COLLECTIONS = {
  users: { name: 'many' },
  agents: { name: 'unique', owner: 'many' },
  servers: { name: 'unique' },
  tools: { server: 'many', status: 'many' },
  tasks: { agent: 'many', user: 'many', status: 'many' },
  delegations: { task: 'many', to: 'many' },
  approvals: { status: 'many', task: 'many' },
  policies: { status: 'many' },
  elevations: { status: 'many', task: 'many' },
  ownerRequests: { status: 'many' },
  decisions: { agent: 'many', user: 'many', task: 'many', outcome: 'many' },
  relationSpaces: { role: 'many' },
  relationModels: { space: 'many' },
  enforcers: { name: 'unique', status: 'many' },
  policyStores: { name: 'many', status: 'many' },
} as const satisfies {
  readonly [K in CollectionName]: Readonly<Record<IndexOf<Repositories[K]>, IndexKind>>
}

/** Bytes of one JSON text or blob. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024

export const MAX_PAGE = 1000
const DEFAULT_PAGE = 100

export interface PageQuery {
  /** Encoded; null = from the start. */
  readonly after: string | null
  readonly limit: number
  readonly newestFirst: boolean
}

/** @throws {SafeconductError} `invalid_request` when the limit is not 1–1000 */
export function readPage(page: Page = {}): PageQuery {
  return {
    after: page.after === undefined ? null : encodeKey(page.after),
    limit: readLimit(page.limit ?? DEFAULT_PAGE),
    newestFirst: page.newestFirst ?? false,
  }
}

/** @throws {SafeconductError} `invalid_request` when the limit is not 1–1000 */
export function readLimit(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new SafeconductError('invalid_request', {
      message: `The limit must be a whole number from 1 to ${MAX_PAGE}.`,
      details: { limit: MAX_PAGE },
    })
  }
  return limit
}

/** A time in milliseconds, a sequence number. @throws {SafeconductError} `invalid_request` when it is not whole */
export function readInteger(what: string, value: number): number {
  if (Number.isSafeInteger(value)) return value
  throw new SafeconductError('invalid_request', {
    message: `The ${what} must be a whole number.`,
    details: { member: what },
  })
}

/** @throws {SafeconductError} `invalid_request` when it is no kind of epoch */
export function readEpochKind(kind: string): EpochKind {
  const known = EPOCH_KINDS.find((one) => one === kind)
  if (known !== undefined) return known
  throw new SafeconductError('invalid_request', { message: 'There is no such kind of epoch.' })
}

/** Claims between two sweeps of the replay store. */
export const REPLAY_SWEEP = 64

/**
 * Milliseconds a claim is kept beyond its expiry: a wall clock set back by less than this across a restart cannot
 * make a used proof claimable again.
 */
export const REPLAY_GRACE = 600_000

/** A record taken apart into what is stored: encoded keys, index values, JSON text. */
export interface Row {
  readonly tenant: string
  readonly id: string
  readonly version: number
  readonly indexed: Readonly<Record<string, string | null>>
  readonly body: string
}

/** @throws {SafeconductError} `invalid_request`, `invalid_json`, `too_large` */
export function toRow(value: Stored, indexes: Readonly<Record<string, IndexKind>>): Row {
  const indexed: Record<string, string | null> = {}
  for (const name of Object.keys(indexes)) indexed[name] = indexValue(value, name)
  if (!Number.isSafeInteger(value.version) || value.version < 1) {
    throw new SafeconductError('invalid_request', { message: 'The version must be a whole number above 0.' })
  }
  return {
    tenant: writeKey('tenant', value.tenant),
    id: writeKey('id', value.id),
    version: value.version,
    indexed,
    body: toJson(value),
  }
}

function indexValue(value: Stored, name: string): string | null {
  const member: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
  if (member === null) return null
  if (typeof member === 'string' && member.length <= MAX_KEY_LENGTH) return encodeKey(member)
  throw new SafeconductError('invalid_request', {
    message: `The indexed member ${name} must be null or a string of at most ${MAX_KEY_LENGTH} characters.`,
    details: { member: name },
  })
}

/** @throws {SafeconductError} `invalid_request` when the version of a new record is not 1 */
export function toNewRow(value: Stored, indexes: Readonly<Record<string, IndexKind>>): Row {
  if (value.version !== 1) {
    throw new SafeconductError('invalid_request', { message: 'The version of a new record must be 1.' })
  }
  return toRow(value, indexes)
}

/** @throws {SafeconductError} `invalid_request` when the collection has no such index */
export function readIndex(indexes: Readonly<Record<string, IndexKind>>, name: string): string {
  if (Object.hasOwn(indexes, name)) return name
  throw new SafeconductError('invalid_request', { message: 'There is no such index.' })
}

/**
 * JSON text of a value. Refuses what JSON would silently change into something else (NaN to null).
 * @throws {SafeconductError} `invalid_json`, `too_large`
 */
export function toJson(value: object): string {
  let text: string
  try {
    text = JSON.stringify(value, refuseLossy)
  } catch (cause) {
    throw new SafeconductError('invalid_json', { message: 'The value cannot be kept as JSON.', cause })
  }
  if (text.length > MAX_VALUE_BYTES) tooLarge()
  return text
}

function refuseLossy(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('a number is not finite')
  return value
}

/** @throws {SafeconductError} `too_large` */
export function checkBytes(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new SafeconductError('invalid_request', { message: 'The value must be bytes.' })
  }
  if (value.length > MAX_VALUE_BYTES) tooLarge()
  return value
}

function tooLarge(): never {
  throw new SafeconductError('too_large', {
    message: 'The value is larger than the store takes.',
    details: { limit: MAX_VALUE_BYTES },
  })
}

/** Parses JSON text that a store wrote. @throws {SafeconductError} `internal` when it is not an object any more */
export function fromJson(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new SafeconductError('internal', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SafeconductError('internal', { cause: new Error('a stored record is not an object') })
  }
  return value as JsonObject
}

/**
 * The record again. Storage is not trusted: a body that disagrees with its own row is refused, not returned.
 * @throws {SafeconductError} `internal`
 */
export function fromRow<T extends Stored>(row: {
  readonly tenant: string
  readonly id: string
  readonly version: number
  readonly body: string
}): T {
  const value = fromJson(row.body)
  const { tenant, id, version } = value
  const same =
    typeof tenant === 'string' &&
    typeof id === 'string' &&
    encodeKey(tenant) === row.tenant &&
    encodeKey(id) === row.id &&
    version === row.version
  if (!same)
    throw new SafeconductError('internal', { cause: new Error('a stored record contradicts its row') })
  // The text was made from a T by `toJson`, and the row it was stored under agrees with it.
  return value as unknown as T
}

export const conflict = (cause?: unknown) => new SafeconductError('conflict', { cause })
export const notFound = () => new SafeconductError('not_found')
