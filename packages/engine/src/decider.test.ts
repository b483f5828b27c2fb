import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSafeconductError, type JsonObject, parseJson } from '@safeconduct/protocol'
import fc from 'fast-check'
import { createOwner } from './decider/owner.ts'
import { prepare } from './decider/prepare.ts'
import { abandonCalls, settle, unknownResult } from './decider/settle.ts'
import { applyControl } from './decider/upkeep.ts'
import { createDecider, openDecider } from './decider.ts'
import { userSubject } from './record/pseudonyms.ts'
import { QUOTA } from './record/refusals.ts'
import { DEFAULT_SETTINGS } from './state.ts'
import type { LedgerFault } from './testing/fakes.ts'
import {
  agent,
  answer,
  BEARER,
  call,
  definition,
  details,
  epoch,
  fakePorts,
  fill,
  grant,
  type Host,
  host,
  ok,
  policy,
  QUOTE,
  START,
  server,
  setup,
  TENANT,
  TRANSFER,
  task,
} from './testing/world.ts'

const PAY = { tool: 'transfer_money', args: { recipient: 'bob@example.com', amount: 50 } }
const NEW_SERVER = setup([{ type: 'server', server: server({ standing: 'new' }) }])

function entries({ ports }: Pick<Host, 'ports'>): Record<string, unknown>[] {
  return ports.ledger.rows.map(({ entry }) => parseJson(entry) as Record<string, unknown>)
}

function typed({ ports }: Pick<Host, 'ports'>, type: string): Record<string, unknown>[] {
  return entries({ ports }).filter((entry) => entry.type === type)
}

function code(expected: string): (error: unknown) => boolean {
  return (error) => isSafeconductError(error) && error.code === expected
}

/** A restart: the same store, ledger and keys, nothing else. */
async function restart({ ports }: Pick<Host, 'ports'>): Promise<Host> {
  return { ports, decider: await openDecider(ports) }
}

test('a call: intent first, then forward, then outcome, then the receipt of both', async () => {
  const at = host()
  const request = call({ args: { symbol: 'ACME' } })
  const prepared = await at.decider.prepare(request)
  assert.equal(prepared.forward, true)
  assert.deepEqual(prepared.operation, request.operation)
  assert.equal(typed(at, 'intent').length, 1)
  const { receipt } = await at.decider.settle(request.id, ok('12.5'))
  assert.equal(entries(at)[receipt.outcomeIndex]?.type, 'outcome')
  assert.deepEqual(await at.decider.receipt(TENANT, request.id), {
    indexes: [receipt.intentIndex, receipt.outcomeIndex],
  })
  const told = await at.decider.explain(TENANT, request.id)
  assert.deepEqual(
    [told?.request.agent, told?.request.operation.args, told?.result?.status],
    ['agent-1', { symbol: 'ACME' }, 'ok'],
  )
  assert.ok(told !== null && !('text' in (told.result ?? {})))
  await at.decider.close()
})

test('the answer waits for the ledger', async () => {
  const at = host()
  let open = (): void => undefined
  at.ports.ledger.gate = new Promise((resolve) => {
    open = () => resolve(undefined)
  })
  let answered = false
  const prepared = at.decider.prepare(call()).then(() => {
    answered = true
  })
  for (let i = 0; i < 50; i++) await Promise.resolve()
  assert.equal(answered, false)
  open()
  await prepared
  assert.equal(answered, true)
})

const FAULTS: readonly LedgerFault[] = ['lost', 'reported-lost']

