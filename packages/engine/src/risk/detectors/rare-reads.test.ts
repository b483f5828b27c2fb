import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from '../../plain.ts'
import { NO_PEERS } from '../behaviour/peers.ts'
import type { Signal } from '../detector.ts'
import { rareReads } from './rare-reads.ts'

let things = 1
function signal(tool: string, extra: Partial<Signal> = {}): Signal {
  return {
    at: 0,
    tool: `desk/${tool}`,
    write: tool === 'pay',
    numbers: [],
    parties: [],
    targets: [things++],
    steered: false,
    steering: null,
    place: null,
    proofAge: null,
    ...extra,
  }
}

/** mulberry32 */
function random(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const usual = (chance: number, share: number): string =>
  chance < share ? 'search' : chance < 0.5 ? 'list' : 'pay'

function enrolled(calls: number, share: number, chance = random(1)) {
  const state = rareReads.empty()
  for (let i = 0; i < calls; i++) {
    const one = signal(usual(chance(), share))
    rareReads.attempt?.(state, one, 'allow')
    rareReads.settled?.(state, one)
  }
  return state
}

const bits = (state: ReturnType<typeof enrolled>, one: Signal, peers = NO_PEERS) =>
  rareReads.score(state, one, peers)?.bits ?? 0

test('a slow collector is found by the share of its reads, however long it waits and whatever it does in between', () => {
  const state = enrolled(400, 0.015)
  const found: number[] = []
  for (let i = 0; i < 10; i++) {
    for (const between of ['list', 'pay', 'list', 'pay'])
      rareReads.attempt?.(state, signal(between, { at: i * 86_400_000 }), 'allow')
    const one = signal('search', { at: i * 86_400_000 })
    found.push(bits(state, one))
    rareReads.attempt?.(state, one, 'allow')
  }
  assert.deepEqual(found.slice(0, 2), [0, 0], 'two say nothing')
  assert.ok((found.at(-1) ?? 0) > 3, found.join(' '))
  assert.equal(bits(state, signal('list')), 0, 'it speaks of such reads only')
  assert.equal(bits(state, signal('pay')), 0)
})

test('with the share that was settled, the bets pay as seldom as they promise', () => {
  for (const share of [0.005, 0.015, 0.04]) {
    const chance = random(7)
    const state = enrolled(1000, share, chance)
    const calls = 30_000
    // 6 bits are chance: 2 more are reached once in 2^8 calls at most.
    const passed = [0, 0, 0]
    for (let i = 0; i < calls; i++) {
      const one = signal(usual(chance(), share))
      const said = bits(state, one)
      ;[1, 2, 4].forEach((least, k) => {
        if (said >= least) passed[k] = (passed[k] ?? 0) + 1
      })
      rareReads.attempt?.(state, one, 'allow')
    }
    ;[1, 2, 4].forEach((least, k) => {
      assert.ok((passed[k] ?? 0) <= calls / 2 ** (6 + least), `${share}: ${passed.join(' ')}`)
    })
  }
})

test('nothing is said of a new agent, and of a read that the agent makes often', () => {
  const fresh = enrolled(60, 0.02)
  for (let i = 0; i < 20; i++) rareReads.attempt?.(fresh, signal('search'), 'allow')
  assert.equal(bits(fresh, signal('search')), 0)
  const reader = enrolled(400, 0.2)
  for (let i = 0; i < 60; i++) rareReads.attempt?.(reader, signal('search'), 'allow')
  assert.equal(bits(reader, signal('search')), 0)
})

test('what peers do counts beside the own calls; rotating through many tools does not help', () => {
  const state = enrolled(150, 0.01)
  for (let i = 0; i < 2; i++) rareReads.attempt?.(state, signal('search'), 'allow')
  const alone = bits(state, signal('search'))
  const share = (often: number) => ({
    groups: 5,
    share: (name: string) => (name === 'desk/search' ? often : 0),
  })
  assert.ok(bits(state, signal('search'), share(0.05)) < alone)
  assert.ok(bits(state, signal('search'), share(0.001)) >= alone)
  const rotating = enrolled(400, 0.015)
  for (let i = 0; i < 8; i++) rareReads.attempt?.(rotating, signal(`other-${i}`), 'allow')
  assert.ok(bits(rotating, signal('other-9')) > 3)
})

/** An agent that uses so many read tools, the k-th as often as its place to the power of -skew says. */
function habit(tools: number, skew: number, chance: () => number): () => Signal {
  const weights = Array.from({ length: tools }, (_, i) => (i + 1) ** -skew)
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  return () => {
    let left = chance() * all
    const at = weights.findIndex((weight) => {
      left -= weight
      return left <= 0
    })
    return signal(`read-${at}`)
  }
}

test('however many tools it reads with and however evenly, working on as ever alarms no oftener than promised', () => {
  const LEAST = [0, 1, 2, 4]
  const passed = LEAST.map(() => 0)
  let all = 0
  for (const settled of [140, 200, 600])
    for (const skew of [0, 0.5, 1, 2])
      for (const tools of [1, 5, 20, 22, 40, 100, 200]) {
        let [here, calls] = [0, 0]
        for (let seed = 1; seed <= 6; seed++) {
          const state = rareReads.empty()
          const next = habit(tools, skew, random(seed * 97 + tools))
          for (let i = 0; i < settled; i++) rareReads.settled?.(state, next())
          // Not learned from: the measure is as few calls as were settled.
          for (let i = 0; i < 200; i++) {
            const one = next()
            const said = bits(state, one)
            LEAST.forEach((least, k) => {
              if (said > least) passed[k] = (passed[k] ?? 0) + 1
            })
            if (said > 0) here++
            rareReads.attempt?.(state, one, 'allow')
            calls++
          }
        }
        assert.ok(
          here <= calls / 2 ** 6,
          `${settled} settled, ${tools} tools, skew ${skew}: ${here} of ${calls}`,
        )
        all += calls
      }
  LEAST.forEach((least, k) => {
    assert.ok((passed[k] ?? 0) <= all / 2 ** (6 + least), `${passed.join(' ')} of ${all}`)
  })
})

test('tools that are all used little are not rare; one that is used far less than they is', () => {
  const chance = random(3)
  const state = rareReads.empty()
  const next = habit(40, 0, chance)
  for (let i = 0; i < 1000; i++) rareReads.settled?.(state, i % 200 === 199 ? signal('export') : next())
  let said = 0
  for (let i = 0; i < 30; i++) {
    for (let own = 0; own < 4; own++) {
      const one = next()
      if (bits(state, one) > 0) said++
      rareReads.attempt?.(state, one, 'allow')
    }
    if (i >= 10) rareReads.attempt?.(state, signal('export'), 'allow')
  }
  assert.ok(said <= 2, `${said} of 120`)
  assert.ok(bits(state, signal('export')) > 3)
})

test('bursts that were settled are granted; asking again for what waits adds nothing; a person may have looked', () => {
  const bursty = enrolled(400, 0)
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 160; i++)
      rareReads.settled?.(bursty, signal(i < 6 ? 'search' : i % 2 === 0 ? 'pay' : 'list'))
  }
  const calm = enrolled(5000, 6 / 160)
  for (const state of [bursty, calm])
    for (let i = 0; i < 5; i++) rareReads.attempt?.(state, signal('search'), 'allow')
  assert.ok(bits(bursty, signal('search')) < bits(calm, signal('search')))

  const state = enrolled(400, 0.015)
  for (let i = 0; i < 20 && bits(state, signal('search')) === 0; i++)
    rareReads.attempt?.(state, signal('search'), 'allow')
  const waits = signal('search')
  const once = bits(state, waits)
  rareReads.attempt?.(state, waits, 'approval')
  for (let i = 0; i < 9; i++) rareReads.attempt?.(state, waits, 'approval')
  assert.equal(bits(state, waits), once)
  const others = [signal('search'), signal('search')]
  const more = bits(state, signal('search'))
  assert.ok(more > once, 'another one is another one')
  for (const other of others) rareReads.attempt?.(state, other, 'approval')
  while (state.recent.length > 100) state.recent.shift()
  const three = structuredClone(state.recent)
  for (let i = 0; i < 40; i++)
    for (const one of [waits, ...others]) rareReads.attempt?.(state, { ...one, at: i }, 'approval')
  assert.deepEqual(state.recent, three, 'several that wait, asked for in turn, are as many as they are')
  rareReads.attempt?.(state, waits, 'allow')
  assert.deepEqual(state.recent, three, 'and let through at last it is the same one')
  rareReads.attempt?.(state, waits, 'allow')
  assert.equal(state.recent.length, three.length + 1, 'made once more it is another one')
  rareReads.looked?.(state)
  assert.equal(bits(state, signal('search')), 0)
})

test('read back, it says the same', () => {
  const state = enrolled(300, 0.02)
  for (let i = 0; i < 6; i++) rareReads.attempt?.(state, signal('search'), i === 3 ? 'deny' : 'allow')
  const copy = decode(JSON.parse(JSON.stringify(encode(state)))) as typeof state
  const probe = signal('search')
  assert.deepEqual(rareReads.score(copy, probe, NO_PEERS), rareReads.score(state, probe, NO_PEERS))
  assert.ok(bits(copy, probe) > 0)
})
