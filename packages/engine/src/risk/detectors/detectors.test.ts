import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '@safeconduct/protocol'
import fc from 'fast-check'
import { decode, encode } from '../../plain.ts'
import { NO_PEERS } from '../behaviour/peers.ts'
import type { Detector, Signal } from '../detector.ts'
import { LEARNED } from '../learning/learning.ts'
import { counterparty } from './counterparty.ts'
import { delegation } from './delegation.ts'
import { denials } from './denials.ts'
import { DETECTORS } from './index.ts'
import { places } from './places.ts'
import { rate } from './rate.ts'
import { sequence } from './sequence.ts'
import { size } from './size.ts'
import { unused } from './unused.ts'
import { velocity } from './velocity.ts'

const START = Date.UTC(2026, 0, 5, 10)
const MINUTE = 60_000

function signal(extra: Partial<Signal> = {}): Signal {
  return {
    at: START,
    tool: 'market/order',
    write: true,
    numbers: [],
    parties: [],
    steered: false,
    steering: null,
    place: null,
    proofAge: null,
    ...extra,
  }
}

/** One detector with its own memory. */
function using<S>(detector: Detector<S>) {
  const state = detector.empty()
  return {
    bits: (extra: Partial<Signal> = {}) => detector.score(state, signal(extra), NO_PEERS)?.bits ?? 0,
    attempt: (extra: Partial<Signal> = {}, outcome: Outcome = 'allow') =>
      detector.attempt?.(state, signal(extra), outcome),
    settled: (extra: Partial<Signal> = {}) => detector.settled?.(state, signal(extra)),
  }
}

test('velocity: an ordinary minute says nothing, a flood does, and grows with its size', () => {
  const { bits, attempt } = using(velocity)
  for (let i = 0; i < 59; i++) attempt()
  assert.equal(bits(), 0)
  for (let i = 0; i < 120; i++) attempt()
  const flood = bits()
  assert.ok(flood > 1.5)
  for (let i = 0; i < 600; i++) attempt()
  assert.ok(bits() > flood)
  assert.equal(bits({ at: START + MINUTE }), 0, 'the next minute is new')
})

test('delegation: another way than ever before says something, the more the longer there was one way', () => {
  const fresh = using(delegation)
  assert.equal(fresh.bits({ chain: 'a' }), 0, 'nothing is known of a new agent')
  const { bits, settled } = using(delegation)
  for (let i = 0; i < LEARNED; i++) settled()
  const early = bits({ chain: 'a' })
  assert.ok(early > 0.5)
  assert.equal(bits(), 0)
  for (let i = 0; i < 300; i++) settled()
  assert.ok(bits({ chain: 'a' }) > early)
  settled({ chain: 'a' })
  assert.equal(bits({ chain: 'a' }), 0)
  const often = using(delegation)
  for (let i = 0; i < 60; i++) often.settled({ chain: `c${i}` })
  assert.ok(often.bits({ chain: 'new' }) < 0.5, 'an agent that works for everybody')
  assert.ok(often.bits() < 0.5)
})

test('velocity: a busy agent has a higher floor, but one flood does not raise it', () => {
  const busy = using(velocity)
  for (let minute = 0; minute < 200; minute++)
    for (let i = 0; i < 30; i++) busy.attempt({ at: START + minute * MINUTE })
  for (let i = 0; i < 100; i++) busy.attempt({ at: START + 201 * MINUTE })
  assert.equal(busy.bits({ at: START + 201 * MINUTE }), 0)
  const calm = using(velocity)
  for (let i = 0; i < 5000; i++) calm.attempt()
  for (let i = 0; i < 100; i++) calm.attempt({ at: START + MINUTE })
  assert.ok(calm.bits({ at: START + MINUTE }) > 0)
})

