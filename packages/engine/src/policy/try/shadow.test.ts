import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDecider } from '../../decider.ts'
import { call, engine, fakePorts, ok, policy, setup, TENANT } from '../../testing/world.ts'
import type { PolicySource } from '../engine.ts'
import { STARTER_POLICIES } from '../starter.ts'
import { createShadow, MAX_WAITING } from './shadow.ts'

const STRICT: PolicySource = {
  ...STARTER_POLICIES,
  agentPolicies: `${STARTER_POLICIES.agentPolicies}
@id("no-quotes") forbid (principal, action == Action::"market/get_quote", resource);`,
}
const candidate = policy(STRICT, { id: 'pv_candidate', digest: 'sha256:candidate', status: 'shadow' })

function shadowed() {
  const jobs: (() => void)[] = []
  const ports = { ...fakePorts(), later: (job: () => void) => void jobs.push(job) }
  const decider = createDecider(ports)
  for (const event of setup([{ type: 'shadow', tenant: TENANT, version: candidate }])) decider.control(event)
  const run = () => {
    for (const job of jobs.splice(0)) job()
  }
  const ask = async (tool = 'get_quote') => {
    const request = call({ tool })
    const { decision, forward } = await decider.prepare(request)
    if (forward) await decider.settle(request.id, ok())
    return decision
  }
  return { decider, ports, jobs, run, ask }
}

test('a candidate is asked beside the policy that rules, after the decision, and changes none', async () => {
  const at = shadowed()
  const decided = [await at.ask(), await at.ask('read_news_articles'), await at.ask()]
  assert.deepEqual(
    decided.map(({ outcome }) => outcome),
    ['allow', 'allow', 'allow'],
  )
  assert.equal(at.decider.shadow(TENANT)?.compared, 0, 'nobody was kept waiting for it')
  at.run()
  const report = at.decider.shadow(TENANT)
  assert.deepEqual([report?.decisions, report?.compared, report?.changed], [3, 3, 2])
  assert.deepEqual(report?.groups[0], {
    tool: 'market/get_quote',
    from: 'allow',
    to: 'deny',
    obligations: [],
    by: ['agent:no-quotes'],
    was: [],
    count: 2,
    examples: [decided[0]?.id, decided[2]?.id],
  })
  const told = at.ports.bus.messages.filter(({ type }) => type === 'shadow')
  assert.equal(told.length, 2)
})

test('it ends, and another one counts anew', async () => {
  const at = shadowed()
  await at.ask()
  at.decider.control({ type: 'shadow', tenant: TENANT, version: null })
  at.run()
  await at.ask()
  assert.equal(at.decider.shadow(TENANT), null)
  assert.equal(at.jobs.length, 0)
  at.decider.control({ type: 'shadow', tenant: TENANT, version: { ...candidate, id: 'pv_other' } })
  assert.deepEqual(
    [at.decider.shadow(TENANT)?.version, at.decider.shadow(TENANT)?.decisions],
    ['pv_other', 0],
  )
})

test('one that cannot be compiled is refused and leaves nothing in the shadow; decisions go on', async () => {
  const at = shadowed()
  const broken = policy({ agentPolicies: 'permit (', userPolicies: '' })
  assert.throws(() => at.decider.control({ type: 'shadow', tenant: TENANT, version: broken }), {
    code: 'policy_invalid',
  })
  assert.equal((await at.ask()).outcome, 'allow')
})

test('one that throws is counted, and what waits is bounded', async () => {
  const at = shadowed()
  const decision = await at.ask()
  const [row] = at.ports.ledger.rows.filter(({ entry }) => Buffer.from(entry).includes('"intent"'))
  const opened = await at.ports.keyring.open(TENANT, 'user:user-1', row?.attachment ?? new Uint8Array())
  const { question, request } = JSON.parse(Buffer.from(opened ?? []).toString())
  const jobs: (() => void)[] = []
  const shadow = createShadow({
    version: 'pv_1',
    digest: 'sha256:1',
    compiled: {
      ...engine.compile(STRICT, null),
      within: () => {
        throw new Error('broken candidate')
      },
    },
    since: 0,
    later: (job) => void jobs.push(job),
    onChange: () => assert.fail('nothing was compared'),
  })
  for (let i = 0; i < MAX_WAITING + 3; i++) {
    shadow.observe({ call: { question, call: request, decision }, tool: 'market/get_quote', decision })
  }
  for (const job of jobs) job()
  const { decisions, failed, dropped, compared } = shadow.report()
  assert.deepEqual([decisions, failed, dropped, compared], [MAX_WAITING + 3, MAX_WAITING, 3, 0])
})
