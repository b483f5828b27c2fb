import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { add, emptyDistinct, estimate, tellingMost } from './distinct.ts'

const thing = (i: number): number => Number.parseInt(hash('sha256', String(i), 'hex').slice(0, 8), 16)

test('counts different things to about a tenth, and repetitions not at all', () => {
  for (const many of [1, 10, 40, 150, 400, 5000]) {
    const distinct = emptyDistinct()
    for (let i = 0; i < many; i++) for (let again = 0; again < 3; again++) add(distinct, thing(i))
    const found = estimate(distinct)
    assert.ok(Math.abs(found - many) <= 1 + many * 0.25, `${many}: ${found}`)
  }
  assert.equal(estimate(emptyDistinct()), 0)
})

test('the order makes no difference, and what is only asked about leaves no trace', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.array(fc.integer(), { maxLength: 8 }), (things, more) => {
      const [there, back] = [emptyDistinct(), emptyDistinct()]
      for (const one of things) add(there, one)
      for (const one of things.toReversed()) add(back, one)
      assert.deepEqual(there, back)
      const before = structuredClone(there)
      assert.ok(estimate(there, more) >= estimate(there))
      assert.deepEqual(there, before)
      assert.deepEqual(JSON.parse(JSON.stringify(there)), there)
    }),
  )
})

test('of many things as many as there are registers say as much as all', () => {
  const things = Array.from({ length: 900 }, (_, i) => thing(i))
  assert.deepEqual(tellingMost(things.slice(0, 128), 128), things.slice(0, 128))
  const kept = tellingMost(things, 128)
  assert.ok(kept.length <= 128 && kept.every((one) => things.includes(one)))
  assert.equal(estimate(emptyDistinct(), kept), estimate(emptyDistinct(), things))
  assert.equal(tellingMost(things, 8).length, 8)
})
