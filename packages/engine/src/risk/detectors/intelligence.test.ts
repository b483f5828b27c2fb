import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../../decide.ts'
import { call, world } from '../../testing/world.ts'

const known = (confidence: number, where = 'ip') => {
  const base = call()
  const match = { indicator: 'x-1', source: 'own', where, confidence, technique: 'AML.T0048' }
  const { decision } = decide(world().state, { ...base, context: { ...base.context, intelligence: [match] } })
  return decision
}

test('bits are the odds that the list gives, at most six, and the list is named', () => {
  const [sure] = known(0.99).evidence.filter(({ detector }) => detector === 'intelligence')
  assert.equal(sure?.bits, 6)
  assert.match(sure?.reason ?? '', /network address of the caller .* list own .*x-1/)
  assert.equal(sure?.technique, 'AML.T0048')
  const [likely] = known(0.8, 'to.account').evidence.filter(({ detector }) => detector === 'intelligence')
  assert.equal(likely?.bits.toFixed(6), '2.000000')
  assert.match(likely?.reason ?? '', /argument to\.account/)
  assert.equal(
    known(0.5).evidence.some(({ detector }) => detector === 'intelligence'),
    false,
  )
  assert.ok(known(0.99).risk > known(0.8).risk)
})
