/**
 * RFC 9396 authorization details as clients send them: exactly one of ours, parsed once.
 * @module
 */
import {
  isJsonArray,
  type JsonValue,
  parseJson,
  type TaskDetails,
  taskDetailsSchema,
} from '@safeconduct/protocol'
import { OAuthError } from './errors.ts'

const LIMITS = { maxLength: 32 * 1024, maxDepth: 16 }

function invalid(description: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_authorization_details', description, cause)
}

/** One detail. @throws {OAuthError} `invalid_authorization_details` */
export function parseDetail(value: unknown): TaskDetails {
  const parsed = taskDetailsSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw invalid(`The authorization detail is not valid: ${issue?.path.join('.') || 'type'}.`, parsed.error)
}

/** The parameter as text; null when absent. @throws {OAuthError} `invalid_authorization_details` */
export function parseDetailsParameter(text: string | null): TaskDetails | null {
  if (text === null) return null
  let value: JsonValue
  try {
    value = parseJson(text, LIMITS)
  } catch (cause) {
    throw invalid('The authorization details are not valid JSON.', cause)
  }
  if (!isJsonArray(value) || value.length !== 1) {
    throw invalid('There must be exactly one authorization detail.')
  }
  return parseDetail(value[0])
}

/**
 * A client that begins an errand may not name its task or intent: the one is made here, the other is the user's.
 * @throws {OAuthError} `invalid_authorization_details`
 */
export function refuseForeignTask(details: TaskDetails): TaskDetails {
  if (details.task !== undefined) throw invalid('The task is named here, not by the client.')
  if (details.intent_digest !== undefined)
    throw invalid('The intent is taken from the user, not from the client.')
  return details
}
