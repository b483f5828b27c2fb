import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLimiter } from './limiter.ts'

describe('the limiter', () => {
  it('lets so many through a minute, and the next minute again', () => {
    const clock = { time: 0, now: () => clock.time }
    const allowed = createLimiter(clock, 2)
    assert.deepEqual([allowed(), allowed(), allowed()], [true, true, false])
    clock.time = 59_999
    assert.equal(allowed(), false)
    clock.time = 60_000
    assert.deepEqual([allowed(), allowed(), allowed()], [true, true, false])
  })
})
