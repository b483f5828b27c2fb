/** The ready policies in examples/policies/ai-roles, held to their table: who may do what, where. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { Outcome } from '@safeconduct/protocol'
import { schemaOf } from '../checks/schema-parts.ts'
import { decide } from '../decide.ts'
import type { ControlEvent } from '../ports.ts'
import {
  agent,
  call,
  definition,
  engine,
  NOTE,
  pinned,
  QUOTE,
  START,
  server,
  setup,
  TENANT,
  TRANSFER,
  world,
} from '../testing/world.ts'
import { NO_BINDINGS } from './bindings.ts'
import { zonesOf } from './facts.ts'
import { STARTER_POLICIES } from './starter.ts'

const FOLDER = path.resolve(import.meta.dirname, '../../../../examples/policies/ai-roles')
const read = (name: string) => readFileSync(path.join(FOLDER, name), 'utf8')
const POLICIES = { agentPolicies: read('agent.cedar'), userPolicies: read('user.cedar') }

const ZONES = ['office', 'train', 'validate', 'production'] as const
const DELETE = definition('delete_record', { id: { type: 'string' } })
const TOOLS = { read: QUOTE, write: NOTE, send: TRANSFER, destroy: DELETE } as const

const held = (role: string | null) => (role === null ? [] : [{ role, since: START, until: null }])
const user = (role: string | null) =>
  ({
    type: 'user',
    user: {
      tenant: TENANT,
      id: 'user-1',
      version: 1,
      name: 'owner',
      owner: true,
      createdAt: START,
      roles: held(role),
    },
  }) as const

function house(role: string | null, zone: string, more: { user?: string | null; sensitivity?: number } = {}) {
  const servers = ZONES.flatMap((name): ControlEvent[] => [
    {
      type: 'server',
      server: server({
        id: name,
        name,
        sensitivity: more.sensitivity ?? 1,
        ...(name === 'office' ? {} : { zone: name }),
      }),
    },
    ...Object.values(TOOLS).map((of): ControlEvent => ({ type: 'tool', tool: pinned(of, { server: name }) })),
  ])
  return world(
    setup(
      [
        ...servers,
        { type: 'agent', agent: agent({ roles: held(role), ...(zone === '' ? {} : { zone }) }) },
        user(more.user === undefined ? role : more.user),
      ],
      POLICIES,
    ),
  )
}

const ARGS = {
  read: {},
  write: { rank: 1 },
  send: { recipient: 'bob@example.com', amount: 50 },
  destroy: { id: '1' },
}
const HOUR = 3_600_000

function ask(
  of: ReturnType<typeof world>,
  zone: string,
  what: keyof typeof TOOLS,
  at = START + 1000,
): Outcome {
  return decide(of.state, call({ server: zone, tool: String(TOOLS[what].name), args: ARGS[what], at }))
    .decision.outcome
}

/** Read, reversible write, a write that leaves, a destructive one. `a` allow, `p` a person's word, `-` no. */
const TABLE: readonly [
  role: string | null,
  zone: string,
  rows: Readonly<Record<(typeof ZONES)[number], string>>,
][] = [
  [null, '', { office: '----', train: '----', validate: '----', production: '----' }],
  ['data-scientist', 'train', { office: '----', train: 'aaa-', validate: 'a---', production: '----' }],
  ['model-validator', 'validate', { office: '----', train: 'a---', validate: 'aaa-', production: '----' }],
  [
    'deployment-engineer',
    'production',
    { office: '----', train: '----', validate: 'a---', production: 'appp' },
  ],
  ['agent-operator', '', { office: 'aa--', train: 'a---', validate: 'a---', production: 'a---' }],
  ['auditor', '', { office: 'a---', train: 'a---', validate: 'a---', production: 'a---' }],
  ['unheard-of', '', { office: '----', train: '----', validate: '----', production: '----' }],
]
const LETTER: Readonly<Record<Outcome, string>> = { allow: 'a', approval: 'p', step_up: 's', deny: '-' }

for (const [role, zone, rows] of TABLE) {
  test(`who may do what: ${role ?? 'nobody in particular'}`, () => {
    const of = house(role, zone)
    const found = Object.fromEntries(
      ZONES.map((name) => [
        name,
        (Object.keys(TOOLS) as (keyof typeof TOOLS)[]).map((what) => LETTER[ask(of, name, what)]).join(''),
      ]),
    )
    assert.deepEqual(found, rows)
  })
}

