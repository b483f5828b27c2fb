import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Elevation, Grant } from '@safeconduct/protocol'
import fc from 'fast-check'
import { decide } from '../decide.ts'
import { openDecider } from '../decider.ts'
import { STARTER_POLICIES } from '../policy/starter.ts'
import {
  agent,
  call,
  epoch,
  fakePorts,
  fill,
  grant,
  link,
  START,
  setup,
  TENANT,
  task,
  world,
} from '../testing/world.ts'
import { privilegeReport } from './report.ts'
import { ruleOnElevation } from './ruling.ts'

const POLICIES = {
  ...STARTER_POLICIES,
  agentPolicies: `${STARTER_POLICIES.agentPolicies}
    @id("desk") forbid (principal is Agent, action == Action::"market/get_quote", resource) unless { principal in Role::"desk" };
    @id("rule") permit (principal, action == Action::"elevate", resource == Role::"quick");
    @id("never") forbid (principal, action == Action::"elevate", resource == Role::"root");`,
}

function elevation(extra: Partial<Elevation> = {}): Elevation {
  return {
    tenant: TENANT,
    id: 'el-1',
    version: 1,
    for: 'agent',
    principal: 'agent-1',
    role: 'desk',
    task: 'task-1',
    purpose: '',
    reason: 'because',
    minutes: 60,
    status: 'active',
    askedBy: 'agent-1',
    createdAt: START,
    decidedBy: 'user-1',
    decidedAt: START,
    expiresAt: START + 3_600_000,
    endedAt: null,
    ...extra,
  }
}

test('it holds for its principal, its errand and its time, and for nothing else', () => {
  const outcome = (extra: Partial<Elevation>, at = START + 1000) => {
    const of = world(setup([{ type: 'elevation', elevation: elevation(extra) }], POLICIES))
    return decide(of.state, call({ at })).decision.outcome
  }
  assert.equal(outcome({}), 'allow')
  for (const other of [
    { role: 'other' },
    { principal: 'agent-2' },
    { for: 'user' as const, principal: 'user-1' },
    { task: 'task-2' },
    { status: 'revoked' as const },
    { status: 'pending' as const },
    { expiresAt: START + 1000 },
  ]) {
    assert.equal(outcome(other), 'deny', JSON.stringify(other))
  }
  assert.equal(outcome({}, START + 3_600_000), 'deny')
})

test('an older message does not bring back what was revoked', () => {
  const of = world(setup([{ type: 'elevation', elevation: elevation() }], POLICIES))
  of.tell({ type: 'elevation', elevation: elevation({ version: 2, status: 'revoked' }) })
  of.tell({ type: 'elevation', elevation: elevation() })
  assert.equal(decide(of.state, call()).decision.outcome, 'deny')
})

test('it survives a restart, and one that ended does not come back', async () => {
  for (const [status, expected] of [
    ['active', 'allow'],
    ['revoked', 'deny'],
  ] as const) {
    const ports = fakePorts()
    await fill(ports.store, setup([], POLICIES))
    await ports.store.elevations.insert(elevation({ status }))
    const decider = await openDecider(ports)
    assert.equal(decider.dry(call()).outcome, expected)
    await decider.close()
  }
})

test('who decides: a rule that names the action, a person, or nobody', () => {
  const of = world(setup([], POLICIES))
  const ask = (role: string, more: object = {}) =>
    ruleOnElevation(of.state, {
      tenant: TENANT,
      at: START,
      task: 'task-1',
      role,
      minutes: 60,
      for: 'agent',
      grant: null,
      ...more,
    })
  assert.deepEqual([ask('quick').outcome, ask('quick').rule], ['active', 'rule'])
  assert.equal(ask('desk').outcome, 'pending', 'the permit for everything is no rule')
  assert.equal(ask('root').outcome, 'refused')
  assert.equal(ask('quick', { tenant: 't2' }).outcome, 'refused')
  assert.equal(ask('quick', { task: 'task-2' }).outcome, 'refused')
  assert.equal(ask('quick', { at: START + 48 * 3_600_000 }).outcome, 'refused')
  assert.equal(ask('quick', { grant: grant() }).outcome, 'active')
  assert.equal(ask('quick', { for: 'user' }).outcome, 'pending', 'a rule for agents gives no user a role')
  assert.equal(ask('quick', { grant: grant({ task: 'task-9' }) }).outcome, 'refused')
  of.tell({ type: 'epoch', tenant: TENANT, ref: epoch('agent', 'agent-1', 2) })
  assert.equal(ask('quick', { grant: grant() }).outcome, 'refused', 'its grant was revoked')
  of.tell({ type: 'agent', agent: agent({ status: 'disabled' }) })
  assert.equal(ask('quick').outcome, 'refused')
  of.tell({ type: 'task', task: task({ status: 'ended' }) })
  assert.equal(ask('quick').outcome, 'refused')
})

