import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from '../../plain.ts'
import { count, counted, countedAll, emptyCounts } from './counts.ts'
import {
  background,
  countEvents,
  emptyPhrase,
  emptyProcess,
  emptyRhythm,
  emptySequence,
  type Keystroke,
  learnKeystrokes,
  learnPeer,
  learnPhrase,
  learnRun,
  learnSequence,
  normalise,
  type Peers,
  type PointerEvent,
  phraseProfile,
  recordMouse,
  scoreKeystrokes,
  scoreMouse,
  scorePhrase,
  scoreRun,
  scoreSequence,
  startRun,
  step,
  trainMouse,
} from './index.ts'
import { NO_PEERS } from './peers.ts'
import { emptySpread, widen } from './spread.ts'

/** Numbers in 0–1, the same every time. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A stream over `kinds`, the first ones oftenest. */
function stream(seed: number, kinds: readonly string[], length: number): string[] {
  const random = numbers(seed)
  return Array.from({ length }, () => kinds[Math.floor(random() ** 2 * kinds.length)] ?? '')
}

/** What a snapshot makes of a state. */
function restored<T>(state: T): T {
  return decode(JSON.parse(JSON.stringify(encode(state)))) as T
}

const COMMON = ['list', 'read', 'search']
const kindsOf = (name: string): string[] => [
  ...COMMON,
  ...Array.from({ length: 8 }, (_, i) => `${name}-${i}`),
]

function taught(seed: number, kinds: readonly string[], length = 1500) {
  const state = emptySequence()
  for (const symbol of stream(seed, kinds, length)) learnSequence(state, symbol)
  return state
}

function peersOf(...names: string[]): Peers {
  const peers: Peers = new Map()
  names.forEach((name, group) => {
    for (const symbol of stream(group + 100, kindsOf(name), 500)) learnPeer(peers, group, symbol, 1)
  })
  return peers
}

test('counts: half is forgotten with every half-life, and no weight but a positive one counts', () => {
  const fading = { halfLife: 10, limit: 100 }
  const counts = emptyCounts()
  count(counts, 'a', 1, fading)
  for (let i = 0; i < 10; i++) count(counts, 'b', 1, fading)
  assert.ok(Math.abs(counted(counts, 'a') - 0.5) < 1e-12)
  const before = structuredClone(counts)
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) count(counts, 'a', weight, fading)
  assert.deepEqual(counts, before)
  for (let i = 0; i < 5000; i++) count(counts, 'b', 1, fading)
  assert.ok(Number.isFinite(counts.total) && Math.abs(countedAll(counts) - 14.93) < 0.1, 'rescaled in time')
})

test('counts: what is rare goes first when there is no room', () => {
  const counts = emptyCounts()
  for (let i = 0; i < 50; i++) count(counts, 'often', 1, { halfLife: 1e9, limit: 32 })
  for (let i = 0; i < 1000; i++) count(counts, `once ${i}`, 1, { halfLife: 1e9, limit: 32 })
  assert.ok(counts.values.size <= 32 && counts.values.has('often'))
})

test('peers: nobody is part of the own background, and one group moves the mean within a bound', () => {
  const peers = peersOf('a', 'b', 'c', 'd')
  assert.ok(background(peers, null).share('a-0') > 0)
  assert.equal(background(peers, 0).share('a-0'), 0)
  const calm = background(peers, 3).share('read')
  for (let i = 0; i < 100_000; i++) learnPeer(peers, 0, 'evil', 1)
  const share = background(peers, 3).share('evil')
  assert.ok(share > 0 && share <= 0.03 / 3 + 1e-12, 'who is alone with it counts as little as can be')
  assert.ok(background(peers, 3).share('read') > calm / 2)
  assert.equal(background(new Map(), null).groups, 0)
})

test('peers: a flood of symbols stays within the bound and does not push out what is known', () => {
  const peers = peersOf('a', 'b')
  for (let i = 0; i < 5000; i++) learnPeer(peers, 1, `flood ${i}`, 1)
  assert.ok(peers.size < 600)
  assert.ok(background(peers, 0).share('b-0') > 0)
})

test('sequence: own pieces speak for the owner, those of an unknown other against', () => {
  const own = taught(1, kindsOf('me'))
  const against = background(peersOf('x', 'y', 'z'), null)
  const mine = scoreSequence(own, against, stream(2, kindsOf('me'), 25))
  const strange = scoreSequence(own, against, stream(3, kindsOf('stranger'), 25))
  assert.ok(mine.bits < 0 && strange.bits > 0.5)
  assert.ok((strange.terms[0]?.name ?? '').startsWith('stranger-'))
  assert.ok(
    strange.terms.every((term, i, all) => i === 0 || Math.abs(term.bits) <= Math.abs(all[i - 1]?.bits ?? 0)),
  )
})

