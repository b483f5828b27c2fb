import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apply } from './apply.ts'
import { decide } from './decide.ts'
import { call, world } from './testing/world.ts'

test('a read inside the errand is allowed', () => {
  const { state, tenant } = world()
  const { decision, events } = decide(state, call({ args: { symbol: 'ACME' } }))
  console.log(JSON.stringify(decision, null, 1))
  for (const event of events) apply(tenant, event)
  assert.equal(decision.outcome, 'allow')
  for (const [tool, args] of [['place_order', { symbol: 'ACME', quantity: 10, limit: 12.5 }], ['transfer_money', { recipient: 'bob@example.com', amount: 50 }], ['save_watchlist', { rank: 1 }], ['transfer_money', { recipient: 'eve@example.com', amount: 50 }]] as const) {
    const d = decide(state, call({ tool, args }))
    console.log(tool, d.decision.outcome, d.decision.why, d.decision.counterfactual, d.decision.evidence)
    for (const event of d.events) apply(tenant, event)
  }
  for (const t of tenant.directory.tools.values()) console.log(t.action, t.groups, t.impact, t.roles.reversible, t.roles.openWorld, t.roles.classes, JSON.stringify(t.roles.args))
})
