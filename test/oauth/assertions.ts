/**
 * Client assertions and proofs with anything in them, to show what is refused.
 */
import { randomUUID, type webcrypto } from 'node:crypto'
import type { AgentKeys, World } from './world.ts'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export async function signed(
  key: webcrypto.CryptoKey,
  header: Record<string, unknown>,
  payload: Record<string, unknown>,
): Promise<string> {
  const text = `${encode(header)}.${encode(payload)}`
  const algorithm =
    key.algorithm.name === 'ECDSA' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: key.algorithm.name }
  const signature = await crypto.subtle.sign(algorithm, key, Buffer.from(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}

export interface AssertionChange {
  readonly header?: Record<string, unknown>
  readonly payload?: Record<string, unknown>
  readonly key?: webcrypto.CryptoKey
}

/** A proper assertion of the agent, with changes. A member set to undefined is left out. */
export function assertion(world: World, from: AgentKeys, change: AssertionChange = {}): Promise<string> {
  const now = Math.floor(world.clock.now() / 1000)
  return signed(
    change.key ?? from.key.privateKey,
    { alg: 'ES256', kid: from.agent.jwks[0]?.kid, ...change.header },
    {
      iss: from.agent.id,
      sub: from.agent.id,
      aud: world.issuer,
      jti: randomUUID(),
      iat: now,
      exp: now + 60,
      ...change.payload,
    },
  )
}

export async function proof(
  world: World,
  pair: { privateKey: webcrypto.CryptoKey; publicKey: webcrypto.CryptoKey },
  change: AssertionChange & { readonly jwk?: Record<string, unknown> } = {},
): Promise<string> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return signed(
    change.key ?? pair.privateKey,
    { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y, ...change.jwk }, ...change.header },
    {
      jti: randomUUID(),
      htm: 'POST',
      htu: `${world.issuer}/oauth/token`,
      iat: Math.floor(world.clock.now() / 1000),
      ...change.payload,
    },
  )
}

/** A request to a form endpoint, exactly as given. */
export async function post(
  world: World,
  path: string,
  fields: Record<string, string> | [string, string][],
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${world.issuer}${path}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers,
  })
  const text = await response.text()
  return {
    status: response.status,
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
    headers: response.headers,
  }
}

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
