/**
 * What every store keeps of an authorization-server record: the members it is found by, and what `find` gives back.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import { encodeKey } from './key-text.ts'
import { fromJson } from './records.ts'

/** Encoded values of the members by which a payload can be found; null when it has none. */
export interface OAuthKeys {
  readonly uid: string | null
  readonly userCode: string | null
  readonly grantId: string | null
}

export function oauthKeys(payload: JsonObject): OAuthKeys {
  return { uid: key(payload, 'uid'), userCode: key(payload, 'userCode'), grantId: key(payload, 'grantId') }
}

function key(payload: JsonObject, name: string): string | null {
  const value = Object.hasOwn(payload, name) ? payload[name] : undefined
  return typeof value === 'string' && value.length > 0 ? encodeKey(value) : null
}

/** The payload as `upsert` was given it, plus `consumed` once it was consumed. Null when it has expired. */
export function oauthPayload(
  row: { readonly payload: string; readonly expiresAt: number | null; readonly consumedAt: number | null },
  now: number,
): JsonObject | null {
  if (row.expiresAt !== null && row.expiresAt <= now) return null
  const payload = fromJson(row.payload)
  return row.consumedAt === null ? payload : { ...payload, consumed: row.consumedAt }
}
