import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_PEERS } from '../behaviour/peers.ts'
import type { Signal } from '../detector.ts'
import { LEARNED } from '../learning/learning.ts'
import { zone } from './zone.ts'

function signal(to: string | undefined, write = true): Signal {
  return {
    at: 0,
    tool: 'desk/get',
    write,
    numbers: [],
    parties: [],
    ...(to === undefined ? {} : { zone: to }),
    steered: false,
    steering: null,
    place: null,
    proofAge: null,
  }
}
const bits = (state: ReturnType<typeof zone.empty>, one: Signal) =>
  zone.score(state, one, NO_PEERS)?.bits ?? 0

test('a zone the agent never worked in speaks once it is known, louder for writes, and not where zones change all the time', () => {
  const state = zone.empty()
  for (let i = 0; i < LEARNED - 1; i++) zone.settled?.(state, signal('train'))
  assert.equal(bits(state, signal('validate')), 0, 'too little is known')
  for (let i = 0; i < 200; i++) zone.settled?.(state, signal('train'))
  assert.ok(bits(state, signal('validate')) > bits(state, signal('validate', false)))
  assert.ok(bits(state, signal('validate', false)) > 0.5)
  assert.equal(bits(state, signal('train')), 0)
  assert.equal(bits(state, signal('')), 0, 'no zone')
  assert.equal(bits(state, signal(undefined)), 0)
  const restless = zone.empty()
  for (let i = 0; i < 60; i++) zone.settled?.(restless, signal(`z${i}`))
  assert.ok(bits(restless, signal('other')) < 0.5)
})

test('the name of a zone is repeated in plain letters only', () => {
  const state = zone.empty()
  for (let i = 0; i < 200; i++) zone.settled?.(state, signal(''))
  const found = zone.score(state, signal('evil\u202e<b>'), NO_PEERS)
  assert.match(found?.reason ?? '', /the zone evil__b_ before/)
})
