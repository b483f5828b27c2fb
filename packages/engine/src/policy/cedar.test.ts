import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { schemaOf } from '../checks/schema-parts.ts'
import { decide } from '../decide.ts'
import { call, details, engine, grant, policy, setup, TENANT, task, world } from '../testing/world.ts'
import { MAX_POLICY_TEXT } from './cedar.ts'
import type { PolicySource } from './engine.ts'
import { policySchema } from './schema.ts'
import { STARTER_POLICIES } from './starter.ts'

const SCHEMA = schemaOf(world().tenant.directory)

function invalid(agentPolicies: string, schema = SCHEMA as typeof SCHEMA | null): string {
  try {
    engine.compile({ agentPolicies, userPolicies: '' }, schema)
  } catch (error) {
    assert.ok(isSafeconductError(error) && error.code === 'policy_invalid')
    return error.message
  }
  return assert.fail('it was accepted')
}

/** What a call gets under these policies of the agent; the user may everything. */
function under(agentPolicies: string, shape: Parameters<typeof call>[0] = {}) {
  const source: PolicySource = { agentPolicies, userPolicies: 'permit (principal, action, resource);' }
  return decide(world(setup([], source)).state, call(shape)).decision
}

const PERMIT = '@id("all") permit (principal, action, resource);'

test('the starter policies are valid against the generated schema, with tools and without', () => {
  engine.compile(STARTER_POLICIES, SCHEMA)
  engine.compile(STARTER_POLICIES, policySchema([]))
})

test('the schema types the arguments of each tool and catches what is misspelt', () => {
  const order =
    'permit (principal, action == Action::"market/place_order", resource) when { context.args has quantity && '
  engine.compile({ agentPolicies: `${order} context.args.quantity <= 100 };`, userPolicies: '' }, SCHEMA)
  engine.compile(
    {
      agentPolicies: `${order} context.args has limit && context.args.limit.lessThan(decimal("9.5")) };`,
      userPolicies: '',
    },
    SCHEMA,
  )
  assert.match(invalid(`${order} context.args.quantity == "many" };`), /agent/)
  assert.match(invalid('permit (principal, action, resource) when { context.trust.rnak > 2 };'), /rank|rnak/)
  assert.ok(invalid('permit (principal, action == Action::"market/plase_order", resource);'))
  assert.ok(invalid('permit (principal, action, resource) when {'))
  assert.ok(
    invalid('permit (principal, action, resource) when {', null),
    'syntax is checked without a schema, too',
  )
  assert.match(invalid(' '.repeat(MAX_POLICY_TEXT + 1)), /longer/)
})

test('nothing loaded, nothing allowed', () => {
  const { decision, forward } = decide(world(setup([], null)).state, call())
  assert.deepEqual([decision.outcome, decision.code, forward], ['deny', 'policy_missing', false])
})

test('a version that does not compile unloads the one before', () => {
  const of = world()
  const broken = policy({ agentPolicies: 'permit (', userPolicies: '' })
  assert.throws(() => of.tell({ type: 'policy', tenant: TENANT, version: broken }))
  assert.equal(decide(of.state, call()).decision.code, 'policy_missing')
  of.tell({ type: 'policy', tenant: TENANT, version: policy() })
  assert.equal(decide(of.state, call()).decision.outcome, 'allow')
  of.tell({ type: 'policy', tenant: TENANT, version: policy(STARTER_POLICIES, { status: 'retired' }) })
  assert.equal(decide(of.state, call()).decision.code, 'policy_missing')
})

test('the layers are intersected: each can deny alone', () => {
  const outcome = (agentPolicies: string, userPolicies: string) =>
    decide(world(setup([], { agentPolicies, userPolicies })).state, call()).decision.outcome
  const all = 'permit (principal, action, resource);'
  assert.equal(outcome(all, all), 'allow')
  assert.equal(outcome(all, ''), 'deny')
  assert.equal(outcome('', all), 'deny')
  assert.equal(
    outcome(
      'permit (principal is Agent, action, resource);',
      'permit (principal is Agent, action, resource);',
    ),
    'deny',
  )
})

test('an erroring forbid denies, an erroring permit permits nothing', () => {
  const missing = 'when { context.args.quantity > 5 };'
  const forbidden = under(`${PERMIT} @id("big") forbid (principal, action, resource) ${missing}`)
  assert.equal(forbidden.outcome, 'deny')
  assert.deepEqual(
    forbidden.policyErrors.map(({ layer, id }) => [layer, id]),
    [['agent', 'big']],
  )
  assert.match(forbidden.why[0] ?? '', /big could not be evaluated/)
  assert.equal(under(`permit (principal, action, resource) ${missing}`).outcome, 'deny')
  assert.equal(under(`${PERMIT} @id("p") permit (principal, action, resource) ${missing}`).outcome, 'allow')
})

