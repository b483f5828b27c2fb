/**
 * An approval is one person's word on exactly these arguments, once, in time.
 */
import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import type { Approval, JsonObject } from '@safeconduct/protocol'
import { furnish, payment } from './desk.ts'
import { createWorld, kindsIn, TENANT, type World } from './world.ts'

describe('approvals', () => {
  let world: World | undefined
  const at = (): World => {
    assert.ok(world)
    return world
  }
  beforeEach(async () => {
    await world?.close()
    world = await createWorld()
    await furnish(world)
  })
  after(() => world?.close())

  async function asked(): Promise<Approval> {
    const { decision } = await at().decider.prepare(payment(at()))
    assert.equal(decision.outcome, 'approval', decision.why.join())
    const approval = await at().store.approvals.get(TENANT, decision.approval ?? '')
    assert.ok(approval)
    return approval
  }
  const decide = (id: string, body: object, who: 'local' | 'owner' = 'owner') =>
    at().post(who, `/api/v1/approvals/${id}/decide`, body)
  const list = async (query = '') =>
    ((await at().get('owner', `/api/v1/approvals${query}`)).json.approvals as JsonObject[]).map(
      (one) => one.id,
    )

  it('lets exactly the approved call go, once', async () => {
    const { id, argsDigest } = await asked()
    const shown = await at().get('local', `/api/v1/approvals/${id}`)
    assert.deepEqual(
      [shown.json.args, shown.json.status],
      [{ recipient: 'bob@example.com', amount: 50 }, 'pending'],
    )
    const { agent } = shown.json
    const { trust, risk, since } = at().decider.standing(TENANT, String(agent)) ?? assert.fail()
    assert.deepEqual(shown.json.standing, { trust, risk, since })
    assert.deepEqual(await list('?status=pending'), [id])

    const answer = await decide(id, { approve: true, args_digest: argsDigest })
    const { status, decidedBy, decidedAt } = answer.json
    assert.deepEqual([status, decidedBy, decidedAt], ['approved', at().user.id, at().clock.now()])

    const other = await at().decider.prepare(payment(at(), { recipient: 'bob@example.com', amount: 51 }))
    assert.equal(other.forward, false)
    assert.equal((await at().decider.prepare(payment(at()))).forward, true)
    assert.equal((await at().decider.prepare(payment(at()))).forward, false, 'it is used up')
    assert.deepEqual(await list('?status=used'), [id])
    await at().decider.drainOutbox()
    assert.ok(kindsIn(at().ledger).includes('approval.approved'))
  })

  it('is decided once, also when two decide at the same time', async () => {
    const { id, argsDigest } = await asked()
    const answers = await Promise.all([
      decide(id, { approve: true, args_digest: argsDigest }),
      decide(id, { approve: false, args_digest: argsDigest }),
      decide(id, { approve: true, args_digest: argsDigest }),
    ])
    assert.deepEqual(answers.map((one) => one.status).sort(), [200, 409, 409])
    const winner = answers.find((one) => one.status === 200)
    assert.equal((await at().store.approvals.get(TENANT, id))?.status, winner?.json.status)
    for (const approve of [true, false]) {
      const again = await decide(id, { approve, args_digest: argsDigest })
      assert.deepEqual([again.status, again.json.error], [409, 'conflict'])
    }
  })

  it('refused, it stays refused', async () => {
    const { id, argsDigest } = await asked()
    assert.equal((await decide(id, { approve: false, args_digest: argsDigest })).json.status, 'refused')
    const { decision, forward } = await at().decider.prepare(payment(at()))
    assert.deepEqual([decision.code, forward], ['approval_refused', false])
  })

  it('is bound to the arguments the person saw', async () => {
    const { id, argsDigest } = await asked()
    for (const digest of ['', 'sha256:0', argsDigest.toUpperCase(), `${argsDigest} `]) {
      const answer = await decide(id, { approve: true, args_digest: digest })
      assert.deepEqual([answer.status, answer.json.error], [409, 'conflict'], digest)
    }
    assert.equal((await decide(id, { approve: true })).status, 400)
    assert.equal((await decide(id, { approve: 'yes', args_digest: argsDigest })).status, 400)
    assert.equal((await at().store.approvals.get(TENANT, id))?.status, 'pending')
    assert.equal((await at().decider.prepare(payment(at()))).forward, false)
  })

  it('is decided by the signed-in owner alone', async () => {
    const { id, argsDigest } = await asked()
    const body = { approve: true, args_digest: argsDigest }
    assert.equal((await decide(id, body, 'local')).json.error, 'owner_session_required')
    assert.equal((await at().post('anonymous', `/api/v1/approvals/${id}/decide`, body)).status, 401)
    assert.equal((await at().store.approvals.get(TENANT, id))?.version, 1)
    assert.deepEqual(await at().store.ownerRequests.list(TENANT), [], 'nor can it be asked for')
  })

  it('expires at its time, whether or not anybody wrote that down', async () => {
    const { id, argsDigest, expiresAt } = await asked()
    at().clock.set(expiresAt - 1)
    assert.deepEqual([await list('?status=pending'), await list('?status=expired')], [[id], []])
    at().clock.set(expiresAt)
    assert.deepEqual([await list('?status=pending'), await list('?status=expired')], [[], [id]])
    assert.equal((await at().get('local', `/api/v1/approvals/${id}`)).json.status, 'expired')
    const answer = await decide(id, { approve: true, args_digest: argsDigest })
    assert.deepEqual([answer.status, answer.json.error], [403, 'expired'])
    assert.equal((await at().store.approvals.get(TENANT, id))?.decidedBy, null)
  })

  it('that nobody knows is not found, and no other status is asked for', async () => {
    assert.equal((await at().get('owner', '/api/v1/approvals/none')).json.error, 'not_found')
    assert.equal((await decide('none', { approve: true, args_digest: 'x' })).status, 404)
    assert.equal((await at().get('owner', '/api/v1/approvals?status=open')).status, 400)
    assert.equal((await at().get('owner', '/api/v1/approvals?state=pending')).status, 400)
    const foreign: Approval = { ...(await asked()), id: 'foreign', tenant: 'other' }
    await at().store.approvals.insert(foreign)
    assert.equal((await at().get('owner', '/api/v1/approvals/foreign')).status, 404)
    assert.ok(!(await list()).includes('foreign'))
  })
})
