import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { createReplaySet, type UsedProof } from './replay.ts'

const [A, B, C] = ['a', 'b', 'c'].map((id) => ({ holder: 'one', id })) as [UsedProof, UsedProof, UsedProof]

describe('the set of used proofs', () => {
  it('takes a key once', () => {
    const set = createReplaySet()
    assert.equal(set.claim(A, 60_000, 0), true)
    assert.equal(set.claim(A, 60_000, 1), false)
    assert.equal(set.claim(B, 60_000, 1), true)
  })

  it('finds a key again under another expiry', () => {
    const set = createReplaySet()
    set.claim(A, 60_000, 0)
    assert.equal(set.claim(A, 90_000, 0), false)
  })

  it('refuses when full and forgets nothing that has not expired', () => {
    const set = createReplaySet(2, 3)
    set.claim(A, 60_000, 0)
    set.claim(B, 60_000, 0)
    assert.throws(
      () => set.claim(C, 60_000, 0),
      (error) => isSafeconductError(error) && error.code === 'overloaded',
    )
    assert.equal(set.claim(A, 60_000, 0), false)
    assert.equal(set.claim(C, 200_000, 100_000), true)
    assert.equal(set.size, 1)
  })

  it('tells holders apart, and shuts out only the one that used up its share', () => {
    const set = createReplaySet(100, 2)
    assert.equal(set.claim(A, 60_000, 0), true)
    assert.equal(set.claim({ holder: 'two', id: A.id }, 60_000, 0), true)
    set.claim(B, 60_000, 0)
    assert.throws(
      () => set.claim(C, 60_000, 0),
      (error) => isSafeconductError(error) && error.code === 'rate_limited',
    )
    assert.equal(set.claim({ holder: 'two', id: C.id }, 60_000, 0), true)
    assert.equal(set.claim(C, 200_000, 100_000), true, 'the share is free again once what filled it expired')
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
          const fresh = set.claim({ holder: 'one', id: key }, now + life, now)
          if ((until.get(key) ?? 0) > now) assert.equal(fresh, false)
          if (fresh) until.set(key, now + life)
        }
      }),
    )
  })
})
