import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareRuns, countRun } from './compare.ts'
import { judge, parseRequirements, type ServerRun } from './suite.ts'
import { type Check, type CheckStatus, parseChecks } from './suite-process.ts'

function check(scenario: string, id: string, status: CheckStatus): Check {
  return { scenario, check: id, status }
}

function run(scored: readonly string[], ...checks: readonly Check[]): ServerRun {
  return { revision: '2026-07-28', scored, checks, verdicts: judge(checks, scored) }
}

test('the list of required scenarios ends where the server section ends', () => {
  const printed = [
    'Required for 2026-07-28 (3 scenarios):',
    '',
    'Server scenarios (test against a server):',
    '  - server-stateless',
    '  - caching',
    '',
    'Client scenarios (test against a client):',
    '  - tools_call',
  ].join('\n')
  assert.deepEqual(parseRequirements(printed), ['server-stateless', 'caching'])
  assert.deepEqual(parseRequirements('Client scenarios:\n  - tools_call'), [])
})

test('checks are read with their status; an unknown status or shape is refused', () => {
  const read = parseChecks('caching', [{ id: 'ttl', status: 'FAILURE', errorMessage: 'missing', extra: 1 }])
  assert.deepEqual(read, [{ scenario: 'caching', check: 'ttl', status: 'FAILURE', message: 'missing' }])
  assert.throws(() => parseChecks('caching', [{ id: 'ttl', status: 'MAYBE' }]), /unknown status/)
  assert.throws(() => parseChecks('caching', { id: 'ttl' }), /not a list/)
  assert.throws(() => parseChecks('caching', [{ status: 'SUCCESS' }]), /not text/)
})

test('one failure fails a scenario, a warning does not, silence fails a scored one', () => {
  const verdicts = judge(
    [
      check('mixed', 'a', 'SUCCESS'),
      check('mixed', 'b', 'FAILURE'),
      check('warned', 'a', 'SUCCESS'),
      check('warned', 'b', 'WARNING'),
      check('unjudged', 'a', 'SKIPPED'),
    ],
    ['mixed', 'warned', 'silent'],
  )
  assert.deepEqual(Object.fromEntries(verdicts), {
    mixed: 'failed',
    warned: 'passed',
    silent: 'failed',
    unjudged: 'skipped',
  })
})

test('a scenario that passed directly and fails, is skipped or is missing through the gateway is lost', () => {
  const direct = run(['s'], ...['s', 'a', 'b', 'c'].map((name) => check(name, 'x', 'SUCCESS')))
  const through = run(
    ['s'],
    check('s', 'x', 'SUCCESS'),
    check('a', 'x', 'FAILURE'),
    check('b', 'x', 'SKIPPED'),
  )
  const { lostScenarios, lostChecks } = compareRuns(direct, through)
  assert.deepEqual(lostScenarios, ['a', 'b', 'c'])
  assert.deepEqual(
    lostChecks.map((loss) => [loss.scenario, loss.became]),
    [
      ['a', 'FAILURE'],
      ['b', 'SKIPPED'],
      ['c', 'ABSENT'],
    ],
  )
})

test('a check that falls to a warning is lost although its scenario still passes; the gravest occurrence counts', () => {
  const direct = run(
    ['s'],
    check('s', 'x', 'SUCCESS'),
    check('s', 'y', 'SUCCESS'),
    check('s', 'y', 'SUCCESS'),
  )
  const through = run(
    ['s'],
    check('s', 'x', 'SUCCESS'),
    check('s', 'y', 'SUCCESS'),
    check('s', 'y', 'WARNING'),
  )
  const { lostScenarios, lostChecks } = compareRuns(direct, through)
  assert.deepEqual(lostScenarios, [])
  assert.deepEqual(lostChecks, [{ scenario: 's', check: 'y', became: 'WARNING' }])
})

test('what failed directly is no loss', () => {
  const both = run(['s'], check('s', 'x', 'FAILURE'))
  assert.deepEqual(compareRuns(both, both), { lostScenarios: [], lostChecks: [] })
  assert.throws(() => compareRuns(both, { ...both, revision: '2025-11-25' }), /revisions/)
})

test('counts keep scored and other scenarios apart', () => {
  const counts = countRun(
    run(['s', 't'], check('s', 'x', 'SUCCESS'), check('t', 'x', 'FAILURE'), check('extra', 'x', 'SUCCESS')),
  )
  assert.deepEqual(counts, {
    scoredPassed: 1,
    scored: 2,
    otherPassed: 1,
    other: 1,
    checksPassed: 2,
    checksFailed: 1,
  })
})
