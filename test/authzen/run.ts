/**
 * `npm run test:authzen`: every interop vector over HTTP. Prints counts per set; exit code 1 on any difference, 2 when
 * the vectors are missing.
 *
 * @module
 */
import { createDecisionPoint } from './decision-point.ts'
import { EXPECTED_CASES, readVectors, sharedVectors, type VectorSet } from './vectors.ts'

const folder = sharedVectors()
if (folder === undefined) {
  console.error('authzen vectors: the shared vectors are missing (set SAFECONDUCT_SHARED)')
  process.exitCode = 2
} else {
  const vectors = readVectors(folder)
  const point = await createDecisionPoint()
  try {
    const ask = await vectors.prepare(point)
    let total = 0
    for (const set of Object.keys(EXPECTED_CASES) as VectorSet[]) {
      let passed = 0
      for (const one of vectors.cases.filter((each) => each.set === set)) {
        const difference = await ask(one)
        if (difference === null) passed++
        else console.error(`  ${set}: ${JSON.stringify(one.request)}: ${difference}`)
      }
      console.log(`${set}: ${passed} of ${EXPECTED_CASES[set]} passed`)
      if (passed !== EXPECTED_CASES[set]) process.exitCode = 1
      total += passed
    }
    console.log(`authzen vectors: ${total} passed`)
  } finally {
    await point.close()
  }
}