for (const fault of FAULTS) {
  test(`no record, no effect: an intent ${fault} is not forwarded and its budget is free again`, async () => {
    const at = host(setup([{ type: 'task', task: task({ details: details({ budget: { calls: 1 } }) }) }]))
    at.ports.ledger.fault = () => fault
    const lost = call()
    await assert.rejects(at.decider.prepare(lost), code('ledger_unavailable'))
    await assert.rejects(at.decider.settle(lost.id, ok()), code('not_found'))
    at.ports.ledger.fault = () => null
    assert.equal((await at.decider.prepare(call())).forward, true)
    assert.equal((await at.decider.prepare(call())).decision.code, 'budget_exhausted')
  })

  test(`an outcome ${fault} keeps the result back; settling again records it and teaches once`, async () => {
    const at = await filled()
    const request = call()
    await at.decider.prepare(request)
    at.ports.ledger.fault = () => fault
    await assert.rejects(at.decider.settle(request.id, ok()), code('ledger_unavailable'))
    at.ports.ledger.fault = () => null
    const first = await at.decider.settle(request.id, ok())
    assert.deepEqual(await at.decider.settle(request.id, ok()), first, 'idempotent')
    assert.equal(at.decider.standing(TENANT, 'agent-1')?.baseline, 'learning')
    const again = await restart(at)
    assert.deepEqual(await again.decider.settle(request.id, ok()), first, 'also after a restart')
  })

  test(`an approval whose intent is ${fault} is not used to let anything out`, async () => {
    const at = host(NEW_SERVER)
    const asked = await at.decider.prepare(call(PAY))
    await answer(at, asked.decision.approval ?? '', 'approved')
    at.ports.ledger.fault = () => fault
    await assert.rejects(at.decider.prepare(call(PAY)), code('ledger_unavailable'))
    at.ports.ledger.fault = () => null
    assert.equal((await at.decider.prepare(call(PAY))).forward, false)
  })
}

test('parallel calls cannot overspend a budget, however many', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 8 }),
      fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 25 }),
      async (calls, amounts) => {
        const budget = { calls, sums: { 'market/transfer_money:amount': 60 } }
        const at = host(setup([{ type: 'task', task: task({ details: details({ budget }) }) }]))
        const prepared = await Promise.all(
          amounts.map((amount) =>
            at.decider.prepare(
              call({ tool: 'transfer_money', args: { recipient: 'bob@example.com', amount } }),
            ),
          ),
        )
        const out = amounts.filter((_, i) => prepared[i]?.forward === true)
        assert.ok(out.length <= calls)
        assert.ok(out.reduce((sum, amount) => sum + amount, 0) <= 60)
        assert.equal(typed(at, 'intent').filter((entry) => entry.outcome === 'allow').length, out.length)
        await at.decider.close()
      },
    ),
    { numRuns: 15 },
  )
})

test('one id is one call', async () => {
  const at = host()
  const request = call()
  const [first, second] = await Promise.allSettled([at.decider.prepare(request), at.decider.prepare(request)])
  assert.deepEqual([first.status, second.status], ['fulfilled', 'rejected'])
  await at.decider.settle(request.id, ok())
  await assert.rejects(at.decider.prepare(request), code('conflict'))
})

test('revocation is effective at the very next call', async () => {
  const at = host()
  assert.equal((await at.decider.prepare(call())).forward, true)
  at.decider.control({ type: 'epoch', tenant: TENANT, ref: epoch('task', 'task-1', 2) })
  const { decision, forward } = await at.decider.prepare(call())
  assert.deepEqual([decision.code, forward], ['revoked', false])
})

test('what is revoked while the intent is on its way to the disk does not go out', async () => {
  const at = host(setup([{ type: 'task', task: task({ details: details({ budget: { calls: 1 } }) }) }]))
  const gate = Promise.withResolvers<void>()
  at.ports.ledger.gate = gate.promise
  const request = call()
  const going = at.decider.prepare(request)
  while (typed(at, 'intent').length === 0) await new Promise(setImmediate)
  at.decider.control({ type: 'epoch', tenant: TENANT, ref: epoch('user', 'user-1', 2) })
  gate.resolve()
  await assert.rejects(going, code('revoked'))
  const [outcome] = typed(at, 'outcome')
  assert.deepEqual([outcome?.call, outcome?.status], [request.id, 'cancelled'])
  assert.equal((await at.decider.explain(TENANT, request.id))?.result?.status, 'cancelled')
  await assert.rejects(at.decider.settle(request.id, ok()), code('conflict'))
  assert.equal(typed(at, 'outcome').length, 1, 'it has its outcome')
})

