import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { when } from '../output.ts'
import { explain } from './inspect.ts'
import { describeStanding } from './learning.ts'

const AT = Date.UTC(2026, 0, 5, 10)

test('a standing reads: why, what the baseline rests on, and where risk moved', () => {
  const trend = [3, 20, 95].map((risk, i) => ({
    at: AT + i * 60_000,
    risk,
    level: i === 2 ? 'suspended' : 'standard',
  }))
  const lines = describeStanding({
    baseline: 'contested',
    why: ['Several calls were refused.\u001b[2J'],
    trend,
    learning: {
      learned: 240,
      passed: 3,
      pending: 12,
      enrolledAt: AT,
      drift: { psi: 0.31, ks: 0 },
      weights: { denials: 0.8 },
      contestedAt: AT,
    },
  })
  const text = lines.join('\n')
  assert.ok(!text.includes('\u001b'), 'what came from outside moves no cursor')
  for (const part of [
    'refused',
    'contested',
    '240 lessons, 12 wait',
    '0.31',
    'denials counts ×0.80',
    '▁',
    '█',
  ])
    assert.ok(text.includes(part), part)
  assert.ok(text.includes(`${when(AT + 120_000)}  risk 95  suspended`))
  assert.deepEqual(describeStanding({ why: [], trend: [], learning: null }), [])
})

test('an explanation names each part of the risk by the id that people answer', () => {
  const decision: JsonObject = {
    outcome: 'deny',
    enforcement: 'enforce',
    at: AT,
    trust: 'limited',
    risk: 41,
    impact: 80,
    assurance: 'key',
    counterfactual: null,
    contributions: [
      {
        id: 'd1/size',
        detector: 'size',
        bits: 3.2,
        reason: 'The amount is 20 times the usual.',
        without: { risk: 9, trust: 'standard' },
      },
    ],
  }
  const told = { detector: 'size', bits: 3.2, reason: 'The amount is 20 times the usual.' }
  const other = { detector: 'place', bits: 1, reason: 'It comes from another country.' }
  const text = explain(
    {
      decision: { ...decision, evidence: [told, other] },
      request: { operation: { server: 'bank', name: 'pay', args: {} }, agent: 'ag_1', user: 'us_1' },
    },
    new Map([
      ['ag_1', 'trader'],
      ['us_1', 'ada'],
    ]),
  )
  assert.match(text, /agent trader for ada under/)
  assert.equal(text.split('20 times the usual').length, 2, 'each is told once')
  assert.match(text, /another country/)
  assert.match(text, /risk 41, impact 80/)
  assert.match(
    text,
    /3\.2 bits {2}The amount is 20 times the usual\. Without it: risk 9, standard\. \[d1\/size\]/,
  )
})
