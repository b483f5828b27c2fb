/**
 * `bench:login`: how often people are asked again when attacks on their accounts are to be caught. Synthetic logins.
 *
 *   [--params dev|held] [--seed N] [--json]
 *
 * @module
 */
import { machine } from '../lib/machine.ts'
import { benchOptions, refuse } from '../lib/options.ts'
import { PARAMETERS } from './generate.ts'
import { measure, resultsOf } from './measure.ts'
import { goalsOf, type LoginReport, linesOf, type MeasuredSet, textReport } from './report.ts'

const USAGE = {
  name: 'login',
  about: 'How often people are asked again, and whom that stops. SYNTHETIC logins.',
}
const { values } = benchOptions(USAGE, {
  params: { type: 'string', value: 'dev|held', about: 'one set of parameters instead of both' },
  seed: { type: 'string', value: 'N', about: 'one seed instead of three' },
})

/** Seeds: 1–3 were looked at with `dev`; everything else was run for the report only. */
const SEEDS: Readonly<Record<string, readonly number[]>> = { dev: [1, 2, 3], held: [101, 102, 103] }

const names = values.params === undefined ? Object.keys(PARAMETERS) : [values.params]
const sets: MeasuredSet[] = []
for (const name of names) {
  const parameters = PARAMETERS[name]
  const seeds = values.seed === undefined ? SEEDS[name] : [Number(values.seed)]
  if (parameters === undefined || seeds === undefined || !seeds.every(Number.isSafeInteger)) {
    refuse(USAGE, '--params is dev or held, --seed a whole number')
  }
  const users = seeds.map((seed) => measure(parameters, seed))
  sets.push({ name, seeds, users, results: users.map((each) => resultsOf(each)) })
}
const report: LoginReport = {
  bench: 'login',
  data: 'synthetic',
  machine: machine(),
  sets: sets.map(({ name, seeds, results }) => ({ name, seeds, results })),
  lines: linesOf(sets),
}
process.stdout.write(
  values.json ? `${JSON.stringify({ ...report, goals: goalsOf(report) })}\n` : textReport(report),
)
