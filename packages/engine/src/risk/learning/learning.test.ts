import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NO_PEERS } from '../behaviour/peers.ts'
import type { Signal } from '../detector.ts'
import { DETECTORS } from '../detectors/index.ts'
import { emptyRisk, learnOver, learnSettled, type RiskLive, score } from '../score.ts'
import { answered, baselineOf, forgetHabits, restoreBaseline } from './answers.ts'
import { DRIFTED } from './drift.ts'
import { admit, DAILY, DAY_MS, emptyInfluence } from './influence.ts'
import {
  baselineState,
  dropPending,
  ENROLLED,
  LEARNED,
  PENDING,
  summarize,
  WEIGHT,
  weigh,
} from './learning.ts'

const START = Date.UTC(2026, 0, 5, 10)
const MINUTE = 60_000

function signal(extra: Partial<Signal> = {}): Signal {
  return {
    at: START,
    tool: 'market/quote',
    write: false,
    numbers: [],
    parties: [],
    steered: false,
    steering: null,
    place: null,
    proofAge: null,
    ...extra,
  }
}

let ids = 0
/** One clean call, over at once unless `until` says otherwise. */
function lesson(
  live: RiskLive,
  of: Signal,
  extra: { readonly until?: number; readonly source?: string; readonly vouched?: boolean } = {},
): void {
  const { until = of.at, source = 'u', vouched = false } = extra
  learnSettled(live, { id: `c${++ids}`, at: of.at, until, source, signal: of, vouched })
}

/** `count` days of `per` calls, all of them taken. */
function live(
  count: number,
  per: number,
  one: (i: number) => Signal,
  into = emptyRisk(),
  from = START,
): RiskLive {
  let i = 0
  for (let day = 0; day < count; day++) {
    for (let n = 0; n < per; n++) {
      const at = from + day * DAY_MS + n * MINUTE
      lesson(into, { ...one(i++), at })
      learnOver(into, at)
    }
  }
  return into
}

const pay = (to: string, amount: number): Signal =>
  signal({ tool: 'bank/pay', write: true, numbers: [['amount', amount]], parties: [['to', to]] })

test('a call teaches only once nobody may contest it any more', () => {
  const risk = emptyRisk()
  lesson(risk, signal(), { until: START + 10 * MINUTE })
  assert.deepEqual(learnOver(risk, START + 9 * MINUTE), [])
  assert.equal(risk.learning.learned, 0)
  assert.equal(learnOver(risk, START + 10 * MINUTE).length, 1)
  assert.deepEqual([risk.learning.learned, risk.learning.pending.length], [1, 0])
})

test('what waits is bounded, and what was passed over leaves a gap in the order', () => {
  const risk = emptyRisk()
  for (let i = 0; i < PENDING + 5; i++) lesson(risk, signal(), { until: START + MINUTE })
  assert.deepEqual(
    [risk.learning.pending.length, risk.learning.passed, risk.learning.gap],
    [PENDING, 5, true],
  )
  learnOver(risk, START + MINUTE)
  lesson(risk, signal(), { until: START + 2 * MINUTE })
  assert.equal(risk.learning.pending[0]?.gap, true)
  lesson(risk, signal(), { until: START + 2 * MINUTE })
  assert.equal(risk.learning.pending[1]?.gap, false)
})

test('an incident takes back what was not yet learned; a person’s word stays', () => {
  const risk = emptyRisk()
  lesson(risk, signal(), { until: START + MINUTE })
  lesson(risk, signal(), { until: START + MINUTE, vouched: true })
  dropPending(risk.learning)
  assert.deepEqual(
    risk.learning.pending.map(({ vouched }) => vouched),
    [true],
  )
})

