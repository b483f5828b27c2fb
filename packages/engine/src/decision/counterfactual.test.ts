/**
 * Whatever is offered is done, to the real state and by the ways in which people do it (control events, tuples, tokens,
 * policy versions), and the decision turns: in every one of many generated denials.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  CallRequest,
  CounterfactualStep,
  Outcome,
  PinnedTool,
  Proof,
  TaskDetails,
  TrustLevel,
} from '@safeconduct/protocol'
import { RelationStore } from '@safeconduct/relations'
import fc from 'fast-check'
import { apply } from '../apply.ts'
import { type Decided, decide } from '../decide.ts'
import { STARTER_POLICIES } from '../policy/starter.ts'
import type { ControlEvent, RelationFacts } from '../ports.ts'
import {
  agent,
  BEARER,
  call,
  definition,
  details,
  grant,
  ORDER,
  pinned,
  policy,
  server,
  setup,
  TENANT,
  task,
  type World,
  world,
} from '../testing/world.ts'
import { intentWith } from './changes.ts'

const MODEL = `
model
  schema 1.1
type user
type agent
type symbol
  relations
    define trader: [user, agent]
`

interface House {
  readonly relation: boolean
  readonly related: readonly ('agent' | 'user')[]
  readonly roleFor: 'none' | 'agent' | 'user' | 'both'
  readonly zones: boolean
  readonly standing: 'new' | 'approved'
  readonly ceiling: TrustLevel | null
  readonly proof: 'key' | 'bearer'
  readonly limits: Partial<TaskDetails>
  readonly scope: 'mcp:read' | 'mcp:write'
  readonly quarantined: boolean
  readonly alarms: number
  readonly args: { readonly symbol: string; readonly quantity: number }
}

/** Mostly nothing stands in the way, so that most denials have one or two reasons. */
const rarely = <T, U>(usual: T, ...others: U[]): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) })
const LIMITS: Partial<TaskDetails>[] = [
  { tools: ['market/get_quote'] },
  { tools: [] },
  { servers: ['bank'] },
  { argument_limits: { 'market/place_order': { quantity: { max: 5 } } } },
  { argument_limits: { 'market/place_order': { symbol: { oneOf: ['BETA', 'GAMMA'] } } } },
  { servers: ['bank'], tools: [], argument_limits: { 'market/place_order': { quantity: { max: 5 } } } },
  { budget: { calls: 0 } },
  { budget: { calls: 9, writes: 0 } },
  { budget: { sums: { 'market/place_order:quantity': 7 } } },
]

const house: fc.Arbitrary<House> = fc.record({
  relation: rarely(false, true),
  related: rarely<('agent' | 'user')[], ('agent' | 'user')[]>([], ['agent'], ['user'], ['agent', 'user']),
  roleFor: rarely('none' as const, 'agent' as const, 'user' as const, 'both' as const),
  zones: rarely(false, true),
  standing: rarely('approved' as const, 'new' as const),
  ceiling: rarely(null, 'standard' as const, 'limited' as const, 'restricted' as const),
  proof: rarely('key' as const, 'bearer' as const),
  limits: rarely({}, ...LIMITS),
  scope: rarely('mcp:write' as const, 'mcp:read' as const),
  quarantined: rarely(false, true),
  alarms: rarely(0, 1, 2, 4),
  args: fc.record({
    symbol: rarely('ACME', 'BETA', 'EVIL9'),
    quantity: fc.constantFrom(10, 10, 10, 60),
  }),
})

function policiesOf({ relation, roleFor }: House, flows = '') {
  const forbid = (id: string, unless: string) =>
    `@id("${id}") forbid (principal, action == Action::"market/place_order", resource) unless { ${unless} };\n`
  const trader = relation ? forbid('traders', 'context.relations.trader') : ''
  const role = (layer: 'agent' | 'user') =>
    roleFor === layer || roleFor === 'both' ? forbid('desk', 'principal in Role::"desk"') : ''
  const zones = `@id("zones") @flows("${flows}") forbid (principal, action, resource) unless { context.zone.flow };\n`
  const bound =
    '@id("bound") @relations("market/place_order: symbol from args.symbol") permit (principal is Agent, action, resource);\n'
  return {
    agentPolicies: STARTER_POLICIES.agentPolicies + bound + zones + trader + role('agent'),
    userPolicies: STARTER_POLICIES.userPolicies + trader + role('user'),
  }
}

interface Built {
  readonly of: World
  readonly tuples: RelationStore
  readonly shape: House
  readonly request: CallRequest
}

const TOOL = pinned(ORDER)

