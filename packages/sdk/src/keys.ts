/**
 * The agent's key: signs its client assertions (RFC 7523) and its DPoP proofs (RFC 9449).
 * @module
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'

export interface AgentKey {
  readonly algorithm: 'EdDSA' | 'ES256'
  readonly publicJwk: JWK
  /** RFC 7638, SHA-256, base64url: what a bound token carries as `cnf.jkt`. */
  readonly thumbprint: string
  sign(header: Readonly<Record<string, unknown>>, claims: Readonly<Record<string, unknown>>): Promise<string>
}

/** @throws {TypeError} when the JWK is not a private P-256 or Ed25519 key */
export async function agentKey(privateJwk: JWK): Promise<AgentKey> {
  const { kty, crv, d } = privateJwk
  const algorithm =
    kty === 'OKP' && crv === 'Ed25519' ? 'EdDSA' : kty === 'EC' && crv === 'P-256' ? 'ES256' : null
  if (algorithm === null || d === undefined) throw new TypeError('A private P-256 or Ed25519 JWK is needed.')
  const key = await importJWK(privateJwk, algorithm)
  const { x, y } = privateJwk
  const publicJwk: JWK = {
    kty: algorithm === 'EdDSA' ? 'OKP' : 'EC',
    crv: algorithm === 'EdDSA' ? 'Ed25519' : 'P-256',
    ...(x === undefined ? {} : { x }),
    ...(algorithm === 'ES256' && y !== undefined ? { y } : {}),
  }
  return {
    algorithm,
    publicJwk,
    thumbprint: await calculateJwkThumbprint(publicJwk),
    sign: (header, claims) =>
      new SignJWT({ ...claims }).setProtectedHeader({ ...header, alg: algorithm }).sign(key),
  }
}

/** A new key in memory, with its private JWK for whoever keeps it. */
export async function generateAgentKey(): Promise<{ readonly key: AgentKey; readonly privateJwk: JWK }> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const privateJwk = await exportJWK(privateKey)
  return { key: await agentKey(privateJwk), privateJwk }
}
