/**
 * CPU of the gateway's own authentication of a call: an access token as the authorization server signs it (ES256), and
 * a proof made for this very call. Keys are known already, as after the first call of an agent.
 * @module
 */
import { generateKeyPairSync, hash, type KeyObject, randomUUID } from 'node:crypto'
import {
  createKeyCache,
  createNonces,
  parsePublicJwk,
  signJws,
  verifyAccessToken,
  verifyDpop,
} from '@safeconduct/engine'
import { createAuthenticate } from '@safeconduct/gateway'
import type { JsonObject } from '@safeconduct/protocol'
import { cpuOf, median } from '../lib/stats.ts'

const ISSUER = 'http://localhost:7070'
const RESOURCE = `${ISSUER}/mcp/market`
const PER_ROUND = 1_500

/** Microseconds of CPU a call; medians of the rounds. */
export interface AuthenticateCost {
  /** What the gateway does for a call with a DPoP proof. */
  readonly dpopEd25519: number
  readonly dpopEs256: number
  readonly bearer: number
  /** Its two parts. */
  readonly tokenAlone: number
  readonly proofAloneEd25519: number
  readonly proofAloneEs256: number
}

interface Client {
  readonly token: string
  readonly jkt: string
  proof(nonce: string): string
}

export function measureAuthenticate(rounds: number): AuthenticateCost {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signing = parsePublicJwk(own.publicKey.export({ format: 'jwk' }))
  const keys = new Map([['k1', signing]])
  const clock = { now: () => Date.now() }
  const authenticate = createAuthenticate({ issuer: ISSUER, keys: () => keys, clock })
  const edwards = client(own.privateKey, generateKeyPairSync('ed25519'))
  const es256 = client(own.privateKey, generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  const unbound = token(own.privateKey, null)
  const nonces = createNonces(Buffer.alloc(32, 1))
  const proofKeys = createKeyCache()

  const dpop = (who: Client) => {
    const proofs = Array.from({ length: PER_ROUND }, () => who.proof(authenticate.nonce()))
    return cpuOf(() => {
      for (const proof of proofs) {
        authenticate.verify({
          method: 'POST',
          url: RESOURCE,
          resource: RESOURCE,
          authorization: `DPoP ${who.token}`,
          dpop: proof,
        })
      }
    })
  }
  const proofAlone = (who: Client) => {
    const proofs = Array.from({ length: PER_ROUND }, () => who.proof(nonces.current(Date.now())))
    return cpuOf(() => {
      for (const proof of proofs) {
        const now = Date.now()
        verifyDpop(proof, {
          method: 'POST',
          url: RESOURCE,
          accessToken: who.token,
          jkt: who.jkt,
          nonces,
          keys: proofKeys,
          now,
        })
      }
    })
  }
  const repeat = (work: () => void) =>
    cpuOf(() => {
      for (let i = 0; i < PER_ROUND; i++) work()
    })

  const parts: Readonly<Record<keyof AuthenticateCost, () => number>> = {
    dpopEd25519: () => dpop(edwards),
    dpopEs256: () => dpop(es256),
    bearer: () =>
      repeat(() => {
        authenticate.verify({
          method: 'POST',
          url: RESOURCE,
          resource: RESOURCE,
          authorization: `Bearer ${unbound}`,
          dpop: undefined,
        })
      }),
    tokenAlone: () =>
      repeat(() => {
        verifyAccessToken(edwards.token, { issuer: ISSUER, audience: RESOURCE, keys, now: Date.now() })
      }),
    proofAloneEd25519: () => proofAlone(edwards),
    proofAloneEs256: () => proofAlone(es256),
  }
  const names = Object.keys(parts) as (keyof AuthenticateCost)[]
  const measured = new Map<keyof AuthenticateCost, number[]>(names.map((name) => [name, []]))
  for (let i = -1; i < rounds; i++) {
    for (const name of names) {
      const each = parts[name]() / PER_ROUND
      if (i >= 0) measured.get(name)?.push(each)
    }
  }
  const of = (name: keyof AuthenticateCost) => median(measured.get(name) ?? [])
  return {
    dpopEd25519: of('dpopEd25519'),
    dpopEs256: of('dpopEs256'),
    bearer: of('bearer'),
    tokenAlone: of('tokenAlone'),
    proofAloneEd25519: of('proofAloneEd25519'),
    proofAloneEs256: of('proofAloneEs256'),
  }
}

function client(issuer: KeyObject, pair: { publicKey: KeyObject; privateKey: KeyObject }): Client {
  const { jwk, thumbprint } = parsePublicJwk(pair.publicKey.export({ format: 'jwk' }))
  const bound = token(issuer, thumbprint)
  const ath = hash('sha256', bound, 'base64url')
  return {
    token: bound,
    jkt: thumbprint,
    proof(nonce) {
      const claims = {
        jti: randomUUID(),
        htm: 'POST',
        htu: RESOURCE,
        iat: Math.floor(Date.now() / 1000),
        ath,
        nonce,
      }
      return signJws({ typ: 'dpop+jwt', jwk: { ...jwk } }, claims, pair.privateKey)
    },
  }
}

/** With the members that the authorization server writes for an agent with a user and a task. */
function token(issuer: KeyObject, jkt: string | null): string {
  const now = Math.floor(Date.now() / 1000)
  const [user, agent, task] = [`us_${randomUUID()}`, `ag_${randomUUID()}`, randomUUID()]
  const claims: JsonObject = {
    iss: ISSUER,
    sub: user,
    aud: RESOURCE,
    client_id: agent,
    scope: 'mcp:read mcp:write',
    iat: now,
    exp: now + 300,
    jti: randomUUID(),
    auth_time: now,
    ...(jkt === null ? {} : { cnf: { jkt } }),
    act: { sub: agent, client_id: agent },
    authorization_details: [
      { type: 'safeconduct_task', task, intent_digest: `sha256:${'0'.repeat(64)}`, servers: ['market'] },
    ],
    safeconduct: {
      tenant: 'default',
      task,
      epochs: [
        ['tenant', 'default', 1],
        ['user', user, 1],
        ['agent', agent, 1],
        ['task', task, 1],
      ],
    },
  }
  return signJws({ typ: 'at+jwt', kid: 'k1' }, claims, issuer)
}
