/**
 * Clients nobody here wrote, against the whole daemon: the MCP client's own providers, key proofs and discovery.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  Client,
  DpopSession,
  PrivateKeyJwtProvider,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { agentKey, createAgent, GrantError } from '@safeconduct/sdk'
import { openWorld, type World } from './world.ts'

class BoundProvider extends PrivateKeyJwtProvider {
  readonly #session = DpopSession.create()
  dpop() {
    return this.#session
  }
}

const EVERYTHING = 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'
const textOf = (result: unknown) => JSON.stringify(Object(result).content)

describe('outside clients through the whole daemon', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    await world.stdioServer('everything', EVERYTHING, ['stdio'])
  })
  after(() => world.close())
  const resource = () => new URL(`${world.daemon.url}/mcp/everything`)

  it('client 2.4 finds its way from a 401 to a key-bound grant with PrivateKeyJwtProvider and DpopSession', async () => {
    const { agent, privateJwk } = await world.agent('worker', { autonomous: true })
    const authProvider = new BoundProvider({
      clientId: agent.id,
      privateKey: privateJwk,
      algorithm: 'ES256',
      expectedIssuer: world.daemon.url,
    })
    const client = new Client({ name: 'outside', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(resource(), { authProvider }))
    try {
      const { tools } = await client.listTools()
      assert.ok(tools.length > 3)
      const echoed = await client.callTool({ name: 'echo', arguments: { message: 'hello through the gate' } })
      assert.match(textOf(echoed), /hello through the gate/)
      assert.equal(authProvider.tokens()?.token_type.toLowerCase(), 'dpop')
      await world.daemon.authorization.revoke({ tenant: 'default', kind: 'agent', id: agent.id, by: 'test' })
      await assert.rejects(
        client.callTool({ name: 'echo', arguments: { message: 'again' } }),
        'the very next call fails',
      )
    } finally {
      await client.close()
    }
  })

  it('an agent that is not registered to act alone gets no grant', async () => {
    const { agent, privateJwk } = await world.agent('dependent')
    const mine = createAgent({
      issuer: world.daemon.url,
      clientId: agent.id,
      key: await agentKey(privateJwk),
    })
    await assert.rejects(
      mine.clientCredentials({ resource: resource().href }),
      (error) => error instanceof GrantError,
    )
  })

  it('a grant of one server is refused at another, and a bearer cannot use a bound token', async () => {
    const { agent, privateJwk } = await world.agent('wanderer', { autonomous: true })
    const mine = createAgent({
      issuer: world.daemon.url,
      clientId: agent.id,
      key: await agentKey(privateJwk),
    })
    const held = await mine.clientCredentials({ resource: resource().href })
    const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const stolen = await fetch(resource(), {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${held.accessToken()}` },
      body: ping,
    })
    assert.equal(stolen.status, 401)
    assert.match(stolen.headers.get('www-authenticate') ?? '', /resource_metadata=/)
    await world.stdioServer('other', EVERYTHING, ['stdio'])
    const elsewhere = await held.fetch(`${world.daemon.url}/mcp/other`, {
      method: 'POST',
      headers,
      body: ping,
    })
    assert.equal(elsewhere.status, 401)
  })

  it('sdk 1.32 works with a grant that somebody else obtained for it', async () => {
    const { agent, privateJwk } = await world.agent('legacy', { autonomous: true })
    const mine = createAgent({
      issuer: world.daemon.url,
      clientId: agent.id,
      key: await agentKey(privateJwk),
    })
    const held = await mine.clientCredentials({ resource: resource().href })
    const client = new LegacyClient({ name: 'legacy', version: '1' })
    const transport = new LegacyTransport(resource(), { fetch: held.fetch })
    await client.connect(transport as unknown as Parameters<LegacyClient['connect']>[0])
    try {
      const echoed = await client.callTool({ name: 'echo', arguments: { message: 'old wire' } })
      assert.match(textOf(echoed), /old wire/)
    } finally {
      await client.close()
    }
  })
})
