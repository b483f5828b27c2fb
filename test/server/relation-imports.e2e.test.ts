/**
 * Tuples that are laid ready for an import are bounded, and what nobody imports is forgotten.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createWorld, type World } from './world.ts'

const DSL = 'model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]\n'
const tuples = [{ user: 'user:ann', relation: 'viewer', object: 'document:plan' }]

describe('imports that are laid ready', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    assert.equal((await world.post('owner', '/api/v1/relations/model', { dsl: DSL })).status, 200)
  })
  after(() => world.close())

  const stage = (body: object = {}) => world.post('local', '/api/v1/relations/stage', { tuples, ...body })

  it('are so many at a time, and lapse by themselves', async () => {
    const first = await stage()
    assert.equal(first.status, 200, first.text)
    for (let at = 1; at < 8; at++) assert.equal((await stage()).status, 200)
    assert.equal((await stage()).json.error, 'overloaded')
    assert.equal((await stage({ staging: first.json.staging })).status, 200, 'one that is there goes on')
    world.clock.advance(16 * 60_000)
    assert.equal((await stage({ staging: first.json.staging })).json.error, 'not_found')
    for (let at = 0; at < 8; at++) assert.equal((await stage()).status, 200, 'those before are forgotten')
  })
})
