import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../decide.ts'
import { agent, call, epoch, grant, link, setup, TENANT, task, world } from '../testing/world.ts'

const ALL = 'permit (principal, action, resource);'
const only = (...ids: string[]) =>
  ids.map((id) => `@id("${id}") permit (principal == Agent::"${id}", action, resource);`).join('\n')

/** `boss` handed the errand of `user-1` on to `agent-1`, which calls. */
function handedOn(agentPolicies: string, userPolicies = ALL) {
  const events = setup(
    [
      { type: 'epoch', tenant: TENANT, ref: epoch('agent', 'boss') },
      { type: 'agent', agent: agent({ id: 'boss', name: 'boss' }) },
      { type: 'task', task: task({ agent: 'boss' }) },
      { type: 'epoch', tenant: TENANT, ref: epoch('delegation', 'link-1') },
      { type: 'delegation', delegation: link({ from: 'boss', to: 'agent-1' }) },
    ],
    { agentPolicies, userPolicies },
  )
  const base = grant({ via: ['boss'] })
  const handed = { ...base, epochs: [...base.epochs, epoch('delegation', 'link-1')] }
  return decide(world(events).state, call({ grant: handed })).decision
}

test('policy must permit every agent of the chain, and no other', () => {
  assert.equal(handedOn(only('agent-1', 'boss')).outcome, 'allow')
  assert.deepEqual(
    handedOn(only('agent-1', 'boss'))
      .policies.filter(({ layer }) => layer === 'agent')
      .map(({ id }) => id),
    ['agent-1', 'boss'],
  )
  for (const permitted of [only('agent-1'), only('boss'), only('agent-2')])
    assert.equal(handedOn(permitted).outcome, 'deny', permitted)
})

test('what forbids one of the chain, or cannot be evaluated for it, denies the call', () => {
  const forbid = (when: string) => `@id("no") forbid (principal == Agent::"boss", action, resource) ${when};`
  const forbidden = handedOn(`${ALL} ${forbid('')}`)
  assert.equal(forbidden.outcome, 'deny')
  assert.deepEqual(
    forbidden.policies.filter(({ effect }) => effect === 'forbid').map(({ id }) => id),
    ['no'],
  )
  const overflow = 'when { context.chain.depth + 9223372036854775807 > 0 }'
  const erring = handedOn(`${ALL} ${forbid(overflow)}`)
  assert.deepEqual(
    erring.policyErrors.map(({ layer, id }) => [layer, id]),
    [['agent', 'no']],
  )
  assert.equal(erring.outcome, 'deny')
})

test('the rights of agents never stand in for the user’s, nor the other way round', () => {
  const user = 'permit (principal == User::"user-1", action, resource);'
  assert.equal(handedOn(ALL, user).outcome, 'allow')
  assert.equal(handedOn(ALL, only('agent-1', 'boss')).outcome, 'deny')
  assert.equal(handedOn(ALL, '').outcome, 'deny')
  assert.equal(handedOn(user, ALL).outcome, 'deny')
})
