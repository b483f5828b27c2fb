import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { giveBack, type Purse, reserve, type Spent, take } from './budget.ts'

const LATER = 1e15

function purse(budget: Purse['budgets'][number], key = 'task:1'): Purse {
  return { key, expiresAt: LATER, budgets: [budget] }
}

function spend(
  spent: Map<string, Spent>,
  purses: readonly Purse[],
  args: { n?: unknown } = {},
  write = true,
): boolean {
  const { reservations, refusal } = reserve(spent, purses, { tool: 'market/buy', args: args as never, write })
  if (refusal !== null) return false
  for (const reservation of reservations) take(spent, reservation)
  return true
}

test('calls and writes are counted to the last one', () => {
  const spent = new Map<string, Spent>()
  const two = [purse({ calls: 2, writes: 1 })]
  assert.equal(spend(spent, two), true)
  assert.equal(spend(spent, two), false, 'a second write')
  assert.equal(spend(spent, two, {}, false), true)
  assert.equal(spend(spent, two, {}, false), false, 'a third call')
})

test('a refused call reserves nothing, a released one gives everything back', () => {
  const spent = new Map<string, Spent>()
  const purses = [purse({ calls: 1 }), purse({ calls: 0 }, 'delegation:1')]
  assert.equal(spend(spent, purses), false)
  assert.equal(spent.size, 0)
  const { reservations } = reserve(spent, [purse({ sums: { 'market/buy:n': 10 } })], {
    tool: 'market/buy',
    args: { n: 7 },
    write: true,
  })
  for (const each of reservations) take(spent, each)
  for (const each of reservations) giveBack(spent, each)
  assert.deepEqual(spent.get('task:1'), {
    calls: 0,
    writes: 0,
    sums: new Map([['market/buy:n', 0]]),
    expiresAt: LATER,
  })
})

test('sums: what cannot be counted is refused, rounding is not spending', () => {
  const sums = [purse({ sums: { 'market/buy:n': 0.3 } })]
  const spent = new Map<string, Spent>()
  assert.deepEqual(
    [0.1, 0.1, 0.1, 0.1].map((n) => spend(spent, sums, { n })),
    [true, true, true, false],
  )
  for (const n of [undefined, '0.1', -1, null])
    assert.equal(spend(new Map(), sums, n === undefined ? {} : { n }), false)
  const left = reserve(spent, [purse({ sums: { 'market/buy:n': 1 } })], {
    tool: 'market/buy',
    args: { n: 5 },
    write: true,
  })
  assert.deepEqual(left.refusal?.fit, { path: 'n', value: 0.7 })
})

test('a sum names its tool exactly, colons included', () => {
  const spent = new Map<string, Spent>()
  const odd = [purse({ sums: { 'market/buy:now:n': 1, 'market/buy:n': 5 } })]
  assert.equal(spend(spent, odd, { n: 5 }), false, 'the argument now:n of market/buy is not given')
  assert.equal(spend(new Map(), [purse({ sums: { 'other/buy:n': 1 } })], { n: 5 }), true)
})

test('however calls interleave with releases, no bound of any purse is passed', () => {
  const step = fc.record({
    n: fc.integer({ min: 0, max: 40 }),
    write: fc.boolean(),
    release: fc.boolean(),
    child: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const spent = new Map<string, Spent>()
      const limit = { calls: 20, writes: 8, sums: { 'market/buy:n': 100 } }
      const tight = { calls: 5, writes: 2, sums: { 'market/buy:n': 30 } }
      for (const { n, write, release, child } of steps) {
        const purses = child ? [purse(limit), purse(tight, 'delegation:1')] : [purse(limit)]
        const asked = { tool: 'market/buy', args: { n }, write }
        const { reservations, refusal } = reserve(spent, purses, asked)
        if (refusal !== null) continue
        for (const each of reservations) take(spent, each)
        if (release) for (const each of reservations) giveBack(spent, each)
        for (const [key, bound] of [
          ['task:1', limit],
          ['delegation:1', tight],
        ] as const) {
          const held = spent.get(key)
          if (held === undefined) continue
          assert.ok(held.calls <= bound.calls && held.writes <= bound.writes)
          assert.ok((held.sums.get('market/buy:n') ?? 0) <= bound.sums['market/buy:n'] + 1e-6)
          assert.ok(held.calls >= 0 && held.writes >= 0)
        }
      }
    }),
  )
})
