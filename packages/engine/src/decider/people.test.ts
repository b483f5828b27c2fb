import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallRequest, Decision } from '@safeconduct/protocol'
import { openDecider } from '../decider.ts'
import { readSnapshot } from '../record/snapshots.ts'
import { call, fakePorts, fill, type Host, ok, START, setup, TENANT } from '../testing/world.ts'

const WHO = 'agent-1'
const BY = 'user-1'

async function open(settings = {}): Promise<Host> {
  const ports = fakePorts({ contestWindow: 60_000, ...settings })
  await fill(ports.store, setup())
  return { ports, decider: await openDecider(ports) }
}

async function made(at: Host, request: CallRequest): Promise<Decision> {
  at.ports.clock.set(request.at)
  const { decision, forward } = await at.decider.prepare(request)
  if (forward) await at.decider.settle(request.id, ok())
  return decision
}

/** An agent that looks up quotes all day. */
async function work(at: Host, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await made(at, call({ id: `w${i}`, at: START + i * 20_000 }))
}

const NEW = { tool: 'save_watchlist', args: { rank: 3 } }
const learning = ({ decider }: Host) => decider.standing(TENANT, WHO)?.learning

test('a risk is told part by part, strongest first, with what would hold without each', async () => {
  const at = await open()
  await work(at, 0, 60)
  let last: Decision | null = null
  for (let i = 0; i < 8; i++)
    last = await made(at, call({ id: `bad${i}`, at: START + 1_300_000 + i * 500, tool: `no_such_tool_${i}` }))
  const parts = last?.contributions ?? []
  assert.ok(parts.length > 0 && parts.every(({ id, detector }) => id === `bad7/${detector}`))
  assert.deepEqual(
    [...parts].sort((a, b) => b.bits - a.bits),
    parts,
  )
  for (const { without } of parts) assert.ok(without.risk <= (last?.risk ?? 0))
  assert.equal((await at.decider.explain(TENANT, 'bad7'))?.decision.contributions?.[0]?.id, parts[0]?.id)
  const calm = await made(at, call({ id: 'calm', at: START + 40 * 60_000_000 }))
  assert.equal(calm.contributions, undefined)
})

test('a dismissed finding is over and counts less, once; the answer survives a restart and a sleep', async () => {
  const at = await open({ hotAgents: 1 })
  await work(at, 0, 60)
  for (let i = 0; i < 8; i++)
    await made(at, call({ id: `bad${i}`, at: START + 1_300_000 + i * 500, tool: `no_such_tool_${i}` }))
  const risk = at.decider.standing(TENANT, WHO)?.risk ?? 0
  const told = await at.decider.explain(TENANT, 'bad7')
  const first = told?.decision.contributions?.[0]
  assert.ok(first !== undefined)
  const answer = { evidence: first.id, verdict: 'dismiss', by: BY } as const
  assert.deepEqual(await at.decider.people.answer(TENANT, answer), { agent: WHO, detector: first.detector })
  assert.ok((at.decider.standing(TENANT, WHO)?.risk ?? 0) < risk)
  assert.deepEqual(learning(at)?.weights, { [first.detector]: 0.8 })
  await assert.rejects(at.decider.people.answer(TENANT, answer), { code: 'conflict' })
  for (const evidence of ['bad7/none', 'nope/denials', 'bad7', '/x', 'bad7/'])
    await assert.rejects(at.decider.people.answer(TENANT, { ...answer, evidence }), { code: 'not_found' })
  const again = { ports: at.ports, decider: await openDecider(at.ports) }
  assert.deepEqual(learning(again)?.weights, { [first.detector]: 0.8 })
})

test('confirmed: it counts more and nothing is learned until a person has reviewed the agent', async () => {
  const at = await open()
  await work(at, 0, 60)
  for (let i = 0; i < 8; i++)
    await made(at, call({ id: `bad${i}`, at: START + 1_300_000 + i * 500, tool: `no_such_tool_${i}` }))
  const detector = (await at.decider.explain(TENANT, 'bad7'))?.decision.contributions?.[0]?.detector
  await at.decider.people.answer(TENANT, { evidence: `bad7/${detector}`, verdict: 'confirm', by: BY })
  assert.equal(at.decider.standing(TENANT, WHO)?.baseline, 'contested')
  assert.equal(learning(at)?.pending, 0)
  at.decider.control({ type: 'trust-reset', tenant: TENANT, agent: WHO, by: BY })
  assert.notEqual(at.decider.standing(TENANT, WHO)?.baseline, 'contested')
})

test('a contested call teaches nothing, in time', async () => {
  const at = await open()
  await work(at, 0, 10)
  const { pending = 0 } = learning(at) ?? {}
  assert.equal(await at.decider.people.contest(TENANT, { id: 'w9', by: BY }), true)
  assert.equal(learning(at)?.pending, pending - 1)
  assert.equal(await at.decider.people.contest(TENANT, { id: 'w0', by: BY }), false, 'learned already')
  await assert.rejects(at.decider.people.contest(TENANT, { id: 'none', by: BY }), { code: 'not_found' })
})

