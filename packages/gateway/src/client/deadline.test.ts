import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { createDeadline, type Deadline } from './deadline.ts'

let deadline: Deadline
const also = () => new AbortController()
const timedOut = () =>
  isSafeconductError(deadline.signal.reason) && deadline.signal.reason.code === 'upstream_timeout'

describe('the deadline of a call', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => {
    deadline.stop()
    mock.timers.reset()
  })

  it('is silence', () => {
    deadline = createDeadline(100, 10_000, [])
    mock.timers.tick(99)
    assert.equal(deadline.signal.aborted, false)
    mock.timers.tick(1)
    assert.ok(timedOut())
  })

  it('does not count while the client is asked, and counts anew afterwards', () => {
    deadline = createDeadline(100, 10_000, [])
    deadline.pause()
    deadline.pause()
    mock.timers.tick(500)
    deadline.resume()
    mock.timers.tick(500)
    assert.equal(deadline.signal.aborted, false)
    deadline.resume()
    mock.timers.tick(100)
    assert.ok(timedOut())
  })

  it('is also the whole, however much is said', () => {
    deadline = createDeadline(100, 250, [])
    deadline.pause()
    mock.timers.tick(250)
    assert.ok(timedOut())
  })

  it('is also whatever else ends the call, with that reason', () => {
    const other = also()
    deadline = createDeadline(100, 250, [other.signal])
    other.abort('gone')
    assert.equal(deadline.signal.reason, 'gone')
  })

  it('is over when it is stopped', () => {
    deadline = createDeadline(100, 250, [])
    deadline.stop()
    mock.timers.tick(1_000)
    assert.equal(deadline.signal.aborted, false)
  })
})
