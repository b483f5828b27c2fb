/**
 * @module Trouble with credentials at the door changes the next call: a proof that was heard and played again costs the
 * agent a fresh one, over HTTP, with the engine as it is.
 */
import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { answerOf, createWorld, httpServer, upstream } from '../../packages/gateway/src/testing/world.ts'
import { json, sessionUpstream, stateless } from './raw.ts'
import { createRealEngine } from './real-engine.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const READ = {
  name: 'get_quote',
  description: 'Reads a quote.',
  inputSchema: { type: 'object', properties: { symbol: { type: 'string' } } },
  annotations: { readOnlyHint: true, openWorldHint: false },
}

it('asks for a fresh proof after one was replayed, and then goes on', async () => {
  const server = await upstream(
    sessionUpstream(
      (message, _request, response) =>
        json(response, {
          jsonrpc: '2.0',
          id: message.id,
          result: { content: [{ type: 'text', text: 'done' }] },
        }),
      (message, _request, response) => {
        if (message.method !== 'tools/list') return false
        json(response, { jsonrpc: '2.0', id: message.id, result: { tools: [READ] } })
        return true
      },
    ),
  )
  const record = httpServer('market', server.url)
  const engine = createRealEngine([record])
  const world = await createWorld({ decider: engine.decider, servers: [record] })
  cleanups.push(server.close, () => engine.decider.close(), world.close)
  const url = world.url('market')
  const token = world.issuer.token(url, { cnf: { jkt: world.issuer.agentJkt }, ...engine.claims })
  let nonce = ''
  const ask = async (proof: string): Promise<{ status: number; answer: JsonObject }> => {
    const headers = { authorization: `DPoP ${token}`, dpop: proof }
    const params = { name: 'get_quote', arguments: { symbol: 'ACME' } }
    const response = await stateless(world, 'market', 'tools/call', params, headers)
    nonce = response.headers.get('dpop-nonce') ?? nonce
    return { status: response.status, answer: await answerOf(response) }
  }
  const fresh = () => world.issuer.proof({ method: 'POST', url, token, nonce })
  assert.equal((await ask(fresh())).status, 401, 'the first proof learns the nonce')
  const heard = fresh()
  assert.match(JSON.stringify((await ask(heard)).answer), /done/)
  assert.match(JSON.stringify((await ask(fresh())).answer), /done/)
  assert.equal((await ask(heard)).status, 401)
  const doubted = JSON.stringify((await ask(fresh())).answer)
  assert.match(doubted, /step_up/)
  assert.doesNotMatch(doubted, /second time|heard/, 'who calls is not told what was seen')
  assert.match(JSON.stringify((await ask(fresh())).answer), /done/, 'answered')
  assert.match(JSON.stringify((await ask(fresh())).answer), /done/)
})
