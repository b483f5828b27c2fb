/**
 * Our errors as OpenFGA's clients know them: a status and `{code, message}`.
 * @module
 */
import { type ErrorCode, type SafeconductError, toSafeconductError } from '@safeconduct/protocol'
import { RelationsError, type RelationsErrorCode } from '@safeconduct/relations'

export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** A refusal in OpenFGA's own words, where none of our codes says the same. */
export class FgaError extends Error {
  override readonly name = 'FgaError'
  readonly refusal: Refusal

  constructor(status: number, code: string, message: string) {
    super(message)
    this.refusal = { status, code, message }
  }
}

export const invalid = (message: string): FgaError => new FgaError(400, 'validation_error', message)

const OF_RELATIONS: Readonly<Record<RelationsErrorCode, readonly [number, string]>> = {
  model_syntax: [400, 'invalid_authorization_model'],
  model_invalid: [400, 'invalid_authorization_model'],
  model_not_found: [400, 'authorization_model_not_found'],
  model_quarantined: [422, 'invalid_authorization_model'],
  validation: [400, 'validation_error'],
  type_not_found: [400, 'type_not_found'],
  relation_not_found: [400, 'relation_not_found'],
  invalid_tuple: [400, 'invalid_tuple'],
  write_conflict: [400, 'write_failed_due_to_invalid_input'],
  resolution_too_complex: [400, 'authorization_model_resolution_too_complex'],
  cursor_invalid: [400, 'invalid_continuation_token'],
  revision_invalid: [400, 'validation_error'],
  limit_exceeded: [400, 'exceeded_entity_limit'],
  snapshot_corrupt: [500, 'internal_error'],
  snapshot_foreign: [500, 'internal_error'],
}

const OF_OURS: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'validation_error',
  invalid_json: 'validation_error',
  duplicate_key: 'validation_error',
  too_deep: 'validation_error',
  too_large: 'exceeded_entity_limit',
  unauthenticated: 'bearer_token_missing',
  invalid_token: 'auth_failed_invalid_bearer_token',
  not_found: 'undefined_endpoint',
  conflict: 'aborted',
  rate_limited: 'resource_exhausted',
  overloaded: 'resource_exhausted',
  disk_full: 'resource_exhausted',
  ledger_unavailable: 'unavailable',
  shutting_down: 'unavailable',
}

/** `internal` is told when the failure is ours; nothing of its cause is in the refusal. */
export function refusalOf(thrown: unknown, internal: (error: SafeconductError) => void): Refusal {
  if (thrown instanceof FgaError) return thrown.refusal
  if (thrown instanceof RelationsError) {
    const [status, code] = OF_RELATIONS[thrown.code]
    if (status === 500) internal(toSafeconductError(thrown))
    return { status, code, message: status === 500 ? 'Something went wrong here.' : thrown.message }
  }
  const error = toSafeconductError(thrown)
  if (error.code === 'internal') internal(error)
  const code = OF_OURS[error.code]
  if (code !== undefined) return { status: error.status, code, message: error.message }
  if (error.status === 401)
    return { status: 401, code: 'auth_failed_invalid_bearer_token', message: error.message }
  if (error.status === 403) return { status: 403, code: 'forbidden', message: error.message }
  if (error.status < 500) return { status: error.status, code: 'validation_error', message: error.message }
  return { status: error.status, code: 'internal_error', message: error.message }
}
