import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallRequest, Outcome } from '@safeconduct/protocol'
import { openDecider } from '../../decider.ts'
import {
  agent,
  answer,
  BEARER,
  call,
  engine,
  fill,
  grant,
  type Host,
  host,
  ok,
  policy,
  START,
  TENANT,
} from '../../testing/world.ts'
import type { PolicySource } from '../engine.ts'
import { STARTER_POLICIES } from '../starter.ts'
import type { ReplayReport } from './replay.ts'
import type { ReplayWindow } from './window.ts'

const stricter = (agentPolicy: string): PolicySource => ({
  ...STARTER_POLICIES,
  agentPolicies: `${STARTER_POLICIES.agentPolicies}\n${agentPolicy}`,
})

/** A host whose store holds what it was told of, so that versions and subjects are found. */
async function recording(): Promise<Host> {
  const at = host()
  await fill(at.ports.store)
  return at
}

async function calls(at: Host, requests: readonly CallRequest[]): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  for (const request of requests) {
    at.ports.clock.set(request.at)
    const { decision, forward } = await at.decider.prepare(request)
    outcomes.set(request.id, decision.outcome)
    if (forward) await at.decider.settle(request.id, ok('fine'))
  }
  return outcomes
}

async function replayed(
  { decider }: Pick<Host, 'decider'>,
  candidate: PolicySource,
  window: ReplayWindow = {},
  base: PolicySource | null = null,
): Promise<ReplayReport> {
  const run = decider.replayPolicy(TENANT, { candidate, base, window })
  for (;;) {
    const step = await run.next()
    if (step.done === true) return step.value
  }
}

const order = (quantity: number, extra = {}) =>
  call({ tool: 'place_order', args: { symbol: 'ACME', quantity, limit: 1.5 }, ...extra })

const BIG = stricter(`@id("small-orders") forbid (principal, action == Action::"market/place_order", resource)
  when { context.args has quantity && context.args.quantity > 5 } unless { context.approved };`)

test('what would change is exactly what the candidate forbids, grouped and counted, with decisions to look at', async () => {
  const at = await recording()
  const requests = [order(2), call(), order(10), order(20), order(3), call()]
  const before = await calls(at, requests)
  const report = await replayed(at, BIG)
  const changed = [requests[2], requests[3]].map((request) => request?.id ?? '')
  const from = before.get(changed[0] ?? '')
  assert.equal(report.decisions, 6)
  assert.equal(report.changed, 2)
  assert.deepEqual(report.groups, [
    {
      tool: 'market/place_order',
      from,
      to: 'approval',
      obligations: [],
      by: ['agent:small-orders'],
      was: [],
      count: 2,
      examples: changed,
    },
  ])
  assert.equal(from, 'allow')
  assert.deepEqual(report.selfCheck, { compared: 6, differences: 0, skipped: 0, examples: [] })
})

test('the same policy changes nothing, whatever was recorded: approvals, refusals, bearers, dead grants, resources', async () => {
  const at = await recording()
  const bearer = order(4, { proof: BEARER, grant: grant({ jkt: null }) })
  const resource = call({ operation: { kind: 'resource', method: 'resources/read', name: 'doc://plan' } })
  const unfit = call({ tool: 'place_order', args: { symbol: 'ACME', quantity: 'many' } })
  const dead = call({ grant: grant({ epochs: [] }) })
  const unknown = call({ tool: 'no_such_tool' })
  await calls(at, [bearer, resource, unfit, dead, unknown])
  for (const status of ['approved', 'refused'] as const) {
    const args = { symbol: 'ACME', quantity: 7, limit: status === 'approved' ? 2 : 3 }
    const first = call({ tool: 'place_order', args, proof: BEARER, grant: grant({ jkt: null }) })
    const { decision } = await at.decider.prepare(first)
    assert.equal(decision.outcome, 'approval')
    await answer(at, decision.approval ?? '', status)
    const again = call({
      tool: 'place_order',
      args,
      proof: BEARER,
      grant: grant({ jkt: null }),
      at: START + 2000,
    })
    const second = await at.decider.prepare(again)
    assert.equal(second.decision.outcome, status === 'approved' ? 'allow' : 'deny')
    if (second.forward) await at.decider.settle(again.id, ok())
  }
  const report = await replayed(at, STARTER_POLICIES)
  assert.deepEqual([report.decisions, report.changed, report.otherReasons], [9, 0, 0])
  assert.equal(report.settled, 2, 'the dead grant and the unknown tool were refused before policy')
  assert.deepEqual([report.selfCheck.compared, report.selfCheck.differences], [7, 0])
})

test('the record answers, not the present: registrations, tools, standing and policy may all have changed', async () => {
  const at = await recording()
  const requests = [order(2), order(9), call()]
  await calls(at, requests)
  const before = await replayed(at, BIG)
  at.decider.control({ type: 'agent', agent: agent({ owner: 'somebody', trustCeiling: 'restricted' }) })
  at.decider.control({ type: 'server-removed', tenant: TENANT, server: 'market' })
  at.decider.control({
    type: 'policy',
    tenant: TENANT,
    version: policy({ agentPolicies: '', userPolicies: '' }),
  })
  // Validation is against the tools of today, and there is none any more: the candidate names none.
  const any = stricter(`@id("small") forbid (principal, action, resource) when { context.impact > 200 };`)
  const after = await replayed(at, any)
  assert.deepEqual([after.changed, after.selfCheck.differences, after.selfCheck.compared], [0, 0, 3])
  assert.equal(before.changed, 1)
})

