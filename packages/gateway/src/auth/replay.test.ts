import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { createReplaySet } from './replay.ts'

describe('the set of used proofs', () => {
  it('takes a key once', () => {
    const set = createReplaySet()
    assert.equal(set.claim('a', 60_000, 0), true)
    assert.equal(set.claim('a', 60_000, 1), false)
    assert.equal(set.claim('b', 60_000, 1), true)
  })

  it('finds a key again under another expiry', () => {
    const set = createReplaySet()
    set.claim('a', 60_000, 0)
    assert.equal(set.claim('a', 90_000, 0), false)
  })

  it('refuses when full and forgets nothing that has not expired', () => {
    const set = createReplaySet(2)
    set.claim('a', 60_000, 0)
    set.claim('b', 60_000, 0)
    assert.throws(
      () => set.claim('c', 60_000, 0),
      (error) => isSafeconductError(error) && error.code === 'overloaded',
    )
    assert.equal(set.claim('a', 60_000, 0), false)
    assert.equal(set.claim('c', 200_000, 100_000), true)
    assert.equal(set.size, 1)
  })

  it('never takes a key twice before it expires, in whatever order the times come', () => {
    const claims = fc.array(
      fc.record({ key: fc.constantFrom('a', 'b', 'c'), life: fc.nat(50_000), pause: fc.nat(20_000) }),
    )
    fc.assert(
      fc.property(claims, (list) => {
        const set = createReplaySet()
        const until = new Map<string, number>()
        let now = 0
        for (const { key, life, pause } of list) {
          now += pause
          const fresh = set.claim(key, now + life, now)
          if ((until.get(key) ?? 0) > now) assert.equal(fresh, false)
          if (fresh) until.set(key, now + life)
        }
      }),
    )
  })
})
