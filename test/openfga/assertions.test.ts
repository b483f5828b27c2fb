import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EXPECTED_CASES, type File, runFile, sharedVectors } from './assertions.ts'

const folder = sharedVectors()
if (folder === undefined) {
  process.stderr.write(
    'SKIPPED: shared/vectors/openfga is not here (set SAFECONDUCT_SHARED): OpenFGA assertions not run\n',
  )
}
const skip = folder === undefined ? 'shared/vectors/openfga is missing' : false

describe('OpenFGA assertions', { skip }, () => {
  for (const name of Object.keys(EXPECTED_CASES) as File[]) {
    it(`${name}: every check, listing and error code`, async () => {
      const { passed, errors, failures } = await runFile(folder ?? '', name)
      assert.deepEqual(failures, [])
      assert.deepEqual(passed, EXPECTED_CASES[name])
      assert.ok(errors > 40)
    })
  }
})
