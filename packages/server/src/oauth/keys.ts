/**
 * The keys tokens are signed with: ES256 for access tokens, Ed25519 for clients that ask for it in id tokens. Made at
 * the first start, kept sealed, never written anywhere else. No RSA key: nothing here needs one.
 * @module
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { parsePublicJwk, type SigningKey } from '@safeconduct/engine'
import { type PublicJwk, SafeconductError } from '@safeconduct/protocol'
import type { SecretStore } from './options.ts'

export interface OwnKey {
  readonly kid: string
  readonly alg: 'ES256' | 'EdDSA'
  readonly privateKey: KeyObject
  readonly signing: SigningKey
}

export interface KeyRing {
  /** Signs access tokens. */
  readonly main: OwnKey
  /** Signs everything else of ours. */
  readonly edwards: OwnKey
  readonly all: readonly OwnKey[]
  /** By `kid`, for whoever verifies. */
  readonly verifying: ReadonlyMap<string, SigningKey>
  readonly jwks: readonly PublicJwk[]
}

/** @throws {SafeconductError} `internal` when a stored key cannot be read */
export async function loadKeys(secrets: SecretStore): Promise<KeyRing> {
  const main = await loadKey(secrets, 'oauth/signing/es256', 'ES256')
  const edwards = await loadKey(secrets, 'oauth/signing/ed25519', 'EdDSA')
  const all = [main, edwards]
  return {
    main,
    edwards,
    all,
    verifying: new Map(all.map((key) => [key.kid, key.signing])),
    jwks: all.map((key) => ({ ...key.signing.jwk, kid: key.kid, alg: key.alg, use: 'sig' })),
  }
}

async function loadKey(secrets: SecretStore, name: string, alg: OwnKey['alg']): Promise<OwnKey> {
  const stored = (await secrets.get(name)) ?? (await secrets.putIfAbsent(name, generate(alg)))
  try {
    const privateKey = createPrivateKey({ key: Buffer.from(stored), format: 'der', type: 'pkcs8' })
    const { d: _secret, ...publicPart } = privateKey.export({ format: 'jwk' })
    const signing = parsePublicJwk(publicPart)
    if (signing.kind !== (alg === 'ES256' ? 'ES256' : 'Ed25519')) throw new Error('another kind of key')
    return { kid: signing.thumbprint, alg, privateKey, signing }
  } catch (cause) {
    throw new SafeconductError('internal', { message: `The stored key ${name} cannot be read.`, cause })
  }
}

function generate(alg: OwnKey['alg']): Uint8Array {
  const { privateKey } =
    alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return privateKey.export({ format: 'der', type: 'pkcs8' })
}
