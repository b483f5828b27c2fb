import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicies } from '../source/parse.ts'
import { EntityUid } from '../values.ts'
import { compilePolicy } from './policy.ts'
import { PolicyIndex } from './policy-index.ts'

const text = `
  permit(principal, action == Action::"read", resource is Doc);
  permit(principal, action, resource == Folder::"x");
  permit(principal, action in [Action::"read", Action::"write"], resource);
  forbid(principal, action == Action::"write", resource);
  permit(principal, action, resource in Doc::"x");`
const index = new PolicyIndex(parsePolicies(text).policies.map(({ id, tree }) => compilePolicy(id, tree)))
const ids = (action: string, type: string) =>
  index
    .candidates(new EntityUid('Action', action).key, type)
    .map(({ id }) => id.replace('policy', ''))
    .join('')

test('only what the scope cannot rule out is a candidate, in source order', () => {
  assert.equal(ids('read', 'Doc'), '024')
  assert.equal(ids('write', 'Doc'), '234')
  assert.equal(ids('write', 'Folder'), '1234')
  assert.equal(ids('other', 'Folder'), '124')
  assert.equal(ids('read', 'Other'), '24')
})

test('whatever is asked, there are no more rows than the policies name', () => {
  const rows = new Set<unknown>()
  for (let i = 0; i < 2000; i++) rows.add(index.candidates(`Action::"made up ${i}`, `Type${i % 50}`))
  assert.equal(rows.size, 1)
})
