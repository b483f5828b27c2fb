/**
 * Trust over HTTP, in the whole daemon: what was just observed changes the very next call, closes streams that are open,
 * and is told on the event stream.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { agentKey, createAgent, type Held } from '@safeconduct/sdk'
import { openWorld, type World } from './world.ts'

const EVERYTHING = 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'
const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

describe('trust over HTTP', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    await world.stdioServer('everything', EVERYTHING, ['stdio'])
  })
  after(() => world.close())

  async function enter(name: string) {
    const { agent, privateJwk } = await world.agent(name, { autonomous: true })
    const mine = createAgent({
      issuer: world.daemon.url,
      clientId: agent.id,
      key: await agentKey(privateJwk),
    })
    const url = `${world.daemon.url}/mcp/everything`
    const held: Held = await mine.clientCredentials({ resource: url })
    let session = ''
    let id = 0
    const post = async (method: string, params: object = {}) => {
      const answer = await held.fetch(url, {
        method: 'POST',
        headers: { ...JSON_HEADERS, ...(session === '' ? {} : { 'mcp-session-id': session }) },
        body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
      })
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    }
    const opened = await post('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name, version: '1' },
    })
    session = opened.headers.get('mcp-session-id') ?? ''
    assert.notEqual(session, '', opened.text)
    const call = (tool: string, args: object = {}) => post('tools/call', { name: tool, arguments: args })
    const echo = async () =>
      /through the gate/.test((await call('echo', { message: 'through the gate' })).text)
    const stream = await held.fetch(url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session },
    })
    assert.equal(stream.status, 200)
    const reader = stream.body?.getReader()
    assert.ok(reader !== undefined)
    const ended = (async () => {
      while (!(await reader.read().catch(() => ({ done: true }))).done);
    })()
    const level = () => world.daemon.foundation.decider.standing('default', agent.id)?.trust
    return { agent, call, echo, ended, level }
  }

  it('a run of refusals changes the next call, and the open stream ends', async () => {
    const { agent, call, echo, ended, level } = await enter('climber')
    const told: string[] = []
    const unsubscribe = world.daemon.foundation.bus.subscribe((message) => {
      if ((message.type === 'trust' || message.type === 'risk') && message.agent === agent.id)
        told.push(message.type)
    })
    assert.ok(await echo())
    assert.equal(level(), 'standard')
    const seen = new Set<string | undefined>()
    // As fast as it can: many more calls a minute than people's errands need, then doors that are not there.
    for (let i = 0; i < 110; i++) await echo()
    for (let i = 0; i < 60 && level() !== 'suspended'; i++) {
      await call(`no_such_tool_${i}`)
      seen.add(level())
    }
    assert.equal(level(), 'suspended', [...seen].join(', '))
    assert.ok(seen.has('limited') || seen.has('restricted'), 'step by step')
    assert.equal(await echo(), false, 'what it did all day is refused at the very next call')
    await ended
    assert.ok(told.includes('risk') && told.includes('trust'))
    unsubscribe()
  })

  it('a person’s ceiling does the same, for whoever it is set on and nobody else', async () => {
    const one = await enter('one')
    const other = await enter('other')
    assert.ok((await one.echo()) && (await other.echo()))
    const lowered = { ...one.agent, version: one.agent.version + 1, trustCeiling: 'suspended' as const }
    await world.daemon.foundation.store.agents.replace(lowered)
    world.daemon.foundation.decider.control({ type: 'agent', agent: lowered })
    await one.ended
    assert.equal(await one.echo(), false)
    assert.ok(await other.echo())
    assert.equal(other.level(), 'standard')
  })

  it('another model, prompt or tool: the level falls at once, and stays low until a person has looked', async () => {
    const { agent, call, echo, level } = await enter('changing')
    const sums = async () => /The sum of 2 and 3 is 5/.test((await call('get-sum', { a: 2, b: 3 })).text)
    const toggles = async () => /simulated/i.test((await call('toggle-simulated-logging')).text)
    assert.ok((await echo()) && (await toggles()))
    const composed = {
      ...agent,
      version: agent.version + 1,
      composition: [
        {
          kind: 'model' as const,
          name: 'm',
          digest: `sha256:${'1'.repeat(64)}`,
          standing: 'declared' as const,
        },
      ],
    }
    await world.daemon.foundation.store.agents.replace(composed)
    world.daemon.foundation.decider.control({ type: 'agent', agent: composed })
    assert.equal(level(), 'restricted')
    assert.ok(await echo(), 'a read that it has done before')
    assert.equal(await sums(), false, 'one that it has never done')
    assert.equal(await toggles(), false, 'what has side effects')
    world.daemon.foundation.decider.control({
      type: 'trust-reset',
      tenant: 'default',
      agent: agent.id,
      by: 'owner',
    })
    assert.equal(level(), 'standard')
    assert.ok((await echo()) && (await sums()))
  })
})
