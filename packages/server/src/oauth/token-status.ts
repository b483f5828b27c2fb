/**
 * Introspection (RFC 7662) and revocation (RFC 7009) of our access tokens, which the library neither stores nor
 * knows. Both speak only about a client's own tokens; of any other token they say what they say of no token.
 * @module
 */
import { verifyAccessToken } from '@safeconduct/engine'
import type { Grant, JsonObject } from '@safeconduct/protocol'
import { epochsAlive } from './epochs.ts'
import type { KeyRing } from './keys.ts'
import { actClaim } from './mint.ts'
import type { Context } from './options.ts'
import { revoke } from './revoke.ts'
import { taskAlive } from './tasks.ts'

/** Whether a token has the form of ours; refresh tokens have no dots. */
export function isStructured(token: string): boolean {
  return token.split('.').length === 3
}

export async function introspect(
  context: Context,
  keys: KeyRing,
  token: string,
  client: string,
): Promise<JsonObject> {
  const grant = ownGrant(context, keys, token, client)
  if (grant === null || !(await alive(context, grant))) return { active: false }
  const act = actClaim(grant.user === null ? [] : [grant.agent, ...grant.via])
  return {
    active: true,
    iss: context.issuer,
    sub: grant.user ?? grant.agent,
    aud: [...grant.audience],
    client_id: grant.clientId,
    scope: grant.scope.join(' '),
    iat: grant.issuedAt / 1000,
    exp: grant.expiresAt / 1000,
    jti: grant.id,
    token_type: grant.jkt === null ? 'Bearer' : 'DPoP',
    authorization_details: [grant.details as unknown as JsonObject],
    ...(grant.jkt === null ? {} : { cnf: { jkt: grant.jkt } }),
    ...(act === undefined ? {} : { act: act as unknown as JsonObject }),
  }
}

/**
 * Ends the link a token was issued under, and so every token under the same link: its last delegation, or the task of
 * an agent that acts alone.
 */
export async function revokeToken(
  context: Context,
  keys: KeyRing,
  token: string,
  client: string,
): Promise<void> {
  const grant = ownGrant(context, keys, token, client)
  if (grant === null || !(await alive(context, grant))) return
  const link = grant.epochs.findLast((ref) => ref.kind === 'delegation')
  const { tenant } = context
  if (link === undefined) await revoke(context, { tenant, kind: 'task', id: grant.task, by: client })
  else await revoke(context, { tenant, kind: 'delegation', id: link.id, by: client })
}

function ownGrant(context: Context, keys: KeyRing, token: string, client: string): Grant | null {
  const rules = {
    issuer: context.issuer,
    audience: null,
    keys: keys.verifying,
    now: context.clock.now(),
    skew: 0,
  }
  try {
    const grant = verifyAccessToken(token, rules)
    return grant.tenant === context.tenant && grant.clientId === client ? grant : null
  } catch {
    return null
  }
}

async function alive(context: Context, grant: Grant): Promise<boolean> {
  const task = await context.store.tasks.get(context.tenant, grant.task)
  return taskAlive(task, context.clock.now()) && epochsAlive(context.store, context.tenant, grant.epochs)
}