test('a change and the calls after it stand in the ledger in the order in which they were made', async () => {
  const at = host()
  await at.decider.prepare(call())
  const before = at.ports.ledger.rows.length
  const going = at.decider.prepare(call())
  at.decider.control({ type: 'trust-reset', tenant: TENANT, agent: 'agent-1', by: 'user-1' })
  await going
  await at.decider.drainOutbox()
  assert.deepEqual(
    entries(at)
      .slice(before)
      .map((entry) => entry.type),
    ['control', 'intent'],
  )
})

test('what lies beside an entry and is not what the entry says stops the start, and is not explained', async () => {
  const at = await filled()
  const [one, two] = [call(), call()]
  for (const request of [one, two]) {
    await at.decider.prepare(request)
    await at.decider.settle(request.id, ok())
  }
  const rows = at.ports.ledger.rows.filter((_, i) => entries(at)[i]?.type === 'intent')
  const [first, second] = rows
  assert.ok(first !== undefined && second !== undefined)
  const kept = first.attachment
  for (const attachment of [second.attachment, null]) {
    first.attachment = attachment
    await assert.rejects(at.decider.explain(TENANT, one.id), code('ledger_corrupt'))
    await assert.rejects(restart(at), code('ledger_corrupt'))
  }
  first.attachment = kept
  assert.equal((await (await restart(at)).decider.explain(TENANT, one.id))?.decision.id, one.id)
})

test('approval: durable before the answer, bound to the arguments, single use, also in parallel', async () => {
  const at = host(NEW_SERVER)
  const { decision } = await at.decider.prepare(call(PAY))
  const id = decision.approval ?? ''
  const stored = await at.ports.store.approvals.get(TENANT, id)
  assert.deepEqual(
    [stored?.status, stored?.args, stored?.argsDigest],
    ['pending', PAY.args, decision.argsDigest],
  )
  assert.equal((await at.decider.prepare(call(PAY))).decision.approval, id, 'asking again asks nobody again')
  await answer(at, id, 'approved')
  const other = await at.decider.prepare(call({ ...PAY, args: { ...PAY.args, amount: 51 } }))
  assert.deepEqual([other.decision.outcome, other.decision.approval === id], ['approval', false])
  const both = await Promise.all([at.decider.prepare(call(PAY)), at.decider.prepare(call(PAY))])
  assert.deepEqual(both.map(({ forward }) => forward).sort(), [false, true])
  assert.equal((await at.ports.store.approvals.get(TENANT, id))?.status, 'used')
  const again = await restart(at)
  assert.equal((await again.decider.prepare(call(PAY))).forward, false, 'used stays used')
})

test('an approved call survives a restart until it is used', async () => {
  const at: Host = { ports: fakePorts(), decider: createDecider(fakePorts()) }
  await fill(
    at.ports.store,
    NEW_SERVER.filter(
      (event, i) =>
        NEW_SERVER.findLastIndex((other) => other.type === 'server') === i || event.type !== 'server',
    ),
  )
  const one = await restart(at)
  const { decision } = await one.decider.prepare(call(PAY))
  await answer(one, decision.approval ?? '', 'approved')
  const two = await restart(at)
  assert.equal((await two.decider.prepare(call(PAY))).forward, true)
  const three = await restart(at)
  assert.equal((await three.decider.prepare(call(PAY))).forward, false)
})

test('an approval that cannot be stored is not promised, and one whose use cannot be stored lets nothing out', async () => {
  const at = host(NEW_SERVER)
  at.ports.store.failing.add('approvals.insert')
  await assert.rejects(at.decider.prepare(call(PAY)), code('internal'))
  const { decision } = await at.decider.prepare(call(PAY))
  await answer(at, decision.approval ?? '', 'approved')
  at.ports.store.failing.add('approvals.replace')
  const failed = call(PAY)
  await assert.rejects(at.decider.prepare(failed), code('internal'))
  assert.deepEqual(
    typed(at, 'outcome').map((entry) => [entry.call, entry.status]),
    [[failed.id, 'cancelled']],
  )
})

