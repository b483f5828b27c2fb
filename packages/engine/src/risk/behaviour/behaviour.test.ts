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
  type ProcessState,
  phraseProfile,
  type Run,
  recordMouse,
  type Score,
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
import { advance, irregularity, typicalSurprise } from './run.ts'
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

/** Sixty steps of a program that goes round in a loop of four and seldom leaves it. */
function looping(name: string, seed: number): string[] {
  const random = numbers(seed)
  return Array.from({ length: 60 }, (_, i) => (random() < 0.1 ? `${name}-x` : `${name}-${i % 4}`))
}

function taughtProcess(): ProcessState {
  const state = emptyProcess()
  for (let i = 0; i < 60; i++) learnRun(state, looping(i % 2 === 0 ? 'a' : 'b', i))
  return state
}

function runOf(state: ProcessState, kinds: readonly string[]): Run {
  const run = startRun()
  for (const kind of kinds) step(state, run, kind)
  return run
}

test('process: known runs are usual; strange mixtures, orders and haste are not', () => {
  const state = taughtProcess()
  const score = (kinds: readonly string[]) => scoreRun(state, runOf(state, kinds))
  const own = looping('a', 999)
  const usual = score(own)
  const random = numbers(5)
  const cases = {
    mixture: own.map((kind, i) => (i % 2 === 0 ? kind : (looping('b', 7)[i] ?? ''))),
    order: own.map((_, i) => `a-${Math.floor(i / 8) % 4}`),
    irregular: own.map(() => `a-${Math.floor(random() * 4)}`),
  }
  const bitsOf = (of: Score, name: string) => of.terms.find((term) => term.name === name)?.bits ?? 0
  for (const [term, kinds] of Object.entries(cases)) {
    assert.ok(score(kinds).bits > usual.bits + 4, term)
    assert.ok(bitsOf(score(kinds), term) > bitsOf(usual, term) + 2, term)
  }
  assert.ok(score(looping('c', 999)).bits > usual.bits + 4)
  assert.ok(Math.abs(usual.terms.reduce((sum, { bits }) => sum + bits, 0) - usual.bits) < 1e-9)
})

test('process: scoring changes nothing; a restored state and run go on bit for bit the same', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 40 }), fc.nat(40), (kinds, cut) => {
      const state = taughtProcess()
      const copy = restored(state)
      const before = JSON.stringify(encode(state))
      const whole = runOf(state, kinds)
      const halves = restored(runOf(state, kinds.slice(0, cut)))
      for (const kind of kinds.slice(cut)) step(copy, halves, kind)
      assert.deepEqual(halves, whole)
      const score = scoreRun(state, whole)
      assert.ok(Number.isFinite(score.bits))
      assert.deepEqual(scoreRun(copy, halves), score)
      assert.equal(JSON.stringify(encode(state)), before)
      learnRun(state, kinds, 0.5)
      learnRun(copy, kinds, 0.5)
      assert.deepEqual(copy, state)
    }),
    { numRuns: 20 },
  )
})

test('process: state and run stay bounded, and what weighs nothing teaches nothing', () => {
  const random = numbers(11)
  const state = emptyProcess()
  const wild = (n: number) => Array.from({ length: n }, () => `kind ${Math.floor(random() * 5000)}`)
  const run = runOf(state, wild(12_000))
  assert.ok(run.kinds.size <= 1024 && run.pairs.size <= 4096 && run.recent.length <= 3)
  learnRun(state, wild(9000))
  assert.ok(state.singles.size <= 1024 && state.pairs.size <= 16_384)
  const before = encode(state)
  for (const weight of [0, -1, Number.NaN]) learnRun(state, wild(5), weight)
  learnRun(state, [])
  assert.deepEqual(encode(state), before)
  for (let i = 0; i < 600; i++) learnRun(state, wild(2))
  assert.ok(state.known.length <= 512 && state.sets.size <= 1024)
})

test('run: the typical surprise is the median, and regular runs cost little', () => {
  const surprises = [0.5, 0.5, 0.5, 3, 90]
  const run = startRun()
  for (const bits of surprises) advance(run, 'x', bits)
  assert.ok(Math.abs(typicalSurprise(run) - 0.5) <= 1 / 8)
  assert.equal(typicalSurprise(startRun()), 0)
  const costs = (kinds: readonly string[]): number => {
    const of = startRun()
    for (const kind of kinds) advance(of, kind, 1)
    return irregularity(of)
  }
  const random = numbers(3)
  const loop = Array.from({ length: 400 }, (_, i) => `${i % 4}`)
  const hurry = loop.map(() => `${Math.floor(random() * 4)}`)
  assert.ok(costs(loop) < 0.5 && Math.abs(costs(hurry) - 2) < 0.3, 'four even kinds are two bits')
  assert.ok(costs(hurry.map(() => 'a')) < costs(loop))
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
