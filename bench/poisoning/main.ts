/**
 * `bench:poisoning`: what detection loses to somebody who teaches the baselines first.
 *
 *   [--agents N] [--seeds a,b] [--method NAME] [--json]
 *
 * @module
 */
import { machine } from '../lib/machine.ts'
import { benchOptions, refuse } from '../lib/options.ts'
import { AIMS, METHODS, measure } from './measure.ts'
import { linesOf, type PoisoningReport, textReport } from './report.ts'

/** Seeds 1–3 were looked at while this was built; the defaults were not. */
const USAGE = {
  name: 'poisoning',
  about: 'What detection loses when somebody teaches the baselines first; a synthetic office, two arms.',
}
const { values } = benchOptions(USAGE, {
  agents: { type: 'string', default: '12', value: 'N', about: 'agents of the office, 5 or more' },
  seeds: { type: 'string', default: '101,102', value: 'A,B', about: 'of everything that is drawn' },
  method: { type: 'string', value: METHODS.join('|'), about: 'one method instead of all' },
})
const agents = Number(values.agents)
const seeds = values.seeds.split(',').map(Number)
const methods = METHODS.filter((name) => values.method === undefined || name === values.method)
if (
  !Number.isSafeInteger(agents) ||
  agents < 5 ||
  !seeds.every(Number.isSafeInteger) ||
  methods.length === 0
) {
  refuse(USAGE, '--agents is 5 or more, --seeds whole numbers, --method one of the methods')
}
const results = seeds.map((seed) =>
  methods.flatMap((method) =>
    AIMS[method].map((target) => {
      process.stderr.write(`seed ${seed}: ${method}, ${target}…\n`)
      return measure(method, target, { agents, seed })
    }),
  ),
)
const report: PoisoningReport = { bench: 'poisoning', machine: machine(), seeds, results }
process.stdout.write(
  values.json ? `${JSON.stringify({ ...report, lines: linesOf(report) })}\n` : textReport(report),
)
