/**
 * Looking into tokens, and making ones that nobody issued.
 */
import { verifyAccessToken } from '@safeconduct/engine'
import { type AccessTokenClaims, accessTokenSchema, type Grant } from '@safeconduct/protocol'
import type { World } from './world.ts'

export function claimsOf(token: string): AccessTokenClaims {
  return accessTokenSchema.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))
}

export function headerOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
}

/** As the gateway reads it. */
export function grantOf(world: World, token: string, server: string): Grant {
  return verifyAccessToken(token, {
    issuer: world.issuer,
    audience: world.resource(server),
    keys: world.as.keys,
    now: world.clock.now(),
  })
}
