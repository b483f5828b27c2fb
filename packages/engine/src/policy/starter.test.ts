import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, TRUST_LEVELS, type TrustLevel } from '@safeconduct/protocol'
import { apply } from '../apply.ts'
import type { Assumption } from '../decision/combine.ts'
import { evaluate } from '../pipeline.ts'
import {
  agent,
  BEARER,
  call,
  definition,
  epoch,
  grant,
  link,
  pinned,
  START,
  server,
  setup,
  TENANT,
  task,
  type World,
  world,
} from '../testing/world.ts'

const READ = { tool: 'get_quote', args: { symbol: 'ACME' } }
const CLOSED_WRITE = { tool: 'save_watchlist', args: { rank: 1 } }
const OPEN_WRITE = { tool: 'transfer_money', args: { recipient: 'bob@example.com', amount: 50 } }
const DESTROY = { tool: 'delete_records', args: {} }

const WITH_DELETE = setup([
  { type: 'tool', tool: pinned(definition('delete_records', {})) },
  {
    type: 'task',
    task: task({ intent: 'Transfer 50 to bob@example.com, save my watchlist and delete the records.' }),
  },
])

function used(of: World, tool: string): void {
  const id = `used-${tool}`
  const decided = evaluate(of.state, call({ tool }), null)
  apply(of.tenant, {
    type: 'turn',
    id,
    at: START,
    agent: 'agent-1',
    user: 'user-1',
    via: [],
    assurance: 'key',
    outcome: 'allow',
    signal: decided.signal,
    doubts: [],
    trust: null,
    task: { id: 'task-1', implicit: false, expiresAt: START + 1e9, rolled: false },
    flow: { key: 'task-1', intent: task().intent },
    open: { reservations: [], clean: true },
  })
  apply(of.tenant, { type: 'settled', id, at: START, status: 'ok', flow: null })
}

/** What the call gets at a trust level, everything else being as it is. */
function outcome(of: World, shape: Parameters<typeof call>[0], assume: Assumption = {}): Outcome {
  return evaluate(of.state, call(shape), null, assume).outcome
}

const TABLE: Readonly<
  Record<
    TrustLevel,
    readonly [read: Outcome, readBefore: Outcome, closed: Outcome, open: Outcome, destroy: Outcome]
  >
> = {
  suspended: ['deny', 'deny', 'deny', 'deny', 'deny'],
  restricted: ['deny', 'allow', 'deny', 'deny', 'deny'],
  limited: ['allow', 'allow', 'allow', 'approval', 'approval'],
  standard: ['allow', 'allow', 'allow', 'allow', 'allow'],
  elevated: ['allow', 'allow', 'allow', 'allow', 'allow'],
}

for (const trust of TRUST_LEVELS) {
  test(`the table of trust levels: ${trust}`, () => {
    const fresh = world(WITH_DELETE)
    const before = world(WITH_DELETE)
    used(before, 'get_quote')
    const row = [
      outcome(fresh, READ, { trust }),
      outcome(before, READ, { trust }),
      outcome(fresh, CLOSED_WRITE, { trust }),
      outcome(fresh, OPEN_WRITE, { trust }),
      outcome(fresh, DESTROY, { trust }),
    ]
    assert.deepEqual(row, TABLE[trust])
  })
}

test('lists and sessions are open to all but the suspended', () => {
  const of = world()
  for (const kind of ['list', 'session'] as const) {
    const shape = { operation: { kind, method: 'tools/list', name: null } }
    assert.equal(outcome(of, shape, { trust: 'restricted' }), 'allow')
    assert.equal(outcome(of, shape, { trust: 'suspended' }), 'deny')
  }
})

test('a new server: reads allowed, side effects to approval', () => {
  const of = world(setup([{ type: 'server', server: server({ standing: 'new' }) }]))
  assert.equal(outcome(of, READ), 'allow')
  assert.equal(outcome(of, CLOSED_WRITE), 'approval')
  assert.equal(outcome(of, CLOSED_WRITE, { approved: true }), 'allow')
})

test('a bearer client is limited, whatever else it is', () => {
  const of = world()
  const bearer = { proof: BEARER, grant: grant({ jkt: null }) }
  assert.equal(evaluate(of.state, call({ ...bearer, ...READ }), null).standing.trust, 'limited')
  assert.equal(outcome(of, { ...bearer, ...READ }), 'allow')
  assert.equal(outcome(of, { ...bearer, ...OPEN_WRITE }), 'approval')
})

test('an autonomous agent acts only where it is registered as one', () => {
  const alone = grant({ user: null })
  for (const [autonomous, expected] of [
    [false, 'deny'],
    [true, 'allow'],
  ] as const) {
    const of = world([
      ...setup(),
      { type: 'agent', agent: agent({ autonomous }) },
      { type: 'task', task: task({ user: null }) },
    ])
    assert.equal(outcome(of, { ...READ, grant: alone }), expected)
  }
})

test('an autonomous agent does not pass as a user, and a user needs no autonomy', () => {
  const of = world(setup([{ type: 'agent', agent: agent({ autonomous: true }) }]))
  assert.equal(outcome(of, READ), 'allow')
})

test('every actor of the chain is asked: a chain with a forbidden link is denied', () => {
  const chain = (trustCeiling: TrustLevel | null) =>
    setup([
      { type: 'epoch', tenant: TENANT, ref: epoch('agent', 'boss') },
      { type: 'agent', agent: agent({ id: 'boss', name: 'boss', trustCeiling }) },
      { type: 'task', task: task({ agent: 'boss' }) },
      { type: 'epoch', tenant: TENANT, ref: epoch('delegation', 'link-1') },
      { type: 'delegation', delegation: link({ from: 'boss', to: 'agent-1' }) },
    ])
  const base = grant({ via: ['boss'] })
  const handed = { ...READ, grant: { ...base, epochs: [...base.epochs, epoch('delegation', 'link-1')] } }
  assert.equal(outcome(world(chain(null)), handed), 'allow')
  assert.equal(outcome(world(chain('suspended')), handed), 'deny')
})

test('of a doubted agent the odd reads wait for a person, the sooner the more sensitive the server; its usual ones go on', () => {
  const doubted = (bits: number, sensitivity: number): World => {
    const of = world(
      setup([
        { type: 'server', server: server({ sensitivity }) },
        { type: 'tool', tool: pinned(definition('get_history')) },
      ]),
    )
    used(of, 'get_quote')
    const live = of.tenant.live.agents.get('agent-1')
    assert.ok(live !== undefined)
    live.risk.detectors.set('unused-tool', {
      used: new Map([['market/get_quote', 300]]),
      settled: 300,
      novel: 1,
    })
    if (bits > 0) live.risk.doubts.set('denials', { bits, at: START })
    return of
  }
  const odd = { tool: 'get_history', args: {} }
  const rows: readonly (readonly [bits: number, sensitivity: number, odd: Outcome])[] = [
    [0, 0, 'allow'],
    [0, 4, 'allow'],
    [2.5, 0, 'allow'],
    [2.5, 3, 'approval'],
    [3.5, 0, 'approval'],
  ]
  for (const [bits, sensitivity, expected] of rows) {
    const of = doubted(bits, sensitivity)
    assert.equal(outcome(of, odd), expected, `${bits} bits, sensitivity ${sensitivity}`)
    assert.equal(outcome(of, READ), 'allow')
  }
  assert.equal(outcome(doubted(3.5, 0), odd, { approved: true }), 'allow')
})
