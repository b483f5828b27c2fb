/**
 * `bench:call`: what one governed call costs, as CPU by stage in process, as CPU of the daemon over HTTP beside the same
 * call direct and through a bare proxy, and how soon a revocation holds. Takes two to three minutes.
 *
 *     npm run bench:call -- [--json] [--rounds N] [--dir DIRECTORY]
 *
 * `--dir` chooses the disk that is written to. The client's CPU is never counted; proofs are signed before the clock
 * starts. Progress goes to standard error.
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { measureAuthenticate } from './call/authenticate.ts'
import { measureEngine } from './call/engine.ts'
import { agentsNeeded, measurePath, type Servers, startServers } from './call/path.ts'
import { measureRecord } from './call/record.ts'
import { type CallReport, goalsOf, tablesOf } from './call/report.ts'
import { agentsToRevoke, measureRevocation } from './call/revocation.ts'
import { load, machine } from './lib/machine.ts'
import { benchOptions, wholeOption } from './lib/options.ts'

const REVOCATIONS = 8

const USAGE = {
  name: 'call',
  about: 'One governed call: CPU by stage, over HTTP beside a direct call and a bare proxy.',
}
const { values: flags } = benchOptions(USAGE, {
  rounds: { type: 'string', default: '7', value: 'N', about: 'how often each way is measured' },
  dir: {
    type: 'string',
    default: path.join(import.meta.dirname, 'out'),
    value: 'DIRECTORY',
    about: 'where data goes',
  },
})
const rounds = wholeOption(USAGE, 'rounds', flags.rounds)
const progress = (text: string) => process.stderr.write(`bench:call: ${text}\n`)

mkdirSync(flags.dir, { recursive: true })
const directory = mkdtempSync(path.join(flags.dir, '.bench-call-'))

async function withServers<T>(
  name: string,
  agents: { dpop: number; bearer: number },
  use: (servers: Servers) => Promise<T>,
) {
  progress(`${name}: starting upstream, proxy and daemon with ${agents.dpop + agents.bearer} agents`)
  const servers = await startServers(path.join(directory, name), agents)
  try {
    return await use(servers)
  } finally {
    await servers.close()
  }
}

try {
  const made = machine()
  progress('engine by stage')
  const engine = measureEngine(rounds)
  progress('authentication')
  const authenticate = measureAuthenticate(rounds)
  progress('prepare and settle on a durable ledger')
  const record = await measureRecord(rounds, directory)
  const calls = await withServers('path', agentsNeeded(rounds), (servers) =>
    measurePath(servers, rounds, progress),
  )
  const revocation = await withServers('revocation', agentsToRevoke(REVOCATIONS), (servers) =>
    measureRevocation(servers, REVOCATIONS),
  )
  const measured = { engine, authenticate, record, path: calls, revocation }
  const report: CallReport = { machine: made, loadAfter: load(), ...measured, goals: goalsOf(measured) }
  if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else print(report)
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function print(report: CallReport): void {
  const { cpu, cores, node } = report.machine
  console.log(
    `${cpu}, ${cores} cores, Node ${node}, load ${report.machine.load.join(' ')} before, ${report.loadAfter.join(' ')} after`,
  )
  console.log(
    `decided: ${JSON.stringify(report.engine.outcomes)}, injected transfers: ${JSON.stringify(report.engine.refused)}; medians of ${rounds} rounds`,
  )
  for (const { title, rows } of tablesOf(report)) {
    console.log(`\n${title}`)
    console.table(rows)
  }
}
