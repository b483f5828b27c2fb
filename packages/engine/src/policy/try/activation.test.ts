import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCheck } from '../../checks/index.ts'
import { call, host, ok, policy, TENANT } from '../../testing/world.ts'
import { STARTER_POLICIES } from '../starter.ts'

test('activation while calls are under way: each call is ruled by one version as a whole, and none is lost', async () => {
  const at = host()
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  at.ports.ledger.gate = gate
  const before = policy()
  const none = { agentPolicies: '@id("none") forbid (principal, action, resource);', userPolicies: '' }
  const after = policy(none, { id: 'pv_none' })
  // Turns are taken a little later than asked: keys have to be loaded first.
  const ask = () => at.decider.prepare(call())
  const early = Array.from({ length: 10 }, ask)
  while (at.ports.ledger.rows.length < 10) await new Promise((resolve) => setImmediate(resolve))
  at.decider.control({ type: 'policy', tenant: TENANT, version: after })
  const late = Array.from({ length: 10 }, ask)
  open()
  for (const { decision, forward } of await Promise.all(early)) {
    assert.deepEqual([decision.outcome, decision.revisions.policy, forward], ['allow', before.digest, true])
    await at.decider.settle(decision.id, ok())
  }
  for (const { decision, forward } of await Promise.all(late)) {
    assert.deepEqual([decision.outcome, decision.revisions.policy, forward], ['deny', after.digest, false])
    assert.deepEqual(decision.policies, [{ layer: 'agent', id: 'none', effect: 'forbid' }])
  }
})

test('a version that is not strictly valid against the tools of now is refused before anything changes', () => {
  const at = host()
  for (const broken of ['permit (', 'permit (principal, action == Action::"market/none", resource);']) {
    const source = { ...STARTER_POLICIES, agentPolicies: broken }
    const job = { kind: 'policy', source, schema: at.decider.schemaParts(TENANT) } as const
    assert.throws(() => runCheck(job), { code: 'policy_invalid' })
  }
  assert.equal(at.decider.dry(call()).outcome, 'allow')
})
