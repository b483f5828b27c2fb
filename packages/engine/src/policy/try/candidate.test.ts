import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallRequest } from '@safeconduct/protocol'
import { decide } from '../../decide.ts'
import type { RelationFacts } from '../../ports.ts'
import { keptRequest } from '../../record/attachment.ts'
import { call, engine, server, setup, TENANT, world } from '../../testing/world.ts'
import type { PolicySource } from '../engine.ts'
import { STARTER_POLICIES } from '../starter.ts'
import { type RecordedCall, retry } from './candidate.ts'
import { keptQuestion } from './question.ts'

const facts: RelationFacts = {
  revision: 'r1',
  check: (user, relation, object) =>
    relation === 'viewer' && user === 'agent:agent-1' && object === 'stock:ACME',
}
const withAgent = (more: string): PolicySource => ({
  ...STARTER_POLICIES,
  agentPolicies: `${STARTER_POLICIES.agentPolicies}\n${more}`,
})
const BOUND = `@id("viewers") @relations("market/get_quote: stock from args.symbol")
forbid (principal, action == Action::"market/get_quote", resource) unless { context.relations.viewer };`

/** One call, decided and kept as a record has it, through JSON. */
function recordedUnder(source: PolicySource, request: CallRequest) {
  const at = world(
    setup(
      [
        { type: 'server', server: server({ sensitivity: 2 }) },
        { type: 'relations', tenant: TENANT, facts },
      ],
      source,
    ),
  )
  const { decision, posed, askable } = decide(at.state, request)
  assert.ok(posed)
  const compiled = at.tenant.directory.policy?.compiled ?? null
  const question = keptQuestion(posed, compiled, { operation: request.operation, askable })
  const record: RecordedCall = JSON.parse(JSON.stringify({ question, call: keptRequest(request), decision }))
  return { decision, record }
}

const under = (source: PolicySource, record: RecordedCall) => retry(engine.compile(source, null), record)

test('relations come from the record; what was not asked then is a gap, not a guess', () => {
  const bound = withAgent(BOUND)
  for (const symbol of ['ACME', 'OTHER']) {
    const { decision, record } = recordedUnder(bound, call({ args: { symbol } }))
    assert.equal(decision.outcome, symbol === 'ACME' ? 'allow' : 'deny')
    const again = under(bound, record)
    assert.equal(again.gap, null)
    assert.equal(again.gap === null && again.outcome, decision.outcome)
    assert.equal(under(withAgent(BOUND.replaceAll('viewer', 'owner')), record).gap, 'relations')
    assert.equal(under(withAgent(BOUND.replace('stock from', 'share from')), record).gap, 'relations')
    const free = under(STARTER_POLICIES, record)
    assert.equal(free.gap === null && free.outcome, 'allow', 'who asks for no relation needs none')
  }
  const { record } = recordedUnder(STARTER_POLICIES, call({ args: { symbol: 'ACME' } }))
  assert.equal(under(bound, record).gap, 'relations')
})

test('zones and sensitivity are those that the candidate itself binds', () => {
  const { record } = recordedUnder(STARTER_POLICIES, call({ args: { symbol: 'ACME' } }))
  const outcome = (source: PolicySource) => {
    const again = under(source, record)
    return again.gap === null ? again.outcome : again.gap
  }
  const secret = (level: number) =>
    `@id("secret") forbid (principal, action, resource) when { context.sensitivity >= ${level} };`
  assert.equal(outcome(withAgent(secret(2))), 'deny', 'the operator said 2')
  assert.equal(outcome(withAgent(secret(3))), 'allow')
  assert.equal(outcome(withAgent(`@sensitivity("market/*: 4") ${secret(3)}`)), 'deny')
  const zone = (binding: string) =>
    `${binding} @id("zone") forbid (principal, action, resource) when { context.zone.to == "train" };`
  assert.equal(outcome(withAgent(zone(''))), 'allow')
  assert.equal(outcome(withAgent(zone('@zones("market/get_quote: train")'))), 'deny')
})

test('a fact that is newer than the record, and an entity that had nothing to do with the call, are gaps', () => {
  const { record } = recordedUnder(STARTER_POLICIES, call({ args: { symbol: 'ACME' } }))
  const { weekday: _weekday, ...context } = record.question.context
  const older: RecordedCall = { ...record, question: { ...record.question, context } }
  const weekend = withAgent('@id("w") forbid (principal, action, resource) when { context.weekday > 5 };')
  assert.equal(under(weekend, older).gap, 'missing-fact')
  assert.equal(under(weekend, record).gap, null)
  assert.equal(under(STARTER_POLICIES, older).gap, null)
  const other = withAgent(
    '@id("o") forbid (principal, action, resource) when { Agent::"agent-2".autonomous };',
  )
  assert.equal(under(other, record).gap, 'other-entities')
  assert.equal(
    under(withAgent('@id("o") forbid (principal == Agent::"agent-2", action, resource);'), record).gap,
    null,
  )
})

test('arguments: typed as they were, and a gap where they were too large to keep and the candidate speaks of them', () => {
  const args = { symbol: 'ACME', quantity: 7, limit: 1.25 }
  const { record } = recordedUnder(STARTER_POLICIES, call({ tool: 'place_order', args }))
  assert.deepEqual(record.question.args.given, ['symbol', 'quantity'])
  const limit = (than: string) =>
    withAgent(`@id("l") forbid (principal, action == Action::"market/place_order", resource)
      when { context.args has limit && context.args.limit.greaterThan(decimal("${than}")) };`)
  const outcome = (source: PolicySource, of: RecordedCall) => {
    const again = under(source, of)
    return again.gap === null ? again.outcome : again.gap
  }
  assert.deepEqual([outcome(limit('1.2'), record), outcome(limit('1.3'), record)], ['deny', 'allow'])
  const long = { symbol: 'A'.repeat(200_000), quantity: 7, limit: 1.25 }
  const { decision, record: large } = recordedUnder(
    STARTER_POLICIES,
    call({ tool: 'place_order', args: long }),
  )
  assert.ok(large.call.argsOmitted)
  const symbol = withAgent(`@id("s") forbid (principal, action == Action::"market/place_order", resource)
    when { context.args has symbol && context.args.symbol == "ACME" };`)
  assert.equal(outcome(symbol, large), 'large-arguments')
  assert.equal(outcome(STARTER_POLICIES, large), decision.outcome)
})
