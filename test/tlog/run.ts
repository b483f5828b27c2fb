/**
 * `npm run test:tlog`: every outside vector of the transparency log. Prints counts; exit code 1 on any difference, 2 when
 * the vectors are missing.
 *
 * @module
 */
import { EXPECTED_CASES, runAll, sharedVectors } from './vectors.ts'

const folder = sharedVectors()
if (folder === undefined) {
  console.error('tlog vectors: the shared vectors are missing (set SAFECONDUCT_SHARED)')
  process.exitCode = 2
} else {
  const expected: Record<string, number> = EXPECTED_CASES
  let passed = 0
  let failed = 0
  for (const { name, passed: good, negative, failures } of runAll(folder)) {
    const complete = good + failures.length >= (expected[name] ?? Number.POSITIVE_INFINITY)
    console.log(`${name}: ${good} of ${expected[name]} passed, ${negative} of them refusals`)
    for (const failure of failures) console.error(`  ${failure}`)
    if (!complete) console.error(`  ${name}: cases are missing`)
    passed += good
    failed += failures.length + (complete ? 0 : 1)
  }
  console.log(`tlog vectors: ${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}
