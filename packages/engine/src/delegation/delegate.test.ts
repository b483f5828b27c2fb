import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Grant } from '@safeconduct/protocol'
import { apply } from '../apply.ts'
import { decide } from '../decide.ts'
import {
  agent,
  BEARER,
  call,
  DAY,
  details,
  epoch,
  grant,
  link,
  policy,
  START,
  server,
  setup,
  TENANT,
  task,
  world,
} from '../testing/world.ts'
import { authenticate, FRESH_PROOF_MS } from './caller.ts'
import { delegate } from './delegate.ts'
import { revokedLink } from './epochs.ts'
import { missingScopes } from './scopes.ts'

/** A grant that agent-1 handed on to worker. */
function handedOn(extra: Partial<Grant> = {}): Grant {
  const base = grant({ agent: 'worker', via: ['agent-1'] })
  return {
    ...base,
    epochs: [...base.epochs, epoch('delegation', 'link-1'), epoch('delegation', 'link-2')],
    ...extra,
  }
}

const CHAIN = setup([
  { type: 'epoch', tenant: TENANT, ref: epoch('agent', 'worker') },
  { type: 'epoch', tenant: TENANT, ref: epoch('delegation', 'link-1') },
  { type: 'epoch', tenant: TENANT, ref: epoch('delegation', 'link-2') },
  { type: 'agent', agent: agent({ id: 'worker', name: 'worker' }) },
  { type: 'delegation', delegation: link() },
  {
    type: 'delegation',
    delegation: link({ id: 'link-2', from: 'agent-1', to: 'worker', parent: 'link-1', depth: 2 }),
  },
])

test('a live grant passes, and every unknown thing it hangs on refuses it', () => {
  const { tenant } = world()
  assert.equal(delegate(tenant, call()).refusal, null)
  assert.equal(delegate(undefined, call()).refusal?.code, 'revoked')
  for (const wrong of [{ agent: 'nobody' }, { user: 'nobody' }, { task: 'nobody' }, { user: null }]) {
    const found = delegate(tenant, call({ grant: grant(wrong) }))
    assert.equal(found.refusal?.code, 'revoked', JSON.stringify(wrong))
    assert.equal(found.dead, true)
  }
})

test('an epoch that moved on revokes at the very next decision, and everything below it', () => {
  for (const [kind, id] of [
    ['tenant', TENANT],
    ['user', 'user-1'],
    ['task', 'task-1'],
    ['agent', 'agent-1'],
    ['delegation', 'link-1'],
  ] as const) {
    const { state, tell } = world(CHAIN)
    const request = (): ReturnType<typeof call> => call({ grant: handedOn() })
    assert.equal(decide(state, request()).decision.outcome, 'allow')
    tell({ type: 'epoch', tenant: TENANT, ref: epoch(kind, id, 2) })
    const { decision, events, forward } = decide(state, request())
    assert.deepEqual(
      [decision.outcome, decision.code, forward, events.length],
      ['deny', 'revoked', false, 0],
      kind,
    )
  }
})

test('a late message with an older epoch brings nothing back', () => {
  const { state, tell } = world()
  tell({ type: 'epoch', tenant: TENANT, ref: epoch('agent', 'agent-1', 3) })
  tell({ type: 'epoch', tenant: TENANT, ref: epoch('agent', 'agent-1', 1) })
  assert.equal(decide(state, call()).decision.code, 'revoked')
})

test('a grant that leaves out a link it must hang on counts as revoked', () => {
  const { tenant } = world()
  const full = grant()
  for (const left of full.epochs) {
    const epochs = full.epochs.filter((ref) => ref !== left)
    assert.equal(revokedLink(tenant.directory.epochs, { ...full, epochs })?.kind, left.kind)
  }
  assert.equal(revokedLink(tenant.directory.epochs, full), null)
})

test('grant, task and link expire at the millisecond they name', () => {
  const { tenant } = world([...CHAIN, { type: 'delegation', delegation: link({ expiresAt: START + 500 }) }])
  assert.equal(
    delegate(tenant, call({ at: START + 1, grant: grant({ expiresAt: START + 1 }) })).refusal?.code,
    'invalid_token',
  )
  assert.equal(
    delegate(tenant, call({ at: START + DAY, grant: grant({ expiresAt: START + 2 * DAY }) })).refusal?.code,
    'expired',
  )
  assert.equal(delegate(tenant, call({ at: START + 500, grant: handedOn() })).refusal?.code, 'expired')
  assert.equal(delegate(tenant, call({ at: START + 499, grant: handedOn() })).refusal, null)
})

