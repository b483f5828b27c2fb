/**
 * DPoP at the endpoints that are answered in front of the library (RFC 9449 §5).
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createKeyCache, createNonces, verifyDpop } from '@safeconduct/engine'
import { OAuthError, toOAuthError } from './errors.ts'
import type { Context } from './options.ts'
import { claimOnce, replayId } from './replay.ts'

/** Thumbprint of the key that was shown to be held; null when no proof was given. @throws {OAuthError} */
export type ProofCheck = (
  req: IncomingMessage,
  res: ServerResponse,
  client: string,
  path: string,
) => Promise<string | null>

export function createProofCheck(context: Context): ProofCheck {
  const keys = createKeyCache()
  const nonces = context.settings.dpopNonce ? createNonces(randomBytes(32)) : null
  return async (req, res, client, path) => {
    const given = req.headersDistinct.dpop ?? []
    const [proof] = given
    if (proof === undefined) return null
    if (given.length > 1) throw new OAuthError('invalid_dpop_proof', 'There is more than one DPoP proof.')
    const now = context.clock.now()
    if (nonces !== null) res.setHeader('DPoP-Nonce', nonces.current(now))
    try {
      const { jkt, jti, expiresAt } = verifyDpop(proof, {
        method: 'POST',
        url: `${context.issuer}${path}`,
        accessToken: null,
        jkt: null,
        nonces,
        keys,
        now,
      })
      if (!(await claimOnce(context, replayId(client, jti), expiresAt))) {
        throw new OAuthError('invalid_dpop_proof', 'The DPoP proof was used before.')
      }
      return jkt
    } catch (thrown) {
      throw toOAuthError(thrown)
    }
  }
}
