/**
 * `bench:poisoning`: what detection loses to somebody who teaches the baselines first.
 *
 *   [--agents N] [--seeds a,b] [--method NAME] [--json]
 *
 * @module
 */
import { parseArgs } from 'node:util'
import { machine } from '../lib/machine.ts'
import { AIMS, METHODS, measure } from './measure.ts'
import { type PoisoningReport, textReport } from './report.ts'

/** Seeds 1–3 were looked at while this was built; the defaults were not. */
const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '12' },
    seeds: { type: 'string', default: '101,102' },
    method: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
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
  console.error(
    `usage: bench:poisoning [--agents N (5 or more)] [--seeds a,b] [--method ${METHODS.join('|')}] [--json]`,
  )
  process.exit(2)
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
process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : textReport(report))