test('sequence: all terms together are the score', () => {
  const own = taught(1, kindsOf('me'))
  const piece = stream(4, [...kindsOf('me'), 'new'], 40)
  const { bits, terms } = scoreSequence(own, background(peersOf('x', 'y'), null), piece, 1000)
  const sum = terms.reduce((total, term) => total + term.bits, 0)
  assert.ok(Math.abs(sum / piece.length - bits) < 1e-9)
})

test('sequence: saying the same again is hardly evidence', () => {
  const own = taught(1, kindsOf('me'))
  const once = scoreSequence(own, NO_PEERS, ['alien']).bits
  const often = scoreSequence(own, NO_PEERS, new Array<string>(50).fill('alien')).bits * 50
  assert.ok(once > 0 && often < 2 * once)
})

test('sequence: order matters beyond what is used', () => {
  const own = emptySequence()
  for (let i = 0; i < 900; i++) learnSequence(own, ['read', 'think', 'write'][i % 3] ?? '')
  const forward = scoreSequence(own, NO_PEERS, ['read', 'think', 'write'])
  const backward = scoreSequence(own, NO_PEERS, ['write', 'think', 'read'])
  assert.ok(backward.bits > forward.bits + 0.3)
})

test('sequence: scoring changes nothing, a restored state scores and learns bit for bit the same', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 60 }), { maxLength: 60 }), fc.nat(1000), (symbols, seed) => {
      const state = taught(seed, kindsOf('me'), 300)
      const against = background(peersOf('x', 'y', 'z'), 1)
      const copy = restored(state)
      const before = JSON.stringify(encode(state))
      const score = scoreSequence(state, against, symbols)
      assert.equal(JSON.stringify(encode(state)), before)
      assert.deepEqual(scoreSequence(copy, against, symbols), score)
      assert.ok(Number.isFinite(score.bits))
      for (const symbol of symbols) {
        learnSequence(state, symbol, 0.7)
        learnSequence(copy, symbol, 0.7)
      }
      assert.deepEqual(copy, state)
    }),
    { numRuns: 40 },
  )
})

test('sequence: a state stays below 64 kB whatever is learned', () => {
  const state = emptySequence()
  for (let i = 0; i < 20_000; i++) learnSequence(state, `${'long name of a tool '.repeat(8)}${i % 3000}`)
  assert.ok(JSON.stringify(encode(state)).length < 64_000)
})

test('process: known runs are usual, known steps in a strange mixture or order are not', () => {
  const state = emptyProcess()
  const program = (name: string, seed: number): string[] => {
    const random = numbers(seed)
    return Array.from({ length: 60 }, (_, i) => (random() < 0.1 ? `${name}-x` : `${name}-${i % 4}`))
  }
  for (let i = 0; i < 60; i++) learnRun(state, program(i % 2 === 0 ? 'a' : 'b', i))
  const bits = (kinds: readonly string[]): number => {
    const run = startRun()
    for (const kind of kinds) step(state, run, kind)
    return scoreRun(state, run).bits
  }
  const usual = bits(program('a', 999))
  const strange = bits(program('c', 999))
  const mixed = bits(program('a', 999).map((kind, i) => (i % 2 === 0 ? kind : (program('b', 7)[i] ?? ''))))
  assert.ok(strange > usual + 4 && mixed > usual + 4)
  const copy = restored(state)
  learnRun(copy, program('d', 1))
  learnRun(state, program('d', 1))
  assert.deepEqual(copy, state)
})

test('spread: one wild value pulls by a few spreads at most, and no broken number counts', () => {
  const spread = emptySpread()
  for (let i = 0; i < 50; i++) widen(spread, 5 + (i % 3) * 0.1, 1)
  const { centre } = spread
  widen(spread, 1e9, 1)
  assert.ok(Math.abs(spread.centre - centre) < 0.05)
  const before = { ...spread }
  widen(spread, Number.NaN, 1)
  widen(spread, 5, 0)
  assert.deepEqual(spread, before)
})

test('cohort: a score that everybody gets is nothing special', () => {
  assert.ok(normalise(1, [1, 1.1, 0.9]) < 0.01)
  assert.ok(normalise(-1, [1, 1.1, 0.9]) < -3)
  assert.equal(normalise(0.7, [3]), 0.7, 'too few to compare with')
})

