import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '@safeconduct/protocol'
import { encode } from './plain.ts'
import { capture, restore } from './snapshot.ts'
import { createState, emptyAgent, emptyLive, tenantState } from './state.ts'

test('every map of the live state is in a snapshot and comes back', () => {
  const tenant = tenantState(createState(), 't')
  const live = tenant.live as unknown as Record<string, unknown>
  const maps = Object.entries(live).filter(([, value]) => value instanceof Map)
  assert.ok(maps.length >= 14)
  for (const [name, map] of maps) {
    const value = name === 'agents' ? emptyAgent(1) : [name, 0.1, -0]
    ;(map as Map<string, unknown>).set('one', value)
  }
  tenant.live.seq = 7
  const pieces = [...capture(tenant).pieces].map((piece) => JSON.parse(JSON.stringify(piece)) as JsonValue)
  const back = restore(pieces)
  assert.ok(back !== null)
  assert.deepEqual(encode(back), encode(tenant.live))
  assert.deepEqual(Object.keys(back), Object.keys(emptyLive()))
})
