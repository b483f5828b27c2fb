import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '@safeconduct/protocol'
import fc from 'fast-check'
import { decode, encode } from '../../plain.ts'
import type { Signal } from '../detector.ts'
import { extraction, queriesOf } from '../detectors/extraction.ts'
import { underWay } from '../signal.ts'
import { type Asked, askedOf, learnQuery, linkQuery, type QueriesLive } from './asked.ts'
import {
  emptyStream,
  FOUND,
  found,
  gainsOf,
  keepQuery,
  keepStream,
  lookAt,
  type QueryStream,
} from './stream.ts'
import { FOLDED_SIZE, foldVector, unfold, vectorIn } from './vector.ts'

const SIZE = 64

/** Numbers that look random and are the same every time. */
function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A few of many coordinates are large, as in pictures and counts. */
function natural(next: () => number): number[] {
  return Array.from({ length: SIZE }, () => (next() < 0.25 ? next() ** 2 * 4 : 0))
}

function stepped(x: readonly number[], next: () => number): number[] {
  return x.map((value) => value + (next() < 0.5 ? 0.3 : -0.3))
}

interface World {
  readonly live: QueriesLive
  readonly detectors: Map<string, { readonly state: unknown }>
}

const PLAIN: Signal = {
  at: 0,
  tool: 'digits/classify',
  write: false,
  numbers: [],
  parties: [],
  steered: false,
  steering: null,
  place: null,
  proofAge: null,
}

function world(): World {
  return { live: { queries: new Map(), streams: new Map() }, detectors: new Map() }
}

/** One call as the engine takes it: asked, scored, kept, and taught when it settles. @returns bits */
function call(at: World, agent: string, args: JsonValue, owner = 'ann'): number {
  const state = at.detectors.get(agent)?.state ?? extraction.empty()
  at.detectors.set(agent, { state })
  const asked = askedOf(
    {
      tool: PLAIN.tool,
      args,
      owner,
      group: agent.length % 16,
      streamTo: queriesOf({ detectors: new Map([['extraction', state]]) }),
    },
    at.live,
  )
  if (asked === null) return 0
  const signal: Signal = { ...PLAIN, asked }
  const found = extraction.score(state as ReturnType<typeof extraction.empty>, signal, NO_PEERS)
  extraction.attempt?.(state as ReturnType<typeof extraction.empty>, signal, 'allow')
  linkQuery(at.live, asked)
  return found?.bits ?? 0
}

const NO_PEERS = { groups: 0, share: () => 0 }

/** What is usual, from other callers. */
function taught(at: World): World {
  for (let caller = 0; caller < 3; caller++) {
    const next = dice(caller + 1)
    let stream = emptyStream()
    for (let i = 0; i < 150; i++) {
      const query = foldVector(natural(next))
      assert.ok(query !== null)
      const look = lookAt(stream, query)
      learnQuery(at.live, caller, { model: `${PLAIN.tool} ${SIZE}`, own: { look } })
      stream = keepQuery(stream, query, look, { flat: 0, even: 0, far: 0 })
    }
  }
  return at
}

test('steps away from real inputs are found soon, real inputs and repeated ones are not', () => {
  const at = taught(world())
  const next = dice(99)
  const real = Array.from({ length: 300 }, () => natural(next))
  for (const x of real) assert.equal(call(at, 'a', { x }), 0)
  for (let i = 0; i < 300; i++) assert.equal(call(at, 'a', { x: real[i % 7] ?? [] }), 0)
  const first = Array.from({ length: 60 }, (_, i) => call(at, 'a', { x: stepped(real[i] ?? [], next) }))
  const when = first.findIndex((bits) => bits > 0)
  assert.ok(when >= 3 && when < 40, `found after ${when}`)
  assert.equal(Math.max(...first), extraction.cap)
})

test('steps of few coordinates are found, too; one thing changed at a time is not', () => {
  const next = dice(31)
  const real = Array.from({ length: 60 }, () => natural(next))
  const few = (x: readonly number[]) => x.map((value) => (next() < 0.3 ? value + 0.3 : value))
  const one = (x: readonly number[], i: number) => x.map((value, k) => (k === i % SIZE ? value + 0.3 : value))
  const at = taught(world())
  for (const x of real) call(at, 'a', { x })
  assert.equal(Math.max(...real.map((x, i) => call(at, 'a', { x: one(x, i) }))), 0)
  assert.equal(Math.max(...real.map((x) => call(at, 'a', { x: few(x) }))), extraction.cap)
})

test('several agents of one owner are found together, an honest one beside them is left alone', () => {
  const at = taught(world())
  const next = dice(7)
  const real = Array.from({ length: 80 }, () => natural(next))
  real.forEach((x, i) => {
    call(at, `s${'x'.repeat(i % 8)}`, { x })
  })
  let most = 0
  for (let i = 0; i < 80; i++) {
    const bits = call(at, `s${'x'.repeat((i * 3) % 8)}`, { x: stepped(real[i] ?? [], next) })
    most = Math.max(most, bits)
    assert.equal(call(at, 'honest', { x: natural(next) }, 'bob'), 0)
  }
  assert.equal(most, extraction.cap)
  // The honest agent of the same owner asks what honest agents ask.
  assert.equal(call(at, 'sibling', { x: natural(next) }), 0)
})

