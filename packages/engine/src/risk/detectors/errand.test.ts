import assert from 'node:assert/strict'
import { test } from 'node:test'
import { background, NO_PEERS, type Peers } from '../behaviour/peers.ts'
import { learnWithin } from '../customs.ts'
import type { Signal } from '../detector.ts'
import { errand } from './errand.ts'

function signal(does: string, kinds: readonly string[] = ['pay bills'], write = true): Signal {
  return {
    at: 0,
    tool: 'desk/get',
    write,
    numbers: [],
    parties: [],
    errand: { kinds, does },
    steered: false,
    steering: null,
    place: null,
    proofAge: null,
  }
}
function peers(groups: number) {
  const kinds: Peers = new Map()
  for (let group = 0; group < groups; group++)
    for (let i = 0; i < 200; i++) learnWithin(kinds, group, 'pay bills', i % 10 === 0 ? 'look' : 'pay')
  return { ...NO_PEERS, kinds: background(kinds, 9) }
}
const score = (state: ReturnType<typeof errand.empty>, one: Signal, others = peers(4)) =>
  errand.score(state, one, others)

test('a new agent is measured by what errands of its kind need, and how little is known is said', () => {
  const state = errand.empty()
  const found = score(state, signal('delete'))
  assert.ok(found !== null && found.bits > 2 && found.confidence <= 0.5)
  assert.match(
    found.reason,
    /next to nothing is known.*agents of 4 other groups.*at most 0\.4 times in a hundred/,
  )
  assert.equal(score(state, signal('pay')), null)
  assert.equal(score(state, signal('look')), null, 'one in ten')
  assert.ok((score(state, signal('delete', ['pay bills'], false))?.bits ?? 0) < found.bits)
  for (let i = 0; i < 60; i++) errand.settled?.(state, signal('pay'))
  const later = score(state, signal('delete'))
  assert.ok(later !== null && later.bits < found.bits, 'the more is known of it, the less others count')
  assert.match(later.reason, /60 calls are known/)
  for (let i = 0; i < 60; i++) errand.settled?.(state, signal('pay'))
  assert.equal(score(state, signal('delete')), null)
})

test('what the user asked for is nothing strange, whatever others do', () => {
  const plain = signal('delete')
  assert.ok(plain.errand !== undefined && score(errand.empty(), plain) !== null)
  assert.equal(score(errand.empty(), { ...plain, errand: { ...plain.errand, asked: true } }), null)
})

test('the narrowest kind that others know counts; where nobody, or one group, knows it, nothing is said', () => {
  const state = errand.empty()
  assert.ok(score(state, signal('delete', ['unheard of', 'pay bills'])) !== null)
  assert.equal(score(state, signal('delete', ['unheard of'])), null)
  assert.equal(score(state, signal('delete'), peers(1)), null)
  assert.equal(score(state, signal('delete'), { ...NO_PEERS, kinds: NO_PEERS }), null)
})
