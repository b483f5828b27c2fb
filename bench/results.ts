/**
 * `bench:results`: runs every bench, one after the other, and writes `bench/RESULTS.md`. A bench that fails is said to
 * have failed there, and the others go on. The recorded runs take longest: about a quarter of an hour of one core.
 *
 *     npm run bench:results -- [--only NAME,NAME] [--list]
 *
 * With `--only` the others keep the numbers of their last run here (`bench/out/results/`), each under its own date;
 * `--only none` writes the file anew without measuring. Progress goes to standard error.
 * @module
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { load } from './lib/machine.ts'
import { benchOptions, refuse } from './lib/options.ts'
import { resultsMarkdown } from './results/markdown.ts'
import { type BenchRecord, lastRecord, runBench } from './results/record.ts'
import { SECTIONS, type Section } from './results/sections.ts'

const USAGE = {
  name: 'results',
  about: 'Runs every bench and writes bench/RESULTS.md; what was not run anew keeps its last numbers.',
}
const { values: flags } = benchOptions(USAGE, {
  only: { type: 'string', value: 'A,B', about: 'measure these anew; `none` only writes the page' },
  list: { type: 'boolean', default: false, about: 'say what there is' },
})
const names = SECTIONS.map(({ name }) => name)
const wanted = flags.only === undefined ? names : flags.only === 'none' ? [] : flags.only.split(',')
const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) refuse(USAGE, `no such bench: ${unknown.join(', ')} (${names.join(', ')})`)

if (flags.list) process.stdout.write(`${names.join('\n')}\n`)
else await main()

async function main(): Promise<void> {
  const file = path.join(import.meta.dirname, 'RESULTS.md')
  for (const [number, name] of wanted.entries()) {
    const section = SECTIONS.find((each) => each.name === name)
    if (section === undefined) continue
    process.stderr.write(
      `bench:results: ${number + 1} of ${wanted.length}, ${name} (load ${load().join(' ')})\n`,
    )
    const { error, seconds } = await runBench(section)
    process.stderr.write(`bench:results: ${name} ${error === null ? 'done' : 'FAILED'} after ${seconds} s\n`)
    // After each, so that a run that is cut short leaves what it has.
    write(file)
  }
  write(file)
  process.stderr.write(`bench:results: ${file}\n`)
}

function write(file: string): void {
  writeFileSync(file, resultsMarkdown(SECTIONS.map((section) => ({ section, record: legible(section) }))))
}

/** The last run of a bench, unless the bench has come to print something else since: then it counts as not run. */
function legible(section: Section): BenchRecord | null {
  const record = lastRecord(section.name)
  if (record === null || record.error !== null) return record
  try {
    section.tables(record.json)
    section.goals(record.json)
    return record
  } catch {
    process.stderr.write(`bench:results: ${section.name} was last run in an older form; run it anew\n`)
    return null
  }
}