function build(shape: House): Built {
  const tuples = new RelationStore()
  tuples.writeModel(MODEL)
  const ids = { agent: 'agent:agent-1', user: 'user:user-1' }
  const written = shape.related.map((kind) => ({
    object: 'symbol:ACME',
    relation: 'trader',
    user: ids[kind],
  }))
  if (written.length > 0) tuples.write(written)
  const facts: RelationFacts = {
    revision: '1',
    check: (user, relation, object) => tuples.check({ user, relation, object }).allowed,
    relationsOf: (type) => (type === 'symbol' ? ['trader'] : null),
  }
  const broken: PinnedTool = {
    ...TOOL,
    version: 2,
    status: 'quarantined',
    reason: 'changed',
    proposed: definition('place_order', { symbol: { type: 'string' }, quantity: { type: 'integer' } }),
    proposedDigest: 'sha256:1',
  }
  const of = world(
    setup(
      [
        { type: 'relations', tenant: TENANT, facts },
        {
          type: 'agent',
          agent: agent({ trustCeiling: shape.ceiling, ...(shape.zones ? { zone: 'train' } : {}) }),
        },
        {
          type: 'server',
          server: server({ standing: shape.standing, ...(shape.zones ? { zone: 'production' } : {}) }),
        },
        { type: 'task', task: task({ details: details(shape.limits) }) },
        ...(shape.quarantined ? [{ type: 'tool', tool: broken } as const] : []),
      ],
      policiesOf(shape),
    ),
  )
  const proof: Proof | undefined = shape.proof === 'bearer' ? BEARER : undefined
  const more = {
    ...(proof === undefined ? {} : { proof }),
    grant: grant({ scope: [shape.scope], ...(proof === undefined ? {} : { jkt: null }) }),
  }
  // A past that speaks against the agent: calls of another server that were refused.
  for (let i = 0; i < shape.alarms; i++) {
    const past = call({
      ...more,
      tool: 'transfer_money',
      args: { recipient: `x${i}@evil.example`, amount: 9000 + i },
    })
    for (const event of decide(of.state, past).events) apply(of.tenant, event)
  }
  return { of, tuples, shape, request: call({ ...more, tool: 'place_order', args: shape.args }) }
}

/** Does what the step says, as a person or an agent would do it. Returns the question that is asked then. */
function perform(
  { of, tuples, shape }: Built,
  step: CounterfactualStep,
  request: CallRequest,
  first: Decided,
): CallRequest {
  const { directory } = of.tenant
  const known = directory.tasks.get(request.grant.task)
  const caller = directory.agents.get(request.grant.agent)
  assert.ok(known !== undefined && caller !== undefined)
  const tell = (...events: ControlEvent[]) => of.tell(...events)
  const narrow = (given: TaskDetails) =>
    tell({ type: 'task', task: { ...known, version: known.version + 1, details: given } })
  switch (step.kind) {
    case 'approval': {
      for (const event of first.events) apply(of.tenant, event)
      const asked = [...directory.approvals.values()].at(-1)
      assert.ok(asked !== undefined)
      tell({
        type: 'approval',
        approval: {
          ...asked,
          status: 'approved',
          version: asked.version + 1,
          decidedBy: 'user-1',
          decidedAt: request.at,
        },
      })
      return again(request)
    }
    case 'fresh-proof':
      for (const event of first.events) apply(of.tenant, event)
      return again(request)
    case 'argument':
      return {
        ...request,
        operation: { ...request.operation, args: { ...request.operation.args, [step.path]: step.value } },
      }
    case 'scope':
      return { ...request, grant: { ...request.grant, scope: [...step.scopes] } }
    case 'errand': {
      const { [step.member.split('.')[0] as keyof TaskDetails]: part, ...rest } = known.details
      const tool = 'market/place_order'
      if (step.member === 'tools') narrow({ ...known.details, tools: [...(known.details.tools ?? []), tool] })
      else if (step.member === 'servers') narrow({ ...known.details, servers: ['market'] })
      else {
        assert.ok(part !== undefined && step.member.startsWith(`argument_limits.${tool}.`))
        const { [step.member.split('.').at(-1) ?? '']: _lifted, ...left } =
          known.details.argument_limits?.[tool] ?? {}
        narrow({ ...rest, type: 'safeconduct_task', argument_limits: { [tool]: left } })
      }
      return request
    }
    case 'budget': {
      const { budget = {} } = known.details
      const name = step.member.replace('budget.sums.', '')
      narrow({
        ...known.details,
        budget: step.member.startsWith('budget.sums.')
          ? { ...budget, sums: { ...budget.sums, [name]: step.limit } }
          : { ...budget, [step.member.replace('budget.', '')]: step.limit },
      })
      return request
    }
    case 'tool':
      tell({
        type: 'tool',
        tool: {
          ...TOOL,
          version: 3,
          definition: definition('place_order', {
            symbol: { type: 'string' },
            quantity: { type: 'integer' },
          }),
        },
      })
      return request
    case 'server': {
      const held = directory.servers.get(step.server)
      assert.ok(held !== undefined)
      tell({ type: 'server', server: { ...held, standing: 'approved' } })
      return request
    }
    case 'intent': {
      // Another errand of the same user, in which nothing has been read.
      const values = step.paths.map((path) => String(request.operation.args[path]))
      const fresh = { ...known, id: 'task-2', intent: intentWith(known.intent, values) }
      tell(
        { type: 'epoch', tenant: TENANT, ref: { kind: 'task', id: 'task-2', epoch: 1 } },
        { type: 'task', task: fresh },
      )
      const { jkt, scope } = request.grant
      return { ...request, grant: grant({ task: 'task-2', jkt, scope }) }
    }
    case 'review':
      tell({ type: 'trust-reset', tenant: TENANT, agent: step.agent, by: 'user-1' })
      return request
    case 'ceiling':
      tell(
        { type: 'agent', agent: { ...caller, trustCeiling: null } },
        { type: 'trust-reset', tenant: TENANT, agent: step.agent, by: 'user-1' },
      )
      return request
    case 'key':
      return {
        ...request,
        proof: { kind: 'dpop', provenAt: request.at },
        grant: { ...request.grant, jkt: 'thumbprint' },
      }
    case 'relation':
      tuples.write([{ object: step.object, relation: step.relation, user: step.user }])
      return request
    case 'elevation': {
      const roles = [{ role: step.role, since: 0, until: null }]
      if (step.principal === 'agent') tell({ type: 'agent', agent: { ...caller, roles } })
      else {
        const user = {
          tenant: TENANT,
          id: step.id,
          version: 2,
          name: 'owner',
          owner: true,
          createdAt: 0,
          roles,
        }
        tell({ type: 'user', user })
      }
      return request
    }
    case 'zone-flow': {
      const flows = `${step.from} -> ${step.to}: ${step.effect}`
      tell({ type: 'policy', tenant: TENANT, version: policy(policiesOf(shape, flows), { id: 'policy-2' }) })
      return request
    }
  }
}

