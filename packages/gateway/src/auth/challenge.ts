/**
 * What a caller without sufficient credentials is told: `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3,
 * RFC 9728 §5.1) and the resource metadata it points to.
 * @module
 */
import { type ErrorCode, type JsonObject, SCOPES } from '@safeconduct/protocol'
import type { GatewaySettings } from '../settings.ts'

export function resourceUrl(settings: GatewaySettings, server: string): string {
  return `${settings.publicUrl}/mcp/${server}`
}

export function metadataUrl(settings: GatewaySettings, server: string): string {
  return `${settings.publicUrl}/.well-known/oauth-protected-resource/mcp/${server}`
}

/** RFC 9728 §2. */
export function resourceMetadata(settings: GatewaySettings, server: string): JsonObject {
  return {
    resource: resourceUrl(settings, server),
    authorization_servers: [...settings.authorizationServers],
    scopes_supported: [...SCOPES],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519'],
    dpop_bound_access_tokens_required: false,
    authorization_details_types_supported: ['safeconduct_task'],
    resource_name: `Safeconduct gateway: ${server}`,
  }
}

export interface ChallengeInput {
  readonly code: ErrorCode
  readonly server: string
  /** All scopes the operation needs; the default asks for everything the gateway knows. */
  readonly scopes?: readonly string[]
  /** How the caller tried; the challenge of that scheme comes first. */
  readonly scheme: 'bearer' | 'dpop' | null
}

/** RFC 6750, RFC 9449 and RFC 9470 error values by our code; no row = a challenge without an error. */
const ERROR_VALUES: Partial<Record<ErrorCode, string>> = {
  invalid_token: 'invalid_token',
  revoked: 'invalid_token',
  expired: 'invalid_token',
  invalid_dpop_proof: 'invalid_dpop_proof',
  use_dpop_nonce: 'use_dpop_nonce',
  insufficient_scope: 'insufficient_scope',
  step_up_required: 'insufficient_user_authentication',
  insufficient_user_authentication: 'insufficient_user_authentication',
}

const DESCRIPTIONS: Partial<Record<ErrorCode, string>> = {
  revoked: 'The grant has been revoked',
  step_up_required: 'A fresh proof of the key or a fresh authentication is needed',
  insufficient_user_authentication: 'A fresh authentication is needed',
}

/** Header values, one per scheme. Everything in them is made by us; nothing of the request is echoed. */
export function challenges(settings: GatewaySettings, input: ChallengeInput): readonly string[] {
  const error = ERROR_VALUES[input.code]
  const description = DESCRIPTIONS[input.code]
  const scopes = input.scopes === undefined || input.scopes.length === 0 ? SCOPES : input.scopes
  const shared = [
    ...(error === undefined ? [] : [`error="${error}"`]),
    ...(description === undefined ? [] : [`error_description="${description}"`]),
    // RFC 9470 §3: 0 asks for an authentication made after this answer.
    ...(error === 'insufficient_user_authentication' ? ['max_age="0"'] : []),
    `scope="${scopes.filter(isScopeToken).join(' ')}"`,
    `resource_metadata="${metadataUrl(settings, input.server)}"`,
  ]
  const bearer = `Bearer ${shared.join(', ')}`
  const dpop = `DPoP ${[...shared, 'algs="ES256 EdDSA Ed25519"'].join(', ')}`
  if (error === 'use_dpop_nonce' || error === 'invalid_dpop_proof') return [dpop]
  return input.scheme === 'dpop' ? [dpop, bearer] : [bearer, dpop]
}

/** RFC 6749 §3.3: what may stand in a scope token, so that nothing can break out of the quotes. */
function isScopeToken(text: string): boolean {
  return /^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/.test(text)
}

export function schemeOf(authorization: string | undefined): 'bearer' | 'dpop' | null {
  if (authorization === undefined) return null
  return /^dpop /i.test(authorization) ? 'dpop' : 'bearer'
}
