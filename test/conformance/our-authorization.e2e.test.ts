import assert from 'node:assert/strict'
import { it } from 'node:test'
import { AUTHORIZATION_SCENARIOS } from './authorization.ts'
import { runOurAuthorization } from './our-authorization.ts'

it('our authorization server passes the outside suite: a self-registered client, signed in and consented by hand', async () => {
  const { verdicts, checks } = await runOurAuthorization()
  for (const scenario of AUTHORIZATION_SCENARIOS)
    assert.equal(verdicts.get(scenario), 'passed', `${scenario}: ${JSON.stringify(checks)}`)
})