test('an ended task, a disabled agent and a disabled agent up the chain stop the call', () => {
  const { tenant, tell } = world(CHAIN)
  tell({ type: 'agent', agent: agent({ status: 'disabled' }) })
  assert.equal(delegate(tenant, call()).refusal?.code, 'revoked')
  assert.equal(delegate(tenant, call({ grant: handedOn() })).refusal?.code, 'revoked')
  tell({ type: 'agent', agent: agent() }, { type: 'task', task: task({ status: 'ended' }) })
  assert.equal(delegate(tenant, call()).refusal?.code, 'expired')
})

test('details of task, links and grant all hold', () => {
  const narrow = details({ tools: ['market/get_quote'] })
  const asked = call({ tool: 'save_watchlist', grant: handedOn() })
  assert.equal(delegate(world(CHAIN).tenant, asked).refusal, null)
  const byTask = world([...CHAIN, { type: 'task', task: task({ details: narrow }) }])
  const byLink = world([...CHAIN, { type: 'delegation', delegation: link({ details: narrow }) }])
  assert.equal(delegate(byTask.tenant, asked).refusal?.member, 'tools')
  assert.equal(delegate(byLink.tenant, asked).refusal?.member, 'tools')
  const byGrant = call({ tool: 'save_watchlist', grant: handedOn({ details: narrow }) })
  assert.equal(delegate(world(CHAIN).tenant, byGrant).refusal?.member, 'tools')
})

test('a worker draws on its own purse and on every purse above', () => {
  const above = link({ details: details({ budget: { calls: 3 } }) })
  const { state, tenant } = world([...CHAIN, { type: 'delegation', delegation: above }])
  const worker = handedOn({ details: details({ budget: { calls: 2 } }) })
  const first = { ...grant(), epochs: [...grant().epochs, epoch('delegation', 'link-1')] }
  const outcomes: (string | null)[] = []
  for (const by of [worker, worker, worker, first, first]) {
    const { decision, events } = decide(state, call({ grant: by }))
    for (const event of events) apply(tenant, event)
    outcomes.push(decision.code)
  }
  assert.deepEqual(outcomes, [null, null, 'budget_exhausted', null, 'budget_exhausted'])
})

test('five agents in a row are too many', () => {
  const ids = ['a2', 'a3', 'a4', 'a5']
  const { tenant } = world([
    ...setup(),
    ...ids.flatMap((id) => [
      { type: 'epoch', tenant: TENANT, ref: epoch('agent', id) } as const,
      { type: 'agent', agent: agent({ id, name: id }) } as const,
      { type: 'epoch', tenant: TENANT, ref: epoch('delegation', id) } as const,
      { type: 'delegation', delegation: link({ id, to: id }) } as const,
    ]),
  ])
  const chain = (...[caller, ...via]: string[]): Grant => {
    const base = grant({ agent: caller ?? '', via: [...via, 'agent-1'] })
    const named = [caller ?? '', ...via].map((id) => epoch('delegation', id))
    return { ...base, epochs: [...base.epochs, ...named] }
  }
  assert.equal(delegate(tenant, call({ grant: chain('a4', 'a3', 'a2') })).refusal, null)
  assert.equal(
    delegate(tenant, call({ grant: chain('a5', 'a4', 'a3', 'a2') })).refusal?.code,
    'chain_too_long',
  )
})

test('a chain whose links are not all named, or not known, or of another errand, has no live grant', () => {
  const refused = (request: Grant, ...events: Parameters<ReturnType<typeof world>['tell']>) => {
    const { tenant, tell } = world(CHAIN)
    tell(...events)
    const { refusal, dead } = delegate(tenant, call({ grant: request }))
    return [refusal?.code, refusal?.member, dead]
  }
  const whole = handedOn()
  const dead = ['revoked', 'delegation', true]
  const unnamed = { ...whole, epochs: whole.epochs.filter((ref) => ref.kind !== 'delegation') }
  assert.deepEqual(refused(unnamed), dead)
  const unknown = { ...whole, epochs: [...whole.epochs, epoch('delegation', 'link-3')] }
  assert.deepEqual(
    refused(unknown, { type: 'epoch', tenant: TENANT, ref: epoch('delegation', 'link-3') }),
    dead,
  )
  assert.deepEqual(refused(whole, { type: 'delegation', delegation: link({ task: 'task-2' }) }), dead)
})