test('a day, and one source among several, teach so much and no more', () => {
  const influence = emptyInfluence()
  const taken = (source: string, times: number, at = START) =>
    Array.from({ length: times }, () => admit(influence, source, at, 0)).filter(Boolean).length
  assert.equal(taken('a', 1), 1)
  assert.equal(taken('b', 1000), DAILY.least / 2, 'half of the day, because there is another')
  assert.equal(taken('a', 1000), DAILY.least / 2 - 1 + 0)
  assert.equal(taken('c', 10), 0)
  assert.equal(taken('c', 10, START - 5 * DAY_MS), 0, 'a clock that goes back makes no room')
  assert.equal(taken('c', 10, START + DAY_MS), 10)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.nat(5)), { maxLength: 400 }), (events) => {
      const one = emptyInfluence()
      const days = new Map<number, number>()
      for (const [source, day] of events) {
        if (admit(one, source, START + day * DAY_MS, 0)) days.set(one.day, (days.get(one.day) ?? 0) + 1)
      }
      for (const count of days.values()) assert.ok(count <= DAILY.least)
    }),
  )
})

test('after enrolment the worse of two baselines judges: what was made usual step by step is still strange', () => {
  const risk = live(3, 100, () => pay('bob', 100))
  assert.notEqual(risk.learning.enrolment, null)
  // A little more every day, each day far below what would be noticed.
  let amount = 100
  for (let day = 3; day < 60; day++) {
    amount *= 1.06
    live(1, 60, () => pay('bob', amount), risk, START + day * DAY_MS)
  }
  const found = score(risk, { ...pay('bob', amount), at: START + 60 * DAY_MS })
  assert.equal(
    found.find(({ detector }) => detector === 'size'),
    undefined,
    'the moving baseline followed',
  )
  const enrolled = found.find(({ detector }) => detector === 'enrolment')
  assert.ok(enrolled !== undefined && enrolled.bits > 1, 'the frozen one did not')
  assert.match(enrolled.reason, /enrolled/)
  assert.ok(risk.learning.drift.ks > DRIFTED.ks)
  assert.ok(found.some(({ detector }) => detector === 'drift'))
  assert.equal(baselineState(summarize(risk.learning), START, START), 'drifted')
})

test('what does not change does not drift, whatever the mixture', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 8, maxLength: 12 }), fc.nat(1000), (mixture, seed) => {
      let state = seed + 1
      const risk = live(4, 150, () => {
        state = (state * 48271) % 2147483647
        return signal({ tool: `t/${mixture[state % mixture.length]}` })
      })
      assert.ok(risk.learning.drift.psi < DRIFTED.psi)
    }),
    { numRuns: 20 },
  )
})

test('a person’s word for a call teaches the frozen baseline, too', () => {
  const risk = live(3, 100, (i) => pay(['ann', 'bob'][i % 2] ?? '', 100))
  const at = START + 10 * DAY_MS
  const strange = (to: string) =>
    score(risk, { ...pay(to, 100), at }).find(({ detector }) => detector === 'enrolment')
  lesson(risk, { ...pay('carl', 100), at: at - 1 })
  lesson(risk, { ...pay('dora', 100), at: at - 1 }, { vouched: true })
  learnOver(risk, at)
  assert.notEqual(strange('carl'), undefined)
  assert.equal(strange('dora'), undefined)
})

test('answers move the weight of a detector within bounds; a dismissed doubt is over', () => {
  const risk = emptyRisk()
  risk.doubts.set('size', { bits: 3, at: START })
  for (let i = 0; i < 20; i++)
    answered(risk, { decision: 'd', detector: 'size', verdict: 'dismiss', at: START })
  assert.equal(risk.learning.weights.get('size'), 1 / WEIGHT.step, 'one piece of evidence, one answer')
  for (let i = 0; i < 20; i++)
    answered(risk, { decision: `d${i}`, detector: 'size', verdict: 'dismiss', at: START })
  assert.equal(risk.learning.weights.get('size'), WEIGHT.least)
  assert.equal(risk.doubts.has('size'), false)
  for (let i = 0; i < 20; i++) weigh(risk.learning, 'size', 'confirm')
  assert.equal(risk.learning.weights.get('size'), WEIGHT.most)
})

