/**
 * @module Children: started clean and checked, ended with everything they started, and whatever they say or do, the
 * gateway lives on.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import type { JsonObject, Server } from '@safeconduct/protocol'
import { type FakeDecider, fakeDecider } from '../../packages/gateway/src/testing/fake-decider.ts'
import {
  answerOf,
  createWorld,
  stdioServer,
  type World,
  type WorldOptions,
} from '../../packages/gateway/src/testing/world.ts'
import { openSession, stateless, until } from './raw.ts'

const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'safeconduct-stdio-')))
const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})
after(() => rmSync(directory, { recursive: true, force: true }))

/** A server in a few lines: the handshake behaves, `tools/call` does what the body says. */
function program(name: string, call: string): string {
  const file = path.join(directory, `${name}.mjs`)
  writeFileSync(
    file,
    `import { createInterface } from 'node:readline'
const say = (value) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...value }) + '\\n')
const text = (id, value) => say({ id, result: { content: [{ type: 'text', text: String(value) }] } })
process.stderr.write('a secret on stderr\\n')
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  const { id, method, params } = message
  if (method === 'initialize') say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'child', version: '1' } } })
  else if (method === 'tools/list') say({ id, result: { tools: ['work', 'pid', 'good'].map((name) => ({ name, inputSchema: { type: 'object' } })) } })
  else if (method === 'tools/call') {
    if (params.name === 'good') return text(id, 'good')
    if (params.name === 'pid') return text(id, process.pid)
    ${call}
  }
})
`,
  )
  return file
}

async function scene(
  server: Server,
  settings: WorldOptions['settings'] = {},
): Promise<{ world: World; decider: FakeDecider; logged: string[] }> {
  const decider = fakeDecider()
  const logged: string[] = []
  const world = await createWorld({
    decider,
    servers: [server],
    settings: { upstreamTimeout: 2_000, maxBody: 100_000, ...settings },
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
  })
  cleanups.push(world.close)
  return { world, decider, logged }
}

const codeOf = (answer: JsonObject) => ((answer.error as JsonObject).data as JsonObject).code
const textOf = (answer: JsonObject) =>
  (((answer.result as JsonObject).content as JsonObject[])[0] as JsonObject).text
const child = (name: string, call: string, extra: Partial<Server> = {}) =>
  stdioServer('child', [process.execPath, program(name, call)], extra)

async function alive(world: World): Promise<void> {
  assert.equal(
    textOf(await answerOf(await stateless(world, 'child', 'tools/call', { name: 'good' }))),
    'good',
  )
}

describe('a child that', () => {
  for (const [name, call, code, status] of [
    ['dies', 'process.exit(1)', 'upstream_unavailable', 'unknown'],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", 'upstream_unavailable', 'unknown'],
    ['says broken JSON', "process.stdout.write('{oops\\n')", 'upstream_invalid', 'unknown'],
    ['says too much', "process.stdout.write('x'.repeat(200000))", 'upstream_invalid', 'unknown'],
    ['says a huge message', "text(id, 'x'.repeat(200000))", 'upstream_invalid', 'unknown'],
    [
      'babbles',
      "for (let i = 0; i < 100; i++) process.stdout.write('hello\\n')",
      'upstream_invalid',
      'unknown',
    ],
    [
      'closes its output',
      'process.stdout.destroy(); setTimeout(() => process.exit(0), 50)',
      'upstream_unavailable',
      'unknown',
    ],
    ['answers somebody else', 'say({ id: 999, result: {} })', 'upstream_timeout', 'unknown'],
    ['says nothing', '', 'upstream_timeout', 'unknown'],
  ] as const) {
    it(`${name}: ${code}, settled as ${status}, and the next call finds a child`, async () => {
      const { world, decider } = await scene(child(name.replaceAll(' ', '-'), call), { upstreamTimeout: 700 })
      const session = await openSession(world, 'child')
      const answer = await answerOf(await session.request('tools/call', { name: 'work' }))
      assert.equal(codeOf(answer), code)
      assert.equal(decider.settled.at(-1)?.result.status, status)
      await alive(world)
    })
  }

  it('prints a stray line is forgiven', async () => {
    const { world } = await scene(
      child('stray', "process.stdout.write('Listening…\\n\\r\\n'); text(id, 'fine')"),
    )
    assert.equal(
      textOf(await answerOf(await stateless(world, 'child', 'tools/call', { name: 'work' }))),
      'fine',
    )
  })

  it('keeps ending is not started again for a while', async () => {
    const { world } = await scene(child('crash-loop', 'process.exit(1)'), { maxRestarts: 2 })
    const codes: unknown[] = []
    for (let turn = 0; turn < 3; turn++) {
      codes.push(codeOf(await answerOf(await stateless(world, 'child', 'tools/call', { name: 'work' }))))
    }
    assert.deepEqual(codes, ['upstream_unavailable', 'upstream_unavailable', 'upstream_unavailable'])
    const answer = await answerOf(await stateless(world, 'child', 'tools/call', { name: 'good' }))
    assert.match(String((answer.error as JsonObject).message), /keeps ending/)
  })

  it('writes to standard error reaches the owner’s log, not the client', async () => {
    const { world, logged } = await scene(child('stderr', "text(id, 'x')"))
    const answer = await answerOf(await stateless(world, 'child', 'tools/call', { name: 'work' }))
    assert.ok(!JSON.stringify(answer).includes('secret'))
    await until(() => logged.some((line) => line.startsWith('debug') && line.includes('a secret on stderr')))
  })
})

