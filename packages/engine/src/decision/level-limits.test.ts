import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Spent, take } from '../delegation/budget.ts'
import { START } from '../testing/world.ts'
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