test('dismissing that it is another one than was enrolled accepts what it has become; dismissing anything else does not', () => {
  const risk = live(3, 100, (i) => pay('ann', i < 200 ? 100 : 100_000))
  const before = risk.learning.enrolment
  assert.ok(before !== null)
  answered(risk, { decision: 'a', detector: 'size', verdict: 'dismiss', at: START })
  answered(risk, { decision: 'a', detector: 'drift', verdict: 'confirm', at: START })
  assert.equal(risk.learning.enrolment, before)
  for (const detector of ['drift', 'enrolment']) {
    answered(risk, { decision: 'b', detector, verdict: 'dismiss', at: START + DAY_MS })
    assert.equal(risk.learning.enrolment?.at, START + DAY_MS)
    risk.learning.enrolment = before
  }
  const fresh = live(1, 30, () => signal())
  answered(fresh, { decision: 'b', detector: 'drift', verdict: 'dismiss', at: START })
  assert.equal(fresh.learning.enrolment, null, 'what is not enrolled yet is not enrolled by an answer')
})

test('confirmed evidence stops learning until somebody clears it up', () => {
  const risk = live(1, LEARNED, () => signal())
  lesson(risk, signal(), { until: START + DAY_MS })
  answered(risk, { decision: 'd', detector: 'size', verdict: 'confirm', at: START })
  assert.equal(risk.learning.pending.length, 0)
  assert.equal(baselineState(summarize(risk.learning), START, START), 'contested')
  const before = risk.learning.learned
  live(1, 5, () => signal(), risk, START + DAY_MS)
  assert.equal(risk.learning.learned, before)
})

test('states: learning, active, stale', () => {
  const risk = emptyRisk()
  assert.equal(baselineState(summarize(risk.learning), START, START), 'learning')
  live(1, LEARNED, () => signal(), risk)
  assert.equal(baselineState(summarize(risk.learning), START, START), 'active')
  assert.equal(baselineState(summarize(risk.learning), START, START + 31 * DAY_MS), 'stale')
})

test('a saved baseline comes back as it was: it scores the same, bit for bit', () => {
  const risk = live(3, 100, (i) => pay(['ann', 'bob'][i % 2] ?? '', 90 + (i % 7)))
  const saved = JSON.parse(JSON.stringify(baselineOf(risk)))
  const probe = { ...pay('eve', 900), at: START + 5 * DAY_MS }
  const before = score(risk, probe, NO_PEERS, DETECTORS)
  live(5, 100, () => pay('eve', 900), risk, START + 5 * DAY_MS)
  assert.notDeepEqual(score(risk, probe), before)
  const { influence } = risk.learning
  restoreBaseline(risk, { baseline: saved })
  assert.equal(risk.learning.influence, influence, 'a day teaches no more because of it')
  // Velocity counts the present minute, which is none of what was learned.
  assert.deepEqual(
    score(risk, probe).map(({ detector, bits }) => [detector, bits]),
    before.map(({ detector, bits }) => [detector, bits]),
  )
  forgetHabits(risk)
  assert.deepEqual([risk.learning.learned, risk.detectors.size], [0, 0])
})

test('enrolment begins after so many lessons and shares nothing with what goes on changing', () => {
  const risk = live(2, 100, () => pay('bob', 100))
  assert.equal(risk.learning.learned, ENROLLED)
  const kept = structuredClone(risk.learning.enrolment)
  live(3, 100, () => pay('eve', 5), risk, START + 3 * DAY_MS)
  assert.deepEqual(risk.learning.enrolment, kept)
})

test('a baseline that an earlier release saved, with less in it, comes back and lets no detector fail', () => {
  const risk = live(3, 100, () => pay('bob', 100))
  // What was added to states since: each of them without one of its members, of both baselines.
  for (const detectors of [risk.detectors, risk.learning.enrolment?.detectors ?? new Map()])
    for (const [name, state] of detectors) {
      const [member] = Object.keys(DETECTORS.find((one) => one.name === name)?.empty() as object)
      if (member !== undefined) delete (state as Record<string, unknown>)[member]
    }
  const again = emptyRisk()
  restoreBaseline(again, { baseline: baselineOf(risk) })
  const failed = (one: RiskLive) =>
    score(one, pay('bob', 100)).filter(({ reason }) => reason.startsWith('A detector failed'))
  assert.deepEqual(failed(again), [])
  live(4, 60, () => pay('bob', 100), again, START + 4 * DAY_MS)
  assert.deepEqual(failed(again), [])
  assert.equal(again.detectors.size, risk.detectors.size)
  assert.ok(again.learning.learned > risk.learning.learned)
})
