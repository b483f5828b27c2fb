/**
 * @module The suite in server mode: which scenarios a revision requires, one run against a URL, and what the run says
 * about each scenario.
 */
import { askSuite, type Check, runSuite } from './suite-process.ts'

/** The revisions the run covers. The suite has no requirement set for 2025-06-18: there, whatever applies counts. */
export type Revision = '2025-06-18' | '2025-11-25' | '2026-07-28'
export const REVISIONS: readonly Revision[] = ['2025-06-18', '2025-11-25', '2026-07-28']

/** `passed`: at least one success and no failure. `skipped`: nothing could be judged. */
export type Verdict = 'passed' | 'failed' | 'skipped'

export interface ServerRun {
  readonly revision: Revision
  /** Scenarios that decide conformance; the rest ran and is reported only. */
  readonly scored: readonly string[]
  /** Every scenario that was due, in the suite's order, with its verdict; one without a result is `failed`. */
  readonly verdicts: ReadonlyMap<string, Verdict>
  readonly checks: readonly Check[]
}

/** Runs everything `revision` knows against `url`. @throws as {@link runSuite}, and when nothing ran at all. */
export async function runRevision(url: string, revision: Revision): Promise<ServerRun> {
  const required = revision === '2025-06-18' ? undefined : await requiredScenarios(revision)
  const which =
    required === undefined ? ['--suite', 'all', '--spec-version', revision] : ['--requirements', revision]
  const { checks, output } = await runSuite(['server', '--url', url, ...which])
  if (checks.length === 0)
    throw new Error(`the suite left no results for ${revision}:\n${output.slice(-2000)}`)
  const scored = required ?? scenariosOf(checks)
  return { revision, scored, verdicts: judge(checks, scored), checks }
}

/** Runs one scenario against `url`; resolves to its checks. */
export async function runScenario(
  url: string,
  scenario: string,
  revision: Revision,
): Promise<readonly Check[]> {
  const args = ['server', '--url', url, '--scenario', scenario, '--spec-version', revision]
  const { checks, output } = await runSuite(args, { limitMs: 60_000 })
  if (checks.length === 0) throw new Error(`scenario ${scenario} left no result:\n${output.slice(-2000)}`)
  return checks
}

async function requiredScenarios(revision: Revision): Promise<readonly string[]> {
  const required = parseRequirements(await askSuite(['list', '--requirements', revision]))
  if (required.length === 0) throw new Error(`the suite lists no required server scenarios for ${revision}`)
  return required
}

/** The server scenarios in what `conformance list --requirements` prints. */
export function parseRequirements(printed: string): readonly string[] {
  const lines = printed.split('\n')
  const start = lines.findIndex((line) => line.startsWith('Server scenarios'))
  if (start === -1) return []
  const rest = lines.slice(start + 1)
  const end = rest.findIndex((line) => !line.startsWith('  - '))
  return rest.slice(0, end === -1 ? undefined : end).map((line) => line.slice('  - '.length).trim())
}

function scenariosOf(checks: readonly Check[]): readonly string[] {
  return [...new Set(checks.map((check) => check.scenario))]
}

/** Verdicts for the scored scenarios and for everything else that left checks. */
export function judge(checks: readonly Check[], scored: readonly string[]): ReadonlyMap<string, Verdict> {
  const names = [...new Set([...scored, ...scenariosOf(checks)])]
  return new Map(
    names.map((name) => [
      name,
      verdictOf(
        checks.filter((check) => check.scenario === name),
        scored.includes(name),
      ),
    ]),
  )
}

function verdictOf(checks: readonly Check[], due: boolean): Verdict {
  if (checks.some((check) => check.status === 'FAILURE')) return 'failed'
  if (checks.some((check) => check.status === 'SUCCESS')) return 'passed'
  return due && checks.length === 0 ? 'failed' : 'skipped'
}