test('groups of actions and arguments reach policies', () => {
  const big =
    'forbid (principal, action == Action::"market/place_order", resource) when { context.args.quantity > 100 };'
  const order = (quantity: number) => ({ tool: 'place_order', args: { symbol: 'ACME', quantity } })
  assert.equal(under(`${PERMIT} ${big}`, order(100)).outcome, 'allow')
  assert.equal(under(`${PERMIT} ${big}`, order(101)).outcome, 'deny')
  const noWrites = `${PERMIT} forbid (principal, action in Action::"write", resource);`
  assert.equal(under(noWrites, order(1)).outcome, 'deny')
  assert.equal(under(noWrites).outcome, 'allow')
  const onServer = 'permit (principal, action, resource in Server::"market");'
  assert.equal(under(onServer).outcome, 'allow')
})

test('documents, prompts and listings are in their server for policies', () => {
  const hidden = `${PERMIT} forbid (principal, action, resource in Server::"market");`
  const looked = `${PERMIT} forbid (principal, action, resource is Server) when { resource.standing == "approved" };`
  const ask = (kind: 'resource' | 'prompt' | 'list', method: string, name: string | null) => ({
    operation: { kind, method, name },
  })
  const read = ask('resource', 'resources/read', 'file:///ledger.txt')
  assert.equal(under(PERMIT, read).outcome, 'allow')
  assert.equal(under(hidden, read).outcome, 'deny')
  assert.equal(under(hidden, ask('prompt', 'prompts/get', 'brief')).outcome, 'deny')
  assert.equal(under(looked, read).outcome, 'allow')
  const denied = under(looked, ask('list', 'tools/list', null))
  assert.deepEqual([denied.outcome, denied.policyErrors], ['deny', []])
})

test('whoever hands a task on cannot choose the purpose that policies see', () => {
  const paying = `permit (principal, action, resource) when { context.task.purpose == "payroll" };`
  const of = (purpose: string) =>
    world(
      setup([{ type: 'task', task: task({ details: details({ purpose }) }) }], {
        agentPolicies: paying,
        userPolicies: PERMIT,
      }),
    ).state
  const claimed = call({ grant: grant({ details: details({ purpose: 'payroll' }) }) })
  assert.equal(decide(of('payroll'), call()).decision.outcome, 'allow')
  assert.equal(decide(of('reports'), claimed).decision.outcome, 'deny')
})

test('an argument that is spelled with escapes is spoken of all the same', () => {
  const shape = { tool: 'place_order', args: { symbol: 'ACME', quantity: 2 ** 60 } }
  const escaped = `${PERMIT} forbid (principal, action == Action::"market/place_order", resource) when { context["args"] has "\\u{71}uantity" && context.args["\\u{71}uantity"] > 5 };`
  assert.equal(under(escaped, { ...shape, args: { symbol: 'ACME', quantity: 6 } }).outcome, 'deny')
  assert.equal(under(escaped, shape).code, 'invalid_params')
})

test('a value that does not fit its type denies before policy, but only where a policy speaks of it', () => {
  const shape = { tool: 'place_order', args: { symbol: 'ACME', quantity: 2 ** 60 } }
  assert.equal(under(PERMIT, shape).outcome, 'allow')
  const speaks = `${PERMIT} forbid (principal, action, resource) when { context.args has quantity && context.args.quantity > 5 };`
  assert.equal(under(speaks, shape).code, 'invalid_params')
})

test('an argument that Cedar cannot type is not taken for one that was left out', () => {
  const over = 'context.args has bulk && context.args.bulk > 5'
  const speaks = `${PERMIT} forbid (principal, action, resource) when { ${over} };`
  const given = { tool: 'place_order', args: { symbol: 'ACME', bulk: 6 } }
  assert.equal(under(PERMIT, given).outcome, 'allow')
  assert.equal(under(speaks, given).code, 'invalid_params')
  assert.equal(under(speaks, { ...given, args: { symbol: 'ACME', bulk: null } }).outcome, 'allow')
  // A word of that name elsewhere is not the argument.
  const elsewhere = `${PERMIT} forbid (principal, action, resource) when { context.task.purpose == "bulk" };`
  assert.equal(under(elsewhere, given).outcome, 'allow')
})

test('obligations: met ones are told, unknown and unmet ones deny', () => {
  const notify = under('@id("n") @obligation("notify:owner") permit (principal, action, resource);')
  assert.deepEqual(notify.obligations, [{ id: 'n', type: 'notify', properties: { target: 'owner' } }])
  assert.equal(notify.outcome, 'allow')
  for (const obligation of ['redact:$.iban', 'dance', '']) {
    const unmet = under(`@obligation("${obligation}") permit (principal, action, resource);`)
    assert.equal(unmet.outcome, 'deny', obligation)
    assert.match(unmet.why[0] ?? '', /cannot be met/)
  }
})

test('what would help is derived from the policies, and doubt that no fact clears stays denied', () => {
  const unless = (fact: string) => `${PERMIT} forbid (principal, action, resource) unless { ${fact} };`
  assert.equal(under(unless('context.approved')).outcome, 'approval')
  assert.equal(under(unless('context.trust.rank > 9')).outcome, 'deny')
  const stale = { proof: { kind: 'dpop', provenAt: 1 } } as const
  assert.equal(under(unless('context.freshProof'), stale).outcome, 'step_up')
  assert.equal(
    under(unless('context.freshProof && context.approved'), stale).outcome,
    'step_up',
    'the cheaper first',
  )
  assert.equal(under(unless('context.freshProof && context.approved')).outcome, 'approval')
})
