/**
 * @module `npm run test:mcp-conformance`: the outside suite against our authorization server, and against the fixture,
 * directly and through the gateway, per revision. Exit code 0 only when every scenario of the former and every scored one
 * of the latter passes and nothing that succeeds directly is lost through the gateway; 1 when something fails; 3 when the gateway half does not exist, so that an absent
 * half is never taken for a pass.
 */
import { AUTHORIZATION_SCENARIOS } from './authorization.ts'
import { type Comparison, compareRuns, countRun } from './compare.ts'
import { type FixtureServer, startFixtureServer } from './fixture-server.ts'
import { bearer, startForwarder } from './forwarder.ts'
import { loadGatewaySide, type StartGateway } from './gateway-side.ts'
import { runOurAuthorization } from './our-authorization.ts'
import { REVISIONS, type Revision, runRevision, type ServerRun } from './suite.ts'

const GATEWAY_MISSING = 3

async function main(): Promise<number> {
  const startGateway = await loadGatewaySide()
  let ok = await measureAuthorization()
  const fixture = await startFixtureServer()
  try {
    for (const revision of REVISIONS) ok = (await measure(fixture, revision, startGateway)) && ok
  } finally {
    await fixture.close()
  }
  if (startGateway === undefined) {
    say('')
    say('!! THE GATEWAY HALF IS MISSING: test/conformance/through-gateway.ts does not exist.')
    say('!! Only the fixture was measured. This run says nothing about the gateway and does not pass.')
    return ok ? GATEWAY_MISSING : 1
  }
  return ok ? 0 : 1
}

async function measureAuthorization(): Promise<boolean> {
  const { verdicts, checks } = await runOurAuthorization()
  const passed = AUTHORIZATION_SCENARIOS.filter((name) => verdicts.get(name) === 'passed')
  say(`authorization server     scenarios ${passed.length}/${AUTHORIZATION_SCENARIOS.length}`)
  for (const name of AUTHORIZATION_SCENARIOS)
    if (!passed.includes(name))
      say(`    not passed: ${name} ${JSON.stringify(checks.filter(({ scenario }) => scenario === name))}`)
  return passed.length === AUTHORIZATION_SCENARIOS.length
}

async function measure(
  fixture: FixtureServer,
  revision: Revision,
  startGateway: StartGateway | undefined,
): Promise<boolean> {
  const direct = await runRevision(fixture.url, revision)
  report('direct', direct)
  const directOk = direct.scored.every((name) => direct.verdicts.get(name) === 'passed')
  if (startGateway === undefined) return directOk
  const through = await runThrough(await startGateway(fixture.url), revision)
  report('through gateway', through)
  const comparison = compareRuns(direct, through)
  reportLosses(comparison)
  return directOk && comparison.lostScenarios.length === 0 && comparison.lostChecks.length === 0
}

// A fresh gateway per revision: what one run taught its detectors must not decide the next.
async function runThrough(
  gateway: Awaited<ReturnType<StartGateway>>,
  revision: Revision,
): Promise<ServerRun> {
  try {
    const forwarder = await startForwarder(gateway.url, bearer(gateway.token))
    try {
      return await runRevision(forwarder.url, revision)
    } finally {
      await forwarder.close()
    }
  } finally {
    await gateway.close()
  }
}

function report(how: string, run: ServerRun): void {
  const counts = countRun(run)
  say(
    `${run.revision}  ${how.padEnd(15)}  scored ${counts.scoredPassed}/${counts.scored}` +
      `  other ${counts.otherPassed}/${counts.other}` +
      `  checks ${counts.checksPassed} passed, ${counts.checksFailed} failed`,
  )
  for (const name of run.scored)
    if (run.verdicts.get(name) !== 'passed') say(`    not passed: ${name}${firstFailure(run, name)}`)
  const other = [...run.verdicts].filter(
    ([name, verdict]) => verdict === 'failed' && !run.scored.includes(name),
  )
  if (other.length > 0) say(`    not scored, failing: ${other.map(([name]) => name).join(', ')}`)
}

function firstFailure(run: ServerRun, scenario: string): string {
  const failure = run.checks.find((check) => check.scenario === scenario && check.status === 'FAILURE')
  return failure === undefined ? '' : ` (${failure.check}: ${(failure.message ?? '').slice(0, 300)})`
}

function reportLosses({ lostScenarios, lostChecks }: Comparison): void {
  for (const name of lostScenarios) say(`    LOST scenario: ${name}`)
  for (const loss of lostChecks)
    say(
      `    LOST check: ${loss.scenario}:${loss.check} is ${loss.became} ${(loss.message ?? '').slice(0, 300)}`,
    )
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main()
