// Runs the checks: types, lint, dead code, then unit tests in one process, then everything that opens a server,
// a socket or a child in a process of its own. Ends with the test runner's own summary. `properties [ROUNDS]` instead
// runs the unit tests that generate their cases, with new cases in every round.
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const only = process.argv[2] ?? 'all'
const bin = (name) => path.join(root, 'node_modules', '.bin', name)
const loader = ['--conditions=safeconduct-src', '--import', './scripts/property-seed.mjs']
const ignored = (file) => file.includes('node_modules') || file.includes('/dist/')
const find = (...patterns) =>
  globSync(patterns, { cwd: root })
    .filter((file) => !ignored(file))
    .sort()

/** `summed`: the program ends with a summary of its own, and that stays the last word. */
function step(name, command, args, summed = false, env = {}) {
  const started = Date.now()
  process.stdout.write(`\n── ${name}\n`)
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  if (!summed)
    process.stdout.write(
      `── ${name}: ${result.status === 0 ? 'ok' : 'FAILED'} in ${Date.now() - started} ms\n`,
    )
  return result.status === 0
}

function seen(name, files) {
  if (files.length > 0) return files
  process.stderr.write(`${name}: no test file found, which cannot be right\n`)
  process.exit(1)
}

const unitFiles = () =>
  find('{packages,examples,bench,test}/**/*.test.ts').filter((file) => !file.endsWith('.e2e.test.ts'))
// What never settles is named and fails, instead of holding everything up.
const inOneProcess = [
  ...loader,
  '--test',
  '--test-isolation=none',
  '--test-timeout=240000',
  '--test-reporter=dot',
]

/** One failing seed ends it: the line above says how to see it again. */
function properties() {
  const rounds = Number(process.argv[3] ?? 5)
  const files = unitFiles().filter((file) =>
    readFileSync(path.join(root, file), 'utf8').includes('fast-check'),
  )
  for (let round = 1; round <= rounds; round++) {
    const seed = String(process.env.SAFECONDUCT_PROPERTY_SEED ?? randomInt(2 ** 31))
    const name = `properties, round ${round} of ${rounds}, SAFECONDUCT_PROPERTY_SEED=${seed}`
    const args = [...inOneProcess, ...seen('properties', files)]
    if (!step(name, process.execPath, args, false, { SAFECONDUCT_PROPERTY_SEED: seed })) return false
  }
  return true
}

const steps = {
  check: () =>
    [
      () => step('types', bin('tsc'), ['-p', 'tsconfig.json']),
      () => step('lint', bin('biome'), ['check', '--error-on-warnings', '.']),
      () => step('dead code', bin('knip'), ['--no-progress']),
    ].every((run) => run()),
  unit: () => {
    const files = unitFiles()
    const args = [...inOneProcess, ...seen('unit', files)]
    return step(`unit tests (${files.length} files, one process)`, process.execPath, args)
  },
  e2e: () => {
    const files = find('{packages,examples,bench,test}/**/*.e2e.test.ts')
    const args = [
      ...loader,
      '--test',
      '--test-concurrency=2',
      '--test-timeout=240000',
      '--test-reporter=spec',
    ]
    return step(
      `end to end (${files.length} files)`,
      process.execPath,
      [...args, ...seen('e2e', files)],
      true,
    )
  },
}

if (only === 'properties') process.exit(properties() ? 0 : 1)
const chosen = only === 'all' ? Object.keys(steps) : [only]
const failed = []
for (const name of chosen) {
  if (!(name in steps)) {
    process.stderr.write(`Unknown step ${name}; one of ${Object.keys(steps).join(', ')}, properties\n`)
    process.exit(2)
  }
  // Later steps run even when an earlier one failed: one run tells everything that is wrong.
  if (!steps[name]()) failed.push(name)
}
if (failed.length > 0) process.stderr.write(`── FAILED: ${failed.join(', ')}\n`)
process.exit(failed.length === 0 ? 0 : 1)
