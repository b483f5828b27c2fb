import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile } from '@safeconduct/cedar'
import { control } from '../control.ts'
import { decide } from '../decide.ts'
import { createState } from '../state.ts'
import { call, START, setup, TENANT } from '../testing/world.ts'
import { createCedarEngine } from './cedar.ts'
import { createOracle, type OracleDifference } from './oracle.ts'

test('live decisions are asked again of cedar-wasm, after the fact, and agree; policies that are only tried are not', () => {
  const jobs: (() => void)[] = []
  const found: OracleDifference[] = []
  const oracle = createOracle({
    rate: 1,
    onDifference: (each) => found.push(each),
    schedule: (job) => void jobs.push(job),
  })
  const engine = createCedarEngine(oracle)
  const state = createState()
  for (const event of setup()) control(state, engine, event, START)
  const decided = decide(
    state,
    call({ tool: 'place_order', args: { symbol: 'ACME', quantity: 3, limit: 1.5 } }),
  )
  assert.equal(decided.decision.outcome, 'allow')
  assert.equal(oracle.counts.compared, 0)
  for (const job of jobs.splice(0)) job()
  assert.ok(oracle.counts.compared >= 2, 'both layers')
  assert.deepEqual([oracle.counts.differences, found], [0, []])

  const { decisions } = oracle.counts
  const policies = state.tenants.get(TENANT)?.directory.policy?.compiled
  const question = {
    principal: { type: 'Agent', id: 'agent-1' },
    action: { type: 'Action', id: 'read' },
    resource: { type: 'Server', id: 'market' },
    context: {},
  }
  policies?.within([]).evaluate('agent', question)
  assert.equal(oracle.counts.decisions, decisions)
})

test('a difference is told with policies and decisions, and with nothing of the request', () => {
  const found: OracleDifference[] = []
  const oracle = createOracle({ rate: 1, onDifference: (each) => found.push(each), schedule: (job) => job() })
  const set = compile({ policies: '@id("all") permit (principal, action, resource);', validate: 'none' })
  const wrong = { ...set, authorize: () => ({ decision: 'deny', reasons: [], errors: [] }) as const }
  const authorize = oracle.watch('agent', wrong)
  const uid = { type: 'T', id: 'secret' }
  const nowhere = { find: () => undefined, ancestors: () => new Set<string>() }
  authorize({ principal: uid, action: { type: 'Action', id: 'a' }, resource: uid, entities: nowhere })
  assert.deepEqual(found, [
    {
      layer: 'agent',
      live: { decision: 'deny', reasons: [] },
      oracle: { decision: 'allow', reasons: ['all'] },
    },
  ])
  assert.equal(oracle.counts.differences, 1)
})
