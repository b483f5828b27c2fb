import assert from 'node:assert/strict'
import { test } from 'node:test'
import { background, NO_PEERS, type Peers } from '../behaviour/peers.ts'
import { learnWithin } from '../customs.ts'
import type { Signal } from '../detector.ts'
import { shape } from './shape.ts'

const TOOL = 'desk/search'
function signal(forms: readonly string[], extra: Partial<Signal> = {}): Signal {
  return {
    at: 0,
    tool: TOOL,
    write: true,
    numbers: [],
    parties: [],
    forms,
    steered: false,
    steering: null,
    place: null,
    proofAge: null,
    ...extra,
  }
}
type State = ReturnType<typeof shape.empty>
const score = (state: State, one: Signal, peers = NO_PEERS) => shape.score(state, one, peers)
const bits = (state: State, one: Signal, peers = NO_PEERS) => score(state, one, peers)?.bits ?? 0
function settled(times: number, forms: (i: number) => readonly string[]): State {
  const state = shape.empty()
  for (let i = 0; i < times; i++) shape.settled?.(state, signal(forms(i)))
  return state
}

test('a new form speaks where forms were stable, and hardly where they vary', () => {
  const steady = settled(40, () => ['= x1', 'query s3ad-'])
  assert.equal(bits(steady, signal(['= x1', 'query s3ad-'])), 0)
  const found = score(steady, signal(['= x1', 'query s4ad_k']))
  assert.ok(found !== null && found.bits >= 3)
  assert.match(found.reason, /argument query/)
  assert.match(score(steady, signal(['= x2', 'query s3ad-']))?.reason ?? '', /other arguments/)
  assert.ok(bits(steady, signal(['query s4ad_k'], { write: false })) < found.bits)
  assert.ok(bits(steady, signal(['query s4ad-'])) < found.bits / 2, 'a little longer')
  assert.equal(bits(steady, signal(['query s4ad_k'], { tool: 'desk/other' })), 0, 'an unknown tool')
  assert.equal(
    bits(
      settled(5, () => ['query s3ad-']),
      signal(['query s4ad_k']),
    ),
    0,
    'too little is known',
  )
  const varied = settled(40, (i) => [`query s3${'ad-_@/ku'.slice(i % 8)}${i}`])
  assert.ok(bits(varied, signal(['query s4k'])) < 0.5)
})

test('let through, it speaks less; each time it was settled, half as much; refused, as before', () => {
  const state = settled(40, () => ['query s3ad-'])
  const odd = signal(['query s4ad_k'])
  const first = bits(state, odd)
  shape.attempt?.(state, odd, 'approval')
  assert.equal(bits(state, odd), first)
  shape.attempt?.(state, odd, 'allow')
  assert.ok(bits(state, odd) < first / 2)
  assert.equal(bits(state, { ...odd, at: 25 * 3_600_000 }), first)
  shape.settled?.(state, odd)
  const after = bits(state, odd)
  assert.ok(after > 0 && after <= first / 2)
})

test('others of the tenant make a tool known that the agent hardly used, and a form common', () => {
  const forms: Peers = new Map()
  for (let group = 0; group < 4; group++)
    for (let i = 0; i < 60; i++) learnWithin(forms, group, `${TOOL} query`, 's3ad-')
  const peers = { ...NO_PEERS, forms: background(forms, 9) }
  const state = settled(4, () => ['query s3ad-'])
  assert.equal(bits(state, signal(['query s4ad_k'])), 0)
  assert.ok(bits(state, signal(['query s4ad_k']), peers) > 2)
  assert.equal(
    bits(
      settled(40, () => ['query s5u']),
      signal(['query s3ad-']),
      peers,
    ),
    0,
  )
})