test('a request that nobody answered is marked expired when the next one is opened', async () => {
  const at = host(NEW_SERVER)
  const { decision } = await at.decider.prepare(call(PAY))
  at.ports.clock.advance(3_600_000)
  await at.decider.prepare(call({ ...PAY, at: START + 3_600_000, args: { ...PAY.args, amount: 1 } }))
  await at.decider.close()
  assert.equal((await at.ports.store.approvals.get(TENANT, decision.approval ?? ''))?.status, 'expired')
})

test('dry gives the same answer twice and moves nothing', async () => {
  const at = host(NEW_SERVER)
  const request = call(PAY)
  const first = at.decider.dry(request)
  assert.deepEqual(at.decider.dry(request), first)
  assert.deepEqual([first.outcome, first.approval], ['approval', null])
  assert.equal(at.ports.ledger.rows.length, 0)
  assert.deepEqual(await at.ports.store.approvals.list(TENANT), [])
  const { decision } = await at.decider.prepare(request)
  assert.equal(decision.counterfactual?.outcome, 'allow')
  // What would lead further is looked for only where there will be a record that a person can ask about.
  assert.deepEqual({ ...decision, approval: null, counterfactual: null }, first)
})

test('what would lead further is looked for only as long as refusals are recorded', async () => {
  const at = host(NEW_SERVER)
  const tested: boolean[] = []
  // The first opens an approval and is recorded whatever the quota says.
  for (let i = 0; i < QUOTA.burst + 2; i++) {
    const { decision } = await at.decider.prepare(call(PAY))
    assert.equal(decision.outcome, 'approval')
    tested.push(decision.counterfactual !== null)
  }
  assert.deepEqual(tested, [...Array.from({ length: QUOTA.burst + 1 }, () => true), false])
})

test('a flood of refusals is counted, not written one by one', async () => {
  const at = host()
  for (let i = 0; i < QUOTA.burst + 20; i++) await at.decider.prepare(call({ tool: 'never_listed' }))
  assert.equal(typed(at, 'intent').length, QUOTA.burst)
  at.ports.clock.advance(60_000)
  await at.decider.prepare(call({ at: START + 60_000 }))
  await at.decider.close()
  const [flood] = typed(at, 'refusals')
  assert.deepEqual({ ...(flood?.counts as object) }, { unknown_tool: 20 })
  assert.doesNotMatch(JSON.stringify(flood), /agent-1/)
})

// ── Listing ──────────────────────────────────────────────────────────────────────────────────────────────────

function listing(extra: Parameters<typeof call>[0] = {}) {
  return call({ ...extra, operation: { method: 'tools/list', kind: 'list', name: null, args: {} } })
}

const bare = setup().filter((event) => event.type !== 'tool')

test('a first listing pins, persists and shows; calls need it', async () => {
  const at = host(bare)
  assert.equal((await at.decider.prepare(call())).decision.code, 'unknown_tool')
  const { visible } = await at.decider.list(listing(), [QUOTE, TRANSFER])
  assert.deepEqual(visible, [QUOTE, TRANSFER])
  assert.equal((await at.ports.store.tools.get(TENANT, 'market/get_quote'))?.status, 'active')
  assert.equal((await at.decider.prepare(call({ args: { symbol: 'ACME' } }))).forward, true)
})

test('pins and quarantines leave one entry each in the ledger, however often a server changes its mind', async () => {
  const at = host(bare)
  const told = async () => {
    await at.decider.drainOutbox()
    return typed(at, 'control').filter((entry) => entry.kind === 'tools.pinned').length
  }
  const list = async (description: string) =>
    at.decider.list(listing(), [{ ...QUOTE, description }, TRANSFER])
  await list('One.')
  assert.equal(await told(), 1)
  await list('One.')
  assert.equal(await told(), 1, 'nothing new')
  for (const description of ['Two.', 'Three.', 'Two.']) await list(description)
  assert.equal(await told(), 2)
  assert.deepEqual(await at.ports.store.outbox.take(1), [])
})

