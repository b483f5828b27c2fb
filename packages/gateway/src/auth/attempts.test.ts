import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAttemptBook } from './attempts.ts'

const MINUTE = 60_000

function book() {
  let now = 1_700_000_000_000
  const attempts = createAttemptBook({ now: () => now })
  return {
    attempts,
    now: () => now,
    wait(ms: number) {
      now += ms
    },
  }
}

test('trouble is told to the agent and the address that had it, and to nobody else', () => {
  const at = book()
  assert.equal(at.attempts.around('a', '192.0.2.1'), undefined)
  at.attempts.replayed('a')
  at.attempts.unproven('a')
  at.attempts.unproven('a')
  for (const client of ['x', 'y', 'x']) at.attempts.failed('192.0.2.1', client)
  at.attempts.failed(null, 'z')
  at.attempts.failed('127.0.0.1', 'z')
  const found = { replayed: 1, unproven: 2, latest: at.now(), clientsHere: 2, latestHere: at.now() }
  assert.deepEqual(at.attempts.around('a', '192.0.2.1'), found)
  assert.equal(at.attempts.around('b', null), undefined)
  assert.equal(at.attempts.around('b', '127.0.0.1'), undefined)
  assert.equal(at.attempts.around('b', '192.0.2.1')?.replayed, 0)
  assert.equal(at.attempts.around('a', '192.0.2.2')?.clientsHere, 0)
})

test('what is over is over, and counts begin anew', () => {
  const at = book()
  at.attempts.replayed('a')
  at.wait(14 * MINUTE)
  at.attempts.replayed('a')
  assert.equal(at.attempts.around('a', null)?.replayed, 2)
  at.wait(2 * MINUTE)
  at.attempts.replayed('a')
  assert.equal(at.attempts.around('a', null)?.replayed, 1)
  at.wait(16 * MINUTE)
  assert.equal(at.attempts.around('a', null), undefined)
})

test('a flood of names and addresses stays bounded', () => {
  const at = book()
  for (let i = 0; i < 10_000; i++) {
    at.attempts.failed(`2001:db8::${i.toString(16)}`, 'x')
    at.attempts.failed('192.0.2.1', 'c'.repeat(i))
    at.attempts.unproven(`agent-${i}`)
  }
  assert.equal(at.attempts.around('n', '192.0.2.1')?.clientsHere, 64)
  assert.equal(at.attempts.around('agent-0', null), undefined)
  assert.equal(at.attempts.around('agent-9999', null)?.unproven, 1)
})
