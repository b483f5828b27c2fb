import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile, EntityStore } from '@safeconduct/cedar'
import fc from 'fast-check'
import { createCedarEngine } from './cedar.ts'
import type { PolicyRecord, PolicyValue } from './engine.ts'

const NAMES = ['a', 'b', 'a.b', 'constructor', '__proto__'] as const
const name = fc.constantFrom(...NAMES)
const of = (at: string, key: string): string => `${at}[${JSON.stringify(key)}]`

/** Paths below `context`, and terms that hide that they begin there. */
const term: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('context', 'context', '(if context has a then context else {})'),
    fc.array(name, { maxLength: 3 }),
  )
  .map(([root, path]) => path.reduce(of, root))
const condition = fc.oneof(
  fc.tuple(term, name).map(([at, key]) => `${at} has ${JSON.stringify(key)}`),
  fc.tuple(term, fc.constantFrom('==', '!=', '<'), fc.nat(2)).map(([at, op, n]) => `${at} ${op} ${n}`),
  fc.tuple(term, term).map(([one, other]) => `${one} == ${other}`),
  fc.tuple(term, term).map(([one, other]) => `[${one}].contains(${other})`),
)
const policies = fc
  .array(fc.tuple(fc.constantFrom('permit', 'forbid'), fc.array(condition, { maxLength: 2 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((all) =>
    all
      .map(([effect, conditions], i) => {
        const when = conditions.map((text) => `when { ${text} }`).join(' ')
        return `@id("p${i}") ${effect} (principal, action, resource) ${when};`
      })
      .join('\n'),
  )

const leaf: fc.Arbitrary<PolicyValue> = fc.oneof(
  fc.nat(2),
  fc.boolean(),
  fc.constantFrom('x', 'y'),
  fc.constantFrom<PolicyValue>(
    { __extn: { fn: 'decimal', arg: '1.5' } },
    { __entity: { type: 'User', id: 'u' } },
  ),
)
const record = (of: fc.Arbitrary<PolicyValue>): fc.Arbitrary<PolicyRecord> =>
  fc
    .array(fc.tuple(name, of), { maxLength: 4 })
    // As JSON gives them: `__proto__` is a name like any other.
    .map((pairs) => JSON.parse(JSON.stringify(Object.fromEntries(pairs))) as PolicyRecord)
const context = record(
  fc.oneof(leaf, record(fc.oneof(leaf, record(leaf))), fc.array(fc.nat(2), { maxLength: 2 })),
)

const scope = {
  principal: { type: 'User', id: 'u' },
  action: { type: 'Action', id: 'do' },
  resource: { type: 'Tool', id: 't' },
}

test('policies that are read only what they speak of answer as if they were read everything', () => {
  const seen = { allowed: 0, denied: 0, erred: 0 }
  fc.assert(
    fc.property(policies, context, (text, facts) => {
      const asked = createCedarEngine().compile({ agentPolicies: text, userPolicies: '' }, null)
      const answer = asked.evaluate('agent', { ...scope, context: facts })
      const whole = authorizeWhole(text, facts)
      assert.deepEqual(
        [
          answer.allowed,
          answer.reasons.map(({ id }) => id),
          answer.errors.map(({ id, message }) => [id, message]),
        ],
        [
          whole.decision === 'allow',
          whole.reasons,
          whole.errors.map(({ policyId, message }) => [policyId, message]),
        ],
      )
      seen[answer.allowed ? 'allowed' : 'denied']++
      if (answer.errors.length > 0) seen.erred++
    }),
    { numRuns: 300 },
  )
  assert.ok(
    Object.values(seen).every((count) => count > 10),
    JSON.stringify(seen),
  )
})

function authorizeWhole(text: string, facts: PolicyRecord) {
  const set = compile({ policies: text, validate: 'none' })
  return set.authorize({ ...scope, context: facts, entities: new EntityStore() })
}

test('what is obtained goes before the context, and what was assumed once is not remembered', () => {
  const asked = createCedarEngine().compile(
    {
      agentPolicies: `
        @id("approved") permit (principal, action, resource) when { context.approved };
        @id("proven") permit (principal, action, resource) when { context.freshProof && context.n == 1 };`,
      userPolicies: '',
    },
    null,
  )
  const facts = { n: 1, approved: false }
  const reasons = (obtained?: { approved: boolean; freshProof: boolean }) =>
    asked
      .evaluate('agent', { ...scope, context: facts, ...(obtained === undefined ? {} : { obtained }) })
      .reasons.map(({ id }) => id)
  assert.deepEqual(reasons({ approved: true, freshProof: true }), ['approved', 'proven'])
  assert.deepEqual(reasons({ approved: false, freshProof: true }), ['proven'])
  assert.deepEqual(reasons({ approved: true, freshProof: false }), ['approved'])
  assert.deepEqual(reasons({ approved: false, freshProof: false }), [])
  assert.deepEqual(reasons(), [])
  assert.deepEqual(reasons({ approved: true, freshProof: true }), ['approved', 'proven'])
})