test('a changed tool is hidden and quarantined until it is approved', async () => {
  const at = host(bare)
  await at.decider.list(listing(), [QUOTE, TRANSFER])
  const changed = { ...QUOTE, description: 'Now with more.' }
  assert.deepEqual((await at.decider.list(listing(), [changed, TRANSFER])).visible, [TRANSFER])
  assert.equal((await at.decider.prepare(call())).decision.code, 'tool_quarantined')
  const pin = await at.ports.store.tools.get(TENANT, 'market/get_quote')
  assert.ok(pin?.proposed)
  const approved = {
    ...pin,
    version: pin.version + 1,
    status: 'active',
    reason: null,
    definition: pin.proposed,
    digest: pin.proposedDigest ?? '',
    proposed: null,
    proposedDigest: null,
  } as const
  await at.ports.store.tools.replace(approved)
  at.decider.control({ type: 'tool', tool: approved })
  assert.deepEqual((await at.decider.list(listing(), [changed])).visible, [changed])
  assert.equal((await at.decider.prepare(call())).forward, true)
})

test('a listing shows what could be called, by the same decisions', async () => {
  const narrow = grant({
    details: details({
      tools: ['market/get_quote'],
      argument_limits: { 'market/get_quote': { symbol: { oneOf: ['ACME'] } } },
    }),
  })
  const at = host(bare)
  const shown = async (shape: Parameters<typeof call>[0]): Promise<unknown[]> =>
    (await at.decider.list(listing(shape), [QUOTE, TRANSFER])).visible.map((each: JsonObject) => each.name)
  assert.deepEqual(await shown({ grant: narrow }), ['get_quote'], 'limits on arguments hide nothing')
  assert.deepEqual(await shown({ grant: grant({ scope: ['mcp:read'] }) }), ['get_quote'])
  assert.deepEqual(
    await shown({ proof: BEARER, grant: grant({ jkt: null }) }),
    ['get_quote', 'transfer_money'],
    'what needs approval can be asked for',
  )
  assert.deepEqual(await shown({ grant: grant({ epochs: [] }) }), [])
  at.decider.control({ type: 'agent', agent: agent({ trustCeiling: 'suspended' }) })
  assert.deepEqual(await shown({}), [])
})

test('a policy that needs arguments hides no tool', async () => {
  const all = 'permit (principal, action, resource);'
  const agentPolicies = `${all} forbid (principal, action, resource) when { context.args.amount > 3 };`
  const at = host(bare)
  at.decider.control({
    type: 'policy',
    tenant: TENANT,
    version: policy({ agentPolicies, userPolicies: all }),
  })
  assert.equal((await at.decider.list(listing(), [TRANSFER])).visible.length, 1)
})

test('parallel listings pin once; definitions of an unknown server are not pinned', async () => {
  const at = host(bare)
  await Promise.all([1, 2, 3].map(() => at.decider.list(listing(), [QUOTE, TRANSFER])))
  assert.equal((await at.ports.store.tools.list(TENANT)).length, 2)
  const elsewhere = call({
    server: 'elsewhere',
    operation: { server: 'elsewhere', method: 'tools/list', kind: 'list', name: null },
  })
  assert.deepEqual((await at.decider.list(elsewhere, [definition('x')])).visible, [])
})

// ── Restart ──────────────────────────────────────────────────────────────────────────────────────────────────

async function filled(): Promise<Host> {
  const ports = fakePorts()
  await fill(ports.store)
  return { ports, decider: await openDecider(ports) }
}

/** Some history: calls that are allowed, refused, settled. */
async function live({ decider, ports }: Host, from = 0): Promise<void> {
  for (let i = from; i < from + 12; i++) {
    ports.clock.advance(30_000)
    const at = ports.clock.now()
    const request = call({
      id: `live-${String(i).padStart(4, '0')}`,
      at,
      tool: i % 4 === 3 ? 'never_listed' : 'place_order',
      args: { symbol: 'ACME', quantity: 10 + i },
    })
    const { forward } = await decider.prepare(request)
    if (forward) await decider.settle(request.id, ok('done'))
  }
}

