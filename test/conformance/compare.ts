/** @module What the gateway lost: the direct run and the run through it, side by side. Pure. */

import type { ServerRun } from './suite.ts'
import type { Check, CheckStatus } from './suite-process.ts'

/** A check that succeeded directly and did not through the gateway. */
export interface LostCheck {
  readonly scenario: string
  readonly check: string
  /** What became of it; `ABSENT` when the scenario never reached it. */
  readonly became: CheckStatus | 'ABSENT'
  readonly message?: string
}

export interface Comparison {
  /** Scenarios that passed directly and not through the gateway; must be empty. */
  readonly lostScenarios: readonly string[]
  readonly lostChecks: readonly LostCheck[]
}

// A check id may occur several times in a scenario; the gravest occurrence speaks for it.
const GRAVITY: readonly CheckStatus[] = ['SUCCESS', 'INFO', 'SKIPPED', 'WARNING', 'FAILURE']

export function compareRuns(direct: ServerRun, through: ServerRun): Comparison {
  if (direct.revision !== through.revision) throw new Error('runs of different revisions cannot be compared')
  const lostScenarios = [...direct.verdicts]
    .filter(([name, verdict]) => verdict === 'passed' && through.verdicts.get(name) !== 'passed')
    .map(([name]) => name)
  const after = gravest(through.checks)
  const lostChecks = [...gravest(direct.checks)].flatMap(([key, check]): readonly LostCheck[] => {
    const now = after.get(key)
    if (check.status !== 'SUCCESS' || now?.status === 'SUCCESS') return []
    return [
      {
        scenario: check.scenario,
        check: check.check,
        became: now?.status ?? 'ABSENT',
        ...(now?.message === undefined ? {} : { message: now.message }),
      },
    ]
  })
  return { lostScenarios, lostChecks }
}

function gravest(checks: readonly Check[]): ReadonlyMap<string, Check> {
  const byId = new Map<string, Check>()
  for (const check of checks) {
    const key = `${check.scenario}\n${check.check}`
    const known = byId.get(key)
    if (known === undefined || GRAVITY.indexOf(check.status) > GRAVITY.indexOf(known.status))
      byId.set(key, check)
  }
  return byId
}

/** Counts of one run, for a line of print. */
export interface Counts {
  readonly scoredPassed: number
  readonly scored: number
  readonly otherPassed: number
  readonly other: number
  readonly checksPassed: number
  readonly checksFailed: number
}

export function countRun(run: ServerRun): Counts {
  const scored = new Set(run.scored)
  const verdicts = [...run.verdicts]
  const passed = verdicts.filter(([, verdict]) => verdict === 'passed').map(([name]) => name)
  const checksWith = (status: CheckStatus) => run.checks.filter((check) => check.status === status).length
  return {
    scoredPassed: passed.filter((name) => scored.has(name)).length,
    scored: scored.size,
    otherPassed: passed.filter((name) => !scored.has(name)).length,
    other: verdicts.length - scored.size,
    checksPassed: checksWith('SUCCESS'),
    checksFailed: checksWith('FAILURE'),
  }
}
