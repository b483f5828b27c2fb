/**
 * A start that looks good and then refuses every client is the worst kind. So one client of each kind is loaded, and
 * one token is signed and verified, before the first request is answered.
 * @module
 */
import { verifyAccessToken } from '@safeconduct/engine'
import { SafeconductError, TASK_DETAILS_TYPE } from '@safeconduct/protocol'
import type Provider from 'oidc-provider'
import type { ClientMetadata } from 'oidc-provider'
import { agentMetadata, selfDescribed } from './clients.ts'
import type { KeyRing } from './keys.ts'
import { mint } from './mint.ts'
import type { Context } from './options.ts'

/** @throws {SafeconductError} `internal`, saying which check failed */
export async function selfCheck(context: Context, provider: Provider, keys: KeyRing): Promise<void> {
  const metadata = [
    agentMetadata({
      tenant: context.tenant,
      id: 'self-check',
      version: 1,
      name: 'self-check',
      owner: 'self-check',
      registration: 'owner',
      jwks: [keys.main.signing.jwk],
      redirectUris: ['http://127.0.0.1/callback'],
      composition: [],
      autonomous: false,
      status: 'active',
      trustCeiling: null,
      createdAt: 0,
    }),
    {
      client_id: 'self-check-public',
      ...selfDescribed({ client_name: 'self-check', redirect_uris: ['http://localhost:1/callback'] }, false),
    },
  ]
  try {
    for (const client of metadata) await provider.Client.validate(client as unknown as ClientMetadata)
    checkToken(context, keys)
  } catch (cause) {
    throw new SafeconductError('internal', {
      message: 'The authorization server failed its self-check.',
      cause,
    })
  }
}

function checkToken(context: Context, keys: KeyRing): void {
  const now = context.clock.now()
  const audience = `${context.issuer}/mcp/self-check`
  const token = mint(keys.main, {
    issuer: context.issuer,
    tenant: context.tenant,
    id: 'self-check',
    agent: 'self-check',
    user: null,
    actors: [],
    audience: [audience],
    scope: ['mcp:read'],
    task: 'self-check',
    details: { type: TASK_DETAILS_TYPE, tools: [] },
    epochs: [],
    jkt: null,
    now,
    expiresAt: now + 60_000,
    authenticatedAt: null,
  })
  verifyAccessToken(token, { issuer: context.issuer, audience, keys: keys.verifying, now })
}
