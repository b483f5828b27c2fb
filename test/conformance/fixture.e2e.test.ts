/** A short sample of the outside suite for every `npm test`; `npm run test:mcp-conformance` runs it all. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type FixtureServer, startFixtureServer } from './fixture-server.ts'
import { type Revision, runScenario } from './suite.ts'

const SAMPLE: readonly (readonly [Revision, string])[] = [
  ['2025-06-18', 'server-initialize'],
  ['2025-11-25', 'tools-call-elicitation'],
  ['2025-11-25', 'server-sse-polling'],
  ['2026-07-28', 'server-stateless'],
  ['2026-07-28', 'input-required-result-multi-round'],
  ['2026-07-28', 'http-custom-header-server-validation'],
]

suite('the outside suite meets the fixture directly', () => {
  let fixture: FixtureServer
  before(async () => {
    fixture = await startFixtureServer()
  })
  after(() => fixture.close())

  for (const [revision, scenario] of SAMPLE)
    test(`${scenario} (${revision})`, async () => {
      const checks = await runScenario(fixture.url, scenario, revision)
      const bad = checks.filter((check) => check.status === 'FAILURE' || check.status === 'WARNING')
      assert.deepEqual(bad, [])
      assert.ok(checks.some((check) => check.status === 'SUCCESS'))
    })
})

test('a scenario against something that is no MCP server fails', async () => {
  const fixture = await startFixtureServer()
  try {
    const checks = await runScenario(`${fixture.url}/elsewhere`, 'ping', '2025-11-25')
    assert.ok(checks.some((check) => check.status === 'FAILURE'))
  } finally {
    await fixture.close()
  }
})
