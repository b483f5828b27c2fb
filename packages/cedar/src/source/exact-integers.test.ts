import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EntityStore } from '../entities/entity-store.ts'
import { compile } from '../policy-set.ts'

const request = {
  principal: { type: 'U', id: 'u' },
  action: { type: 'Action', id: 'a' },
  resource: { type: 'U', id: 'u' },
  entities: new EntityStore(),
}
const reasons = (conditions: readonly string[], context: object) => {
  const policies = conditions
    .map((condition) => `permit(principal, action, resource) when { ${condition} };`)
    .join('\n')
  return compile({ policies, validate: 'none' }).authorize({ ...request, context }).reasons
}

test('a literal beyond 2^53 equals itself and none of its neighbours', () => {
  const large = fc.bigInt(2n ** 53n - 2n, 2n ** 63n - 3n)
  fc.assert(
    fc.property(large, fc.boolean(), (magnitude, negative) => {
      const n = negative ? -magnitude : magnitude
      const literals = [n - 2n, n - 1n, n, n + 1n, n + 2n]
      assert.deepEqual(
        reasons(
          literals.map((literal) => `context.n == ${literal}`),
          { n },
        ),
        ['policy2'],
      )
      assert.deepEqual(
        reasons(
          literals.map((literal) => `context.n < ${literal}`),
          { n },
        ),
        ['policy3', 'policy4'],
      )
    }),
    { numRuns: 60, seed: 9 },
  )
})

test('the ends of i64, signs, repetition and numbers that look like stand-ins', () => {
  assert.deepEqual(
    reasons(
      [
        'context.min == -9223372036854775808',
        '-(9223372036854775807) == context.min + 1',
        'context.max == 9223372036854775807 && 9223372036854775807 == 9223372036854775807',
        '4503599627370496 == context.standIn && 9007199254740993 > 4503599627370497',
        '[9007199254740993, 9007199254740992].contains(context.odd) && {n: 9007199254740993}.n == context.odd',
        'context.odd == 9007199254740992',
        '00009223372036854775807 == context.max',
        '"9223372036854775807" == context.text',
      ],
      {
        min: -(2n ** 63n),
        max: 2n ** 63n - 1n,
        standIn: 2 ** 52,
        odd: 9007199254740993n,
        text: '9223372036854775807',
      },
    ),
    ['policy0', 'policy1', 'policy2', 'policy3', 'policy4', 'policy6', 'policy7'],
  )
})

test('overflow is an error of that policy', () => {
  const policies = [
    '9223372036854775807 + context.one == 0',
    '-(context.min) == 0',
    'context.min * -1 == 0',
    '3037000500 * 3037000500 > 0',
  ]
  const text = policies
    .map((condition) => `permit(principal, action, resource) when { ${condition} };`)
    .join('\n')
  const answer = compile({ policies: text, validate: 'none' }).authorize({
    ...request,
    context: { one: 1, min: -(2n ** 63n) },
  })
  assert.deepEqual(
    answer.errors.map(({ message }) => message),
    Array(4).fill('integer overflow'),
  )
  assert.equal(answer.decision, 'deny')
})
