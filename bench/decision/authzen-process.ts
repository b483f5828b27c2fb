/**
 * Our whole daemon in a process of its own, with the scenario as a policy store and one registered enforcement point
 * that may ask it. Both are written to the store of a fresh data directory before the daemon that is measured starts.
 * @module
 */
import { hash, randomBytes } from 'node:crypto'
import { type JsonObject, readConfig } from '@safeconduct/protocol'
import { startDaemon, TENANT } from 'safeconduct'
import { serveBench } from '../lib/child.ts'
import { scenario } from './scenario.ts'

export interface AuthzenInput {
  readonly data: string
  readonly resources: number
}

export interface AuthzenReady {
  readonly url: string
  readonly secret: string
}

const STORE = 'bench'

serveBench(
  async ({ data, resources }: AuthzenInput): Promise<{ ready: AuthzenReady; close(): Promise<void> }> => {
    const config = readConfig({
      SAFECONDUCT_DATA: data,
      SAFECONDUCT_PORT: '0',
      SAFECONDUCT_LOG_LEVEL: 'error',
    })
    const secret = `sce_${randomBytes(32).toString('base64url')}`
    const first = await startDaemon(config)
    try {
      const { store, clock } = first.foundation
      const { policies, schema, entities } = scenario(resources)
      const record = { tenant: TENANT, version: 1, createdAt: clock.now(), createdBy: first.owner } as const
      await store.tx(async (t) => {
        await t.policyStores.insert({
          ...record,
          id: 'ps_bench',
          name: STORE,
          policies,
          schema,
          entities: entities as readonly object[] as readonly JsonObject[],
          digest: 'sha256:bench',
          status: 'active',
        })
        await t.enforcers.insert({
          ...record,
          id: 'ep_bench',
          name: STORE,
          keyDigest: `sha256:${hash('sha256', secret)}`,
          scopes: ['evaluate'],
          servers: [],
          stores: [STORE],
          obligations: [],
          status: 'active',
        })
      })
    } finally {
      await first.close()
    }
    const daemon = await startDaemon(config)
    return { ready: { url: daemon.url, secret }, close: () => daemon.close() }
  },
)