test('baselines: saved at enrolment without being asked, brought back after what was learned since', async () => {
  const at = await open()
  await work(at, 0, 230)
  // What is saved after a call is saved beside it.
  await at.decider.close()
  const { ports } = at
  const held = { ports, decider: await openDecider(ports) }
  const [first, ...more] = held.decider.people.baselines(TENANT, WHO)
  assert.ok(first !== undefined && more.length === 0)
  assert.deepEqual([first.by, first.learned >= 200], ['schedule', true])
  const before = learning(held)?.learned ?? 0
  // The day before has taught all that a day may.
  const day = START + 20 * 3_600_000
  for (let i = 0; i < 70; i++)
    await made(held, call({ id: `n${i}`, at: day + i * 20_000, ...(i % 4 === 0 ? NEW : {}) }))
  assert.ok((learning(held)?.learned ?? 0) > before)
  const restored = await held.decider.people.rollback(TENANT, { agent: WHO, baseline: first.id, by: BY })
  assert.equal(restored.digest, first.digest)
  assert.equal(learning(held)?.learned, first.learned)
  // After a crash the ledger brings it back, too.
  const crashed = { ports, decider: await openDecider(ports) }
  assert.equal(learning(crashed)?.learned, first.learned)
  assert.deepEqual(crashed.decider.people.baselines(TENANT, WHO), [first])
})

test('a baseline that is not what the ledger tells of is not brought back; the first and the latest are kept', async () => {
  const at = await open()
  await work(at, 0, 30)
  for (let i = 0; i < 12; i++) await at.decider.people.save(TENANT, { agent: WHO, by: BY })
  const saved = at.decider.people.baselines(TENANT, WHO)
  assert.equal(saved.length, 8)
  const { blobs } = at.ports.store
  const names = await blobs.names('engine/baseline/')
  assert.equal(names.length, 8)
  const [oldest, other] = saved
  const [from, to] = [
    names.find((n) => n.endsWith(other?.id ?? '')),
    names.find((n) => n.endsWith(oldest?.id ?? '')),
  ]
  assert.ok(oldest !== undefined && other !== undefined && from !== undefined && to !== undefined)
  await made(at, call({ id: 'later', at: START + 10_000_000 }))
  await at.decider.people.save(TENANT, { agent: WHO, by: BY })
  const latest = at.decider.people.baselines(TENANT, WHO).at(-1)
  const other2 = (await blobs.names('engine/baseline/')).find((n) => n.endsWith(latest?.id ?? '-'))
  await blobs.put(to, (await blobs.get(other2 ?? '')) ?? new Uint8Array())
  await assert.rejects(at.decider.people.rollback(TENANT, { agent: WHO, baseline: oldest.id, by: BY }), {
    code: 'ledger_corrupt',
  })
  await assert.rejects(at.decider.people.rollback(TENANT, { agent: WHO, baseline: 'none', by: BY }), {
    code: 'not_found',
  })
})

test('a subject is shown what is held of it, and it can be erased; what speaks against an agent stays', async () => {
  const at = await open()
  await work(at, 0, 40)
  for (let i = 0; i < 8; i++)
    await made(at, call({ id: `bad${i}`, at: START + 1_300_000 + i * 500, tool: `no_such_tool_${i}` }))
  await at.decider.people.save(TENANT, { agent: WHO, by: BY })
  const { people } = at.decider
  const agent = await people.inspect(TENANT, { kind: 'agent', id: WHO })
  assert.match(JSON.stringify(agent), /get_quote/)
  const user = await people.inspect(TENANT, { kind: 'user', id: 'user-1' })
  assert.equal(JSON.stringify(user.learnedFrom).includes(WHO), true)
  const risk = at.decider.standing(TENANT, WHO)?.risk
  await people.erase(TENANT, { kind: 'agent', id: WHO }, BY)
  assert.equal(at.decider.standing(TENANT, WHO)?.risk, risk)
  assert.equal(learning(at)?.learned, 0)
  assert.deepEqual(people.baselines(TENANT, WHO), [])
  assert.deepEqual(await at.ports.store.blobs.names('engine/baseline/'), [])
  assert.doesNotMatch(JSON.stringify(await people.inspect(TENANT, { kind: 'agent', id: WHO })), /get_quote/)
  const restored = await readSnapshot(at.ports, TENANT)
  const flows = [...(restored?.live.flows.values() ?? [])]
  assert.ok(flows.length > 0 && flows.every(({ state }) => state.forgot && state.outputs.length === 0))
  await people.erase(TENANT, { kind: 'user', id: 'user-1' }, BY)
  assert.equal(await at.decider.explain(TENANT, 'w3'), null)
  const after = await people.inspect(TENANT, { kind: 'user', id: 'user-1' })
  assert.deepEqual(after.learnedFrom, [])
})

test('a user is erased when no older snapshot is left, and not before', async () => {
  const plain = fakePorts({ contestWindow: 60_000 })
  let gate: Promise<void> | null = null
  const blobs: typeof plain.store.blobs = {
    ...plain.store.blobs,
    put: async (name, value) => {
      await gate
      return plain.store.blobs.put(name, value)
    },
  }
  const ports = { ...plain, store: { ...plain.store, blobs } }
  await fill(ports.store, setup())
  const at: Host = { ports, decider: await openDecider(ports) }
  await work(at, 0, 40)
  await at.decider.people.save(TENANT, { agent: WHO, by: BY })
  const knows = async () => {
    const agent = (await readSnapshot(ports, TENANT))?.live.agents.get(WHO)
    return agent?.risk.learning.influence.known.size
  }
  await at.decider.people.erase(TENANT, { kind: 'agent', id: 'nobody' }, BY)
  assert.equal(await knows(), 1, 'an older snapshot knows whom the agent worked for')

  let open = (): void => undefined
  gate = new Promise((resolve) => {
    open = resolve
  })
  let done = false
  const erased = at.decider.people.erase(TENANT, { kind: 'user', id: BY }, BY).then(() => {
    done = true
  })
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(done, false)
  assert.equal(await knows(), 1)
  open()
  await erased
  assert.equal(await knows(), 0)
})
