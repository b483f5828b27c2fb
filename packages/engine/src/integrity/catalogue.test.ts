import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PinnedTool } from '@safeconduct/protocol'
import { knownTool, toolsRevision } from './catalogue.ts'

const pin: PinnedTool = {
  tenant: 't',
  id: 'pumps/pump_status',
  version: 1,
  server: 'pumps',
  name: 'pump_status',
  digest: 'sha256:1',
  definition: {
    name: 'pump_status',
    description: 'Show the status of a pump. Support: help@pumps.example.',
    inputSchema: { type: 'object', properties: { pump: { type: 'string' } } },
  },
  status: 'active',
  reason: null,
  proposed: null,
  proposedDigest: null,
  firstSeen: 0,
}

test('an operator’s correction rules groups and impact, and shows in the revision', () => {
  const derived = knownTool(pin, undefined)
  const told = knownTool({ ...pin, corrections: { effect: 'write', destructive: true } }, undefined)
  assert.deepEqual([derived.write, derived.groups], [false, ['read']])
  assert.deepEqual([told.write, told.groups, told.impact], [true, ['write', 'destructive'], 100])
  const revision = (tool: typeof derived): string =>
    toolsRevision({ tools: new Map([[pin.id, tool]]), revision: null })
  assert.notEqual(revision(derived), revision(told))
})

test('addresses of the definition are kept as words of the server', () => {
  assert.equal(knownTool(pin, undefined).spoken?.text, 'help@pumps.example')
})
