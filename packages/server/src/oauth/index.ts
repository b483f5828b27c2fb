/**
 * The authorization server: who an agent is, for whom it acts, and what a person let it do.
 * @module
 */
export type {
  AuthorizationServerOptions,
  AuthorizationSettings,
  GrantGate,
  GrantIntent,
  GrantKind,
  LogLine,
  SecretStore,
} from './options.ts'
export { resourceOf, serverOf } from './resources.ts'
export { type RevokePorts, type RevokeTarget, revoke } from './revoke.ts'
export { type AuthorizationServer, createAuthorizationServer } from './server.ts'
export { type OwnerSession, SESSION_LIFETIME, SIGN_IN_LIFETIME } from './sessions.ts'
export { IMPLICIT_IDLE, IMPLICIT_LIFETIME, intentDigest, type OpenTask, type TaskWish } from './tasks.ts'