function typed(seed: number, hold: number, gap: number, length: number): Keystroke[] {
  const random = numbers(seed)
  let at = 0
  return Array.from({ length }, () => {
    at += gap * (0.8 + 0.4 * random())
    return {
      key: 'etaoin'[Math.floor(random() * 6)] ?? 'e',
      press: at,
      release: at + hold * (0.9 + 0.2 * random()),
    }
  })
}

test('keystrokes: the owner is told from others by rhythm, one frozen key changes little', () => {
  const own = emptyRhythm()
  const everybody = emptyRhythm()
  learnKeystrokes(own, typed(1, 80, 150, 800))
  for (const [seed, hold, gap] of [
    [1, 80, 150],
    [2, 120, 220],
    [3, 60, 300],
  ] as const)
    learnKeystrokes(everybody, typed(seed, hold, gap, 800))
  const mine = scoreKeystrokes(own, everybody, typed(9, 80, 150, 100)).bits
  const other = scoreKeystrokes(own, everybody, typed(10, 120, 220, 100)).bits
  assert.ok(mine < 0 && other > 0)
  const [first, ...rest] = typed(9, 80, 150, 100)
  assert.ok(first !== undefined)
  const odd = scoreKeystrokes(own, everybody, [{ ...first, release: first.press + 999 }, ...rest]).bits
  assert.ok(odd - mine < 0.1)
  const copy = restored(own)
  assert.deepEqual(scoreKeystrokes(copy, everybody, typed(9, 80, 150, 100)).bits, mine)
})

test('phrase: distances are clipped by feature, so one wild feature cannot decide', () => {
  const own = emptyPhrase()
  const everybody = emptyPhrase()
  const units = [20, 20, 0.05]
  for (let i = 0; i < 20; i++) {
    learnPhrase(own, [100 + (i % 5), 200 - (i % 7), 0.4], units)
    learnPhrase(everybody, [80 + 4 * i, 150 + 6 * i, 0.2 + i / 50], units)
  }
  const profile = phraseProfile(own, everybody)
  const usual = scorePhrase(profile, [102, 197, 0.4], units).bits
  const wild = scorePhrase(profile, [102, 1e300, 0.4], units).bits
  assert.ok(usual < 1 && wild <= usual + 1 && Number.isFinite(wild))
  assert.ok(scorePhrase(profile, [300, 900, 0.9], units).bits === 3)
})

function moved(seed: number, pace: number, bend: number, events: number): PointerEvent[] {
  const random = numbers(seed)
  let [at, x, y, angle] = [0, 500, 400, 0]
  return Array.from({ length: events }, (_, i) => {
    at += i % 40 === 0 ? 700 : pace * (0.8 + 0.4 * random())
    angle += bend * (random() - 0.5)
    x = Math.min(1900, Math.max(0, x + 10 * Math.cos(angle)))
    y = Math.min(1000, Math.max(0, y + 10 * Math.sin(angle)))
    const state = i % 40 === 20 ? 1 : i % 40 === 21 ? 2 : 0
    return { at, x: Math.round(x), y: Math.round(y), button: state === 0 ? 0 : 1, state }
  })
}

test('mouse: calibrated on left-out recordings, tells the owner from others, terms are the score', () => {
  const person = (pace: number, bend: number, seed: number) =>
    [0, 1, 2].map((i) => recordMouse(moved(seed + i, pace, bend, 1200), 400))
  const own = person(16, 0.3, 1)
  const peers = [person(30, 0.9, 20), person(60, 0.5, 40)]
  const model = trainMouse(own, peers)
  const mine = scoreMouse(model, countEvents(moved(77, 16, 0.3, 400)), 100)
  const other = scoreMouse(model, countEvents(moved(78, 30, 0.9, 400)))
  assert.ok(mine.bits < 0 && other.bits > 0)
  assert.ok(model.weights.every((weight) => weight >= 0))
  const sum = mine.terms.reduce((total, term) => total + term.bits, model.level * Math.LOG2E)
  assert.ok(Math.abs(sum - mine.bits) < 1e-9)
  assert.deepEqual(trainMouse(own, peers), model, 'the same every time')
})

test('mouse: places that no screen has are ignored', () => {
  const events = moved(5, 16, 0.3, 200)
  const sentinel = { at: 1, x: 65_535, y: 65_535, button: 0, state: 0 }
  assert.deepEqual(countEvents([...events.slice(0, 50), sentinel, ...events.slice(50)]), countEvents(events))
})
