/**
 * What the drivers share: one JSON exchange through the guard, and what its failures mean.
 * @module
 */
import { isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import type { GuardedFetch } from '../../net/guarded-fetch.ts'

export interface Remote {
  readonly fetch: GuardedFetch
  /** Without a slash at the end. */
  readonly url: string
  readonly token: string | null
}

export interface Reply {
  readonly status: number
  /** One value; for a stream, one for each line. */
  readonly values: readonly JsonObject[]
}

/** @throws {SafeconductError} what the guard throws; `upstream_invalid` for what is no JSON, and for 401, 403 and 5xx */
export async function exchange(
  { fetch, url, token }: Remote,
  path: string,
  body: JsonObject,
): Promise<Reply> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, application/x-ndjson',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (response.status >= 500 || response.status === 401 || response.status === 403 || response.status === 429)
    throw new SafeconductError('upstream_invalid', {
      message: `The relations server answered with status ${response.status}.`,
    })
  try {
    return { status: response.status, values: valuesOf(text) }
  } catch (cause) {
    throw new SafeconductError('upstream_invalid', {
      message: 'The relations server did not answer in JSON.',
      cause,
    })
  }
}

function valuesOf(text: string): JsonObject[] {
  if (text.trim() === '') return []
  try {
    return [objectOf(JSON.parse(text))]
  } catch {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return lines.map((line) => objectOf(JSON.parse(line)))
  }
}

function objectOf(value: unknown): JsonObject {
  if (typeof value === 'object' && value !== null && isJsonObject(value as JsonObject))
    return value as JsonObject
  throw new TypeError('not an object')
}

export const inParts = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size))

export const member = (value: JsonObject | undefined, name: string): JsonObject => {
  const found = value?.[name]
  return isJsonObject(found) ? found : {}
}
