/**
 * Policies that are long or deep in every way the grammar has: each gets an answer or a typed error, and in the next
 * moment the library still works.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntityStore } from './entities/entity-store.ts'
import { CedarError } from './errors.ts'
import { residual } from './partial/residual.ts'
import { compile } from './policy-set.ts'

const schema = 'entity U; entity D { x: Long }; action r appliesTo { principal: U, resource: D };'
const when = (body: string) => `permit(principal, action, resource) when { ${body} };`
const joined = (part: string, by: string) => (n: number) => when(`${Array(n).fill(part).join(by)} == 1`)

const texts: Readonly<Record<string, (n: number) => string>> = {
  sums: joined('1', ' + '),
  differences: joined('1', ' - '),
  products: joined('1', ' * '),
  conjunctions: (n) => when(Array(n).fill('true').join(' && ')),
  disjunctions: (n) => when(Array(n).fill('false').join(' || ')),
  negations: (n) => when(`${'!'.repeat(n)}true`),
  minuses: (n) => when(`${'-'.repeat(n)}1 == 1`),
  attributes: (n) => when(`context${'.a'.repeat(n)} == 1`),
  indexes: (n) => when(`context${'["a"]'.repeat(n)} == 1`),
  paths: (n) => when(`context has a${'.a'.repeat(n)}`),
  methods: (n) => when(`context.a${'.contains(1)'.repeat(n)}`),
  alternatives: (n) => when(`${'if true then true else '.repeat(n)}true`),
  conditions: (n) => when(`${'if '.repeat(n)}true${' then true else false'.repeat(n)}`),
  brackets: (n) => when(`${'('.repeat(n)}true${')'.repeat(n)}`),
  sets: (n) => when(`${'['.repeat(n)}1${']'.repeat(n)} == 1`),
  records: (n) => when(`${'{a: '.repeat(n)}1${'}'.repeat(n)} == 1`),
  members: (n) => when(`[${Array(n).fill('1').join(', ')}].contains(2)`),
  clauses: (n) => `permit(principal, action, resource) ${'when { true } '.repeat(n)};`,
  annotations: (n) =>
    `${Array.from({ length: n }, (_, i) => `@a${i}("x") `).join('')}permit(principal, action, resource);`,
  wildcards: (n) => when(`"${'a'.repeat(n)}" like "${'*a'.repeat(n)}b"`),
}
const asked = {
  principal: { type: 'U', id: 'a' },
  action: { type: 'Action', id: 'r' },
  resource: { type: 'D', id: 'd' },
  entities: new EntityStore(),
}

test('long and deep policies are answered or refused by name', () => {
  const outcomes = { answered: 0, refused: 0 }
  for (const [what, make] of Object.entries(texts)) {
    for (const n of [2, 55, 500, 5000]) {
      try {
        const set = compile({ policies: make(n), schema, validate: 'none' })
        set.authorize(asked)
        residual(set, { ...asked, resourceType: 'D' })
        outcomes.answered++
      } catch (error) {
        assert.ok(error instanceof CedarError, `${what}, ${n}: ${error}`)
        assert.ok(
          ['limit_exceeded', 'policy_syntax', 'not_translatable'].includes(error.code),
          `${what}, ${n}: ${error.code}`,
        )
        outcomes.refused++
      }
    }
    const plain = compile({ policies: 'permit(principal, action, resource);', schema, validate: 'strict' })
    assert.equal(plain.authorize(asked).decision, 'allow', `after ${what}`)
  }
  assert.ok(outcomes.answered > 25 && outcomes.refused > 20, JSON.stringify(outcomes))
})
