/**
 * `bench:extraction`: copying a model by asking it. Offline replay on real digits, attacks re-implemented.
 *
 *   [--seed N] [--json]
 *
 * The digits are installed when it is first run (`bench/extraction/peers/`). Takes a minute a seed.
 * @module
 */
import { machine } from '../lib/machine.ts'
import { benchOptions, refuse } from '../lib/options.ts'
import { measure, type SeedResult } from './measure.ts'
import {
  attackLines,
  type ExtractionReport,
  goalsOf,
  hardeningLines,
  honestLines,
  textReport,
} from './report.ts'

const USAGE = {
  name: 'extraction',
  about: 'Queries until copying a model is noticed; honest callers beside it. Offline replay.',
}
const { values } = benchOptions(USAGE, {
  seed: { type: 'string', value: 'N', about: 'one seed instead of three' },
})
/** Seed 1 was looked at while the terms were chosen; the others were run for the report only. */
const seeds = values.seed === undefined ? [1, 2, 3, 4, 5, 6, 7, 8] : [Number(values.seed)]
if (!seeds.every(Number.isSafeInteger)) {
  refuse(USAGE, '--seed takes a whole number')
}
const results: SeedResult[] = []
for (const seed of seeds)
  results.push(await measure(seed, (text) => process.stderr.write(`bench:extraction: ${text}\n`)))
const report: ExtractionReport = {
  bench: 'extraction',
  data: 'mnist 1.1.0',
  machine: machine(),
  seeds: results,
}
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...report, attacks: attackLines(report), quiet: honestLines(report), hardened: hardeningLines(report), goals: goalsOf(report) })}\n`
    : textReport(report),
)
