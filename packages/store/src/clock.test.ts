import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClock } from './clock.ts'
import { clockConformance } from './conformance/ports.ts'

clockConformance('wall', createClock)

test('reads the wall clock by default', () => {
  const before = Date.now()
  const now = createClock().now()
  assert.ok(now >= before && now <= Date.now())
})
