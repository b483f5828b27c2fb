/**
 * `bench:decision`: what a decision costs beside peers, CPU time, same questions, same answers, one run.
 *
 *     npm run bench:decision -- [--json] [--only engines,http,relations]
 *
 * Peers are installed on the first run (`bench/peers/`); one that cannot be had is skipped, said on standard error and in
 * the report. Takes about five minutes. Exit code 1 when anybody gives a wrong answer.
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { measureEngines } from './decision/engines.ts'
import { installPeers } from './decision/peers.ts'
import { measureRelations } from './decision/relations.ts'
import { allAgree, type DecisionReport, goalsOf, tablesOf } from './decision/report.ts'
import { measureServers } from './decision/servers.ts'
import { load, machine } from './lib/machine.ts'
import { benchOptions, refuse } from './lib/options.ts'

const PARTS = ['engines', 'http', 'relations'] as const

const USAGE = {
  name: 'decision',
  about: 'Decisions, permission checks and AuthZEN over HTTP, beside named peers.',
}
const { values: flags } = benchOptions(USAGE, {
  only: { type: 'string', value: 'A,B', about: `parts: ${PARTS.join(', ')}` },
})
const wanted = flags.only?.split(',') ?? PARTS
const unknown = wanted.filter((name) => !PARTS.some((part) => part === name))
if (unknown.length > 0) refuse(USAGE, `no such part: ${unknown.join(', ')}`)
const progress = (text: string) => process.stderr.write(`bench:decision: ${text}\n`)

const out = path.join(import.meta.dirname, 'out')
mkdirSync(out, { recursive: true })
const directory = mkdtempSync(path.join(out, '.bench-decision-'))
try {
  const report = await measure()
  for (const { what, why } of report.skipped) progress(`SKIPPED ${what}: ${why}`)
  if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else print(report)
  if (!allAgree(report)) {
    progress('an engine gave a wrong answer, so its cost means nothing')
    process.exitCode = 1
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

async function measure(): Promise<DecisionReport> {
  const made = machine()
  const peers = await installPeers(progress)
  const servers = wanted.includes('http') ? await measureServers(peers, directory, progress) : null
  if (wanted.includes('relations')) progress('relations')
  const relations = wanted.includes('relations') ? await measureRelations() : null
  const engines = wanted.includes('engines') ? await measureEngines(peers, progress) : null
  const parts = { engines, http: servers?.sizes ?? null, relations }
  return {
    machine: made,
    loadAfter: load(),
    ...parts,
    skipped: [...(engines?.skipped ?? []), ...(servers?.skipped ?? [])],
    goals: goalsOf(parts),
  }
}

function print(report: DecisionReport): void {
  const { cpu, cores, node } = report.machine
  console.log(
    `${cpu}, ${cores} cores, Node ${node}, load ${report.machine.load.join(' ')} before, ${report.loadAfter.join(' ')} after`,
  )
  for (const { title, rows } of tablesOf(report)) {
    console.log(`\n${title}`)
    console.table(rows)
  }
}