test('denials: two are a mistake, more are a search, old ones are forgotten', () => {
  const { bits, attempt } = using(denials)
  attempt({}, 'deny')
  attempt({}, 'deny')
  for (let i = 0; i < 9; i++) attempt({}, 'approval')
  for (let i = 0; i < 9; i++) attempt({ steered: true }, 'deny')
  assert.equal(bits(), 0)
  attempt({}, 'deny')
  assert.ok(bits() > 0)
  assert.equal(bits({ at: START + 10 * MINUTE }), 0)
})

test('unused tool: silent while learning, louder for writes, silent where everything is new', () => {
  const { bits, settled } = using(unused)
  for (let i = 0; i < LEARNED - 1; i++) settled({ tool: 'market/quote' })
  assert.equal(bits(), 0)
  settled({ tool: 'market/quote' })
  assert.ok(bits() > bits({ write: false }))
  assert.ok(bits({ write: false }) > 0)
  assert.equal(bits({ tool: 'market/quote' }), 0)
  const restless = using(unused)
  for (let i = 0; i < 40; i++) restless.settled({ tool: `market/${i}` })
  assert.ok(restless.bits() < 0.1)
})

test('size: twenty times the usual speaks against a write, and not against a read', () => {
  const { bits, settled } = using(size)
  const quantity = (n: number): Partial<Signal> => ({ numbers: [['quantity', n]] })
  settled(quantity(10))
  assert.equal(bits(quantity(200)), 0, 'too little is known')
  for (const n of [8, 12, 10, 9]) settled(quantity(n))
  assert.equal(bits(quantity(40)), 0)
  assert.ok(bits(quantity(200)) >= 3.8)
  assert.ok(bits(quantity(-200)) >= 3.8, 'a sale of the same size')
  assert.ok(bits(quantity(2000)) > bits(quantity(200)))
  assert.equal(bits({ ...quantity(200), write: false }), 0)
  assert.equal(bits({ ...quantity(200), tool: 'market/other' }), 0)
})

test('sequence: many calls unlike the own ones speak, own ones and a short piece do not', () => {
  const { bits, attempt, settled } = using(sequence)
  const own = (i: number): Partial<Signal> => ({ tool: `desk/${['quote', 'news', 'order'][i % 3]}` })
  const strange = (i: number): Partial<Signal> => ({
    tool: `files/${['list', 'read', 'zip', 'send'][i % 4]}`,
  })
  for (let i = 0; i < 99; i++) settled(own(i))
  for (let i = 0; i < 12; i++) attempt(strange(i))
  assert.equal(bits(strange(12)), 0, 'too little is known')
  for (let i = 99; i < 400; i++) settled(own(i))
  for (let i = 0; i < 30; i++) attempt(own(i))
  assert.equal(bits(own(30)), 0)
  assert.equal(bits(strange(0)), 0, 'one strange call is nothing')
  for (let i = 0; i < 24; i++) attempt(strange(i))
  assert.ok(bits(strange(24)) > 0.5)
})

test('rate: a rare tool used all the time speaks; bursts of its own, and a handful, do not', () => {
  const { bits, attempt, settled } = using(rate)
  const usual = (i: number): Partial<Signal> => ({
    tool: `desk/${i % 50 === 0 ? 'search' : ['list', 'pay', 'note'][i % 3]}`,
  })
  for (let i = 0; i < 300; i++) {
    settled(usual(i))
    attempt(usual(i))
  }
  const search = { tool: 'desk/search' }
  assert.equal(bits(search), 0)
  for (let i = 0; i < 3; i++) attempt(search)
  assert.equal(bits(search), 0, 'a handful')
  for (let i = 0; i < 10; i++) attempt(search)
  const many = bits(search)
  assert.ok(many > 1)
  assert.equal(bits({ tool: 'desk/pay' }), 0, 'the others became rarer')
  const bursty = using(rate)
  for (let i = 0; i < 1000; i++) bursty.settled({ tool: i % 100 < 12 ? 'desk/search' : `desk/${i % 3}` })
  for (let i = 0; i < 28; i++) bursty.attempt({ tool: `desk/${i % 3}` })
  for (let i = 0; i < 11; i++) bursty.attempt({ tool: 'desk/search' })
  assert.equal(bursty.bits(search), 0)
})

