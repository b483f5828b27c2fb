import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apply } from '../apply.ts'
import { decide } from '../decide.ts'
import { type Spent, take } from '../delegation/budget.ts'
import { agent, call, epoch, grant, link, START, setup, TENANT, world } from '../testing/world.ts'
import { LEVEL_LIMITS, levelRoom } from './level-limits.ts'

test('whoever stands low makes no more calls through others than alone', () => {
  const spent = new Map<string, Spent>()
  const limit = LEVEL_LIMITS.restricted?.calls ?? 0
  assert.ok(limit > 0)
  const ask = (...agents: string[]) =>
    levelRoom(spent, { agents, trust: 'restricted', write: false, at: START })
  for (let i = 0; i < limit; i++) {
    const room = ask(`worker-${i}`, 'low')
    assert.equal(room.exceeded, null)
    for (const one of room.reservations) take(spent, one)
  }
  assert.match(ask('another', 'low').exceeded ?? '', /calls a minute/)
  assert.match(ask('low').exceeded ?? '', /calls a minute/)
  assert.equal(ask('another').exceeded, null, 'others have their own room')
  assert.equal(ask('worker-1', 'worker-1').reservations.length, 1)
  assert.deepEqual(
    levelRoom(spent, { agents: ['low'], trust: 'standard', write: true, at: START }).reservations,
    [],
  )
})

test('an errand that a lowered agent handed on draws on its room, too', () => {
  const workers = ['w1', 'w2', 'w3']
  const { state, tenant } = world([
    ...setup(),
    { type: 'agent', agent: agent({ trustCeiling: 'limited' }) },
    ...workers.flatMap((id) => [
      { type: 'epoch', tenant: TENANT, ref: epoch('agent', id) } as const,
      { type: 'agent', agent: agent({ id, name: id }) } as const,
      { type: 'epoch', tenant: TENANT, ref: epoch('delegation', id) } as const,
      { type: 'delegation', delegation: link({ id, to: id }) } as const,
    ]),
  ])
  const ask = (i: number) => {
    const id = workers[i % workers.length] ?? ''
    const base = grant({ agent: id, via: ['agent-1'] })
    const request = call({
      id: `c${i}`,
      at: START,
      grant: { ...base, epochs: [...base.epochs, epoch('delegation', id)] },
    })
    const { decision, events } = decide(state, request)
    for (const event of events) apply(tenant, event)
    return decision
  }
  const first = ask(0)
  assert.deepEqual([first.outcome, first.trust], ['allow', 'limited'], first.why.join(' '))
  const spent = tenant.live.spent
  assert.equal([...spent].filter(([key]) => key.startsWith('level:') && key.includes('agent-1')).length, 1)
  const limit = LEVEL_LIMITS.limited?.calls ?? 0
  for (const [key, purse] of spent)
    if (key.startsWith('level:') && key.includes('agent-1')) spent.set(key, { ...purse, calls: limit })
  for (const i of [1, 2, 3]) assert.equal(ask(i).outcome, 'deny')
})
