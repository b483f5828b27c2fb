import assert from 'node:assert/strict'
import { it } from 'node:test'
import { compareWorlds } from './compare.ts'
import { isInstalled, startOracle } from './embedded.ts'

const installed = isInstalled()
if (!installed)
  process.stderr.write('SKIPPED: SpiceDB is not installed (npm run test:spicedb does it): not compared\n')

it('a sample of generated worlds gets the answers of SpiceDB', {
  skip: installed ? false : 'not installed',
}, async () => {
  const oracle = await startOracle((text) => process.stderr.write(`${text}\n`))
  const { allowed, listed, differences } = await compareWorlds(oracle, 5, 7)
  oracle.close()
  assert.deepEqual(differences, [])
  assert.ok(allowed > 0 && listed > 0)
})