test('a task is of use to the agent it was made for, and to those it handed it to', () => {
  const { tenant, tell } = world(CHAIN)
  assert.equal(delegate(tenant, call({ grant: handedOn() })).refusal, null)
  tell({ type: 'task', task: task({ agent: 'worker' }) })
  for (const held of [grant(), handedOn()]) {
    const { refusal, dead } = delegate(tenant, call({ grant: held }))
    assert.deepEqual([refusal?.code, refusal?.member, dead], ['revoked', 'task', true])
  }
})

test('scopes: write includes read, and a refusal names all that is needed', () => {
  assert.deepEqual(missingScopes(['mcp:write'], 'mcp:read'), [])
  assert.deepEqual(missingScopes([], 'mcp:read'), ['mcp:read'])
  assert.deepEqual(missingScopes(['mcp:read', 'openid'], 'mcp:write'), ['mcp:read', 'mcp:write'])
  const { state } = world()
  const { decision } = decide(state, call({ tool: 'save_watchlist', grant: grant({ scope: ['mcp:read'] }) }))
  assert.deepEqual([decision.code, decision.scopes], ['insufficient_scope', ['mcp:read', 'mcp:write']])
  assert.equal(decision.counterfactual?.outcome, 'allow')
})

test('an unknown server and an unlisted tool are told apart from a forbidden one', () => {
  const { state } = world()
  assert.equal(decide(state, call({ server: 'elsewhere' })).decision.code, 'not_found')
  assert.equal(decide(state, call({ tool: 'never_listed' })).decision.code, 'unknown_tool')
})

test('an implicit task rolls over after idling and after eight hours; its budget starts anew, its labels stay', () => {
  const implicit = task({
    implicit: true,
    details: details({ budget: { calls: 1 } }),
    expiresAt: START + 9 * DAY,
  })
  const { state, tenant } = world([...setup(), { type: 'task', task: implicit }])
  const long = grant({ expiresAt: START + 9 * DAY })
  const at = (ms: number): string | null => {
    const { decision, events } = decide(state, call({ at: START + ms, grant: long }))
    for (const event of events) apply(tenant, event)
    return decision.code
  }
  assert.equal(at(0), null)
  assert.equal(at(20 * 60_000), 'budget_exhausted')
  assert.equal(at(49 * 60_000), 'budget_exhausted', 'still the same window')
  const labels = [...tenant.live.flows.keys()]
  assert.equal(at(80 * 60_000), null, 'idle for more than half an hour')
  assert.deepEqual([...tenant.live.flows.keys()], labels)
  assert.match(labels[0] ?? '', /agent-1.*user-1/)
})

test('assurance follows from the proof and from what is proven of the composition', () => {
  const part = { kind: 'model', name: 'm', digest: 'd', standing: 'attested' } as const
  const of = (proof: 'dpop' | 'mtls' | 'bearer' | 'local', jkt: string | null, parts = agent().composition) =>
    authenticate(
      call({
        proof: { kind: proof, provenAt: proof === 'bearer' || proof === 'local' ? null : START },
        grant: grant({ jkt }),
      }),
      agent({ composition: parts }),
    )
  assert.equal(of('local', null).assurance, 'declared')
  assert.equal(of('bearer', null).assurance, 'bearer')
  assert.equal(of('dpop', null).assurance, 'bearer', 'a proof of a key that the token is not bound to')
  assert.equal(of('dpop', 'k').assurance, 'key')
  assert.equal(of('mtls', 'k', [part]).assurance, 'attested')
  assert.equal(of('dpop', 'k', [part, { ...part, standing: 'observed' }]).assurance, 'key')
  assert.equal(of('bearer', null).canStepUp, false)
  assert.equal(authenticate(call({ proof: BEARER }), undefined).proofAge, null)
  assert.ok((of('dpop', 'k').proofAge ?? 0) < FRESH_PROOF_MS)
})

test('policy for a server is found by its name whatever else is registered', () => {
  const { state, tell } = world()
  tell({ type: 'server', server: server({ id: 'server-2', name: 'other', standing: 'new' }) })
  assert.equal(decide(state, call()).decision.outcome, 'allow')
  tell({ type: 'server-removed', tenant: TENANT, server: 'market' })
  assert.equal(decide(state, call()).decision.code, 'not_found')
  tell({ type: 'policy', tenant: TENANT, version: policy() })
})
