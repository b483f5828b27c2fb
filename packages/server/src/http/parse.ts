/**
 * Bodies and queries of the control plane: bounded, typed once, refused in words that name the member.
 * @module
 */
import { type JsonValue, parseJson, SafeconductError } from '@safeconduct/protocol'
import type * as z from 'zod'

export const BODY_LIMITS = { maxLength: 1024 * 1024, maxDepth: 32 }

export function tooLarge(): SafeconductError {
  return new SafeconductError('too_large', { details: { limit: BODY_LIMITS.maxLength } })
}

/**
 * An empty body is an empty object.
 * @throws `invalid_request` for another content type, and what `parseJson` throws
 */
export function parseBody(bytes: Uint8Array, contentType: string | undefined): JsonValue {
  if (bytes.length === 0) return {}
  // A form post cannot set this type without a preflight: together with the CSRF header, two walls.
  if (contentType !== 'application/json' && mediaType(contentType) !== 'application/json') {
    throw new SafeconductError('invalid_request', { message: 'The content type must be application/json.' })
  }
  return parseJson(bytes, BODY_LIMITS)
}

function mediaType(header: string | undefined): string | undefined {
  return header?.split(';')[0]?.trim().toLowerCase()
}

/** @throws `invalid_request`, naming the first member that does not fit */
export function parseWith(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') ?? ''
  throw new SafeconductError('invalid_request', {
    message: where === '' ? (issue?.message ?? 'Not valid.') : `${where}: ${issue?.message ?? 'not valid'}`,
    cause: parsed.error,
  })
}