test('a looser candidate says what would be allowed and what had forbidden it', async () => {
  const at = await recording()
  await calls(at, [order(2, { proof: BEARER, grant: grant({ jkt: null }) })])
  const loose: PolicySource = {
    ...STARTER_POLICIES,
    agentPolicies: '@id("all") permit (principal, action, resource);',
  }
  const { groups } = await replayed(at, loose)
  const [group] = groups
  assert.deepEqual([group?.from, group?.to, group?.by], ['approval', 'allow', []])
  assert.ok(group?.was.includes('agent:limited-writes-reversibly-in-a-closed-world'))
})

test('windows: the latest so many, a time, an agent', async () => {
  const at = await recording()
  const requests = [1, 2, 3, 4].map((hour) => order(10, { at: START + hour * 3_600_000 }))
  await calls(at, requests)
  const changed = async (window: ReplayWindow) => {
    const { decisions, groups } = await replayed(at, BIG, window)
    return [decisions, groups[0]?.examples ?? []]
  }
  const [first, second, third, fourth] = requests.map(({ id }) => id)
  assert.deepEqual(await changed({ last: 2 }), [2, [third, fourth]])
  assert.deepEqual(await changed({ from: START + 2 * 3_600_000, to: START + 3 * 3_600_000 }), [
    2,
    [second, third],
  ])
  assert.deepEqual(await changed({ to: START + 3_600_000 }), [1, [first]])
  assert.deepEqual(await changed({ agent: 'agent-1', last: 1 }), [1, [fourth]])
  assert.deepEqual(await changed({ agent: 'nobody' }), [0, []])
})

test('what an erased subject did is counted and stays unread', async () => {
  const at = await recording()
  await calls(at, [order(10), order(11)])
  await at.ports.keyring.erase(TENANT, 'user:user-1')
  const report = await replayed(at, BIG)
  assert.deepEqual([report.decisions, report.erased, report.changed], [2, 2, 0])
})

test('records from before questions were kept are counted where policy had a say', async () => {
  const at = await recording()
  await calls(at, [order(10), call({ grant: grant({ epochs: [] }) })])
  const { rows } = at.ports.ledger
  for (const row of rows) {
    const entry = JSON.parse(Buffer.from(row.entry).toString())
    if (entry.type !== 'intent' || row.attachment === null) continue
    const opened = await at.ports.keyring.open(TENANT, 'user:user-1', row.attachment)
    const { question: _question, ...older } = JSON.parse(Buffer.from(opened ?? []).toString())
    row.attachment = at.ports.keyring.seal(TENANT, 'user:user-1', Buffer.from(JSON.stringify(older)))
    const { bytesDigest } = await import('../../record/entry.ts')
    row.entry = Buffer.from(JSON.stringify({ ...entry, attachmentDigest: bytesDigest(row.attachment) }))
  }
  const report = await replayed(at, BIG)
  assert.deepEqual([report.older, report.settled, report.changed], [1, 1, 0])
})

test('a record that was exchanged ends the replay', async () => {
  const at = await recording()
  await calls(at, [order(10)])
  const row = at.ports.ledger.rows.find(({ entry }) => Buffer.from(entry).includes('"intent"'))
  if (row !== undefined) row.attachment = Buffer.from('another')
  await assert.rejects(replayed(at, BIG), { code: 'ledger_corrupt' })
})

test('a candidate that cannot be compiled is not replayed; two policies can be compared with each other', async () => {
  const at = await recording()
  await calls(at, [order(10)])
  const broken = stricter('forbid (principal, action, resource) when {')
  await assert.rejects(replayed(at, broken), { code: 'policy_invalid' })
  const same = await replayed(at, BIG, {}, BIG)
  assert.deepEqual([same.compared, same.changed], [1, 0])
  const back = await replayed(at, STARTER_POLICIES, {}, BIG)
  assert.deepEqual([back.groups[0]?.from, back.groups[0]?.to], ['approval', 'allow'])
})

test('one at a time; one that is left early makes room', async () => {
  const at = await recording()
  await calls(at, [order(10)])
  const question = { candidate: BIG, base: null, window: {} }
  const { promise: gate, resolve: release } = Promise.withResolvers<void>()
  const slow = at.ports.store.policies.list
  at.ports.store.policies.list = async (...args) => {
    await gate
    return slow(...args)
  }
  const first = at.decider.replayPolicy(TENANT, question).next()
  await assert.rejects(at.decider.replayPolicy(TENANT, question).next(), { code: 'overloaded' })
  release()
  assert.equal((await first).done, true)
  assert.equal((await replayed(at, BIG)).changed, 1)
})

test('replays the same after a restart', async () => {
  const at = await recording()
  await calls(at, [order(10), order(1), call()])
  const before = await replayed(at, BIG)
  await at.decider.close()
  const decider = await openDecider({ ...at.ports, policyEngine: engine })
  assert.deepEqual(await replayed({ decider }, BIG), before)
  await decider.close()
})
