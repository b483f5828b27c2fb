/**
 * What is derived of the tools that the reference servers list, as they list them.
 * @module
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, it } from 'node:test'
import { deriveRoles, type ToolRoles } from '@safeconduct/engine'
import { isJsonObject, type JsonObject, parseJson } from '@safeconduct/protocol'

const require = createRequire(import.meta.url)
const folder = mkdtempSync(path.join(tmpdir(), 'safeconduct-roles-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Roles by tool, without what the server says of itself: annotations could only make them more careful. */
async function rolesOf(server: string, args: readonly string[]): Promise<ReadonlyMap<string, ToolRoles>> {
  const manifest = require.resolve(`@modelcontextprotocol/${server}/package.json`)
  const program = path.join(path.dirname(manifest), 'dist/index.js')
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  const say = (message: JsonObject): void => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }
  try {
    const clientInfo = { name: 'roles', version: '1' }
    say({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo },
    })
    for await (const line of createInterface({ input: child.stdout })) {
      const answer = line.startsWith('{') ? parseJson(line) : null
      if (!isJsonObject(answer)) continue
      if (answer.id === 1) {
        say({ method: 'notifications/initialized' })
        say({ id: 2, method: 'tools/list' })
      }
      if (answer.id === 2 && isJsonObject(answer.result) && Array.isArray(answer.result.tools))
        return new Map(answer.result.tools.filter(isJsonObject).map(derived))
    }
    throw new Error(`${server} ended before it listed its tools`)
  } finally {
    child.kill()
    await ended
  }
}

function derived(tool: JsonObject): [string, ToolRoles] {
  const name = String(tool.name)
  const inputSchema = isJsonObject(tool.inputSchema) ? tool.inputSchema : {}
  return [name, deriveRoles({ name, description: String(tool.description ?? ''), inputSchema })]
}

const named = (roles: ReadonlyMap<string, ToolRoles>, is: (each: ToolRoles) => boolean): string[] =>
  [...roles].flatMap(([name, each]) => (is(each) ? [name] : [])).sort()

describe('roles of the reference servers', () => {
  it('files', async () => {
    const roles = await rolesOf('server-filesystem', [folder])
    const writes = ['create_directory', 'edit_file', 'move_file', 'write_file']
    assert.deepEqual(
      named(roles, ({ effect }) => effect === 'write'),
      writes,
    )
    for (const name of ['read_file', 'read_text_file', 'read_multiple_files'])
      assert.equal(roles.get(name)?.documentOutput, true, name)
    assert.equal(roles.get('search_files')?.documentOutput, false)
    assert.deepEqual(
      named(roles, ({ thirdPartyOutput }) => !thirdPartyOutput),
      [],
    )
    assert.equal(roles.get('write_file')?.args.path?.kind, 'path')
  })

  it('memory', async () => {
    const roles = await rolesOf('server-memory', [])
    const gone = ['delete_entities', 'delete_observations', 'delete_relations']
    assert.deepEqual(
      named(roles, ({ destructive }) => destructive),
      gone,
    )
    assert.deepEqual(
      named(roles, ({ openWorld }) => openWorld),
      [],
    )
    assert.deepEqual(
      ['read_graph', 'search_nodes'].map((name) => roles.get(name)?.effect),
      ['read', 'read'],
    )
  })

  it('everything', async () => {
    const roles = await rolesOf('server-everything', ['stdio'])
    assert.equal(roles.get('toggle-simulated-logging')?.effect, 'write')
    assert.equal(roles.get('get-sum')?.effect, 'read')
    assert.ok(roles.size > 8)
  })
})
