import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { RelationStore } from '@safeconduct/relations'
import fc from 'fast-check'
import { schemaOf } from '../checks/schema-parts.ts'
import { decide } from '../decide.ts'
import { createDecider, type DeciderPorts } from '../decider.ts'
import type { ControlEvent, RelationFacts } from '../ports.ts'
import {
  agent,
  call,
  definition,
  engine,
  fakePorts,
  grant,
  pinned,
  server,
  setup,
  TENANT,
  world,
} from '../testing/world.ts'
import type { PolicySource } from './engine.ts'
import { neededRelations } from './relations.ts'

const MODEL = `
model
  schema 1.1
type user
type agent
type group
  relations
    define member: [user, agent]
type document
  relations
    define owner: [user]
    define viewer: [user, agent, group#member] or owner
`

const DOCS: ControlEvent[] = [
  { type: 'server', server: server({ id: 'server-2', name: 'docs' }) },
  {
    type: 'tool',
    tool: pinned(
      definition('get_document', {
        id: { type: 'string' },
        also: { type: 'array', items: { type: 'string' } },
      }),
      {
        server: 'docs',
      },
    ),
  },
]

const BOUND = '@relations("docs/get_document: document from args.id")'
const VIEWERS: PolicySource = {
  agentPolicies: `
    @id("all") permit (principal, action, resource);
    @id("viewers") ${BOUND}
    forbid (principal, action == Action::"docs/get_document", resource) unless { context.relations.viewer };`,
  userPolicies: `
    @id("all") permit (principal, action, resource);
    @id("viewers")
    forbid (principal, action == Action::"docs/get_document", resource) unless { context.relations.viewer };`,
}

function related() {
  const store = new RelationStore()
  store.writeModel(MODEL)
  const facts: RelationFacts = {
    get revision() {
      return `r${store.read().tuples.length}`
    },
    check: (user, relation, object) => store.check({ user, relation, object }).allowed,
    relationsOf: (type) => ({ document: ['owner', 'viewer'], group: ['member'] })[type] ?? null,
    types: () => ['document', 'group'],
  }
  return { store, facts }
}

function house(source = VIEWERS, facts: RelationFacts | null = related().facts) {
  return world([...setup(DOCS, source), { type: 'relations', tenant: TENANT, facts }])
}

const read = (id: unknown, more: object = {}) =>
  call({ server: 'docs', tool: 'get_document', args: { id, ...more } as never })

function refusedPolicy(agentPolicies: string): string {
  try {
    const { tenant } = house()
    engine.compile({ agentPolicies, userPolicies: '' }, schemaOf(tenant.directory))
  } catch (error) {
    assert.ok(isSafeconductError(error) && error.code === 'policy_invalid')
    return error.message
  }
  return assert.fail('it was accepted')
}

test('both layers need the relation, each for its own principal', () => {
  const { store, facts } = related()
  const { state } = house(VIEWERS, facts)
  const outcome = () => decide(state, read('plan')).decision
  assert.equal(outcome().outcome, 'deny')
  assert.deepEqual(outcome().policies, [
    { layer: 'agent', id: 'viewers', effect: 'forbid' },
    { layer: 'user', id: 'viewers', effect: 'forbid' },
  ])
  store.write([{ object: 'document:plan', relation: 'owner', user: 'user:user-1' }])
  assert.deepEqual(
    outcome()
      .policies.filter(({ effect }) => effect === 'forbid')
      .map(({ layer }) => layer),
    ['agent'],
  )
  assert.match(outcome().why.join(' '), /agent:agent-1 is not viewer/)
  store.write([{ object: 'group:desk', relation: 'member', user: 'agent:agent-1' }])
  store.write([{ object: 'document:plan', relation: 'viewer', user: 'group:desk#member' }])
  assert.equal(outcome().outcome, 'allow')
  assert.match(outcome().revisions.relations ?? '', /^r3$/)
  assert.equal(decide(state, read('other')).decision.outcome, 'deny')
  assert.equal(decide(state, call()).decision.revisions.relations, undefined, 'nothing was asked')
})

test('a fact that cannot be had is an error of the policy, never true', () => {
  const { store, facts } = related()
  store.write([
    { object: 'document:plan', relation: 'viewer', user: 'user:user-1' },
    { object: 'document:plan', relation: 'viewer', user: 'agent:agent-1' },
  ])
  const { state } = house(VIEWERS, facts)
  assert.equal(decide(state, read('plan')).decision.outcome, 'allow')
  const odd = [
    'plan#viewer',
    'document:plan',
    'a@b',
    '*',
    '',
    ' plan',
    'plan\n',
    null,
    1.5,
    true,
    {},
    [],
    'x'.repeat(600),
  ]
  for (const id of odd) {
    const { outcome, policyErrors } = decide(state, read(id)).decision
    assert.equal(outcome, 'deny', JSON.stringify(id))
    if (typeof id === 'string') assert.ok(policyErrors.length > 0, JSON.stringify(id))
  }
  const { state: blind } = house(VIEWERS, null)
  assert.equal(decide(blind, read('plan')).decision.outcome, 'deny')
  const { state: broken } = house(VIEWERS, {
    revision: 'x',
    check: () => {
      throw new Error('too complex')
    },
  })
  assert.equal(decide(broken, read('plan')).decision.outcome, 'deny')
})

