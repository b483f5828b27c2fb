import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntityStore } from './entities/entity-store.ts'
import { CedarError, type CedarErrorCode } from './errors.ts'
import { compile } from './policy-set.ts'
import { parseContext } from './schema/request.ts'

const refused = (code: CedarErrorCode) => (error: unknown) =>
  error instanceof CedarError && error.code === code
const user = (id: string) => ({ type: 'U', id })
const act = (id: string) => ({ type: 'Action', id })
const schema = `
  entity U in [U] { name: String, mfa: Bool };
  action any;
  action read, write in [any] appliesTo { principal: U, resource: U, context: { hour?: Long } };`
const entities = EntityStore.from([
  { uid: user('ann'), attrs: { name: 'Ann', mfa: true }, parents: [user('team')] },
  { uid: user('bob'), attrs: { name: 'Bob', mfa: false } },
  { uid: user('doc'), attrs: { name: 'Doc', mfa: false }, parents: [user('ann')] },
])
const ask = (principal: string, action = 'read', context = {}) => ({
  principal: user(principal),
  action: act(action),
  resource: user('doc'),
  context,
  entities,
})

test('forbid wins, reasons name the deciding side in source order, nothing means deny', () => {
  const set = compile({
    policies: `
      @id("z") permit(principal in U::"team", action, resource);
      @id("a") permit(principal == U::"ann", action == Action::"read", resource in U::"ann");
      @id("no") forbid(principal, action == Action::"write", resource) unless { principal.mfa && context has hour };`,
    schema,
    validate: 'strict',
  })
  assert.deepEqual(set.authorize(ask('ann')), { decision: 'allow', reasons: ['z', 'a'], errors: [] })
  assert.deepEqual(set.authorize(ask('ann', 'write')), { decision: 'deny', reasons: ['no'], errors: [] })
  assert.deepEqual(set.authorize(ask('ann', 'write', { hour: 3 })), {
    decision: 'allow',
    reasons: ['z'],
    errors: [],
  })
  assert.deepEqual(set.authorize(ask('bob')), { decision: 'deny', reasons: [], errors: [] })
  assert.deepEqual(
    set.policies.map(({ id, effect }) => [id, effect]),
    [
      ['z', 'permit'],
      ['a', 'permit'],
      ['no', 'forbid'],
    ],
  )
})

test('a policy that errs is skipped and reported, whichever effect it has', () => {
  const set = compile({
    policies: `
      permit(principal, action, resource);
      forbid(principal, action, resource) when { context.missing };
      forbid(principal, action, resource) when { principal.name };
      permit(principal, action, resource) when { principal.name < 3 };
      forbid(principal, action, resource) when { U::"nobody".name == "x" };`,
    validate: 'none',
  })
  const answer = set.authorize(ask('ann'))
  assert.equal(answer.decision, 'allow')
  assert.deepEqual(answer.errors, [
    { policyId: 'policy1', message: 'record does not have the attribute `missing`' },
    { policyId: 'policy2', message: 'type error: expected bool, got string' },
    { policyId: 'policy3', message: 'type error: cannot order string and long' },
    { policyId: 'policy4', message: 'entity `U::"nobody"` does not exist' },
  ])
})

test('what decides early hides what would err later, and only that', () => {
  const conditions = [
    'true || context.missing',
    'false && context.missing',
    'context.missing || true',
    'if true then true else context.missing',
    '[1, context.missing] == 1',
    'context has missing.more || true',
    'principal in [U::"team", 1]',
    'decimal("x") == 1 || true',
    '(1 + "a") == 2 || true',
  ]
  const policies = conditions
    .map((condition) => `permit(principal, action, resource) when { ${condition} };`)
    .join('\n')
  const answer = compile({ policies, validate: 'none' }).authorize(ask('ann'))
  assert.deepEqual(answer.reasons, ['policy0', 'policy3', 'policy5'])
  assert.deepEqual(
    answer.errors.map(({ policyId }) => policyId),
    ['policy2', 'policy4', 'policy6', 'policy7', 'policy8'],
  )
})

test('the actions of the schema are there without being in the store', () => {
  const set = compile({
    policies: 'permit(principal, action in Action::"any", resource) when { action in [Action::"any"] };',
    schema,
    validate: 'strict',
  })
  assert.equal(set.authorize(ask('bob')).decision, 'allow')
  assert.equal(
    compile({
      policies: 'permit(principal, action in Action::"any", resource);',
      validate: 'none',
    }).authorize(ask('bob')).decision,
    'deny',
  )
})

