import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agent, START, setup, TENANT, world } from '../testing/world.ts'
import { askPolicy, type PolicyQuery } from './question.ts'

const POLICIES = {
  agentPolicies: `
    @id("a") permit (principal is Agent, action == Action::"market/place_order", resource) when { context.args.quantity < 10 };
    @id("b") permit (principal is Agent, action, resource is Resource) when { context.task.purpose == "audit" };`,
  userPolicies: '@id("u") permit (principal == User::"user-1", action, resource);',
}

test('agent and user are intersected, a user alone is asked alone, and nothing is moved', () => {
  const of = world(setup([], POLICIES))
  const before = JSON.stringify([...of.tenant.live.agents.keys()])
  const ask = (more: Partial<PolicyQuery>) =>
    askPolicy(of.state, {
      tenant: TENANT,
      at: START,
      agent: 'agent-1',
      user: 'user-1',
      action: 'market/place_order',
      args: { quantity: 3 },
      ...more,
    })
  assert.equal(ask({}).outcome, 'allow')
  assert.deepEqual(ask({}), ask({}))
  assert.equal(ask({ args: { quantity: 30 } }).outcome, 'deny')
  assert.equal(ask({ user: 'user-2' }).outcome, 'deny')
  assert.equal(ask({ agent: null }).outcome, 'allow')
  assert.equal(ask({ agent: null, user: 'user-2' }).outcome, 'deny')
  assert.equal(ask({ agent: null, user: null }).outcome, 'deny')
  assert.equal(ask({ agent: 'nobody' }).outcome, 'deny')
  assert.equal(ask({ tenant: 't2' }).outcome, 'deny')
  const report = { action: 'read_report', resource: { type: 'Resource', id: 'market:q3' }, args: {} }
  assert.equal(ask({ ...report, purpose: 'audit' }).outcome, 'allow')
  assert.equal(ask(report).outcome, 'deny')
  of.tell({ type: 'agent', agent: agent({ status: 'disabled' }) })
  assert.equal(ask({}).outcome, 'deny')
  assert.equal(JSON.stringify([...of.tenant.live.agents.keys()]), before)
})
