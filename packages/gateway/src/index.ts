/**
 * Enforcement in front of MCP servers: who calls is proven, what is asked is decided and recorded, only the decided
 * value goes on, and the answer is released once its outcome is recorded.
 * @module
 */
export { type AttemptBook, createAttemptBook } from './auth/attempts.ts'
export { type AuthenticateOptions, createAuthenticate } from './auth/authenticate.ts'
export { challenges, metadataUrl, resourceMetadata, resourceUrl } from './auth/challenge.ts'
export { createMcpGateway, type GatewayStatus, type McpGateway, type McpGatewayOptions } from './gateway.ts'
export { encodeHeaderValue } from './http/header-values.ts'
export { checkHost, checkOrigin, type OriginRules, originRules } from './http/origin.ts'
export type {
  Authenticate,
  Deciding,
  Directory,
  Identity,
  Log,
  LogLevel,
  Presented,
  RevokedRef,
  UpstreamCredentials,
} from './ports.ts'
export { type GatewayOptions, type GatewaySettings, gatewaySettings } from './settings.ts'
export { findProgram, programDigest } from './upstream/program.ts'
