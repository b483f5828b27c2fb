/**
 * The whole product in a process of its own: a daemon on a fresh data directory with one HTTP upstream, and as many
 * agents as asked for, each sent by the owner with a task and a grant. Grants are signed with the daemon's own key, as
 * its token endpoint would; the token endpoint itself is measured elsewhere (`bench/token.ts`).
 * @module
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { parsePublicJwk } from '@safeconduct/engine'
import { readConfig, SCOPES } from '@safeconduct/protocol'
import { registerAgent, registerServer } from '@safeconduct/server'
import { startDaemon, TENANT } from 'safeconduct'
import { INTENT } from '../../examples/trading-desk/agent.ts'
import { controlSocketPath } from '../../packages/cli/src/client/daemon.ts'
import { loadKeys } from '../../packages/server/src/oauth/keys.ts'
import { mint } from '../../packages/server/src/oauth/mint.ts'
import { serveBench } from '../lib/child.ts'

export interface DaemonInput {
  readonly data: string
  readonly upstream: string
  /** How many agents, and how each presents its grant. */
  readonly agents: Readonly<Record<Scheme, number>>
}

export type Scheme = 'dpop' | 'bearer'

export interface AgentHandle {
  readonly id: string
  readonly task: string
  readonly scheme: Scheme
  readonly token: string
  /** PKCS #8 PEM, Ed25519; null for a bearer. */
  readonly key: string | null
}

export interface DaemonReady {
  readonly url: string
  readonly resource: string
  readonly controlSocket: string
  readonly owner: string
  readonly agents: readonly AgentHandle[]
}

const SERVER = 'market'
const HOUR = 3_600_000

serveBench(
  async ({
    data,
    upstream,
    agents,
  }: DaemonInput): Promise<{ ready: DaemonReady; close(): Promise<void> }> => {
    const daemon = await startDaemon(
      readConfig({ SAFECONDUCT_DATA: data, SAFECONDUCT_PORT: '0', SAFECONDUCT_LOG_LEVEL: 'error' }),
    )
    const { admin, authorization, foundation } = daemon
    await registerServer(admin, TENANT, {
      name: SERVER,
      standing: 'approved',
      trustedOutput: true,
      transport: { kind: 'http', url: upstream, allowPrivate: true },
    })
    const keys = await loadKeys({
      get: async (name) => (await foundation.vault.get(TENANT, name))?.value ?? null,
      putIfAbsent: () => Promise.reject(new Error('the daemon has its keys already')),
    })
    const resource = `${daemon.url}/mcp/${SERVER}`

    async function send(scheme: Scheme, number: number): Promise<AgentHandle> {
      const pair = scheme === 'dpop' ? generateKeyPairSync('ed25519') : null
      const known = pair === null ? null : parsePublicJwk(pair.publicKey.export({ format: 'jwk' }))
      const agent = await registerAgent(admin, TENANT, daemon.owner, { name: `${scheme}-${number}` }, 'owner')
      const now = foundation.clock.now()
      const { task, epochs } = await authorization.openTask({
        agent: agent.id,
        user: daemon.owner,
        intent: INTENT,
        implicit: false,
        details: { type: 'safeconduct_task', servers: [SERVER] },
        expiresAt: now + HOUR,
      })
      const token = mint(keys.main, {
        issuer: daemon.url,
        tenant: TENANT,
        id: randomUUID(),
        agent: agent.id,
        user: daemon.owner,
        actors: [agent.id],
        audience: [resource],
        scope: SCOPES,
        task: task.id,
        details: task.details,
        epochs,
        jkt: known?.thumbprint ?? null,
        now,
        expiresAt: now + HOUR,
        authenticatedAt: now,
      })
      const key = pair === null ? null : String(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))
      return { id: agent.id, task: task.id, scheme, token, key }
    }

    const handles: AgentHandle[] = []
    for (const scheme of ['dpop', 'bearer'] as const) {
      for (let number = 0; number < agents[scheme]; number++) handles.push(await send(scheme, number))
    }
    return {
      ready: {
        url: daemon.url,
        resource,
        controlSocket: controlSocketPath(foundation.directory),
        owner: daemon.owner,
        agents: handles,
      },
      close: () => daemon.close(),
    }
  },
)
