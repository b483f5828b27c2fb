/**
 * OpenFGA's interface on a free loopback port over a memory store, with two enforcement points: one that may read and
 * write, one that may read, and a third with other scopes.
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RelationFacts } from '@safeconduct/engine'
import { type Enforcer, type EnforcerScope, SafeconductError } from '@safeconduct/protocol'
import { type AccessPorts, createFga, openRelations, type RelationService } from '@safeconduct/server'
import { createIds, createMemoryStore } from '@safeconduct/store'
import { memoryFiles, modelChecks } from './files.ts'

export const TENANT = 'acme'
export const SECRETS = { writer: 'sce_writer', reader: 'sce_reader', other: 'sce_other' }

const SCOPES: Readonly<Record<string, readonly EnforcerScope[]>> = {
  [SECRETS.writer]: ['relations:read', 'relations:write'],
  [SECRETS.reader]: ['relations:read'],
  [SECRETS.other]: ['evaluate', 'documents'],
}

export interface World {
  readonly url: string
  readonly service: RelationService
  readonly facts: () => RelationFacts | null
  readonly errors: SafeconductError[]
  /** From then on the secret is nobody's. */
  revoke(secret: string): void
  close(): Promise<void>
}

function enforcer(secret: string): Enforcer | null {
  const scopes = SCOPES[secret]
  if (scopes === undefined) return null
  const names = { name: secret, keyDigest: '', servers: [], stores: [], obligations: [] }
  return {
    tenant: TENANT,
    id: `ep_${secret}`,
    version: 1,
    ...names,
    scopes,
    status: 'active',
    createdAt: 0,
    createdBy: '',
  }
}

export async function openWorld(): Promise<World> {
  const clock = { now: () => Date.now() }
  let facts: RelationFacts | null = null
  const errors: SafeconductError[] = []
  const revoked = new Set<string>()
  const service = await openRelations(
    {
      store: createMemoryStore(),
      files: memoryFiles(),
      checks: modelChecks,
      clock,
      ids: createIds(clock),
      onFacts: (_tenant, told) => {
        facts = told
      },
      onRecorded: () => undefined,
      onError: (message, cause) => errors.push(new SafeconductError('internal', { message, cause })),
    },
    [TENANT],
  )
  const refuse = () => {
    throw new SafeconductError('invalid_token')
  }
  const access = {
    issuer: 'http://localhost',
    enforcers: {
      find: (secret: string) => (revoked.has(secret) ? null : enforcer(secret)),
      put: () => undefined,
    },
    authenticate: { verify: refuse, nonce: () => '' },
    // Not used by this interface.
    stores: null as never,
    keys: () => new Map(),
    sign: () => '',
    approvalTtl: 0,
  } satisfies AccessPorts
  const fga = createFga({
    tenant: TENANT,
    service,
    access,
    ownerSession: () => null,
    onError: (error) => errors.push(error),
  })
  const server = createServer((request, response) => void fga(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    service,
    facts: () => facts,
    errors,
    revoke: (secret) => revoked.add(secret),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await service.close()
    },
  }
}
