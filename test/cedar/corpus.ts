/**
 * `npm run test:cedar-corpus`: every test of the generated corpus and of the hand-written set, exactly.
 * Prints counts; exit code 1 on any difference, 2 when the vectors are missing.
 *
 * @module
 */

import path from 'node:path'
import { readArchive, sharedCedarVectors } from './archive.ts'
import { type Replayed, replay, replayed } from './replay.ts'

const SHOWN_FAILURES = 20

/** Expected sizes: a corpus that shrank would pass unnoticed. */
const expected = {
  'corpus-tests.tar.gz': { tests: 7809, requests: 62_472, invalid: 1584, reclassified: 35 },
  'handwritten.tar.gz': { tests: 22, requests: 74, invalid: 0, reclassified: 0 },
} as const

function run(folder: string, file: keyof typeof expected): boolean {
  const started = performance.now()
  const archive = readArchive(path.join(folder, file))
  const names = [...archive.keys()].filter(
    (name) =>
      name.endsWith('.json') && !name.endsWith('entities.json') && /^(?:corpus-tests|tests)\//.test(name),
  )
  const totals: Replayed = replayed()
  for (const name of names) replay(archive, name, file === 'corpus-tests.tar.gz', totals)

  const want = expected[file]
  const complete =
    names.length === want.tests &&
    totals.requests === want.requests &&
    totals.invalid === want.invalid &&
    totals.reclassified === want.reclassified
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `${file}: ${names.length} tests, ${totals.requests} requests with schema, ${totals.plainRequests} without, ` +
      `${totals.validated} policy sets valid, ${totals.invalid} invalid (and ${totals.reclassified} since Cedar 4.10 only warned about), ${totals.failures.length} differences, ${seconds} s`,
  )
  if (!complete) console.error(`${file}: expected ${JSON.stringify(want)}`)
  for (const failure of totals.failures.slice(0, SHOWN_FAILURES)) console.error(`  ${failure}`)
  return complete && totals.failures.length === 0
}

const folder = sharedCedarVectors()
if (folder === undefined) {
  console.error('cedar corpus: the shared vectors are missing (set SAFECONDUCT_SHARED)')
  process.exitCode = 2
} else {
  const results = (['handwritten.tar.gz', 'corpus-tests.tar.gz'] as const).map((file) => run(folder, file))
  if (results.includes(false)) process.exitCode = 1
}
