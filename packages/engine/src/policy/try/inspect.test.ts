import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaOf } from '../../checks/schema-parts.ts'
import { engine, world } from '../../testing/world.ts'
import { MAX_POLICY_TEXT } from '../cedar.ts'
import { STARTER_POLICIES } from '../starter.ts'
import { diffPolicies, inspectPolicies } from './inspect.ts'

const { tenant } = world()
const inspect = (agentPolicies: string, userPolicies = '') =>
  inspectPolicies(engine, { agentPolicies, userPolicies }, schemaOf(tenant.directory))
const errors = (agentPolicies: string, userPolicies = '') =>
  inspect(agentPolicies, userPolicies).filter(({ severity }) => severity === 'error')

test('what could be activated has no errors', () => {
  assert.deepEqual(errors(STARTER_POLICIES.agentPolicies, STARTER_POLICIES.userPolicies), [])
})

test('a misspelt fact, action or argument: once, with its place and the name that was probably meant', () => {
  const [fact, ...more] = errors(
    '\n@id("a")\npermit (principal, action, resource) when { context.rsik > 3 };',
  )
  assert.deepEqual(more, [], 'not once for every action')
  assert.deepEqual([fact?.layer, fact?.policy, fact?.line, fact?.column], ['agent', 'a', 3, 45])
  assert.match(fact?.help ?? '', /risk/)
  const [action] = errors('', 'permit (principal, action == Action::"market/get_qoute", resource);')
  assert.deepEqual([action?.layer, action?.line], ['user', 1])
  assert.match(action?.help ?? '', /market\/get_quote/)
})

test('a syntax error has its place; the other layer is looked at, too', () => {
  const found = errors('permit (principal, action, resource)', 'forbid (principal action);')
  assert.deepEqual(
    found.map(({ layer, line }) => [layer, line]),
    [
      ['agent', 1],
      ['user', 1],
    ],
  )
})

test('what is too long, or binds nonsense, is refused as activation would', () => {
  assert.match(errors(' '.repeat(MAX_POLICY_TEXT + 1))[0]?.message ?? '', /longer/)
  const bound = errors('@zones("nonsense") permit (principal, action, resource);')
  assert.equal(bound.length, 1)
  assert.throws(() =>
    engine.compile(
      { agentPolicies: '@zones("nonsense") permit (principal, action, resource);', userPolicies: '' },
      null,
    ),
  )
})

test('diff by id: order, comments and white space are no change; words in strings are', () => {
  const a = '@id("a") permit (principal, action, resource) when { context.risk < 3 };'
  const b = '@id("b") forbid (principal, action, resource) when { context.server.name == "x  y" };'
  const diff = (before: string, after: string) =>
    diffPolicies({ agentPolicies: before, userPolicies: '' }, { agentPolicies: after, userPolicies: '' })
  assert.deepEqual(diff(`${a}\n${b}`, `// moved\n${b}\n${a.replace('(principal', '(\n  principal')}`), [])
  const changed = diff(`${a}${b}`, `${a.replace('3', '4')}@id("c") permit (principal, action, resource);`)
  assert.deepEqual(
    changed.map(({ change, id, effect }) => [change, id, effect]),
    [
      ['changed', 'a', 'permit'],
      ['removed', 'b', 'forbid'],
      ['added', 'c', 'permit'],
    ],
  )
  assert.equal(diff(b, b.replace('x  y', 'x y')).length, 1)
})