test('agent and user both need the role', () => {
  assert.equal(ask(house('data-scientist', 'train'), 'train', 'read'), 'allow')
  assert.equal(ask(house('data-scientist', 'train', { user: null }), 'train', 'read'), 'deny')
  assert.equal(ask(house('data-scientist', 'train', { user: 'auditor' }), 'train', 'write'), 'deny')
  assert.equal(ask(house('data-scientist', 'train', { user: 'auditor' }), 'train', 'read'), 'allow')
})

test('sensitivity ends what a role sees', () => {
  const seen = (role: string, zone: string, where: string) =>
    [0, 1, 2, 3, 4].filter(
      (sensitivity) => ask(house(role, zone, { sensitivity }), where, 'read') === 'allow',
    )
  assert.deepEqual(seen('data-scientist', 'train', 'train'), [0, 1, 2])
  assert.deepEqual(seen('model-validator', 'validate', 'train'), [0, 1, 2, 3])
  assert.deepEqual(seen('agent-operator', '', 'office'), [0, 1])
  assert.deepEqual(seen('auditor', '', 'production'), [0, 1, 2, 3, 4])
})

test('changes in production wait for office hours', () => {
  const of = house('deployment-engineer', 'production')
  // START is a Monday, ten in the morning.
  assert.equal(ask(of, 'production', 'write', START), 'approval')
  assert.equal(ask(of, 'production', 'write', START + 9 * HOUR), 'deny')
})

test('between zones nothing passes but what is written: every pair, both ways, and the starter policy knows of none', () => {
  const flows = new Set([
    ...['validate>train', 'production>validate', '>train', '>validate', '>production', 'train>validate'],
  ])
  for (const from of ['', 'train', 'validate', 'production']) {
    for (const to of ZONES) {
      const zone = to === 'office' ? '' : to
      const readable = from === zone || flows.has(`${from}>${zone}`)
      const of = house('auditor', from)
      assert.equal(ask(of, to, 'read'), readable ? 'allow' : 'deny', `${from} -> ${to}`)
      of.tell({
        type: 'policy',
        tenant: TENANT,
        version: { ...base, ...STARTER_POLICIES, digest: 'sha256:s' },
      })
      assert.equal(ask(of, to, 'read'), from === zone ? 'allow' : 'deny', `starter: ${from} -> ${to}`)
    }
  }
})

const base = {
  tenant: TENANT,
  id: 'p',
  version: 1,
  status: 'active',
  createdAt: START,
  createdBy: 'x',
} as const

test('a chain is as confined as each of its agents, and a tenant sees nothing of another', () => {
  const flowOf = (agents: readonly string[]) =>
    zonesOf({ ...NO_BINDINGS, flows: new Set(['>train:read']) }, call({ server: 'x' }).operation, {
      agents,
      server: 'train',
      sensitivity: 0,
      effect: 'read',
    }).flow
  assert.deepEqual([['train'], ['train', ''], ['train', 'production'], ['production', 'train']].map(flowOf), [
    true,
    true,
    false,
    false,
  ])
  const of = house('auditor', '')
  const other = call({ server: 'train', tool: 'get_quote' })
  const foreign = { ...other, grant: { ...other.grant, tenant: 't2' } }
  assert.equal(decide(of.state, foreign).decision.outcome, 'deny')
  assert.equal(decide(of.state, foreign).decision.code, 'revoked')
})

test('they are valid, and keep every rule of the starter policy but the permit for everybody', () => {
  engine.compile(POLICIES, schemaOf(house(null, '').tenant.directory))
  const idsOf = (text: string) => [...text.matchAll(/@id\("([^"]+)"\)/g)].map(([, id]) => id)
  const kept = new Set(idsOf(POLICIES.agentPolicies))
  const missing = idsOf(STARTER_POLICIES.agentPolicies).filter((id) => !kept.has(id))
  assert.deepEqual(missing, ['agent-may-work'])
  for (const block of STARTER_POLICIES.agentPolicies.split('\n@id(').slice(2)) {
    const body = `@id(${block.split(';')[0]};`
    if (!body.includes('"zones-apart"')) assert.ok(POLICIES.agentPolicies.includes(body), body.slice(0, 60))
  }
})
