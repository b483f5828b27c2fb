/**
 * `npm run test:openfga`: every assertion of OpenFGA's suite. Prints counts per kind; exit code 1 on any difference, 2
 * when the vectors are missing.
 *
 * @module
 */
import { EXPECTED_CASES, type File, type Kind, runFile, sharedVectors } from './assertions.ts'

const folder = sharedVectors()
if (folder === undefined) {
  console.error('openfga assertions: the shared vectors are missing (set SAFECONDUCT_SHARED)')
  process.exitCode = 2
} else {
  let total = 0
  for (const name of Object.keys(EXPECTED_CASES) as File[]) {
    const { passed, errors, failures } = await runFile(folder, name)
    for (const kind of ['check', 'listObjects', 'listUsers'] satisfies Kind[]) {
      console.log(`${name}: ${kind}: ${passed[kind]} of ${EXPECTED_CASES[name][kind]} passed`)
      total += passed[kind]
      if (passed[kind] !== EXPECTED_CASES[name][kind]) process.exitCode = 1
    }
    console.log(`${name}: ${errors} of them error codes`)
    for (const failure of failures) console.error(`  ${failure}`)
  }
  console.log(`openfga assertions: ${total} passed`)
}
