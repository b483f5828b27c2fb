/**
 * What the token endpoint answers (RFC 6749 §5.1, RFC 8693 §2.2.1, RFC 9396 §7).
 * @module
 */
import type { TaskDetails } from '@safeconduct/protocol'

export interface TokenResponse {
  readonly access_token: string
  readonly token_type: 'Bearer' | 'DPoP'
  readonly expires_in: number
  readonly scope?: string
  readonly issued_token_type?: string
  readonly authorization_details?: readonly TaskDetails[]
}
