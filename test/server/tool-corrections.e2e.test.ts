/**
 * Corrections of many tools through the API: checked with paths and suggestions, confirmed once, all of them or none,
 * one entry of the ledger a tool.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { furnish } from './desk.ts'
import { createWorld, kindsIn, TENANT, type World } from './world.ts'

const QUOTE = 'market/get_quote'
const TRANSFER = 'market/transfer_money'
const PATH = '/api/v1/tools/corrections'

describe('corrections of many tools', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())
  const now = async () => (await world.get('local', PATH)).json
  const check = async (tools: object) => (await world.post('local', `${PATH}/check`, { tools })).json

  it('are checked as a whole, each problem with its path and what was probably meant', async () => {
    const { problems, changes } = await check({
      'market/get_qoute': { effect: 'read' },
      [QUOTE]: { efect: 'write', openWorld: 'yes', args: { symbl: 'id' } },
      [TRANSFER]: { effect: 'both', args: { amount: 'amonut' } },
    })
    const told = (problems as JsonObject[]).map(({ path, message }) => [
      (path as string[]).join(' '),
      message,
    ])
    assert.deepEqual(
      told.map(([path]) => path),
      [
        'market/get_qoute',
        `${QUOTE} efect`,
        `${QUOTE} args symbl`,
        `${QUOTE} openWorld`,
        `${TRANSFER} args amount`,
        `${TRANSFER} effect`,
      ],
    )
    const text = told.map(([, message]) => message).join('\n')
    for (const meant of [QUOTE, 'effect', 'symbol', 'amount'])
      assert.match(text, new RegExp(`Did you mean "${meant}"`))
    assert.match(text, /It is true or false/)
    assert.match(text, /It is read or write/)
    assert.deepEqual(changes, [], 'nothing is offered of what cannot be done')
    assert.deepEqual((await now()).tools, {})
  })

  it('tell which names there are, for one tool as well', async () => {
    const answer = await world.post('local', '/api/v1/tools/roles', {
      id: QUOTE,
      corrections: { nonsense: '3' },
    })
    assert.equal(answer.status, 400)
    assert.match(
      String(answer.json.message),
      /"nonsense" cannot be corrected.*effect, destructive, openWorld, reversible, thirdPartyOutput, documentOutput, ownData, args\.<argument>/,
    )
  })

  it('wait for the owner once, and then hold together, each with its entry in the ledger', async () => {
    const tools = { [QUOTE]: { effect: 'write' }, [TRANSFER]: { args: { amount: 'free' } } }
    const { changes, revision } = await check(tools)
    assert.deepEqual(changes, [
      { tool: QUOTE, before: null, after: tools[QUOTE] },
      { tool: TRANSFER, before: null, after: tools[TRANSFER] },
    ])
    const asked = await world.post('local', PATH, { tools, revision })
    const { id, summary } = asked.json.request as JsonObject
    assert.equal(
      summary,
      `Correct the roles of 2 tools (1 trusted more, 1 other): ${TRANSFER} args.amount → free, ${QUOTE} effect → write`,
    )
    const { requests } = (await world.get('owner', '/api/v1/owner-requests')).json
    assert.deepEqual(
      (requests as JsonObject[]).map(({ params }) => (params as JsonObject).shown),
      [
        {
          trustedMore: [`${TRANSFER} args.amount: as derived → free`],
          other: [`${QUOTE} effect: as derived → write`],
        },
      ],
    )
    assert.deepEqual((await now()).tools, {}, 'not yet')
    await world.post('owner', `/api/v1/owner-requests/${id}/decide`, { confirm: true })
    assert.deepEqual((await now()).tools, tools)
    assert.deepEqual((await world.store.tools.get(TENANT, QUOTE))?.corrections, tools[QUOTE])
    await world.decider.drainOutbox()
    assert.equal(kindsIn(world.ledger).filter((kind) => kind === 'tool.corrected').length, 2)
    const again = await world.post('local', PATH, { tools, revision: (await now()).revision })
    assert.match(String(again.json.message), /like that already/)
  })

  it('take back what is not named', async () => {
    const { revision } = await now()
    const tools = { [QUOTE]: { effect: 'read' }, [TRANSFER]: {} }
    const answer = await world.post('owner', PATH, { tools, revision })
    assert.deepEqual(answer.json.changes, [
      { tool: QUOTE, before: { effect: 'write' }, after: { effect: 'read' } },
      { tool: TRANSFER, before: { args: { amount: 'free' } }, after: null },
    ])
    assert.deepEqual((await now()).tools, { [QUOTE]: { effect: 'read' } })
  })

  it('are refused when others were made since they were compared, and when one of them cannot be', async () => {
    const { revision } = await now()
    await world.post('owner', '/api/v1/tools/roles', { id: TRANSFER, corrections: { ownData: true } })
    const before = (await now()).tools
    const late = await world.post('owner', PATH, { tools: {}, revision })
    assert.deepEqual([late.status, late.json.error], [409, 'conflict'])
    const half = await world.post('owner', PATH, {
      tools: { [QUOTE]: { effect: 'write' }, none: {} },
      revision: (await now()).revision,
    })
    assert.deepEqual([half.status, half.json.error], [400, 'invalid_request'])
    const blind = await world.post('owner', PATH, { tools: {} })
    assert.deepEqual([blind.status, blind.json.error], [400, 'invalid_request'], 'compared with nothing')
    assert.deepEqual((await now()).tools, before)
  })
})
