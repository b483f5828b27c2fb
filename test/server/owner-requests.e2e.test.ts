/**
 * A local program may ask for a change; the signed-in owner alone makes it happen, once.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type JsonObject, SafeconductError } from '@safeconduct/protocol'
import { route } from '@safeconduct/server'
import * as z from 'zod'
import { createWorld, TENANT, type World } from './world.ts'

const LIFETIME = 10 * 60_000

describe('owner requests', () => {
  let world: World
  const ran: unknown[] = []
  before(async () => {
    const confirmed = (path: string, handle: (body: { what: string }) => Promise<object>) =>
      route({
        method: 'POST',
        path,
        who: 'confirmed',
        summary: 'Does something.',
        body: z.strictObject({ what: z.string() }),
        confirm: (body) => `Do ${body.what}`,
        handle: async ({ body, caller, params }) => {
          ran.push({ body, caller: caller.kind, params })
          return handle(body)
        },
      })
    world = await createWorld({
      moreRoutes: [
        confirmed('/api/v1/test/:name', async () => ({ done: true })),
        confirmed('/api/v1/failing/:name', async ({ what }) => {
          if (what === 'conflict') throw new SafeconductError('conflict', { message: 'Somebody was faster.' })
          throw new Error('the secret is hunter2')
        }),
      ],
    })
  })
  after(() => world.close())

  async function ask(what: string, path = '/api/v1/test/thing'): Promise<string> {
    const { status, json } = await world.post('local', path, { what })
    assert.equal(status, 202)
    return String((json.request as JsonObject).id)
  }
  const decide = (id: string, confirm: boolean) =>
    world.post('owner', `/api/v1/owner-requests/${id}/decide`, { confirm })
  const pending = async () =>
    (await world.get('owner', '/api/v1/owner-requests')).json.requests as JsonObject[]

  it('waits, says in one sentence what is asked, and runs when the owner confirms', async () => {
    const { json } = await world.post('local', '/api/v1/test/thing', { what: 'it' })
    const asked = json.request as JsonObject
    assert.equal(asked.summary, 'Do it: thing')
    assert.equal(asked.expiresAt, world.clock.now() + LIFETIME)
    assert.deepEqual(ran, [])
    assert.deepEqual(
      (await pending()).map((one) => [one.id, one.summary, one.status]),
      [[asked.id, 'Do it: thing', 'pending']],
    )

    const done = await decide(String(asked.id), true)
    assert.deepEqual([done.status, done.json.status, done.json.result], [200, 'confirmed', { done: true }])
    assert.deepEqual(ran, [{ body: { what: 'it' }, caller: 'owner', params: { name: 'thing' } }])
    assert.deepEqual(await pending(), [])
    const seen = await world.get('local', `/api/v1/owner-requests/${asked.id}`)
    assert.deepEqual([seen.json.status, seen.json.result], ['confirmed', { done: true }])
  })

  it('runs once, however often and however fast it is confirmed', async () => {
    ran.length = 0
    const id = await ask('once')
    const answers = await Promise.all([
      decide(id, true),
      decide(id, true),
      decide(id, true),
      decide(id, true),
    ])
    assert.deepEqual(answers.map((one) => one.status).sort(), [200, 409, 409, 409])
    assert.equal((await decide(id, true)).status, 409)
    assert.equal((await decide(id, false)).status, 409)
    assert.equal(ran.length, 1)
  })

  it('never runs what was refused', async () => {
    ran.length = 0
    const id = await ask('never')
    const refused = await decide(id, false)
    assert.deepEqual([refused.json.status, refused.json.result], ['refused', null])
    assert.equal((await decide(id, true)).status, 409)
    assert.deepEqual(ran, [])
  })

  it('never runs what nobody confirmed in time', async () => {
    ran.length = 0
    const id = await ask('late')
    world.clock.advance(LIFETIME - 1)
    assert.equal((await pending()).length, 1)
    world.clock.advance(1)
    assert.deepEqual(await pending(), [])
    const answer = await decide(id, true)
    assert.deepEqual([answer.status, answer.json.error], [403, 'expired'])
    assert.equal((await world.get('local', `/api/v1/owner-requests/${id}`)).json.status, 'expired')
    assert.deepEqual(ran, [])
  })

  it('is confirmed by nobody but the signed-in owner', async () => {
    ran.length = 0
    const id = await ask('mine')
    const path = `/api/v1/owner-requests/${id}/decide`
    const local = await world.post('local', path, { confirm: true })
    assert.deepEqual([local.status, local.json.error], [403, 'owner_session_required'])
    assert.equal((await world.post('anonymous', path, { confirm: true })).status, 401)
    assert.deepEqual(ran, [])
    assert.equal((await pending()).length, 1)
    await decide(id, false)
  })

  it('checks what is asked before anybody is asked', async () => {
    const answer = await world.post('local', '/api/v1/test/thing', { what: 7 })
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'])
    assert.deepEqual(await pending(), [])
  })

  it('asks nobody about what is not there', async () => {
    for (const [path, body] of [
      ['/api/v1/agents/nobody/roles', { role: 'reader', held: true }],
      ['/api/v1/agents/nobody/zone', { zone: 'train' }],
      ['/api/v1/users/nobody/roles', { role: 'reader', held: true }],
      ['/api/v1/servers/nothing/zone', { zone: 'train', sensitivity: 1 }],
      ['/api/v1/stores/nothing/rollback', { id: 'ps_1' }],
      ['/api/v1/relations/write', { writes: [{ user: 'user:a', relation: 'viewer', object: 'doc:b' }] }],
      ['/api/v1/relations/policy-space', { space: 'nothing' }],
    ] as const) {
      const answer = await world.post('local', path, body)
      assert.deepEqual([path, answer.status, answer.json.error], [path, 404, 'not_found'])
    }
    assert.deepEqual(await pending(), [])
  })

  it('tells whoever asked how it failed, and keeps the cause to itself', async () => {
    const refused = await decide(await ask('conflict', '/api/v1/failing/x'), true)
    assert.deepEqual(refused.json.result, { error: 'conflict', message: 'Somebody was faster.' })
    assert.equal(world.errors.length, 0)

    const broken = await decide(await ask('break', '/api/v1/failing/x'), true)
    assert.equal((broken.json.result as JsonObject).error, 'internal')
    assert.doesNotMatch(broken.text, /hunter2/)
    const [told] = world.errors.splice(0)
    assert.match(String(told?.cause), /hunter2/)
  })

  it('shows a name for what it is: no line, no direction and no length can be made up in it', async () => {
    const name = encodeURIComponent(`x\n\u202eConfirmed already\u2066${'y'.repeat(2000)}`)
    const { json } = await world.post('local', `/api/v1/test/${name}`, { what: 'it' })
    const { id, summary } = json.request as JsonObject
    assert.match(String(summary), /^Do it: x {2}Confirmed already y+…$/)
    assert.ok(String(summary).length <= 300)
    await decide(String(id), false)
  })

  it('stays one question however often it is asked, until somebody answered', async () => {
    const id = await ask('same')
    assert.equal(await ask('same'), id)
    assert.notEqual(await ask('same', '/api/v1/test/other'), id)
    await decide(id, false)
    const again = await ask('same')
    assert.notEqual(again, id)
    for (const one of await pending()) await decide(String(one.id), false)
  })

  it('keeps at most 50 waiting, also when they come at once, and forgets what nobody answered', async () => {
    const asked = await Promise.all(
      Array.from({ length: 60 }, (_, n) => world.post('local', '/api/v1/test/many', { what: `more ${n}` })),
    )
    const statuses = asked.map((one) => one.status)
    assert.equal(statuses.filter((status) => status === 202).length, 50)
    const over = asked.filter((one) => one.status !== 202)
    assert.deepEqual([...new Set(over.map((one) => one.json.error))], ['overloaded'])
    assert.equal((await pending()).length, 50)

    world.clock.advance(2 * LIFETIME)
    await decide(await ask('again'), false)
    const kept = await world.store.ownerRequests.find(TENANT, 'status', 'pending', { limit: 1000 })
    assert.deepEqual(kept, [])
  })
})
