/**
 * One suite for every driver: the graph in this process; OpenFGA's driver against our own interface over HTTP; SpiceDB's
 * driver against a check of how it asks.
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import {
  createGuardedFetch,
  createLocalDriver,
  createOpenFgaDriver,
  createSpiceDbDriver,
} from '@safeconduct/server'
import { driverConformance, MODEL } from './driver-conformance.ts'
import { spiceDbLike } from './spicedb-mapping.ts'
import { openWorld, SECRETS, TENANT, type World } from './world.ts'

async function space(world: World): Promise<string> {
  const { id } = await world.service.create(TENANT, 'documents', 'owner')
  await world.service.writeModel(TENANT, id, { dsl: MODEL }, 'owner')
  return id
}

driverConformance('in process', async () => {
  const world = await openWorld()
  return { driver: createLocalDriver(world.service, TENANT, await space(world)), close: () => world.close() }
})

driverConformance('OpenFGA over HTTP', async () => {
  const world = await openWorld()
  const fetch = createGuardedFetch({ allowPrivate: true, maxBytes: 1024 * 1024 })
  const remote = { fetch, url: `${world.url}/fga`, token: SECRETS.writer, store: await space(world) }
  return {
    driver: createOpenFgaDriver(remote),
    close: async () => {
      await fetch.close()
      await world.close()
    },
  }
})

driverConformance('SpiceDB, how it is asked', async () => {
  const server = spiceDbLike('key')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const fetch = createGuardedFetch({ allowPrivate: true, maxBytes: 1024 * 1024 })
  return {
    driver: createSpiceDbDriver({ fetch, url: `http://127.0.0.1:${port}`, token: 'key' }),
    close: async () => {
      await fetch.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
})

it('a server that refuses us, or is not there, is a failure and never an answer', async () => {
  const world = await openWorld()
  const fetch = createGuardedFetch({ allowPrivate: true })
  try {
    const asked = [{ user: 'user:ann', relation: 'viewer', object: 'document:plan' }]
    const remote = { fetch, url: `${world.url}/fga`, token: 'sce_unknown', store: await space(world) }
    await assert.rejects(createOpenFgaDriver(remote).check(asked), { code: 'upstream_invalid' })
    const gone = { ...remote, url: 'http://127.0.0.1:1/fga' }
    await assert.rejects(createOpenFgaDriver(gone).check(asked), { code: 'upstream_unavailable' })
    await assert.rejects(createSpiceDbDriver(gone).check(asked), { code: 'upstream_unavailable' })
    const guarded = createGuardedFetch()
    await assert.rejects(createSpiceDbDriver({ ...remote, fetch: guarded }).check(asked), {
      code: 'ssrf_refused',
    })
    await guarded.close()
  } finally {
    await fetch.close()
    await world.close()
  }
})