describe('starting a child', () => {
  it('gives it PATH, HOME, TMPDIR and its own settings, nothing else of ours', async () => {
    process.env.SAFECONDUCT_TEST_SECRET = 'leak'
    const server = child('env', 'text(id, JSON.stringify(Object.keys(process.env).sort()))')
    const transport = { ...server.transport, env: { OWN: '1' } } as Server['transport']
    const { world } = await scene({ ...server, transport })
    const names: string[] = JSON.parse(
      String(textOf(await answerOf(await stateless(world, 'child', 'tools/call', { name: 'work' })))),
    )
    delete process.env.SAFECONDUCT_TEST_SECRET
    assert.ok(names.includes('OWN') && names.includes('PATH'))
    const allowed = ['HOME', 'OWN', 'PATH', 'TMPDIR']
    assert.deepEqual(
      names.filter((name) => !allowed.includes(name)),
      [],
    )
  })

  it('uses no shell', async () => {
    const file = program('args', "text(id, process.argv.slice(2).join('|'))")
    const { world } = await scene(
      stdioServer('child', [process.execPath, file, '$HOME', '; touch pwned', '*']),
    )
    assert.equal(
      textOf(await answerOf(await stateless(world, 'child', 'tools/call', { name: 'work' }))),
      '$HOME|; touch pwned|*',
    )
  })

  it('is refused when the program is not the one that was registered', async () => {
    const file = path.join(directory, 'tool.sh')
    writeFileSync(file, `#!/bin/sh\nexec ${process.execPath} ${program('pinned', '')}\n`)
    chmodSync(file, 0o755)
    const digest = `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`
    const server = stdioServer('child', [file])
    const pinned = {
      ...server,
      transport: { ...server.transport, programDigest: digest } as Server['transport'],
    }
    const { world } = await scene(pinned)
    await alive(world)
    writeFileSync(file, '#!/bin/sh\necho evil\n')
    world.servers.set('child', { ...pinned, version: 2 })
    const answer = await answerOf(await stateless(world, 'child', 'tools/call', { name: 'good' }))
    assert.match(String((answer.error as JsonObject).message), /not the one that was registered/)
  })

  it('that is not there fails clearly', async () => {
    const { world, decider } = await scene(stdioServer('child', ['no-such-program-anywhere']))
    const answer = await answerOf(await stateless(world, 'child', 'tools/call', { name: 'work' }))
    assert.equal(codeOf(answer), 'upstream_unavailable')
    assert.deepEqual(decider.prepared, [])
  })

  it('is limited', async () => {
    const { world } = await scene(child('limit', ''), { maxChildren: 1 })
    await alive(world)
    const headers = world.bearer('child', { sub: 'user-2' })
    const answer = await answerOf(await stateless(world, 'child', 'tools/call', { name: 'good' }, headers))
    assert.equal(codeOf(answer), 'overloaded')
  })
})

describe('one child', () => {
  it('serves a user and agent, another one another', async () => {
    const { world } = await scene(child('pid', ''))
    const pid = async (headers = {}) =>
      textOf(await answerOf(await stateless(world, 'child', 'tools/call', { name: 'pid' }, headers)))
    const first = await pid()
    const session = await openSession(world, 'child')
    assert.equal(textOf(await answerOf(await session.request('tools/call', { name: 'pid' }))), first)
    assert.notEqual(await pid(world.bearer('child', { sub: 'user-2' })), first)
    assert.notEqual(await pid(world.bearer('child', { act: { sub: 'agent-2' } })), first)
  })

  it('ends with the gateway, and so does what it started', async () => {
    const file = program(
      'family',
      `const { spawn } = await import('node:child_process')
    const kid = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    text(id, kid.pid)`,
    )
    writeFileSync(file, readFileSync(file, 'utf8').replace("'line', (line)", "'line', async (line)"))
    const { world } = await scene(stdioServer('child', [process.execPath, file]))
    const kid = Number(
      textOf(await answerOf(await stateless(world, 'child', 'tools/call', { name: 'work' }))),
    )
    const running = () => {
      try {
        process.kill(kid, 0)
        return !readFileSync(`/proc/${kid}/stat`, 'utf8').includes(') Z ')
      } catch {
        return false
      }
    }
    assert.ok(running())
    await world.gateway.close()
    await until(() => !running())
  })
})
