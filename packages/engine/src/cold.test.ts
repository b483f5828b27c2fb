import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decision } from '@safeconduct/protocol'
import fc from 'fast-check'
import { touch } from './bounded.ts'
import { bodyOf, chill, forget, recompose, reset, summaryOf, warm } from './cold.ts'
import { openDecider } from './decider.ts'
import { encode } from './plain.ts'
import type { Signal } from './risk/detector.ts'
import { DETECTORS } from './risk/detectors/index.ts'
import { enrol } from './risk/learning/learning.ts'
import { learnAttempt, learnOver, learnSettled } from './risk/score.ts'
import { type AgentLive, emptyAgent, STATE_LIMITS } from './state.ts'
import {
  agent,
  call,
  epoch,
  fakePorts,
  fill,
  grant,
  type Host,
  ok,
  START,
  setup,
  TENANT,
  task,
} from './testing/world.ts'

const NAMES = Array.from({ length: 12 }, (_, i) => `agent-${i + 1}`)
const EVENTS = setup(
  NAMES.slice(1).flatMap((id) => [
    { type: 'epoch', tenant: TENANT, ref: epoch('agent', id) } as const,
    { type: 'epoch', tenant: TENANT, ref: epoch('task', `task-${id}`) } as const,
    { type: 'agent', agent: agent({ id, name: id }) } as const,
    { type: 'task', task: task({ id: `task-${id}`, agent: id }) } as const,
  ]),
)

const SIGNAL: Signal = {
  at: START,
  tool: 'market/quote',
  write: false,
  numbers: [],
  parties: [],
  steered: false,
  steering: null,
  place: null,
  proofAge: null,
}

/** The same mixed day for every agent, whatever the host does between calls. */
function requestOf(i: number) {
  // One of them goes wrong for a while.
  const wrong = i >= 200 && i < 216
  const id = wrong ? 'agent-3' : (NAMES[i % NAMES.length] ?? '')
  const tool = wrong
    ? 'no_such_tool'
    : (['get_quote', 'place_order', 'save_watchlist', 'no_such_tool'][((i * 7) % 11) % 4] ?? '')
  const args: Record<string, string | number> =
    tool === 'place_order' ? { symbol: 'ACME', quantity: 10 + ((i * 31) % 9) } : {}
  return call({
    id: `call-${i}`,
    at: START + i * 7000,
    tool,
    args: i === 280 ? { symbol: 'ACME', quantity: 900 } : args,
    ip: i % 50 === 0 ? 'other' : 'usual',
    grant: grant({ agent: id, task: id === 'agent-1' ? 'task-1' : `task-${id}` }),
  })
}

async function run(at: Host, from: number, to: number): Promise<Decision[]> {
  const decisions: Decision[] = []
  for (let i = from; i < to; i++) {
    at.ports.clock.set(START + i * 7000)
    const request = requestOf(i)
    const { decision, forward } = await at.decider.prepare(request)
    decisions.push(decision)
    if (forward) await at.decider.settle(request.id, ok())
  }
  return decisions
}

async function open(settings = {}): Promise<Host> {
  const ports = fakePorts({ contestWindow: 60_000, ...settings })
  await fill(ports.store, EVENTS)
  return { ports, decider: await openDecider(ports) }
}

test('evicted, restored, restarted: the same events give the same decisions, bit for bit', async () => {
  const calm = await open()
  const expected = await run(calm, 0, 400)
  assert.ok(expected.some(({ evidence }) => evidence.length > 0))
  assert.ok(new Set(expected.map(({ trust }) => trust)).size > 1)

  const cramped = await open({ hotAgents: 2 })
  assert.deepEqual(await run(cramped, 0, 150), expected.slice(0, 150))
  const names = await cramped.ports.store.blobs.names('engine/cold/')
  assert.ok(names.length >= NAMES.length - 4, 'most of them wait in the store')

  // A stop with a snapshot, then a crash without one: whoever slept is woken by what the ledger tells of it.
  await cramped.decider.close()
  const again = { ports: cramped.ports, decider: await openDecider(cramped.ports) }
  assert.deepEqual(await run(again, 150, 300), expected.slice(150, 300))
  const crashed = { ports: cramped.ports, decider: await openDecider(cramped.ports) }
  assert.deepEqual(await run(crashed, 300, 400), expected.slice(300))
  for (const name of NAMES)
    assert.deepEqual(crashed.decider.standing(TENANT, name), calm.decider.standing(TENANT, name))
})

test('bodies that no snapshot names any more are erased', async () => {
  const at = await open({ hotAgents: 2 })
  await run(at, 0, 300)
  const waiting = await at.ports.store.blobs.names('engine/cold/')
  assert.ok(waiting.length < NAMES.length + 80, `${waiting.length}: between snapshots, too`)
  await at.decider.close()
  assert.ok((await at.ports.store.blobs.names('engine/cold/')).length <= NAMES.length)
})