test('whatever stands in the argument, only the document of exactly that id is asked about', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-c:#@*]{0,6}$/)), (id) => {
      const asked: string[] = []
      const facts: RelationFacts = {
        revision: 'x',
        check: (_user, _relation, object) => {
          asked.push(object)
          return true
        },
      }
      const { outcome } = decide(house(VIEWERS, facts).state, read(id)).decision
      assert.ok(asked.every((object) => object === `document:${id}`))
      const plain = id.length > 0 && id !== '*' && !/[:#@\s\p{Cc}]/u.test(id)
      if (!plain) assert.equal(outcome, 'deny')
    }),
    { numRuns: 60 },
  )
})

test('several objects are all needed; ids that cannot be told apart are refused', () => {
  const { store, facts } = related()
  for (const user of ['user:user-1', 'agent:agent-1']) {
    store.write(['a', 'b'].map((id) => ({ object: `document:${id}`, relation: 'viewer', user })))
  }
  const source = {
    ...VIEWERS,
    agentPolicies: VIEWERS.agentPolicies.replace('args.id', 'args.also'),
  }
  const { state } = house(source, facts)
  const of = (also: unknown) => decide(state, read('a', { also })).decision.outcome
  assert.equal(of(['a', 'b']), 'allow')
  assert.equal(of(['a', 'c']), 'deny')
  assert.equal(of([]), 'deny')
  assert.equal(of(Array.from({ length: 65 }, () => 'a')), 'deny')
})

test('a driver that has to fetch is told what a call needs, and its facts are used', () => {
  const { state } = house(VIEWERS, null)
  assert.deepEqual(neededRelations(state, read('plan')), [
    { user: 'agent:agent-1', relation: 'viewer', object: 'document:plan' },
    { user: 'user:user-1', relation: 'viewer', object: 'document:plan' },
  ])
  assert.deepEqual(neededRelations(state, read('a#b')), [])
  assert.deepEqual(neededRelations(state, call()), [])
  const { decision } = decide(state, read('plan'), { revision: 'remote-7', check: () => true })
  assert.equal(decision.outcome, 'allow')
  assert.equal(decision.revisions.relations, 'remote-7')
})

test('every actor of a chain is asked for itself', () => {
  const { state, tell } = house()
  tell(
    { type: 'agent', agent: agent({ id: 'agent-2', name: 'worker' }) },
    { type: 'epoch', tenant: TENANT, ref: { kind: 'agent', id: 'agent-2', epoch: 1 } },
  )
  const chained = call({
    server: 'docs',
    tool: 'get_document',
    args: { id: 'plan' },
    grant: grant({ agent: 'agent-2', via: ['agent-1'] }),
  })
  assert.deepEqual(
    neededRelations(state, chained).map(({ user }) => user),
    ['agent:agent-1', 'agent:agent-2', 'user:user-1'],
  )
})

test('relations are validated strictly against binding and model', () => {
  const forbid = (when: string, more = '') =>
    `${more} @id("x") ${BOUND} forbid (principal, action == Action::"docs/get_document", resource) unless { ${when} };`
  const { tenant } = house()
  const schema = schemaOf(tenant.directory)
  engine.compile({ agentPolicies: forbid('context.relations.viewer'), userPolicies: '' }, schema)
  assert.match(refusedPolicy(forbid('context.relations.veiwer')), /viewer|veiwer/)
  assert.match(refusedPolicy(forbid('context.relations.viewer == 1')), /agent/)
  assert.match(
    refusedPolicy(
      'forbid (principal, action == Action::"market/get_quote", resource) unless { context.relations.viewer };',
    ),
    /viewer/,
  )
  assert.match(
    refusedPolicy(forbid('context.relations.viewer').replace('document from', 'dokument from')),
    /dokument/,
  )
  for (const broken of [
    'docs/get_document document from args.id',
    'docs/get: document from context.id',
    'x',
  ]) {
    assert.match(
      refusedPolicy(`@id("x") @relations("${broken}") permit (principal, action, resource);`),
      /cannot be read/,
    )
  }
  const twice = `@id("x") ${BOUND} permit (principal, action, resource);
    @id("y") @relations("docs/get_document: group from args.id") permit (principal, action, resource);`
  assert.match(refusedPolicy(twice), /contradicts/)
})

test('relations of another server are fetched before the turn; when they cannot be, the call is denied', async () => {
  const asked: number[] = []
  const open = (fetchRelations: NonNullable<DeciderPorts['fetchRelations']>) => {
    const decider = createDecider({ ...fakePorts(), fetchRelations })
    for (const event of setup(DOCS, VIEWERS)) decider.control(event)
    return decider
  }
  const reached = open(async (tenant, needed) => {
    assert.equal(tenant, TENANT)
    asked.push(needed.length)
    return { revision: 'zed-1', check: () => true }
  })
  const allowed = await reached.prepare(read('plan'))
  assert.deepEqual([allowed.decision.outcome, allowed.decision.revisions.relations], ['allow', 'zed-1'])
  await reached.prepare(call())
  assert.deepEqual(asked, [2], 'only what is needed is asked, and only when it is')
  const lost = open(async () => {
    throw new Error('no route')
  })
  assert.equal((await lost.prepare(read('plan'))).decision.outcome, 'deny')
  await Promise.all([reached.close(), lost.close()])
})
