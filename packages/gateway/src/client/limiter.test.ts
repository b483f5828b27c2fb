import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { createLimiter } from './limiter.ts'

const code = (attempt: () => unknown): string => {
  try {
    attempt()
    return 'entered'
  } catch (error) {
    return isSafeconductError(error) ? error.code : 'other'
  }
}

describe('the limiter', () => {
  it('refuses by key before it is full, and all when it is', () => {
    const limiter = createLimiter(3, 2)
    limiter.enter('a')
    limiter.enter('a')
    assert.equal(
      code(() => limiter.enter('a')),
      'rate_limited',
    )
    limiter.enter('b')
    assert.equal(
      code(() => limiter.enter('b')),
      'overloaded',
    )
  })

  it('gives a place back once, however often it is left', () => {
    const limiter = createLimiter(1, 1)
    const leave = limiter.enter('a')
    leave()
    leave()
    assert.equal(limiter.size, 0)
    limiter.enter('a')
    assert.equal(
      code(() => limiter.enter('b')),
      'overloaded',
    )
  })

  it('never lets more in than it may', () => {
    const steps = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), enter: fc.boolean() }))
    fc.assert(
      fc.property(steps, (list) => {
        const limiter = createLimiter(4, 2)
        const inside: { key: string; leave: () => void }[] = []
        for (const { key, enter } of list) {
          if (!enter) inside.shift()?.leave()
          else if (code(() => inside.push({ key, leave: limiter.enter(key) })) !== 'entered') {
            const mine = inside.filter((place) => place.key === key).length
            assert.ok(mine === 2 || inside.length === 4)
          }
          assert.equal(limiter.size, inside.length)
          assert.ok(inside.length <= 4)
        }
      }),
    )
  })
})
