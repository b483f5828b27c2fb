import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { apply } from './apply.ts'
import { decide } from './decide.ts'
import type { EngineEvent } from './events.ts'
import { emptyFlow } from './flow/index.ts'
import { STATE_LIMITS } from './state.ts'
import {
  agent,
  call,
  DAY,
  details,
  grant,
  START,
  setup,
  TENANT,
  task,
  type World,
  world,
  written,
} from './testing/world.ts'

function take(of: World, shape: Parameters<typeof call>[0] = {}): readonly EngineEvent[] {
  const { events } = decide(of.state, call(shape))
  for (const event of events) apply(of.tenant, event)
  return events
}

test('events are JSON: after a round trip they do the same', () => {
  const one = world()
  const two = world()
  for (let i = 0; i < 5; i++) {
    for (const event of take(one, { id: `c${i}`, at: START + i }))
      apply(two.tenant, JSON.parse(JSON.stringify(event)))
  }
  assert.deepEqual(written(two.tenant), written(one.tenant))
})

test('settling and releasing what is not open changes nothing', () => {
  const of = world()
  take(of, { id: 'c1' })
  apply(of.tenant, { type: 'settled', id: 'c1', at: START, status: 'ok', flow: null })
  const before = JSON.stringify(written(of.tenant))
  for (const id of ['c1', 'nobody']) {
    apply(of.tenant, { type: 'settled', id, at: START, status: 'ok', flow: null })
    apply(of.tenant, { type: 'released', id })
  }
  assert.equal(JSON.stringify(written(of.tenant)), before)
})

test('a released call is as if it had not reserved', () => {
  const of = world(setup([{ type: 'task', task: task({ details: details({ budget: { calls: 1 } }) }) }]))
  take(of, { id: 'c1' })
  assert.equal(decide(of.state, call()).decision.code, 'budget_exhausted')
  apply(of.tenant, { type: 'released', id: 'c1' })
  assert.equal(decide(of.state, call()).decision.outcome, 'allow')
  assert.equal(of.tenant.live.calls.size, 0)
})

test('what belonged to an errand goes once the errand has expired', () => {
  const of = world()
  take(of, { id: 'c1' })
  assert.deepEqual(
    [of.tenant.live.tasks.size, of.tenant.live.spent.size, of.tenant.live.flows.size],
    [1, 1, 1],
  )
  const end = task().expiresAt
  const later = task({ id: 'task-2', expiresAt: end + 1e9 })
  of.tell(
    { type: 'task', task: later },
    { type: 'epoch', tenant: TENANT, ref: { kind: 'task', id: 'task-2', epoch: 1 } },
  )
  take(of, { at: end + 1, grant: grant({ task: 'task-2', expiresAt: end + 1e9 }) })
  assert.deepEqual([...of.tenant.live.tasks.keys()], ['task-2'])
  assert.deepEqual([...of.tenant.live.spent.keys()], ['task:task-2'])
  assert.deepEqual([...of.tenant.live.flows.keys()], ['task-2'])
})

test('too many errands that have read: the ones used longest ago forget, and know it', () => {
  const of = world()
  const output = {
    callId: 'c',
    server: 's',
    tool: 't',
    thirdParty: true,
    naming: null,
    host: null,
    text: 'x',
    fields: [],
  }
  for (let i = 0; i < STATE_LIMITS.readingFlows + 2; i++) {
    of.tenant.live.flows.set(`f${i}`, { state: { ...emptyFlow('words'), outputs: [output] }, lastAt: START })
  }
  take(of)
  const states = [...of.tenant.live.flows].map(([key, { state }]) => [
    key,
    state.forgot,
    state.outputs.length,
  ])
  assert.deepEqual(states.slice(0, 3), [
    ['f0', true, 0],
    ['f1', true, 0],
    ['f2', false, 1],
  ])
  assert.notEqual(of.tenant.live.flows.get('f0')?.state.intent, null, "the user's words stay")
})

test('a full table refuses, it does not forget', () => {
  const of = world()
  take(of, { id: 'c1' })
  const open = of.tenant.live.calls.get('c1')
  assert.ok(open)
  for (let i = 0; i < STATE_LIMITS.calls; i++) of.tenant.live.calls.set(`x${i}`, open)
  assert.throws(() => decide(of.state, call()), overloaded)
})

test('where only expired tasks fill the table, a new one finds room at once', () => {
  const of = world()
  const crowd = (expiresAt: number) => {
    for (let i = 0; i < STATE_LIMITS.tasks; i++)
      of.tenant.live.tasks.set(`t${i}`, { startedAt: START, lastAt: START, expiresAt, implicit: false })
  }
  crowd(START + DAY)
  assert.throws(() => decide(of.state, call()), overloaded)
  crowd(START)
  of.tenant.live.sweptAt = START + 1000
  for (const event of decide(of.state, call()).events) apply(of.tenant, event)
  assert.deepEqual([...of.tenant.live.tasks.keys()], ['task-1'])
})

function overloaded(error: unknown): boolean {
  return isSafeconductError(error) && error.code === 'overloaded'
}

test('erasing a user ends what its errands have seen; others keep theirs', () => {
  const of = world([...setup(), { type: 'task', task: task({ implicit: true }) }])
  take(of)
  of.tenant.live.flows.set(JSON.stringify(['agent-1', 'user-2']), { state: emptyFlow(null), lastAt: START })
  const old = { startedAt: START, lastAt: START, expiresAt: START, implicit: false }
  of.tenant.live.tasks.set('ended', old)
  of.tenant.live.flows.set('ended', { state: emptyFlow('private words'), lastAt: START })
  of.tell({ type: 'erased', tenant: TENANT, user: 'user-1' })
  assert.deepEqual([...of.tenant.live.flows.keys()], [JSON.stringify(['agent-1', 'user-2'])])
  assert.equal(decide(of.state, call()).decision.code, 'revoked')
})

test('a composition that changes forgets the habits and keeps the doubts', () => {
  const of = world()
  for (let i = 0; i < 8; i++) take(of, { tool: 'never_listed' })
  const live = of.tenant.live.agents.get('agent-1')
  assert.ok(live)
  take(of)
  assert.ok(live.risk.doubts.size > 0 && live.risk.detectors.size > 0)
  of.tell({ type: 'agent', agent: agent({ composition: [] }) })
  assert.equal(live.risk.detectors.size, 0)
  assert.ok(live.risk.doubts.size > 0)
  of.tell({ type: 'trust-reset', tenant: TENANT, agent: 'agent-1', by: 'user-1' })
  assert.equal(live.risk.doubts.size, 0)
})

test('an unknown event type of another release is skipped, not guessed', () => {
  const of = world()
  const before = JSON.stringify(written(of.tenant))
  apply(of.tenant, { type: 'from-tomorrow' } as unknown as EngineEvent)
  assert.equal(JSON.stringify(written(of.tenant)), before)
})
