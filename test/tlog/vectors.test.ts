import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EXPECTED_CASES, runMerkle, runTessera, sharedVectors } from './vectors.ts'

const folder = sharedVectors()
if (folder === undefined) {
  process.stderr.write(
    'SKIPPED: shared/vectors/tlog is not here (set SAFECONDUCT_SHARED): tlog vectors not run\n',
  )
}
const skip = folder === undefined ? 'shared/vectors/tlog is missing' : false

describe('outside tlog vectors', { skip }, () => {
  for (const family of ['inclusion', 'consistency', 'subtreeinclusion', 'subtreeconsistency'] as const) {
    it(`${family}: every case has the outcome it names`, () => {
      const { passed, negative, failures } = runMerkle(folder ?? '', family)
      assert.deepEqual(failures, [])
      assert.equal(passed, EXPECTED_CASES[family])
      assert.ok(negative > 0 && negative < passed)
    })
  }

  it('tessera: 16 checkpoints, their tiles and bundles, and the whole log', () => {
    const { passed, failures } = runTessera(folder ?? '')
    assert.deepEqual(failures, [])
    assert.equal(passed, EXPECTED_CASES.tessera)
  })
})
