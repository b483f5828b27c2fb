import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ASSURANCES, TRUST_LEVELS, type TrustLevel, trustRank } from '@safeconduct/protocol'
import fc from 'fast-check'
import {
  CAP_OF_ASSURANCE,
  CLEAN_MS,
  effectiveTrust,
  fallTo,
  initialTrust,
  nextTrust,
  recovered,
  type TrustLive,
} from './trust.ts'

const AT = Date.UTC(2026, 0, 5, 10)

function at(level: TrustLevel, extra: Partial<TrustLive> = {}): TrustLive {
  return { ...initialTrust(AT), level, ...extra }
}

function after(trust: TrustLive, risk: number, ms = 0, before = risk): TrustLive {
  return nextTrust(trust, { at: AT + ms, before, after: risk, alarm: risk > 20, why: 'found' })
}

test('assurance caps: declared and bearer limited, key standard, attested elevated', () => {
  assert.deepEqual(
    ASSURANCES.map((assurance) => effectiveTrust('elevated', assurance, null)),
    ['limited', 'limited', 'standard', 'elevated'],
  )
  assert.equal(effectiveTrust('restricted', 'attested', null), 'restricted')
  assert.equal(effectiveTrust('elevated', 'attested', 'limited'), 'limited', "a person's ceiling")
})

test('risk lowers at once, through every row of the table', () => {
  assert.deepEqual([0, 34, 35, 69, 70, 89, 90, 100].map(fallTo), [
    'elevated',
    'elevated',
    'limited',
    'limited',
    'restricted',
    'restricted',
    'suspended',
    'suspended',
  ])
  assert.equal(after(at('elevated'), 75).level, 'restricted')
  assert.equal(after(at('elevated'), 95).level, 'suspended')
  assert.equal(after(at('elevated'), 95).why, 'found')
})

test('nothing changes: the same object, so that nothing is recorded', () => {
  const trust = at('elevated')
  assert.equal(after(trust, 3), trust)
})

test('a level rises one step a clean period, not before, and not while risk stays near', () => {
  const low = at('restricted')
  assert.equal(recovered(low, 0, AT + CLEAN_MS - 1), 'restricted')
  assert.equal(recovered(low, 0, AT + CLEAN_MS), 'limited')
  assert.equal(recovered(low, 0, AT + 2 * CLEAN_MS), 'standard')
  assert.equal(recovered(low, 60, AT + 5 * CLEAN_MS), 'restricted', 'hysteresis')
  assert.equal(recovered(low, 30, AT + 5 * CLEAN_MS), 'limited')
  assert.equal(recovered(at('restricted', { alarmedAt: AT + CLEAN_MS }), 0, AT + CLEAN_MS + 1), 'restricted')
})

test('an agent that became another one waits its way to limited and no further', () => {
  const other = at('restricted', { needsPerson: true })
  assert.equal(recovered(other, 0, AT + 100 * CLEAN_MS), 'limited')
  const later = after(other, 0, 100 * CLEAN_MS)
  assert.equal(after(later, 0, 200 * CLEAN_MS).level, 'limited')
})

test('a suspended agent does not wait its suspension out', () => {
  assert.equal(recovered(at('suspended'), 0, AT + 1000 * CLEAN_MS), 'suspended')
  assert.equal(after(at('suspended'), 0, 1000 * CLEAN_MS).level, 'suspended')
})

test('an alarm that does not lower the level still ends the clean time', () => {
  const trust = after(at('limited'), 25, CLEAN_MS - 1)
  assert.deepEqual([trust.level, trust.alarmedAt], ['limited', AT + CLEAN_MS - 1])
  assert.equal(recovered(trust, 0, AT + CLEAN_MS + 1), 'limited')
})

test('no number of harmless calls raises a level before its clean time', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<TrustLevel>('suspended', 'restricted', 'limited'),
      fc.array(fc.integer({ min: 0, max: CLEAN_MS - 1 }), { maxLength: 50 }),
      (level, times) => {
        let trust = at(level)
        for (const ms of times.sort((a, b) => a - b)) trust = after(trust, 3, ms)
        assert.equal(trust.level, level)
      },
    ),
  )
})

test('whatever happens, the level of a call never exceeds its assurance', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TRUST_LEVELS), fc.constantFrom(...ASSURANCES), (level, assurance) => {
      assert.ok(trustRank(effectiveTrust(level, assurance, null)) <= trustRank(CAP_OF_ASSURANCE[assurance]))
    }),
  )
})
