/**
 * Errors as OAuth says them (RFC 6749 §5.2 and its extensions). They stay in this folder; what comes in from other
 * packages is translated here.
 * @module
 */
import { type ErrorCode, SafeconductError } from '@safeconduct/protocol'

const STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_authorization_details: 400,
  invalid_client_metadata: 400,
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_token_type: 400,
  access_denied: 403,
  temporarily_unavailable: 503,
  server_error: 500,
} as const

export type OAuthErrorCode = keyof typeof STATUS

export class OAuthError extends Error {
  readonly error: OAuthErrorCode

  /** `description` leaves the process: no secret, no untrusted text. */
  constructor(error: OAuthErrorCode, description: string, cause?: unknown) {
    super(description, cause === undefined ? undefined : { cause })
    this.name = 'OAuthError'
    this.error = error
  }

  get status(): number {
    return STATUS[this.error]
  }
}

const TRANSLATED: Partial<Record<ErrorCode, OAuthErrorCode>> = {
  invalid_token: 'invalid_grant',
  revoked: 'invalid_grant',
  expired: 'invalid_grant',
  chain_too_long: 'invalid_grant',
  not_found: 'invalid_grant',
  widening: 'invalid_authorization_details',
  invalid_dpop_proof: 'invalid_dpop_proof',
  use_dpop_nonce: 'use_dpop_nonce',
  insufficient_scope: 'invalid_scope',
  invalid_request: 'invalid_request',
  invalid_json: 'invalid_request',
  duplicate_key: 'invalid_request',
  too_deep: 'invalid_request',
  too_large: 'invalid_request',
  denied: 'access_denied',
  forbidden: 'access_denied',
  policy_missing: 'access_denied',
  disk_full: 'temporarily_unavailable',
  ledger_unavailable: 'temporarily_unavailable',
  overloaded: 'temporarily_unavailable',
  shutting_down: 'temporarily_unavailable',
}

/** Whatever was thrown, as an OAuth error; what is not known becomes `server_error` and keeps its cause private. */
export function toOAuthError(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown
  if (thrown instanceof SafeconductError) {
    const code = TRANSLATED[thrown.code]
    if (code !== undefined) return new OAuthError(code, thrown.message, thrown)
  }
  return new OAuthError('server_error', 'Something went wrong here.', thrown)
}

export function invalidGrant(description: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_grant', description, cause)
}
