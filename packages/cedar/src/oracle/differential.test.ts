import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EntityStore } from '../entities/entity-store.ts'
import { compile } from '../policy-set.ts'
import { policyText, request, world } from '../testing/generate.ts'
import { wasmOracle } from './wasm-oracle.ts'

const outcome = (answer: {
  decision: string
  reasons: readonly string[]
  errors: readonly { policyId: string }[]
}) => ({
  decision: answer.decision,
  reasons: answer.reasons,
  errors: answer.errors.map((error) => error.policyId),
})

test('generated policies, worlds and requests get the answer of cedar-wasm', () => {
  const seen = { allow: 0, deny: 0, reasons: 0, errors: 0 }
  const property = fc.property(
    fc.array(policyText, { minLength: 1, maxLength: 6 }),
    world,
    fc.array(request, { minLength: 1, maxLength: 4 }),
    (policies, inputs, requests) => {
      const set = compile({ policies: policies.join('\n'), validate: 'none' })
      const oracle = wasmOracle(set)
      const entities = EntityStore.from(inputs)
      for (const each of requests) {
        const live = set.authorize({ ...each, entities })
        seen[live.decision]++
        seen.reasons += live.reasons.length
        seen.errors += live.errors.length
        assert.deepEqual(outcome(live), outcome(oracle.authorize({ ...each, entities })))
      }
    },
  )
  fc.assert(property, { numRuns: Number(process.env.CEDAR_PROPERTY_RUNS ?? 120), seed: 20_261 })
  // A generator that only denies, or never errs, would prove little.
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 20, `${what}: ${count}`)
})
