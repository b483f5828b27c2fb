import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDryLimit } from './dry-limit.ts'

const AGENT = { tenant: 't', agent: 'a' }
const OTHER = { tenant: 't', agent: 'b' }

function limited(at = 0) {
  const clock = { at, now: () => clock.at }
  return { clock, limit: createDryLimit(clock) }
}

const asked = (limit: ReturnType<typeof createDryLimit>, times: number, refused: boolean) => {
  let count = 0
  try {
    for (; count < times; count++) {
      limit.ask(AGENT, 1)
      if (refused) limit.refused(AGENT)
    }
  } catch {
    return count
  }
  return count
}

describe('dry questions of an agent', () => {
  it('are bounded, far fewer where they are refused, and each agent has its own room', () => {
    assert.equal(asked(limited().limit, 1000, false), 120)
    assert.equal(asked(limited().limit, 1000, true), 24)
    const { limit } = limited()
    asked(limit, 1000, false)
    limit.ask(OTHER, 120)
    assert.throws(() => limit.ask(AGENT, 1), { code: 'rate_limited', details: { retry_after: 1 } })
  })

  it('come back with time, and no more than there is room for; a clock that goes back gives nothing', () => {
    const { clock, limit } = limited()
    asked(limit, 1000, false)
    clock.at = 10_000
    assert.equal(asked(limit, 1000, false), 10)
    clock.at = 5_000
    assert.equal(asked(limit, 1000, false), 0)
    clock.at = 1_000_000_000
    assert.equal(asked(limit, 1000, false), 120)
  })

  it('of a large batch are owed for', () => {
    const { clock, limit } = limited()
    limit.ask(AGENT, 1000)
    clock.at = 120_000
    assert.throws(() => limit.ask(AGENT, 1), { code: 'rate_limited' })
  })
})