test('rebuilt from the ledger alone, from a snapshot alone, or from both, the state decides the same', async () => {
  const kept = await filled()
  await live(kept)
  const plain = call({
    id: 'probe',
    at: kept.ports.clock.now() + 1000,
    tool: 'place_order',
    args: { symbol: 'ACME', quantity: 4000, venue: 'elsewhere' },
  })
  // Doubted whatever is read into the words of the errand.
  const match = { indicator: 'x-1', source: 'own', where: 'ip', confidence: 0.8 }
  const probe = { ...plain, context: { ...plain.context, intelligence: [match] } }
  const expected = kept.decider.dry(probe)
  assert.ok(expected.evidence.length > 0)
  assert.deepEqual((await restart(kept)).decider.dry(probe), expected, 'ledger alone')
  await kept.decider.close()
  assert.deepEqual((await restart(kept)).decider.dry(probe), expected, 'snapshot')
  const more = await restart(kept)
  await live(more, 12)
  const later = { ...probe, at: kept.ports.clock.now() + 1000 }
  const after = more.decider.dry(later)
  assert.deepEqual((await restart(kept)).decider.dry(later), after, 'snapshot and ledger')
  for (const name of await kept.ports.store.blobs.names('engine/')) await kept.ports.store.blobs.erase(name)
  assert.deepEqual((await restart(kept)).decider.dry(later), after, 'ledger alone again')
})

test('a crash between intent and outcome: the outcome is unknown, what was reserved stays spent', async () => {
  const ports = fakePorts()
  await fill(
    ports.store,
    setup([{ type: 'task', task: task({ details: details({ budget: { calls: 1 } }) }) }]).filter(
      (event, i, all) => event.type !== 'task' || all.findLastIndex((each) => each.type === 'task') === i,
    ),
  )
  const one = { ports, decider: await openDecider(ports) }
  const request = call()
  await one.decider.prepare(request)
  const two = await restart(one)
  assert.deepEqual(
    typed(two, 'outcome').map((entry) => [entry.call, entry.status]),
    [[request.id, 'unknown']],
  )
  assert.equal((await two.decider.prepare(call())).decision.code, 'budget_exhausted')
  const three = await restart(two)
  assert.equal(typed(three, 'outcome').length, 1, 'once')
  assert.equal((await three.decider.explain(TENANT, request.id))?.result?.status, 'unknown')
})

test('summaries that were not written are rebuilt', async () => {
  const kept = await filled()
  await live(kept)
  for (const { id } of await kept.ports.store.decisions.list(TENANT))
    await kept.ports.store.decisions.remove(TENANT, id)
  const again = await restart(kept)
  const told = await again.decider.explain(TENANT, 'live-0001')
  assert.deepEqual([told?.decision.outcome, told?.result?.status], ['allow', 'ok'])
  await again.decider.close()
  const summary = await kept.ports.store.decisions.get(TENANT, 'live-0001')
  assert.deepEqual([summary?.agent, summary?.tool, summary?.result], ['agent-1', 'place_order', 'ok'])
})

test('an unreadable policy in the store stops nobody from starting, and everything is denied', async () => {
  const ports = fakePorts()
  const broken = { agentPolicies: 'permit (', userPolicies: '' }
  await fill(ports.store, setup([], broken))
  const decider = await openDecider(ports)
  assert.equal((await decider.prepare(call())).decision.code, 'policy_missing')
})

