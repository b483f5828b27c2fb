import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { signInOwner } from '../../examples/trading-desk/owner.ts'
import { MAIN, type Place, place, ROOT, type Up, waitingRequest } from './daemon.ts'

const SERVER = path.join(ROOT, 'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js')

interface Decided {
  readonly decisions: readonly {
    readonly id: string
    readonly outcome: string
    readonly tool: string
    readonly result: string | null
  }[]
}

/** A server whose one tool tells the environment it got. */
const ENVIRONMENT = `
import { createInterface } from 'node:readline'
const say = (value) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...value }) + '\\n')
const tools = [{ name: 'get_environment', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }]
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (method === 'initialize') say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'whoami', version: '1' } } })
  else if (method === 'tools/list') say({ id, result: { tools } })
  else if (method === 'tools/call') say({ id, result: { content: [{ type: 'text', text: JSON.stringify(process.env) }] } })
})
`

describe('safeconduct run, as an MCP host starts it', () => {
  let here: Place
  let files: string
  let up: Up
  before(async () => {
    here = place()
    files = path.join(here.folder, 'files')
    mkdirSync(files)
    writeFileSync(path.join(files, 'note.txt'), 'water the plants')
    up = await here.up('--empty')
  })
  after(() => here.remove())

  const command = () => ({
    command: process.execPath,
    args: [
      '--conditions=safeconduct-src',
      path.join(ROOT, 'packages/cli/src/main.ts'),
      'run',
      '--data',
      here.data,
      '--server',
      'files',
      '--',
      process.execPath,
      SERVER,
      files,
    ],
  })

  it('prints a snippet with absolute paths', async () => {
    const { mcpServers } = await here.json<{
      mcpServers: Record<string, { command: string; args: string[] }>
    }>('run', '--snippet', '--server', 'files', '--', process.execPath, SERVER, files)
    const entry = mcpServers.files
    assert.ok(entry !== undefined && path.isAbsolute(entry.command))
    assert.ok(entry.args.includes(path.resolve(here.data)))
  })

  it('reads pass, writes wait for a person, and both are on record (client 2.4)', async () => {
    const client = new Client({ name: 'host', version: '1' })
    await client.connect(new StdioClientTransport({ ...command(), stderr: 'inherit' }))
    try {
      const { tools } = await client.listTools()
      assert.ok(tools.some((tool) => tool.name === 'read_text_file'))
      const read = await client.callTool({
        name: 'read_text_file',
        arguments: { path: path.join(files, 'note.txt') },
      })
      assert.match(JSON.stringify(read.content), /water the plants/)
      const target = path.join(files, 'new.txt')
      const write = await client
        .callTool({ name: 'write_file', arguments: { path: target, content: 'x' } })
        .catch((error: unknown) => error)
      assert.match(JSON.stringify(write) + String(write), /approval_required|person/)
      assert.throws(() => readFileSync(target), 'nothing was written')
    } finally {
      await client.close()
    }
    const { decisions } = await here.json<Decided>('decisions')
    const outcomes = new Map(decisions.map((one) => [one.tool, one.outcome]))
    assert.equal(outcomes.get('read_text_file'), 'allow')
    assert.equal(outcomes.get('write_file'), 'approval')
  })

  it('serves a host of the older SDK on the same server', async () => {
    const client = new LegacyClient({ name: 'legacy', version: '1' })
    await client.connect(new LegacyTransport({ ...command(), stderr: 'inherit' }))
    try {
      const listed = await client.callTool({ name: 'list_directory', arguments: { path: files } })
      assert.match(JSON.stringify(listed.content), /note\.txt/)
    } finally {
      await client.close()
    }
  })

  it('hands a variable to its server and to nobody else, and keeps it sealed', async () => {
    const child = path.join(here.folder, 'whoami.mjs')
    writeFileSync(child, ENVIRONMENT)
    const transport = (secret: string) =>
      new StdioClientTransport({
        command: process.execPath,
        args: ['--conditions=safeconduct-src', MAIN, 'run', '--data', here.data, '--server', 'whoami'].concat(
          ['--env', 'API_KEY', '--', process.execPath, child],
        ),
        env: { API_KEY: secret, OTHER: 'not for the child' },
        stderr: 'ignore',
      })
    const client = new Client({ name: 'host', version: '1' })
    await client.connect(transport('sealed-b7d1'))
    try {
      const seen = JSON.stringify(await client.callTool({ name: 'get_environment', arguments: {} }))
      assert.match(seen, /sealed-b7d1/)
      assert.doesNotMatch(seen, /not for the child|SAFECONDUCT/)
    } finally {
      await client.close()
    }
    const files = readdirSync(here.data, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(entry.parentPath, entry.name)))
    assert.ok(
      files.some((bytes) => bytes.includes('whoami.mjs')),
      'the command is in the store',
    )
    assert.equal(files.filter((bytes) => bytes.includes('sealed-b7d1')).length, 0)
    await assert.rejects(client.connect(transport('another')), 'another secret is another server')
  })

  it('is revoked at its next call, and says so', async () => {
    const client = new Client({ name: 'host', version: '1' })
    await client.connect(new StdioClientTransport({ ...command(), stderr: 'inherit' }))
    try {
      await client.callTool({ name: 'list_directory', arguments: { path: files } })
      await here.json('revoke', 'agent', 'local')
      const refused = await client
        .callTool({ name: 'list_directory', arguments: { path: files } })
        .catch((error: unknown) => error)
      assert.match(JSON.stringify(refused) + String(refused), /revoked|no longer valid/)
    } finally {
      await client.close()
    }
  })

  it('stays out when it is started again, until the owner lets it in', async () => {
    const again = () => here.run('run', '--server', 'files', '--', process.execPath, SERVER, files)
    const refused = await again()
    assert.equal(refused.code, 1)
    assert.match(refused.err, /agents readmit local.*\(revoked\)/)
    const owner = await signInOwner(up.url, up.signIn)
    const asked = here.json<{ readmitted: string }>('agents', 'readmit', 'local')
    const waiting = await waitingRequest(owner)
    assert.match(waiting.summary, /revoked agent.*local/)
    assert.equal((await again()).code, 1, 'asking is not enough')
    await owner.post(`/api/v1/owner-requests/${waiting.id}/decide`, { confirm: true })
    assert.match((await asked).readmitted, /^ag_/)
    const client = new Client({ name: 'host', version: '1' })
    await client.connect(new StdioClientTransport({ ...command(), stderr: 'inherit' }))
    try {
      const listed = await client.callTool({ name: 'list_directory', arguments: { path: files } })
      assert.match(JSON.stringify(listed.content), /note\.txt/)
    } finally {
      await client.close()
    }
    const { agents } = await here.json<{ agents: { owner: string }[] }>('agents', 'list')
    await here.json('revoke', 'user', agents[0]?.owner ?? '')
    assert.match((await again()).err, /owner was revoked/, 'and so does everything of a revoked owner')
  })

  it('keeps a receipt that verifies offline, and one changed byte does not', async () => {
    const { decisions } = await here.json<Decided>('decisions')
    const read = decisions.find((one) => one.tool === 'read_text_file')
    assert.ok(read !== undefined)
    const receipt = path.join(here.folder, 'receipt.json')
    const explained = await here.run('explain', read.id, '--receipt', receipt)
    assert.match(explained.out, /allow/)
    const { vkey } = await here.json<{ vkey: string }>('status')
    assert.equal((await here.run('verify', receipt, '--vkey', vkey)).code, 0)
    writeFileSync(
      receipt,
      readFileSync(receipt, 'utf8').replace(
        /("entry":\s*"[^"]{30})(.)/,
        (_a, head: string, one: string) => head + (one === 'A' ? 'B' : 'A'),
      ),
    )
    assert.equal((await here.run('verify', receipt, '--vkey', vkey)).code, 1)
    await up.stop()
    assert.equal(
      (await here.run('verify', path.join(here.data, 'ledger'), '--vkey', vkey)).code,
      0,
      'the whole ledger, offline',
    )
  })
})
