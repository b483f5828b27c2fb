/**
 * Writes `generated-cases.jsonl`: policies, worlds and requests of our grammar with the answers of cedar-wasm 4.13.0.
 * Run again only when the grammar grows; the file then shows what changed.
 *
 * @module
 */

import { writeFileSync } from 'node:fs'
import { compile, EntityStore, wasmOracle } from '@safeconduct/cedar'
import fc from 'fast-check'
import { policyText, request, world } from '../../packages/cedar/src/testing/generate.ts'

const drafts = fc.sample(
  fc.record({
    policies: fc.array(policyText, { minLength: 2, maxLength: 6, size: 'max' }),
    entities: world,
    requests: fc.array(request, { minLength: 2, maxLength: 4 }),
  }),
  { numRuns: 60, seed: 77 },
)

const cases = drafts.map(({ policies, entities, requests }) => {
  const oracle = wasmOracle(compile({ policies: policies.join('\n'), validate: 'none' }))
  const store = EntityStore.from(entities)
  const answers = requests.map((each) => {
    const { decision, reasons, errors } = oracle.authorize({ ...each, entities: store })
    return { request: each, decision, reasons, errors: errors.map(({ policyId }) => policyId) }
  })
  return { policies, entities, answers }
})

writeFileSync(
  new URL('generated-cases.jsonl', import.meta.url),
  `${cases.map((each) => JSON.stringify(each)).join('\n')}\n`,
)
console.log(`${cases.length} cases, ${cases.reduce((sum, each) => sum + each.answers.length, 0)} requests`)
