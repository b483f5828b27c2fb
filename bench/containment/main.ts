/**
 * `bench:containment`: how much harm an agent does that was taken over, before it is stopped; and how often one that
 * only works is stopped. Live processes, a synthetic office.
 *
 *   [--victims N] [--days N] [--agent-days N] [--seed N] [--policy starter|risk-alone] [--json]
 *
 * @module
 */
import { machine } from '../lib/machine.ts'
import { benchOptions, refuse, wholeOption } from '../lib/options.ts'
import { shiftClock } from '../lib/shifted-clock.ts'
import { measureBenign } from './benign.ts'
import type { PolicyName } from './daemon-process.ts'
import { type LiveResult, measureLive } from './measure.ts'
import { benignIntervals, type ContainmentReport, linesOf, overallOf, textReport } from './report.ts'

const POLICIES: readonly PolicyName[] = ['starter', 'risk-alone']
/** Seed 1 was looked at while this was built; the default was not. */
const DEFAULTS = { victims: 8, days: 2, 'agent-days': 3000, seed: 2026 } as const
const STAFF = 60

const USAGE = {
  name: 'containment',
  about: 'What an agent that was taken over can still do, by stealth; live processes, a synthetic office.',
}
const { values } = benchOptions(USAGE, {
  victims: { type: 'string', value: 'N', about: `agents taken over at each level (${DEFAULTS.victims})` },
  days: { type: 'string', value: 'N', about: `days of honest work before (${DEFAULTS.days})` },
  'agent-days': {
    type: 'string',
    value: 'N',
    about: `days of agents that only work (${DEFAULTS['agent-days']})`,
  },
  seed: { type: 'string', value: 'N', about: `of everything that is drawn (${DEFAULTS.seed})` },
  policy: { type: 'string', value: POLICIES.join('|'), about: 'one policy instead of all' },
})

const whole = (name: keyof typeof DEFAULTS) =>
  wholeOption(USAGE, name, values[name] ?? String(DEFAULTS[name]))

const policies = POLICIES.filter((name) => values.policy === undefined || values.policy === name)
if (policies.length === 0) {
  refuse(USAGE, `--policy is one of ${POLICIES.join(', ')}`)
}
const [victims, days, agentDays, seed] = [whole('victims'), whole('days'), whole('agent-days'), whole('seed')]
const clock = shiftClock()
const live: LiveResult[] = []
for (const policy of policies) {
  process.stderr.write(`live processes, policy ${policy}…\n`)
  const result = await measureLive({ policy, victims, others: 4, days, seed }, clock)
  live.push(result)
  for (const { level, median, most, unstopped } of linesOf({ live: [result] }))
    process.stderr.write(`  ${level}: median ${median}, most ${most}, not stopped ${unstopped}\n`)
}
process.stderr.write('agents at work…\n')
const agents = Math.min(STAFF, agentDays)
const benign = measureBenign({ agents, days: Math.ceil(agentDays / agents), seed })
const report: ContainmentReport = { bench: 'containment', machine: machine(), live, benign }
const figures = { lines: linesOf(report), overall: live.map(overallOf), intervals: benignIntervals(benign) }
process.stdout.write(values.json ? `${JSON.stringify({ ...report, ...figures })}\n` : textReport(report))