test('an agent whose body is lost does not call: no record of it is no clean record', async () => {
  const at = await open({ hotAgents: 2 })
  await run(at, 0, 60)
  const names = await at.ports.store.blobs.names('engine/cold/')
  for (const name of names) await at.ports.store.blobs.erase(name)
  let failed = 0
  for (let i = 60; i < 84; i++) await at.decider.prepare(requestOf(i)).catch(() => failed++)
  assert.ok(failed >= NAMES.length - 4)
})

test('what happens to a sleeping agent is made good when it wakes', () => {
  const one = emptyAgent(START)
  one.risk.detectors.set('denials', { times: [START] })
  one.risk.detectors.set('size', { seen: new Map() })
  one.used.set('t', START)
  const body = bodyOf(one)
  const before = encode(one)
  const asleep = structuredClone(one)
  chill(asleep, 'name')
  assert.deepEqual([asleep.risk.detectors.size, asleep.used.size], [0, 0])
  warm(asleep, body)
  assert.deepEqual(encode(asleep), before)
})

test('reset, recomposed, a person erased: asleep or awake, in any order, it comes to the same', () => {
  const acts: readonly ((agent: AgentLive, i: number) => void)[] = [
    (agent, i) => reset(agent, START + 2000 + i),
    (agent) => recompose(agent),
    (agent) => forget(agent, 'ann'),
  ]
  const learned = () => {
    const one = emptyAgent(START)
    one.risk.detectors.set('denials', { times: [START] })
    one.risk.learning.contestedAt = START
    one.risk.learning.influence.known.set('ann', 1)
    for (let i = 0; i < 30; i++)
      learnSettled(one.risk, {
        id: `c${i}`,
        at: START,
        until: START + 1000 + i,
        source: i % 3 === 0 ? 'ann' : 'bob',
        signal: SIGNAL,
        vouched: false,
      })
    learnOver(one.risk, START + 1004)
    return one
  }
  fc.assert(
    fc.property(fc.array(fc.nat(acts.length - 1), { maxLength: 4 }), (chosen) => {
      const [awake, asleep] = [learned(), learned()]
      const body = bodyOf(asleep)
      chill(asleep, 'name')
      chosen.forEach((which, i) => {
        for (const agent of [awake, asleep]) acts[which]?.(agent, i)
      })
      // What waits to be learned is counted without those that an erasure took.
      const erased = chosen.includes(2)
      if (!erased) assert.deepEqual(summaryOf(asleep), summaryOf(awake))
      warm(asleep, body)
      assert.deepEqual(encode(asleep), encode(awake))
    }),
  )
})

test('that an agent may go on accepts nothing of what it has become', () => {
  const one = emptyAgent(START)
  enrol(one.risk, DETECTORS, START)
  one.risk.doubts.set('denials', { bits: 4, at: START })
  one.risk.learning.drift = { psi: 1, ks: 0 }
  const { enrolment } = one.risk.learning
  reset(one, START + 1)
  assert.equal(one.risk.learning.enrolment, enrolment)
  assert.deepEqual([one.risk.doubts.size, one.risk.learning.drift.psi], [0, 1])
})

test('whatever an agent does, its body and its head stay below a bound', () => {
  const one = emptyAgent(START)
  const many = <T>(of: (k: number) => T): T[] => Array.from({ length: 16 }, (_, k) => of(k))
  const grow = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const at = START + i * 500_000
      const signal: Signal = {
        ...SIGNAL,
        at,
        tool: `a-server-of-a-long-name-${i}/a-tool-of-a-long-name-${i}`,
        write: true,
        numbers: many((k) => [`argument.path.${k}.${i}`, i * 1.7 + k]),
        parties: many((k) => [`argument.path.${k}.${i}`, `${i}-${k}`.padEnd(16, 'x')]),
        place: `place-${i}`,
        zone: `a-zone-of-a-long-name-${i}`,
        forms: Array.from({ length: 6 }, (_, k) => `argument.path.${k}.${i} s9ad-_@/ku`),
        targets: many((k) => (i * 16 + k) * 268_435),
        errand: { kinds: [`kind-${i}`, `words-${i}`], does: `does-${i}` },
      }
      learnAttempt(one.risk, signal, i % 9 === 0 ? 'deny' : 'allow')
      touch(one.used, signal.tool, at, STATE_LIMITS.usedTools)
      // The last ones wait.
      const until = i < to - 200 ? at : Number.MAX_SAFE_INTEGER
      learnSettled(one.risk, { id: `call-${i}`, at, until, source: String(i), signal, vouched: false })
      learnOver(one.risk, at)
    }
    enrol(one.risk, DETECTORS, START)
    return JSON.stringify(bodyOf(one)).length
  }
  const early = grow(0, 2500)
  assert.ok(early < 600_000, String(early))
  assert.ok(grow(2500, 4000) < early * 1.1, 'and it does not go on growing')
  chill(one, 'a-blob')
  assert.ok(JSON.stringify(encode({ ...one, risk: { doubts: one.risk.doubts } })).length < 1000)
})