test('the outbox goes into the ledger in order, each event once', async () => {
  const at = await filled()
  for (const id of ['e1', 'e2']) await at.ports.store.outbox.add(TENANT, id, { type: 'revoked', what: id })
  await at.decider.drainOutbox()
  assert.deepEqual(
    typed(at, 'control')
      .map((entry) => entry.id)
      .slice(-2),
    ['e1', 'e2'],
  )
  await at.ports.store.outbox.add(TENANT, 'e2', { type: 'revoked', what: 'e2' })
  await at.ports.store.outbox.add(TENANT, 'e3', { type: 'revoked', what: 'e3' })
  await at.decider.drainOutbox()
  const again = await restart(at)
  await at.ports.store.outbox.add(TENANT, 'e3', { type: 'revoked', what: 'e3' })
  await again.decider.drainOutbox()
  assert.deepEqual(
    typed(at, 'control')
      .map((entry) => entry.id)
      .filter((id) => String(id).startsWith('e')),
    ['e1', 'e2', 'e3'],
  )
  assert.deepEqual(await at.ports.store.outbox.take(10), [])
})

test('an outbox event that the ledger refused is tried again', async () => {
  const at = await filled()
  await at.ports.store.outbox.add(TENANT, 'e1', { type: 'revoked' })
  at.ports.ledger.fault = () => 'lost'
  await assert.rejects(at.decider.drainOutbox())
  at.ports.ledger.fault = () => null
  await at.decider.drainOutbox()
  assert.equal(typed(at, 'control').filter((entry) => entry.id === 'e1').length, 1)
})

test('a changed composition that nobody told of is found at the start', async () => {
  const kept = await filled()
  await live(kept)
  const held = await kept.ports.store.agents.get(TENANT, 'agent-1')
  assert.ok(held)
  await kept.ports.store.agents.replace({ ...held, version: 2, composition: [] })
  const again = await restart(kept)
  assert.equal(again.decider.standing(TENANT, 'agent-1')?.trust, 'restricted')
  assert.equal(again.decider.standing(TENANT, 'agent-1')?.baseline, 'drifted')
})

test('trust changes are told, and a reset by a person survives a restart', async () => {
  const at = await filled()
  at.decider.control({ type: 'agent', agent: agent({ version: 2, composition: [] }) })
  assert.ok(at.ports.bus.messages.some((message) => message.type === 'trust' && message.to === 'restricted'))
  const held = await at.ports.store.agents.get(TENANT, 'agent-1')
  await at.ports.store.agents.replace({ ...agent(), ...held, version: 2, composition: [] })
  at.decider.control({ type: 'trust-reset', tenant: TENANT, agent: 'agent-1', by: 'user-1' })
  await at.decider.close()
  const again = await restart(at)
  assert.equal(again.decider.dry(call()).trust, 'standard')
  assert.equal(again.decider.standing(TENANT, 'nobody'), null)
})

test('an erased user: no explanation, no pseudonym, nothing in memory or snapshot', async () => {
  const at = await filled()
  const request = call({ args: { symbol: 'ACME' } })
  await at.decider.prepare(request)
  await at.decider.settle(request.id, ok('private answer'))
  await at.ports.keyring.erase(TENANT, userSubject('user-1'))
  await at.ports.store.users.remove(TENANT, 'user-1')
  at.decider.control({ type: 'erased', tenant: TENANT, user: 'user-1' })
  assert.equal(await at.decider.explain(TENANT, request.id), null)
  await at.decider.close()
  for (const text of await snapshotTexts(at)) assert.doesNotMatch(text, /private answer/)
  const again = await restart(at)
  assert.equal(await again.decider.explain(TENANT, request.id), null)
})

/** Everything that any snapshot holds, opened. */
async function snapshotTexts({ ports }: Pick<Host, 'ports'>): Promise<string[]> {
  const texts: string[] = []
  for (const name of await ports.store.blobs.names('engine/snapshot/')) {
    const sealed = await ports.store.blobs.get(name)
    const opened = sealed === null ? null : await ports.keyring.open(TENANT, 'tenant', sealed)
    texts.push(Buffer.from(opened ?? []).toString())
  }
  return texts
}

