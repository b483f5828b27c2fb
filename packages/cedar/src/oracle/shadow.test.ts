import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntityStore } from '../entities/entity-store.ts'
import { compile } from '../policy-set.ts'
import { type ShadowDifference, shadow } from './shadow.ts'
import { wasmOracle } from './wasm-oracle.ts'

const uid = (id: string) => ({ type: 'U', id })
const set = compile({
  policies: 'permit(principal in U::"team", action, resource) when { principal.n < 3 };',
  validate: 'none',
})
const entities = EntityStore.from([{ uid: uid('ann'), attrs: { n: 1 }, parents: [uid('team')] }])
const request = { principal: uid('ann'), action: { type: 'Action', id: 'a' }, resource: uid('r'), entities }

test('the live answer comes at once; agreement is counted when the job runs', () => {
  const jobs: (() => void)[] = []
  const found: ShadowDifference[] = []
  const shadowed = shadow(set, {
    rate: 1,
    onDifference: (each) => found.push(each),
    schedule: (job) => jobs.push(job),
  })
  assert.equal(shadowed.authorize(request).decision, 'allow')
  assert.equal(shadowed.counts.compared, 0)
  // The question was taken down: what the store holds by now does not matter.
  entities.upsert({ uid: uid('ann'), attrs: { n: 9 } })
  for (const job of jobs) job()
  entities.upsert({ uid: uid('ann'), attrs: { n: 1 }, parents: [uid('team')] })
  assert.deepEqual(shadowed.counts, { decisions: 1, compared: 1, differences: 0, skipped: 0, dropped: 0 })
  assert.deepEqual(found, [])
})

test('a wrong engine is found out', () => {
  const found: ShadowDifference[] = []
  const wrong = { ...set, authorize: () => ({ decision: 'deny', reasons: [], errors: [] }) as const }
  const shadowed = shadow(wrong, {
    rate: 1,
    onDifference: (each) => found.push(each),
    schedule: (job) => job(),
  })
  assert.equal(shadowed.authorize(request).decision, 'deny')
  assert.equal(found[0]?.oracle.decision, 'allow')
  assert.equal(found[0]?.question.principal !== undefined, true)
  assert.equal(shadowed.counts.differences, 1)
})

test('the same decision for other reasons, or with other errors, is a difference', () => {
  const right = set.authorize(request)
  const wrong = [
    { ...right, reasons: ['another'] },
    { ...right, errors: [{ policyId: 'policy0', message: 'made up' }] },
  ]
  for (const answer of wrong) {
    const found: ShadowDifference[] = []
    const lying = { ...set, authorize: () => answer }
    const shadowed = shadow(lying, {
      rate: 1,
      onDifference: (each) => found.push(each),
      schedule: (job) => job(),
    })
    shadowed.authorize(request)
    assert.deepEqual(found[0]?.live, answer)
  }
})

test('sampling, the bound on what waits, and what cannot be asked', () => {
  const jobs: (() => void)[] = []
  const draws = [0.1, 0.9, 0.1, 0.1, 0.1]
  const shadowed = shadow(set, {
    rate: 0.5,
    onDifference: () => assert.fail('no difference'),
    schedule: (job) => jobs.push(job),
    random: () => draws.shift() ?? 1,
    maxPending: 2,
  })
  for (let i = 0; i < 4; i++) shadowed.authorize(request)
  assert.equal(jobs.length, 2)
  for (const job of jobs.splice(0)) job()
  shadowed.authorize({ ...request, context: { n: 2n ** 60n } })
  assert.deepEqual(shadowed.counts, { decisions: 5, compared: 2, differences: 0, skipped: 1, dropped: 1 })
})

test('more oracles than slots take turns', () => {
  const oracles = Array.from({ length: 11 }, (_, i) => {
    const policies = `@id("p${i}") permit(principal, action, resource);`
    return wasmOracle(compile({ policies, validate: 'none' }))
  })
  for (let round = 0; round < 2; round++) {
    oracles.forEach((oracle, i) => {
      assert.deepEqual(oracle.authorize(request).reasons, [`p${i}`])
    })
  }
})

test('links and the actions of the schema reach the oracle', () => {
  const linked = compile({
    policies: '@id("t") permit(principal in ?principal, action in Action::"any", resource);',
    schema:
      'entity U in [U] { n: Long }; action any; action a in [any] appliesTo { principal: U, resource: U };',
    validate: 'strict',
    links: [{ templateId: 't', id: 'link', principal: uid('team') }],
  })
  assert.deepEqual(wasmOracle(linked).authorize(request).reasons, ['link'])
  assert.deepEqual(linked.authorize(request).reasons, ['link'])
})