test('a rule of the user layer is one for users, and the agent it was asked for is the one that is judged', () => {
  const of = world(
    setup([{ type: 'agent', agent: agent({ id: 'agent-2' }) }], {
      agentPolicies: `${POLICIES.agentPolicies}
        @id("not-2") forbid (principal == Agent::"agent-2", action == Action::"elevate", resource);`,
      userPolicies: `${STARTER_POLICIES.userPolicies}
        @id("users") permit (principal is User, action == Action::"elevate", resource == Role::"desk");`,
    }),
  )
  const ask = (more: object) =>
    ruleOnElevation(of.state, {
      tenant: TENANT,
      at: START,
      task: 'task-1',
      role: 'desk',
      minutes: 60,
      for: 'user',
      grant: null,
      ...more,
    }).outcome
  assert.equal(ask({}), 'active')
  assert.equal(ask({ for: 'agent' }), 'pending')
  assert.equal(ask({ for: 'agent', agent: 'agent-2' }), 'refused')
})

test('a rule for whoever handed the errand on is none for the one it was handed to', () => {
  const of = world(
    setup(
      [
        { type: 'agent', agent: agent({ id: 'agent-2' }) },
        { type: 'epoch', tenant: TENANT, ref: epoch('agent', 'agent-2') },
        { type: 'epoch', tenant: TENANT, ref: epoch('delegation', 'link-1') },
        { type: 'delegation', delegation: link({ from: 'agent-1', to: 'agent-2' }) },
      ],
      {
        ...POLICIES,
        agentPolicies: `${STARTER_POLICIES.agentPolicies}
        @id("for-1") permit (principal == Agent::"agent-1", action == Action::"elevate", resource == Role::"desk");`,
      },
    ),
  )
  const ask = (handed: Grant) =>
    ruleOnElevation(of.state, {
      tenant: TENANT,
      at: START,
      task: 'task-1',
      role: 'desk',
      minutes: 60,
      for: 'agent',
      grant: handed,
    }).outcome
  assert.equal(ask(grant()), 'active')
  const handed = grant({ agent: 'agent-2', via: ['agent-1'] })
  assert.equal(ask({ ...handed, epochs: [...handed.epochs, epoch('delegation', 'link-1')] }), 'pending')
})

test('privilege-hours add up: never more than before, never less than what stood', () => {
  const hours = fc.integer({ min: 0, max: 40 })
  const H = 3_600_000
  fc.assert(
    fc.property(
      fc.array(fc.record({ since: hours, long: fc.option(hours) }), { maxLength: 3 }),
      fc.array(fc.record({ at: hours, long: fc.integer({ min: 1, max: 9 }) }), { maxLength: 4 }),
      (standing, elevations) => {
        const roles = standing.map(({ since, long }) => ({
          role: 'desk',
          since: since * H,
          until: long === null ? null : (since + long) * H,
        }))
        const report = privilegeReport({
          agents: [agent({ roles })],
          users: [],
          elevations: elevations.map(({ at, long }, i) =>
            elevation({ id: `e${i}`, decidedAt: at * H, expiresAt: (at + long) * H }),
          ),
          from: 5 * H,
          to: 30 * H,
        })
        // Counted hour by hour, the slow way.
        let stood = 0
        let held = 0
        for (let hour = 5; hour < 30; hour++) {
          const inside = (from: number, to: number) => from <= hour && hour < to
          const good = standing.some(({ since, long }) => inside(since, long === null ? 99 : since + long))
          if (good) stood++
          else if (elevations.some(({ at, long }) => inside(at, at + long))) held++
        }
        assert.deepEqual([report.standing, report.elevated, report.after], [stood, held, stood + held])
        assert.equal(report.before, stood + held > 0 ? 25 : 0)
        assert.ok(report.reduction >= 0 && report.reduction <= 1)
      },
    ),
  )
})