test('sequence: of a new agent only others can tell something, and that is little', () => {
  const habits = sequence.empty()
  for (let i = 0; i < 10; i++) sequence.attempt?.(habits, signal({ tool: `own/${i}` }), 'allow')
  const bits = (groups: number): number => {
    const share = (symbol: string): number => (symbol.startsWith('own/') ? 0 : 0.1)
    const found = sequence.score(habits, signal({ tool: 'own/0' }), { groups, share })
    assert.ok(found === null || found.confidence <= 0.25)
    return found?.bits ?? 0
  }
  assert.equal(bits(2), 0)
  assert.ok(bits(3) > 0 && bits(3) < 1)
})

test('size: what varies widely may vary widely', () => {
  const { bits, settled } = using(size)
  for (let i = 0; i < 40; i++) settled({ numbers: [['n', 10 ** (i % 4)]] })
  assert.equal(bits({ numbers: [['n', 4000]] }), 0)
  assert.ok(bits({ numbers: [['n', 1e9]] }) > 2)
})

test('new counterparty: speaks where the argument rarely changes', () => {
  const steady = using(counterparty)
  const to = (who: string): Partial<Signal> => ({ parties: [['to', who]] })
  steady.settled(to('bob'))
  assert.equal(steady.bits(to('eve')), 0, 'too little is known')
  for (let i = 0; i < 9; i++) steady.settled(to('bob'))
  assert.ok(steady.bits(to('eve')) >= 2)
  assert.equal(steady.bits(to('bob')), 0)
  const varied = using(counterparty)
  for (let i = 0; i < 10; i++) varied.settled(to(`id-${i}`))
  assert.equal(varied.bits(to('id-99')), 0)
})

test('new counterparty: the same one again, and one that somebody gave the agent, is less of a doubt', () => {
  const { bits, attempt, settled } = using(counterparty)
  const to = (who: string, share?: number): Partial<Signal> => ({
    parties: [['to', who]],
    ...(share === undefined ? {} : { sourced: [['to', share]] as const }),
  })
  for (let i = 0; i < 20; i++) settled(to('bob'))
  const first = bits(to('eve'))
  assert.equal(bits(to('eve', 0.5)), first / 2)
  attempt(to('eve'), 'approval')
  assert.equal(bits(to('eve')), first, 'what was not let through makes nobody known')
  attempt(to('eve'))
  assert.ok(bits(to('eve')) < first / 2 && bits(to('eve')) > 0)
  assert.equal(bits({ ...to('eve'), at: START + 25 * 60 * MINUTE }), first, 'a day later it is new again')
  assert.equal(bits(to('kim')), first)
  settled(to('eve'))
  assert.equal(bits(to('eve')), 0)
})

test('places: a second address within minutes doubts the credential until a call from it was allowed', () => {
  const { bits, attempt } = using(places)
  attempt({ place: 'a' })
  assert.equal(bits({ place: 'a' }), 0)
  assert.ok(bits({ place: 'b' }) > 0)
  attempt({ place: 'b' }, 'step_up')
  assert.ok(bits({ place: 'b' }) > 0, 'being refused makes no place known')
  attempt({ place: 'b' })
  assert.equal(bits({ place: 'b' }), 0)
  assert.equal(bits({ place: 'c', at: START + 60 * MINUTE }), 0, 'an hour later it may have moved')
  assert.ok(bits({ place: 'a', proofAge: 60 * MINUTE }) > 0, 'an old proof')
  assert.equal(bits({ place: null }), 0)
})

