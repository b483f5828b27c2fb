/**
 * The SDK's enforcement point against the decision point.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { EnforcementError, enforcementPoint } from '@safeconduct/sdk'
import { type AgentsPoint, createAgentsPoint, SERVER } from './agents.ts'

const URL_OF_CALL = 'https://tools.example/mcp'

describe('the enforcement point of the SDK', () => {
  let point: AgentsPoint
  let secret = ''
  before(async () => {
    point = await createAgentsPoint()
    await point.apply('plain', {
      schema: 'entity user; action read appliesTo { principal: [user], resource: [user] };',
      policies: 'permit(principal == user::"ann", action, resource);',
      entities: [],
    })
    secret = (
      await point.register('sdk', { scopes: ['calls', 'evaluate'], servers: [SERVER], stores: ['plain'] })
    ).secret
  })
  after(() => point.close())

  const client = (more: { secret?: string; fetch?: typeof fetch } = {}) =>
    enforcementPoint({ issuer: point.world.origin, secret, now: () => point.world.clock.now(), ...more })

  function quote() {
    const token = point.token()
    return {
      token,
      dpop: { proof: point.proof(token, URL_OF_CALL), method: 'POST', url: URL_OF_CALL },
      operation: {
        server: SERVER,
        method: 'tools/call',
        params: { name: 'get_quote', arguments: { symbol: 'ACME' } },
      },
    }
  }

  it('prepares and settles', async () => {
    const pep = client()
    const prepared = await pep.prepare(quote())
    assert.equal(prepared.forward, true, prepared.remedy)
    assert.deepEqual(prepared.operation?.args, { symbol: 'ACME' })
    const settled = await pep.settle(prepared.id, { status: 'ok', text: ['12.5'] })
    assert.equal(typeof settled.receipt, 'object')
  })

  it('repeats a call whose answer was lost, as one call', async () => {
    let broken = 1
    const before = point.world.ledger.rows.length
    const lossy: typeof fetch = async (...given) => {
      const answer = await fetch(...given)
      if (broken-- > 0) throw new TypeError('the connection broke')
      return answer
    }
    const prepared = await client({ fetch: lossy }).prepare(quote())
    assert.equal(prepared.forward, true)
    assert.equal(point.world.ledger.rows.length, before + 1)
    await client().settle(prepared.id, { status: 'cancelled' })
  })

  it('lets nothing out that is not clearly allowed', async () => {
    for (const answer of [
      {},
      { forward: true },
      { forward: 'yes', operation: {} },
      { forward: 1, operation: {} },
    ]) {
      const pep = client({ fetch: async () => Response.json(answer) })
      assert.equal((await pep.prepare(quote())).forward, false, JSON.stringify(answer))
      assert.equal(
        (
          await pep.evaluate({
            subject: { type: 'user', id: 'ann' },
            action: { name: 'read' },
            resource: { type: 'user', id: 'x' },
          })
        ).decision,
        false,
      )
    }
  })

  it('asks dry, and throws what it is told', async () => {
    const question = (id: string) => ({
      subject: { type: 'user', id },
      action: { name: 'read' },
      resource: { type: 'user', id: 'bob' },
    })
    assert.deepEqual(await client().evaluate(question('ann')), { decision: true })
    assert.equal((await client().evaluate(question('bob'), 'plain')).decision, false)
    const stranger = client({ secret: `sce_${'A'.repeat(43)}` })
    await assert.rejects(
      stranger.evaluate(question('ann')),
      (error) => error instanceof EnforcementError && error.code === 'invalid_token' && error.status === 401,
    )
    const away = client({ fetch: async () => Promise.reject(new TypeError('no route')) })
    await assert.rejects(
      away.evaluate(question('ann')),
      (error) => error instanceof EnforcementError && error.code === 'unreachable',
    )
    await assert.rejects(
      client().settle('none', { status: 'ok' }),
      (error) => error instanceof EnforcementError && error.status === 404,
    )
  })
})
