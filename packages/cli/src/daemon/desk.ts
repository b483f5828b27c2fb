/**
 * Puts the trading desk in place: its server behind the gateway (looked at by whoever ships it, hence approved), its
 * agent with a key of its own. Safe to repeat on the same data.
 * @module
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { programDigest } from '@safeconduct/gateway'
import { SafeconductError } from '@safeconduct/protocol'
import { registerAgent, registerServer } from '@safeconduct/server'
import type { Daemon } from './daemon.ts'
import { TENANT } from './foundation.ts'

export const DESK_AGENT = 'trader'
export const DESK_SERVER = 'market'
const REDIRECT_URI = 'http://127.0.0.1:9/callback'

export interface DeskSeed {
  /** Program that plays the agent. */
  readonly program: string
  /** What it is told on standard input. */
  readonly setup: {
    readonly url: string
    readonly clientId: string
    readonly privateJwk: Readonly<Record<string, unknown>>
    readonly signInLink: string
    readonly server: string
  }
}

/** @throws `not_found` where the examples are not shipped */
export async function seedDesk(daemon: Daemon): Promise<DeskSeed> {
  const folder = path.resolve(import.meta.dirname, '../../../../examples/trading-desk')
  if (!existsSync(folder)) {
    throw new SafeconductError('not_found', {
      message: 'The trading desk is not part of this installation; start with --empty.',
    })
  }
  const { foundation, admin } = daemon
  const { store, vault } = foundation
  const secret = await vault.getOrCreate(TENANT, 'desk-agent-key', () =>
    generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }),
  )
  const key = createPrivateKey({ key: Buffer.from(secret.value), format: 'der', type: 'pkcs8' })
  const [server] = await store.servers.find(TENANT, 'name', DESK_SERVER)
  if (server === undefined) {
    await registerServer(admin, TENANT, {
      name: DESK_SERVER,
      standing: 'approved',
      trustedOutput: true,
      transport: {
        kind: 'stdio',
        argv: [process.execPath, ...process.execArgv, path.join(folder, 'market-server.ts')] as [
          string,
          ...string[],
        ],
        programDigest: await programDigest(process.execPath),
      },
    })
  }
  const [known] = await store.agents.find(TENANT, 'name', DESK_AGENT)
  const { kty, crv, x } = createPublicKey(key).export({ format: 'jwk' })
  const agent =
    known ??
    (await registerAgent(
      admin,
      TENANT,
      daemon.owner,
      {
        name: DESK_AGENT,
        jwks: {
          keys: [
            { kty: kty === 'EC' ? 'EC' : 'OKP', crv: crv === 'P-256' ? 'P-256' : 'Ed25519', x: String(x) },
          ],
        },
        redirect_uris: [REDIRECT_URI],
        composition: [{ kind: 'prompt', name: 'story', digest: fileDigest(path.join(folder, 'story.ts')) }],
      },
      'owner',
    ))
  return {
    program: path.join(folder, 'desk.ts'),
    setup: {
      url: daemon.url,
      clientId: agent.id,
      privateJwk: key.export({ format: 'jwk' }),
      signInLink: daemon.signInLink(),
      server: DESK_SERVER,
    },
  }
}

function fileDigest(file: string): string {
  return `sha256:${hash('sha256', readFileSync(file), 'hex')}`
}
