import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Arm, Result } from '../poisoning/measure.ts'
import { linesOf as poisoningLines } from '../poisoning/report.ts'
import type { LiveResult, Victim } from './measure.ts'
import { benignIntervals, linesOf, overallOf } from './report.ts'

const victim = (carried: number): Victim => ({
  carried: Array.from({ length: carried }, () => 'search_records'),
  unstopped: false,
  seconds: carried,
  levelAfter: 'limited',
})

function live(counts: readonly number[]): LiveResult {
  return {
    policy: 'starter',
    seed: 1,
    calls: 0,
    benign: { agentDays: 1, calls: 1, interrupted: 0, suspended: 0, lowered: 0 },
    levels: [{ level: 'careful', about: 'slowly', attempts: 30, victims: counts.map(victim) }],
  }
}

test('intervals hold the figure, are wider the more agents differ, and the same every time', () => {
  const [line] = linesOf({ live: [live([1, 9, 2, 8, 3, 7, 4, 6])] })
  const [low = 0, high = 0] = line?.meanInterval ?? []
  assert.ok(low < (line?.mean ?? 0) && (line?.mean ?? 0) < high)
  assert.deepEqual(linesOf({ live: [live([1, 9, 2, 8, 3, 7, 4, 6])] })[0], line)
  assert.deepEqual(linesOf({ live: [live([5, 5, 5, 5])] })[0]?.meanInterval, [5, 5])
  assert.deepEqual(overallOf(live([5, 5, 5, 5])).medianInterval, [5, 5])
})

test('agents are drawn with all their days: one that was suspended ten times is one', () => {
  const agents = Array.from({ length: 20 }, (_, i) => ({
    days: 10,
    calls: 1000,
    suspended: i === 0 ? 10 : 0,
    lowered: 0,
    interrupted: 1,
  }))
  const { suspended, lowered, interrupted } = benignIntervals({ agents })
  assert.equal(suspended?.[0], 0)
  assert.ok((suspended?.[1] ?? 0) > 0.08)
  assert.deepEqual(
    [lowered, interrupted],
    [
      [0, 0],
      [0.001, 0.001],
    ],
  )
})

test('an agent of the poisoned arm is compared with itself in the clean one', () => {
  const arm = (shares: readonly number[]): Arm => ({
    agents: shares.length,
    detected: shares.filter((share) => share > 0).length,
    callShare: shares.reduce((sum, one) => sum + one, 0) / shares.length,
    seenBefore: 0,
    shares,
  })
  const result = (clean: readonly number[], poisoned: readonly number[]): Result => ({
    method: 'washing',
    target: 'records',
    clean: arm(clean),
    poisoned: arm(poisoned),
  })
  const [line] = poisoningLines({ results: [[result([0.9, 0.5, 0.2, 0.7], [0.8, 0.4, 0.1, 0.6])]] })
  assert.equal(line?.callLoss, 10)
  assert.deepEqual(
    line?.callLossInterval?.map((end) => Math.round(end * 10) / 10),
    [10, 10],
  )
  assert.deepEqual(line?.lossInterval, [0, 0])
})
