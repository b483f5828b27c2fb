import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDecider } from './decider.ts'
import {
  agent,
  call,
  definition,
  fakePorts,
  fill,
  host,
  pinned,
  QUOTE,
  server,
  setup,
  task,
} from './testing/world.ts'

const PAY = { tool: 'transfer_money', args: { recipient: 'bob@example.com', amount: 50 } }

function listing() {
  return call({ operation: { method: 'tools/list', kind: 'list', name: null, args: {} } })
}

test('a listing does not read the words of the user for each tool', async () => {
  const at = host()
  const read = async (count: number) => {
    let times = 0
    const of = task()
    const counted = Object.defineProperty({ ...of }, 'intent', {
      enumerable: true,
      get: () => {
        times++
        return of.intent
      },
    })
    at.decider.control({ type: 'task', task: counted })
    const definitions = Array.from({ length: count }, (_, number) => definition(`get_part_${number}`))
    await at.decider.list(listing(), definitions)
    return times
  }
  assert.equal(await read(40), await read(2))
  await at.decider.close()
})

const HALF = '\ud800'
const brokenAgent = () => {
  const composition = [
    { kind: 'model', name: HALF, digest: `sha256:${'1'.repeat(64)}`, standing: 'declared' },
  ] as const
  return agent({ version: 2, composition })
}

test('an agent whose composition has no digest is unknown: at once, and at the next start', async () => {
  const at = host()
  assert.throws(() => at.decider.control({ type: 'agent', agent: brokenAgent() }))
  const { decision } = await at.decider.prepare(call({ args: { symbol: 'ACME' } }))
  assert.deepEqual([decision.outcome, decision.code], ['deny', 'revoked'])
  at.decider.control({ type: 'agent', agent: agent({ version: 3 }) })
  assert.equal((await at.decider.prepare(call({ id: 'again', args: { symbol: 'ACME' } }))).forward, true)
  await at.decider.close()

  const ports = fakePorts()
  const events = setup().map((event) =>
    event.type === 'agent' ? { type: 'agent' as const, agent: brokenAgent() } : event,
  )
  await fill(ports.store, events)
  const parts: string[] = []
  const decider = await openDecider({
    ...ports,
    onQuarantined: ({ kind, id }) => parts.push(`${kind} ${id}`),
  })
  assert.deepEqual(parts, ['agent agent-1'])
  const after = await decider.prepare(call({ args: { symbol: 'ACME' } }))
  assert.deepEqual([after.decision.outcome, after.decision.code], ['deny', 'revoked'])
  await decider.close()
})

test('a tool that cannot be taken in is unknown, and the others of its server are what they were', async () => {
  const at = host()
  const unreadable = {
    get inputSchema(): never {
      throw new Error('unreadable')
    },
  }
  const bad = { ...pinned(QUOTE, { version: 2 }), definition: unreadable }
  assert.throws(() => at.decider.control({ type: 'tool', tool: bad }), /unreadable/)
  const { decision } = await at.decider.prepare(call({ args: { symbol: 'ACME' } }))
  assert.deepEqual([decision.outcome, decision.code], ['deny', 'unknown_tool'])
  at.decider.control({ type: 'server', server: server({ version: 2 }) })
  const paid = await at.decider.prepare(call({ id: 'paid', ...PAY }))
  assert.notEqual(paid.decision.code, 'unknown_tool')
  await at.decider.close()
})

test('what fails after a record was read is no quarantine: nothing starts', async () => {
  const ports = fakePorts()
  const capped = setup().map((event) =>
    event.type === 'agent'
      ? { type: 'agent' as const, agent: agent({ trustCeiling: 'restricted' as const }) }
      : event,
  )
  await fill(ports.store, capped)
  const parts: string[] = []
  const opened = openDecider({
    ...ports,
    bus: { ...ports.bus, publish: () => assert.fail('a fault of ours') },
    onQuarantined: ({ kind }) => parts.push(kind),
  })
  await assert.rejects(opened, /a fault of ours/)
  assert.deepEqual(parts, [])
})
