import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError, SafeconductError } from '@safeconduct/protocol'
import { identity } from '../testing/world.ts'
import { createRegistry } from './registry.ts'

const revoked = new SafeconductError('revoked')
const refuses = (code: string, attempt: () => unknown) =>
  assert.throws(attempt, (error) => isSafeconductError(error) && error.code === code)

describe('what is under way', () => {
  it('is ended by a review that does not keep it, with the reason', () => {
    const registry = createRegistry()
    const mine = registry.begin(identity(), 'market')
    const other = registry.begin(identity({ agent: 'agent-2' }), 'market')
    registry.review((entry) => entry.identity().grant.agent !== 'agent-1', revoked)
    assert.equal(mine.signal.reason, revoked)
    assert.equal(other.signal.aborted, false)
  })

  it('is looked at with the identity it has now', () => {
    const registry = createRegistry()
    let agent = 'agent-1'
    const entry = registry.begin(() => identity({ agent }), 'market')
    agent = 'agent-2'
    registry.review(({ identity: now }) => now().grant.agent !== 'agent-1', revoked)
    assert.equal(entry.signal.aborted, false)
  })

  it('is limited, all together and per principal', () => {
    const registry = createRegistry({ max: 3, perPrincipal: 2 })
    registry.begin(identity(), 'a')
    const second = registry.begin(identity({ id: 'another-token' }), 'b')
    refuses('rate_limited', () => registry.begin(identity(), 'c'))
    second.end()
    registry.begin(identity(), 'c')
    registry.begin(identity({ user: 'user-2' }), 'a')
    refuses('overloaded', () => registry.begin(identity({ user: 'user-3' }), 'a'))
  })

  it('takes no more once closed', () => {
    const registry = createRegistry()
    const entry = registry.begin(identity(), 'a')
    registry.close(revoked)
    assert.equal(entry.signal.reason, revoked)
    refuses('shutting_down', () => registry.begin(identity(), 'a'))
  })

  it('is waited for, and ended only when it takes too long', async () => {
    const quick = createRegistry()
    const first = quick.begin(identity(), 'a')
    const drained = quick.drain(60_000, revoked)
    first.end()
    await drained
    assert.equal(first.signal.aborted, false)

    const slow = createRegistry()
    const second = slow.begin(identity(), 'a')
    second.signal.addEventListener('abort', () => second.end())
    await slow.drain(1, revoked)
    assert.equal(second.signal.reason, revoked)
    assert.equal(slow.size, 0)
  })

  it('drains at once when there is nothing', async () => {
    await createRegistry().drain(60_000, revoked)
  })
})
