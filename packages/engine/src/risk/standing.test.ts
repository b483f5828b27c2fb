import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyAgent } from '../state.ts'
import { agent, START, world } from '../testing/world.ts'
import { standing } from './standing.ts'

test('whoever is below a lowered agent is lowered with it, however well it stands itself', () => {
  const { tenant } = world()
  const above = emptyAgent(START)
  tenant.live.agents.set('above', above)
  const level = () => standing(tenant, ['agent-1', 'above'], [], START, 'key').trust
  assert.equal(level(), 'standard')
  above.trust = { level: 'suspended', since: START, alarmedAt: START, why: 'w' }
  assert.equal(level(), 'suspended')
  tenant.live.agents.delete('above')
  tenant.directory.agents.set('above', agent({ id: 'above', name: 'above', trustCeiling: 'limited' }))
  assert.equal(level(), 'limited', 'a ceiling that a person set counts below, too')
})