test('a snapshot is one head and its chunks; a later one leaves nothing of it behind, a broken one is not used', async () => {
  const at = await filled()
  const request = call({ tool: 'read_news_articles', args: { topic: 'ACME' } })
  await at.decider.prepare(request)
  await at.decider.settle(request.id, ok('word '.repeat(2000)))
  await at.decider.close()
  const blobs = at.ports.store.blobs
  const names = async () => (await blobs.names('engine/snapshot/')).sort()
  assert.deepEqual(await names(), ['engine/snapshot/t1', 'engine/snapshot/t1/1/0'])
  assert.ok((await snapshotTexts(at)).some((text) => text.includes('word word')))
  const again = await restart(at)
  await again.decider.close()
  assert.deepEqual(await names(), ['engine/snapshot/t1', 'engine/snapshot/t1/2/0'])
  await blobs.erase('engine/snapshot/t1/2/0')
  const probe = call({ tool: 'place_order', args: { symbol: 'ACME', quantity: 1 } })
  assert.deepEqual((await restart(at)).decider.dry(probe), again.decider.dry(probe), 'from the ledger')
})

test('closing refuses new calls and records an outcome for those under way', async () => {
  const at = host()
  const request = call()
  await at.decider.prepare(request)
  await at.decider.close()
  assert.deepEqual(
    typed(at, 'outcome').map((entry) => entry.status),
    ['unknown'],
  )
  await assert.rejects(at.decider.prepare(call()), code('shutting_down'))
  await assert.rejects(at.decider.list(listing(), []), code('shutting_down'))
})

test('what the bus is told holds no argument value and comes after the record', async () => {
  const at = host()
  const request = call({ ...PAY, args: { recipient: 'bob@example.com', amount: 50 } })
  await at.decider.prepare(request)
  const [message] = at.ports.bus.messages.filter((each) => each.type === 'decision')
  assert.ok(message?.type === 'decision')
  assert.equal(entries(at)[message.summary.intentIndex]?.id, request.id)
  assert.doesNotMatch(JSON.stringify(message), /bob@example/)
})

test('calls nobody settled for an hour end as unknown when room is needed, younger ones stay', async () => {
  const ports = fakePorts()
  const owner = createOwner(ports)
  for (const event of setup()) applyControl(owner, event)
  await prepare(owner, call({ id: 'stuck' }))
  await prepare(owner, call({ id: 'young', at: START + 4_000_000 }))
  const tenant = owner.state.tenants.get(TENANT)
  assert.ok(tenant)
  abandonCalls(owner, tenant, START + 2 * 3_600_000)
  await assert.rejects(settle(owner, 'stuck', ok()), code('conflict'), 'its late answer is not released')
  await settle(owner, 'stuck', unknownResult('again'))
  await assert.rejects(settle(owner, 'stuck', ok()), code('conflict'))
  assert.deepEqual([...tenant.live.calls.keys()], ['young'])
  const ended = typed({ ports }, 'outcome').map(({ call: id, status }) => [id, status])
  assert.deepEqual(ended, [['stuck', 'unknown']])
})

test('standing: learning until enough is settled, then active, stale after a month without a call', async () => {
  const at = host()
  const standing = () => at.decider.standing(TENANT, 'agent-1')
  assert.deepEqual([standing()?.baseline, standing()?.risk], ['learning', 3])
  for (let i = 0; i < 20; i++) {
    const request = call({ at: START + i * 10_000 })
    await at.decider.prepare(request)
    await at.decider.settle(request.id, ok())
  }
  assert.equal(standing()?.baseline, 'learning', 'what may still be contested teaches nothing')
  at.ports.clock.advance(DEFAULT_SETTINGS.contestWindow)
  assert.equal(standing()?.baseline, 'active')
  assert.equal(standing()?.trust, 'standard')
  at.ports.clock.advance(40 * 24 * 3_600_000)
  assert.equal(standing()?.baseline, 'stale')
  at.decider.control({ type: 'agent', agent: agent({ trustCeiling: 'limited' }) })
  assert.equal(standing()?.trust, 'limited')
  assert.match(standing()?.why.join(' ') ?? '', /ceiling limited/)
})
