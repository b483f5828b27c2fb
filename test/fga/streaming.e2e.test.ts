/**
 * A listing that is streamed ends when whoever reads it is revoked.
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { openWorld, SECRETS, TENANT, type World } from './world.ts'

const COUNT = 30_000
const LONG = 'x'.repeat(220)

describe('a streamed listing', () => {
  let world: World
  let space: string
  before(async () => {
    world = await openWorld()
    space = (await world.service.create(TENANT, 'documents', 'test')).id
    const dsl = 'model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]\n'
    await world.service.writeModel(TENANT, space, { dsl }, 'test')
    for (let from = 0; from < COUNT; from += 10_000) {
      const writes = Array.from({ length: 10_000 }, (_, at) => ({
        user: 'user:ann',
        relation: 'viewer',
        object: `document:${LONG}${from + at}`,
      }))
      await world.service.write(TENANT, space, { writes, deletes: [], options: {} }, 'test')
    }
  })
  after(() => world.close())

  /** How many lines came; `first` runs before anything is read. */
  function lines(first: () => void): Promise<{ count: number; whole: boolean }> {
    return new Promise((resolve, reject) => {
      const asked = request(`${world.url}/fga/stores/${space}/streamed-list-objects`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRETS.reader}`, 'content-type': 'application/json' },
      })
      asked.on('response', (response) => {
        first()
        let count = 0
        response.on('data', (chunk: Buffer) => {
          count += chunk.toString('latin1').split('\n').length - 1
        })
        response.on('error', () => undefined)
        response.on('close', () => resolve({ count, whole: response.complete }))
      })
      asked.on('error', reject)
      asked.end(JSON.stringify({ user: 'user:ann', relation: 'viewer', type: 'document' }))
    })
  }

  it('has everything, unless whoever reads it is revoked meanwhile', async () => {
    assert.deepEqual(await lines(() => undefined), { count: COUNT, whole: true })
    const { count, whole } = await lines(() => world.revoke(SECRETS.reader))
    assert.equal(whole, false, 'it is broken off, not ended')
    assert.ok(count < COUNT, String(count))
  })
})
