import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TRUST_LEVELS } from '@safeconduct/protocol'
import fc from 'fast-check'
import { decide } from '../decide.ts'
import type { ControlEvent } from '../ports.ts'
import {
  agent,
  call,
  details,
  epoch,
  ORDER,
  pinned,
  policy,
  QUOTE,
  server,
  setup,
  TENANT,
  task,
  world,
} from '../testing/world.ts'

const ALL = 'permit (principal, action, resource);'
/** Every fact that is kept turns some answer. */
const POLICIES = [
  'context.tool.effect == "write" && context.tool.destructive',
  'context.tool.openWorld && !context.tool.seenBefore',
  'context.tool.quarantined',
  'context.server.standing == "new"',
  'context.server.name == "other"',
  'context.task.purpose == "payroll"',
  'context.task.hasIntent && context.task.implicit',
  'context.trust.rank < 3',
  'context has trust && context.trust == {"level": "standard", "rank": 3}',
].map((when, i) => `${ALL} @id("f${i}") forbid (principal, action, resource) when { ${when} };`)

const change: fc.Arbitrary<ControlEvent> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(QUOTE, ORDER),
      fc.constantFrom('active', 'quarantined'),
      fc.dictionary(fc.constantFrom('readOnlyHint', 'destructiveHint', 'openWorldHint'), fc.boolean()),
    )
    .map(([of, status, annotations]): ControlEvent => {
      return { type: 'tool', tool: pinned({ ...of, annotations }, { status: status as 'active' }) }
    }),
  fc
    .tuple(fc.constantFrom('new', 'approved'), fc.boolean())
    .map(([standing, trustedOutput]): ControlEvent => {
      return { type: 'server', server: server({ standing: standing as 'new', trustedOutput }) }
    }),
  fc
    .record({
      purpose: fc.constantFrom(undefined, 'payroll', 'reports'),
      intent: fc.constantFrom(null, 'Buy ACME.'),
      implicit: fc.boolean(),
    })
    .map(({ purpose, intent, implicit }): ControlEvent => {
      const of = details(purpose === undefined ? {} : { purpose })
      return { type: 'task', task: task({ details: of, intent, implicit }) }
    }),
  fc.constantFrom(...TRUST_LEVELS, null).map((trustCeiling): ControlEvent => {
    return { type: 'agent', agent: agent({ trustCeiling }) }
  }),
  fc.nat(POLICIES.length - 1).map((i): ControlEvent => {
    const source = { agentPolicies: POLICIES[i] ?? ALL, userPolicies: ALL }
    return { type: 'policy', tenant: TENANT, version: policy(source) }
  }),
  fc.integer({ min: 1, max: 2 }).map((n): ControlEvent => {
    return { type: 'epoch', tenant: TENANT, ref: epoch('task', 'task-1', n) }
  }),
)

const CALLS = [
  call({ id: 'call-quote', args: { symbol: 'ACME' } }),
  call({ id: 'call-order', tool: 'place_order', args: { symbol: 'ACME', quantity: 3 } }),
]

test('what is decided while everything changes is what a state decides that never knew anything else', () => {
  const outcomes = new Set<string>()
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const warm = world()
      const told = setup()
      for (const event of [null, ...changes]) {
        if (event !== null) {
          warm.tell(event)
          told.push(event)
        }
        for (const request of CALLS) decide(warm.state, request)
      }
      // Nothing of the first state is in the second: no object is shared.
      const cold = world(structuredClone(told))
      for (const request of CALLS) {
        const { decision } = decide(warm.state, request)
        assert.deepEqual(decision, decide(cold.state, structuredClone(request)).decision)
        outcomes.add(`${decision.outcome} ${decision.code}`)
      }
    }),
    { numRuns: 60 },
  )
  for (const outcome of ['allow null', 'deny denied', 'deny tool_quarantined', 'deny revoked'])
    assert.ok(outcomes.has(outcome), `${outcome} was not seen: ${[...outcomes].join(', ')}`)
})
