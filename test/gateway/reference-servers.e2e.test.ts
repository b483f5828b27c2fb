/**
 * @module The published reference servers behind the gateway, reached by both generations of the published client.
 * None of the four knows of us.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  Client as NewClient,
  StreamableHTTPClientTransport as NewTransport,
} from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type FakeDecider, fakeDecider } from '../../packages/gateway/src/testing/fake-decider.ts'
import { createWorld, stdioServer, type World } from '../../packages/gateway/src/testing/world.ts'

const root = path.resolve(import.meta.dirname, '../..')
const program = (name: string) => path.join(root, 'node_modules/@modelcontextprotocol', name, 'dist/index.js')
const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'safeconduct-gateway-')))

let world: World
let decider: FakeDecider

before(async () => {
  writeFileSync(path.join(directory, 'note.txt'), 'the quick brown fox')
  decider = fakeDecider()
  world = await createWorld({
    decider,
    servers: [
      stdioServer('files', [process.execPath, program('server-filesystem'), directory]),
      stdioServer('everything', [process.execPath, program('server-everything')]),
      stdioServer('memory', [process.execPath, program('server-memory')], {
        transport: {
          kind: 'stdio',
          argv: [process.execPath, program('server-memory')],
          env: { MEMORY_FILE_PATH: path.join(directory, 'memory.jsonl') },
        },
      }),
    ],
  })
})

after(async () => {
  await world.close()
  rmSync(directory, { recursive: true, force: true })
})

interface AnyClient {
  listTools(): Promise<{ tools: { name: string }[] }>
  callTool(params: { name: string; arguments?: Record<string, unknown> }): Promise<unknown>
  close(): Promise<void>
}

async function oldClient(server: string): Promise<AnyClient> {
  const client = new OldClient({ name: 'old', version: '1' }, { capabilities: {} })
  const requestInit = { headers: world.bearer(server) }
  await client.connect(new OldTransport(new URL(world.url(server)), { requestInit }))
  return client
}

async function newClient(server: string): Promise<AnyClient> {
  const client = new NewClient({ name: 'new', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const requestInit = { headers: world.bearer(server) }
  await client.connect(new NewTransport(new URL(world.url(server)), { requestInit }))
  return client
}

function textOf(result: unknown): string {
  return JSON.stringify(result)
}

for (const [generation, connect] of [
  ['sdk 1.32 (2025-11-25)', oldClient],
  ['client 2.4 (2026-07-28)', newClient],
] as const) {
  describe(`reference servers, ${generation}`, () => {
    it('reads a file', async () => {
      const client = await connect('files')
      const { tools } = await client.listTools()
      assert.ok(tools.some((tool) => tool.name === 'read_text_file'))
      const result = await client.callTool({
        name: 'read_text_file',
        arguments: { path: path.join(directory, 'note.txt') },
      })
      assert.match(textOf(result), /the quick brown fox/)
      await client.close()
    })

    it('keeps a memory', async () => {
      const client = await connect('memory')
      await client.callTool({
        name: 'create_entities',
        arguments: { entities: [{ name: 'Ada', entityType: 'person', observations: ['counts'] }] },
      })
      assert.match(textOf(await client.callTool({ name: 'read_graph', arguments: {} })), /Ada/)
      await client.close()
    })

    it('echoes', async () => {
      const client = await connect('everything')
      assert.match(textOf(await client.callTool({ name: 'echo', arguments: { message: 'hi' } })), /Echo: hi/)
      await client.close()
    })

    it('does not see, and cannot call, what is refused', async () => {
      decider.script = ({ operation }) =>
        operation.name === 'echo'
          ? { outcome: 'deny', code: 'denied', remedy: 'Ask the owner.' }
          : { outcome: 'allow' }
      try {
        const client = await connect('everything')
        const { tools } = await client.listTools()
        assert.ok(tools.length > 0 && tools.every((tool) => tool.name !== 'echo'))
        const result = textOf(await client.callTool({ name: 'echo', arguments: { message: 'hi' } }))
        assert.match(result, /Ask the owner/)
        assert.match(result, /"isError":true/)
        assert.doesNotMatch(result, /Echo: hi/)
        await client.close()
      } finally {
        decider.script = () => ({ outcome: 'allow' })
      }
    })
  })
}

describe('children', () => {
  it('are one per server, user and agent, whoever connects', () => {
    const links = world.gateway.status().servers.map(({ server, links }) => [server, links])
    assert.deepEqual(Object.fromEntries(links), { files: 1, memory: 1, everything: 1 })
  })
})