test('no evidence exceeds its cap, none is negative, and state stays bounded, whatever comes', () => {
  const any = fc.record({
    at: fc.integer({ min: 0, max: 3_600_000 }),
    tool: fc.string({ maxLength: 4 }),
    write: fc.boolean(),
    n: fc.double({ noNaN: true, noDefaultInfinity: true }),
    who: fc.string({ maxLength: 3 }),
    place: fc.option(fc.string({ maxLength: 2 })),
    form: fc.string({ maxLength: 5 }),
    thing: fc.integer(),
    outcome: fc.constantFrom<Outcome>('allow', 'deny', 'approval', 'step_up'),
  })
  fc.assert(
    fc.property(fc.array(any, { maxLength: 80 }), (steps) => {
      for (const detector of DETECTORS) {
        const state = detector.empty()
        for (const { at, tool, write, n, who, place, form, thing, outcome } of steps) {
          const one = signal({
            at: START + at,
            tool,
            write,
            numbers: [['n', n]],
            parties: [['to', who]],
            place,
            zone: who,
            forms: [`= ${tool}`, `${who} ${form}`, form],
            targets: [thing, thing * 1e9, Number.NaN],
            errand: { kinds: [who], does: tool },
          })
          const found = detector.score(state, one, NO_PEERS)
          assert.ok(
            found === null || (found.bits >= 0 && found.bits <= detector.cap && found.reason.length < 200),
          )
          detector.attempt?.(state, one, outcome)
          if (outcome === 'allow') detector.settled?.(state, one)
        }
        assert.ok(JSON.stringify(encode(state)).length < 64_000)
      }
    }),
    { numRuns: 30 },
  )
})

test('a flood of distinct tools, arguments and places does not grow the state', () => {
  for (const detector of DETECTORS) {
    const state = detector.empty()
    const sizeAfter = (from: number, to: number): number => {
      for (let i = from; i < to; i++) {
        const one = signal({
          at: START + i * 1000,
          tool: `t/${i}`,
          numbers: [[`n${i}`, i]],
          parties: [[`p${i}`, `v${i}`]],
          place: `ip${i}`,
          zone: `z${i}`,
          forms: [`= s${i}`, `p${i} s${i}`],
          targets: [i * 2_654_435_761],
          errand: { kinds: [`k${i}`], does: `d${i}` },
        })
        detector.attempt?.(state, one, i % 2 === 0 ? 'deny' : 'allow')
        detector.settled?.(state, one)
      }
      return JSON.stringify(encode(state)).length
    }
    const early = sizeAfter(0, 3000)
    assert.ok(sizeAfter(3000, 6000) <= early * 1.1 + 64, detector.name)
  }
})

test('a state restored from JSON scores exactly as the one it was taken from', () => {
  for (const detector of DETECTORS) {
    const state = detector.empty()
    for (let i = 0; i < 300; i++) {
      const one = signal({
        at: START + i * 700,
        tool: `t/${i % 7}`,
        numbers: [['n', (i * 37) % 11]],
        parties: [['to', `v${i % 5}`]],
        place: `ip${i % 3}`,
        write: i % 4 !== 0,
        zone: `z${i % 2}`,
        forms: [`= s${i % 2}`, `to s${i % 3}a`],
        targets: [i * 2_654_435_761],
        errand: { kinds: ['k'], does: `d${i % 2}` },
      })
      detector.attempt?.(state, one, i % 9 === 0 ? 'deny' : 'allow')
      detector.settled?.(state, one)
    }
    const copy = decode(JSON.parse(JSON.stringify(encode(state))))
    const probe = signal({
      at: START + 300 * 700,
      tool: 't/new',
      numbers: [['n', 900]],
      parties: [['to', 'new']],
      place: 'new',
      zone: 'new',
      forms: ['= new', 'to s9u'],
      targets: Array.from({ length: 500 }, (_, i) => i * 2_654_435_761),
      errand: { kinds: ['k'], does: 'new' },
    })
    assert.deepEqual(detector.score(copy, probe, NO_PEERS), detector.score(state, probe, NO_PEERS))
  }
})
