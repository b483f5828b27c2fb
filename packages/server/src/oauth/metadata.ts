/**
 * What the authorization server says about itself (RFC 8414, OpenID Connect Discovery). Written here and not by the
 * library, because the library does not know the grants that are answered in front of it.
 * @module
 */
import { SIGNATURE_ALGORITHMS } from '@safeconduct/engine'
import { type JsonObject, SCOPES, TASK_DETAILS_TYPE } from '@safeconduct/protocol'
import { type Context, PATHS } from './options.ts'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

export function serverMetadata(context: Context, registration: boolean): JsonObject {
  const at = (path: string) => `${context.issuer}${path}`
  const algorithms = [...SIGNATURE_ALGORITHMS]
  return {
    issuer: context.issuer,
    authorization_endpoint: at(PATHS.authorize),
    token_endpoint: at(PATHS.token),
    pushed_authorization_request_endpoint: at(PATHS.par),
    jwks_uri: at(PATHS.jwks),
    introspection_endpoint: at(PATHS.introspect),
    revocation_endpoint: at(PATHS.revoke),
    ...(registration ? { registration_endpoint: at(PATHS.register) } : {}),
    scopes_supported: ['openid', 'offline_access', ...SCOPES],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
    token_endpoint_auth_signing_alg_values_supported: algorithms,
    introspection_endpoint_auth_methods_supported: ['private_key_jwt'],
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    dpop_signing_alg_values_supported: algorithms,
    id_token_signing_alg_values_supported: ['ES256', 'EdDSA'],
    subject_types_supported: ['public'],
    claims_supported: ['sub', 'auth_time', 'iss', 'aud', 'exp', 'iat'],
    authorization_details_types_supported: [TASK_DETAILS_TYPE],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    claims_parameter_supported: false,
    prompt_values_supported: ['login', 'consent'],
  }
}