function again(request: CallRequest): CallRequest {
  const at = request.at + 5
  const { proof } = request
  return {
    ...request,
    id: `${request.id}-again`,
    at,
    proof: proof.provenAt === null ? proof : { ...proof, provenAt: at },
  }
}

const RANK: Readonly<Record<Outcome, number>> = { deny: 0, approval: 1, step_up: 2, allow: 3 }

test('every change that is offered turns the decision when it is made', () => {
  const offered = new Map<string, number>()
  const refused = { with: 0, without: 0 }
  fc.assert(
    fc.property(house, (shape) => {
      const built = build(shape)
      const first = decide(built.of.state, built.request)
      const { outcome, counterfactual } = first.decision
      if (outcome === 'allow') return assert.equal(counterfactual, null)
      if (counterfactual === null) {
        refused.without++
        return
      }
      refused.with++
      const { steps = [] } = counterfactual
      assert.ok(steps.length > 0)
      let request = built.request
      for (const step of steps) {
        offered.set(step.kind, (offered.get(step.kind) ?? 0) + 1)
        request = perform(built, step, request, first)
      }
      const then = decide(built.of.state, request).decision
      assert.equal(then.outcome, counterfactual.outcome, `${counterfactual.change} ${then.why.join(' ')}`)
      assert.ok(RANK[then.outcome] > RANK[outcome])
    }),
    { numRuns: 400, seed: 20260105 },
  )
  const kinds = [
    'approval',
    'argument',
    'budget',
    'elevation',
    'errand',
    'relation',
    'scope',
    'tool',
    'zone-flow',
  ]
  for (const kind of kinds)
    assert.ok((offered.get(kind) ?? 0) > 0, `no ${kind} among ${JSON.stringify([...offered])}`)
  assert.ok(refused.with >= 180 && refused.with > refused.without, JSON.stringify(refused))
  if (process.env.SAFECONDUCT_TEST_VERBOSE !== undefined) console.log(refused, offered)
})

test('a question about what would be leaves the state as it is', () => {
  fc.assert(
    fc.property(house, (shape) => {
      const { of, request } = build(shape)
      const before = JSON.stringify(
        [...of.tenant.live.agents.values()].map(({ trust, risk }) => [trust, [...risk.doubts]]),
      )
      const sizes = () => [
        of.tenant.directory.elevations.size,
        of.tenant.directory.approvals.size,
        of.tenant.live.calls.size,
      ]
      const held = sizes()
      const one = decide(of.state, request).decision
      assert.deepEqual(decide(of.state, request).decision, one)
      assert.equal(
        JSON.stringify(
          [...of.tenant.live.agents.values()].map(({ trust, risk }) => [trust, [...risk.doubts]]),
        ),
        before,
      )
      assert.deepEqual(sizes(), held)
    }),
    { numRuns: 40 },
  )
})

test('a new proof is offered where the credential is doubted, and clears the doubt', () => {
  const of = world()
  const near = call({ ip: '192.0.2.1' })
  for (const event of decide(of.state, near).events) apply(of.tenant, event)
  const far = call({ ip: '203.0.113.9', at: near.at + 1000 })
  const first = decide(of.state, far)
  assert.equal(first.decision.outcome, 'step_up')
  assert.deepEqual(first.decision.counterfactual?.steps, [{ kind: 'fresh-proof' }])
  for (const event of first.events) apply(of.tenant, event)
  assert.equal(decide(of.state, again(far)).decision.outcome, 'allow')
})
