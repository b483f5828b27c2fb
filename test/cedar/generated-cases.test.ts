import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compile, type EntityInput, EntityStore, parseJson } from '@safeconduct/cedar'

interface Case {
  readonly policies: readonly string[]
  readonly entities: readonly EntityInput[]
  readonly answers: readonly {
    readonly request: Omit<Parameters<ReturnType<typeof compile>['authorize']>[0], 'entities'>
    readonly decision: 'allow' | 'deny'
    readonly reasons: readonly string[]
    readonly errors: readonly string[]
  }[]
}

test('the recorded answers of cedar-wasm, without asking it', () => {
  const lines = readFileSync(new URL('generated-cases.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  const seen = { allow: 0, deny: 0, errors: 0 }
  for (const [i, line] of lines.entries()) {
    const { policies, entities: inputs, answers } = parseJson(line) as unknown as Case
    const set = compile({ policies: policies.join('\n'), validate: 'none' })
    const entities = EntityStore.from(inputs)
    for (const { request, decision, reasons, errors } of answers) {
      const answer = set.authorize({ ...request, entities })
      const got = { ...answer, errors: answer.errors.map(({ policyId }) => policyId) }
      assert.deepEqual(got, { decision, reasons, errors }, `case ${i}`)
      seen[decision]++
      seen.errors += errors.length
    }
  }
  assert.equal(lines.length, 60)
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 10, `${what}: ${count}`)
})