test('a template permits only through its links, whose ids are the reasons', () => {
  const policies =
    '@id("share") @obligation("notify:owner") permit(principal is U in ?principal, action, resource == ?resource);'
  const links = [
    { templateId: 'share', id: 'share-team', principal: user('team'), resource: user('doc') },
    { templateId: 'share', id: 'share-bob', principal: user('bob'), resource: user('other') },
  ]
  const set = compile({ policies, validate: 'strict', schema, links })
  assert.deepEqual(set.authorize(ask('ann')).reasons, ['share-team'])
  assert.deepEqual(set.authorize(ask('bob')).reasons, [])
  assert.equal(set.policies[0]?.annotations.obligation, 'notify:owner')
  assert.equal(set.policies[0]?.templateId, 'share')
  assert.equal(set.templates[0]?.id, 'share')
  assert.deepEqual(compile({ policies, validate: 'none' }).authorize(ask('ann')).reasons, [])

  const bad: [CedarErrorCode, object][] = [
    ['template_link', { templateId: 'nope', id: 'x' }],
    ['template_link', { templateId: 'share', id: 'x', principal: user('a') }],
    ['policy_duplicate_id', { templateId: 'share', id: 'share', principal: user('a'), resource: user('b') }],
    [
      'entity_invalid',
      { templateId: 'share', id: 'x', principal: { type: 'a b', id: '' }, resource: user('b') },
    ],
  ]
  for (const [code, link] of bad) {
    assert.throws(
      () => compile({ policies, validate: 'none', links: [link as (typeof links)[0]] }),
      refused(code),
    )
  }
  const plain = 'permit(principal == ?principal, action, resource);'
  assert.throws(
    () =>
      compile({
        policies: plain,
        validate: 'none',
        links: [{ templateId: 'policy0', id: 'x', principal: user('a'), resource: user('b') }],
      }),
    refused('template_link'),
  )
})

test('links are validated like policies, at the place of their template', () => {
  const policies = `${'// first\n'}@id("share") permit(principal == ?principal, action == Action::"read", resource in ?resource);`
  const linked = (principal: string) => () =>
    compile({
      policies,
      schema,
      validate: 'strict',
      links: [{ templateId: 'share', id: 'l', principal: { type: principal, id: 'a' }, resource: user('b') }],
    })
  assert.deepEqual(linked('U')().warnings, [])
  assert.throws(linked('Nobody'), (error) => {
    assert.ok(error instanceof CedarError)
    assert.deepEqual([error.code, error.problems[0]?.policyId], ['policy_invalid', 'l'])
    assert.match(error.message, /`Nobody`/)
    return true
  })
  const [warning] = linked('Action')().warnings
  assert.deepEqual([warning?.severity, warning?.policyId, warning?.start?.line], ['warning', 'l', 2])
})

test('strict means strict, for policies and for requests', () => {
  const policies = 'permit(principal, action, resource) when { context.hour == 3 };'
  assert.throws(() => compile({ policies, validate: 'strict' }), refused('schema_required'))
  assert.throws(() => compile({ policies, validate: 'strict', schema }), refused('policy_invalid'))
  assert.throws(() => compile({ policies: 'permit(', validate: 'none' }), refused('policy_syntax'))
  const guarded = 'permit(principal, action, resource) when { context has hour && context.hour == 3 };'
  const set = compile({ policies: guarded, validate: 'strict', schema })
  assert.throws(() => set.authorize(ask('ann', 'nope')), refused('request_invalid'))
  assert.throws(() => set.authorize(ask('ann', 'read', { hour: '3' })), refused('value_invalid'))
  assert.throws(() => set.authorize(ask('ann', 'read', { extra: 3 })), refused('value_invalid'))
  const context = parseContext({ hour: 3 }, set.schema, act('read'))
  assert.equal(set.authorize({ ...ask('ann'), context }).decision, 'allow')
})

test('messages say what, where and what was meant', () => {
  assert.throws(
    () =>
      compile({
        policies: 'permit(principal, action, resource)\n  when { principal.nam == "x" };',
        schema,
        validate: 'strict',
      }),
    (error) => error instanceof CedarError && /`nam`.* at 2:10 \(did you mean `name`\?\)/.test(error.message),
  )
})

test('a value that nests too deep is refused, with or without a schema', () => {
  let deep: object = {}
  for (let i = 0; i < 1000; i++) deep = { deep }
  const set = compile({ policies: 'permit(principal, action, resource);', validate: 'none' })
  assert.throws(() => set.authorize(ask('ann', 'read', deep)), refused('limit_exceeded'))
  assert.throws(() => new EntityStore().upsert({ uid: user('x'), attrs: deep }), refused('limit_exceeded'))
})

test('unknown ids in requests leave nothing behind', () => {
  const set = compile({
    policies: 'permit(principal in U::"team", action in Action::"any", resource is U);',
    validate: 'none',
  })
  const before = entities.size
  for (let i = 0; i < 500; i++) {
    const stranger = { type: `T${i}`, id: `${i}` }
    assert.equal(
      set.authorize({ principal: stranger, action: act(`${i}`), resource: stranger, entities }).decision,
      'deny',
    )
  }
  assert.equal(entities.size, before)
})
