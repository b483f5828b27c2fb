/**
 * A whole daemon in this process, on data of its own, with what a test puts behind it.
 * @module
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { programDigest } from '@safeconduct/gateway'
import { type Agent, readConfig } from '@safeconduct/protocol'
import { registerAgent, registerServer } from '@safeconduct/server'
import { type Daemon, startDaemon, TENANT } from 'safeconduct'

export const ROOT = path.resolve(import.meta.dirname, '../..')

export interface World {
  readonly daemon: Daemon
  readonly folder: string
  /** An npm MCP server, as a child of the daemon. */
  stdioServer(name: string, script: string, args?: readonly string[]): Promise<void>
  /** A registered agent with a key of its own. */
  agent(
    name: string,
    options?: { autonomous?: boolean; redirectUris?: readonly string[] },
  ): Promise<{ agent: Agent; privateJwk: Record<string, string> }>
  close(): Promise<void>
}

export async function openWorld(settings: Readonly<Record<string, string>> = {}): Promise<World> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-e2e-'))
  const data = path.join(folder, 'd')
  const daemon = await startDaemon(readConfig({ SAFECONDUCT_DATA: data, SAFECONDUCT_PORT: '0', ...settings }))
  return {
    daemon,
    folder,
    async stdioServer(name, script, args = []) {
      await registerServer(daemon.admin, TENANT, {
        name,
        standing: 'approved',
        trustedOutput: true,
        transport: {
          kind: 'stdio',
          argv: [process.execPath, path.join(ROOT, script), ...args],
          programDigest: await programDigest(process.execPath),
        },
      })
    },
    async agent(name, options = {}) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const open = publicKey.export({ format: 'jwk' })
      const registered = await registerAgent(
        daemon.admin,
        TENANT,
        daemon.owner,
        {
          name,
          jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: String(open.x), y: String(open.y) }] },
          redirect_uris: [...(options.redirectUris ?? [])],
        },
        'owner',
      )
      const agent = {
        ...registered,
        autonomous: options.autonomous === true,
        version: registered.version + 1,
      }
      await daemon.foundation.store.agents.replace(agent)
      daemon.foundation.decider.control({ type: 'agent', agent })
      const secret = privateKey.export({ format: 'jwk' })
      const privateJwk = Object.fromEntries(Object.entries(secret).map(([key, part]) => [key, String(part)]))
      return { agent, privateJwk }
    },
    async close() {
      try {
        await daemon.close()
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}
