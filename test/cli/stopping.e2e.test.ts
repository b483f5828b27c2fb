import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { MAIN, type Place, place } from './daemon.ts'

/** A server whose one tool says that it began, and answers when it is told to. */
const SLOW = `
import { existsSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
const say = (value) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...value }) + '\\n')
const tools = [{ name: 'get_slowly', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }]
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (method === 'initialize') say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'slow', version: '1' } } })
  else if (method === 'tools/list') say({ id, result: { tools } })
  else if (method === 'tools/call') {
    writeFileSync('begun', '')
    const timer = setInterval(() => {
      if (!existsSync('go')) return
      clearInterval(timer)
      say({ id, result: { content: [{ type: 'text', text: 'done' }] } })
    }, 10)
  }
})
`

/** The drain is longer than the test may take: whatever waits for it instead of for the calls fails the test. */
const settings = { SAFECONDUCT_DRAIN_TIMEOUT: '600' }

describe('stopping the daemon', () => {
  let here: Place
  before(() => {
    here = place(settings)
    writeFileSync(path.join(here.folder, 'slow.mjs'), SLOW)
  })
  after(() => here.remove())

  it('drains a call under way, whose outcome is recorded, while streams stand open and the signal repeats', async () => {
    const up = await here.up('--empty')
    const viewer = request({ socketPath: path.join(here.data, 'control.sock'), path: '/api/v1/events' }).end()
    const cut = new Promise((resolve, reject) => {
      viewer.on('response', (response) => response.resume().on('close', resolve))
      viewer.on('error', reject)
    })
    const client = new Client({ name: 'host', version: '1' })
    const run = ['run', '--data', here.data, '--server', 'slow', '--', process.execPath, 'slow.mjs']
    const args = ['--conditions=safeconduct-src', MAIN, ...run]
    try {
      await client.connect(
        new StdioClientTransport({ command: process.execPath, args, cwd: here.folder, env: settings }),
      )
      const call = client.callTool({ name: 'get_slowly', arguments: {} })
      for (let turns = 0; !existsSync(path.join(here.folder, 'begun')); turns++) {
        assert.ok(turns < 6_000, 'the call does not begin')
        await sleep(10)
      }
      // As Ctrl-C under npm: the terminal, npm and the launcher tell it one after another.
      for (let times = 0; times < 3; times++) up.child.kill('SIGINT')
      await cut
      writeFileSync(path.join(here.folder, 'go'), '')
      assert.match(JSON.stringify((await call).content), /done/)
      assert.equal(await up.ended, 0)
    } finally {
      // Its child waits for this file and would go on waiting.
      writeFileSync(path.join(here.folder, 'go'), '')
      viewer.destroy()
      await client.close()
    }

    const next = await here.up('--empty')
    const { decisions } = await here.json<{ decisions: { tool: string; result: string | null }[] }>(
      'decisions',
    )
    assert.equal(decisions.find((one) => one.tool === 'get_slowly')?.result, 'ok')
    assert.equal(await next.stop(), 0)
  })
})
