import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GROUP_SYMBOLS, NO_PEERS } from './behaviour/peers.ts'
import { type Customs, learnCustoms, population, within } from './customs.ts'
import type { Signal } from './detector.ts'

const SIGNAL: Signal = {
  at: 0,
  tool: 'desk/pay',
  write: true,
  numbers: [],
  parties: [],
  forms: ['= x', 'to s2a'],
  errand: { kinds: ['bills'], does: 'pay' },
  steered: false,
  steering: null,
  place: null,
  proofAge: null,
}
const empty = (): Customs => ({ kinds: new Map(), forms: new Map(), breadths: new Map() })

test('what others do is a share of what it is part of, without the own group', () => {
  const customs = empty()
  for (let group = 0; group < 3; group++)
    for (let i = 0; i < 60; i++)
      learnCustoms(customs, group, i % 4 === 0 ? { ...SIGNAL, forms: ['to s9k'] } : SIGNAL, [
        ['reads day', '3'],
      ])
  const others = population(NO_PEERS, customs, 2)
  const to = within(others.forms, 'desk/pay to', 's9k')
  assert.equal(to.groups, 2)
  assert.ok(Math.abs(to.share - 0.25) < 0.01)
  assert.equal(within(others.kinds, 'bills', 'pay').share, 1)
  assert.equal(within(others.breadths, 'reads day', '3').share, 1)
  assert.deepEqual(within(others.kinds, 'other', 'pay'), { share: 0, whole: 0, groups: 2 })
  assert.deepEqual(within(undefined, 'a', 'b'), { share: 0, whole: 0, groups: 0 })
})

test('where a group has no room left, nothing is concluded from what nobody does', () => {
  const customs = empty()
  for (let i = 0; i < GROUP_SYMBOLS + 10; i++)
    learnCustoms(customs, 1, { ...SIGNAL, forms: [`p${i} s1a`] }, [])
  assert.equal(population(NO_PEERS, customs, 2).forms, NO_PEERS)
  assert.notEqual(population(NO_PEERS, customs, 2).kinds, NO_PEERS)
  for (const group of [3, 4]) for (let i = 0; i < 60; i++) learnCustoms(customs, group, SIGNAL, [])
  const forms = population(NO_PEERS, customs, 2).forms
  assert.equal(forms?.groups, 2, 'the full group is silent, the others are not')
  assert.equal(within(forms, 'desk/pay to', 's2a').groups, 2)
})