test('with nobody to compare with nothing is said', () => {
  const at = world()
  const next = dice(5)
  for (let i = 0; i < 120; i++)
    assert.equal(call(at, 'a', { x: i < 40 ? natural(next) : stepped(natural(dice(i % 40)), next) }), 0)
})

test('honest queries bank nothing: a stake never falls below nothing', () => {
  const at = taught(world())
  const next = dice(11)
  for (let i = 0; i < 200; i++) call(at, 'a', { x: natural(next) })
  for (const { stakes } of at.live.streams.values()) {
    assert.ok(stakes.flat >= 0 && stakes.even >= 0 && stakes.far >= 0)
    assert.ok(found(stakes) < FOUND / 4)
  }
})

test('hostile numbers: no throw, no state that is not plain JSON, bounds hold', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      Number.NaN,
      1e308,
      -1e308,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      -0,
      5e-324,
      0,
    ),
    fc.double(),
  )
  fc.assert(
    fc.property(
      fc.array(fc.array(hostile, { minLength: 16, maxLength: 40 }), { maxLength: 40 }),
      (vectors) => {
        const at = taught(world())
        for (const x of vectors) assert.ok(Number.isFinite(call(at, 'a', { x })))
        const state = encode(Object.fromEntries(at.live.streams))
        assert.deepEqual(decode(JSON.parse(JSON.stringify(state))), Object.fromEntries(at.live.streams))
        for (const { kept } of at.live.streams.values())
          for (const query of kept) assert.ok(unfold(query).every(Number.isFinite))
      },
    ),
    { numRuns: 12 },
  )
})

test('a stream in a snapshot goes on bit for bit, and stays small', () => {
  const at = taught(world())
  const next = dice(3)
  for (let i = 0; i < 300; i++) call(at, 'a', { x: natural(next) })
  const [stream] = at.live.streams.values()
  assert.ok(stream !== undefined)
  const text = JSON.stringify(encode(stream))
  assert.ok(text.length < 64 * 1024, `${text.length}`)
  const again = decode(JSON.parse(text)) as QueryStream
  for (let i = 0; i < 50; i++) {
    const query = foldVector(natural(next))
    assert.ok(query !== null)
    const others = () => 0.05
    const step = (s: QueryStream) => {
      const look = lookAt(s, query)
      return keepQuery(s, query, look, gainsOf(s, look, others))
    }
    assert.deepEqual(step(again), step(stream))
  }
})

test('largest state of one model is below 64 kB', () => {
  const next = dice(8)
  let stream = emptyStream()
  for (let i = 0; i < 400; i++) {
    const query = foldVector(Array.from({ length: 4096 }, () => (next() - 0.5) * 1.234567e-7))
    assert.ok(query !== null && query.levels.length === FOLDED_SIZE)
    stream = keepQuery(stream, query, lookAt(stream, query), { flat: 0, even: 0, far: 0 })
  }
  const bytes = JSON.stringify(encode(stream)).length
  assert.ok(bytes < 64 * 1024, `${bytes}`)
})

test('what is kept while a call is under way holds none of its numbers', () => {
  const at = taught(world())
  const x = natural(dice(4))
  const asked: Asked | null = askedOf(
    { tool: 't', args: { x }, owner: 'o', group: 0, streamTo: () => emptyStream() },
    at.live,
  )
  assert.ok(asked !== null)
  const kept = underWay({ ...PLAIN, asked })
  assert.equal(kept.asked, undefined)
  assert.doesNotMatch(JSON.stringify(kept), /levels/)
})

test('lists of numbers are found where they are, in bounded time; folding keeps equal steps equal', () => {
  const x = Array.from({ length: 20 }, (_, i) => i)
  assert.deepEqual(vectorIn({ a: { b: [{ features: x }] } }), x)
  assert.deepEqual(vectorIn({ image: [x, x] }), [...x, ...x])
  assert.equal(vectorIn({ few: [1, 2, 3], text: 'x', mixed: [...x, 'y'] }), null)
  assert.equal(vectorIn(null), null)
  let deep: JsonValue = x
  for (let i = 0; i < 50; i++) deep = { deep }
  assert.equal(vectorIn(deep), null)
  const words = Array.from({ length: 5000 }, () => 'a')
  const wide: JsonValue = Array.from({ length: 5000 }, () => ({ a: words }))
  assert.equal(vectorIn({ wide }), null)
  const query = foldVector([...x, 1e308])
  assert.ok(query !== null)
  // One huge number does not flatten the others.
  assert.ok(new Set(query.levels).size > 15)
})

test('asking for other things wipes out no stream that speaks against the caller', () => {
  const staked = (far: number): QueryStream => ({ ...emptyStream(), stakes: { flat: 0, even: 0, far } })
  const kept = new Map<string, QueryStream>()
  keepStream(kept, 'attack', staked(12), 3)
  for (let i = 0; i < 10; i++) keepStream(kept, `other ${i}`, staked(i % 2), 3)
  assert.deepEqual([...kept.keys()], ['attack', 'other 8', 'other 9'])
  for (let i = 0; i < 3; i++) keepStream(kept, `more ${i}`, staked(20 + i), 3)
  assert.deepEqual([...kept.keys()], ['more 0', 'more 1', 'more 2'], 'the least of many goes')
})
