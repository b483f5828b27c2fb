/**
 * A sample of the interop vectors in every run of the tests; `npm run test:authzen` asks all of them.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDecisionPoint } from './decision-point.ts'
import { EXPECTED_CASES, readVectors, sharedVectors } from './vectors.ts'

const folder = sharedVectors()
if (folder === undefined) {
  process.stderr.write(
    'SKIPPED: shared/vectors/authzen is not here (set SAFECONDUCT_SHARED): AuthZEN vectors not run\n',
  )
}
const EVERY = 4

describe('AuthZEN interop vectors', { skip: folder === undefined }, () => {
  it('gets the published answers over HTTP', async () => {
    const { cases, prepare } = readVectors(folder ?? '')
    for (const [set, count] of Object.entries(EXPECTED_CASES))
      assert.equal(cases.filter((one) => one.set === set).length, count, set)
    const point = await createDecisionPoint()
    try {
      const ask = await prepare(point)
      const sample = cases.filter((one, at) => at % EVERY === 0 || one.path.endsWith('/evaluations'))
      const differences = []
      for (const one of sample) {
        const difference = await ask(one)
        if (difference !== null) differences.push(`${one.set}: ${difference}`)
      }
      assert.deepEqual(differences, [])
      assert.ok(sample.length > 60)
      const [first] = sample
      const turned = first === undefined ? null : await ask({ ...first, expected: first.expected !== true })
      assert.notEqual(turned, null, 'a wrong answer is noticed')
    } finally {
      await point.close()
    }
  })
})
