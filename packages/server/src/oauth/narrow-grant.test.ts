import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Grant, MAX_CHAIN_DEPTH, type TaskDetails } from '@safeconduct/protocol'
import fc from 'fast-check'
import { OAuthError } from './errors.ts'
import { type Bounds, narrowGrant, type Wanted } from './narrow-grant.ts'

const NOW = 1_700_000_000_000
const held = (more: Partial<Grant> = {}): Grant => ({
  id: 'grant-id',
  tenant: 't',
  agent: 'planner',
  user: 'ada',
  via: [],
  clientId: 'planner',
  audience: ['https://x/mcp/market', 'https://x/mcp/mail'],
  scope: ['mcp:read', 'mcp:write'],
  task: 'task',
  details: { type: 'safeconduct_task', task: 'task', tools: ['market/*', 'mail/send'] },
  epochs: [],
  jkt: null,
  issuedAt: NOW - 1000,
  expiresAt: NOW + 200_000,
  authenticatedAt: null,
  ...more,
})
const want = (more: Partial<Wanted> = {}): Wanted => ({
  actor: 'trader',
  scope: null,
  audience: null,
  details: null,
  ...more,
})
const bounds = (more: Partial<Bounds> = {}): Bounds => ({
  now: NOW,
  lifetime: 300_000,
  ends: [],
  delegated: null,
  ...more,
})

function errorOf(work: () => unknown): string {
  try {
    work()
  } catch (thrown) {
    if (thrown instanceof OAuthError) return thrown.error
    throw thrown
  }
  return 'none'
}

describe('narrowGrant', () => {
  it('hands on everything when nothing is asked, for as long as it lasts', () => {
    const result = narrowGrant(held(), want(), bounds())
    assert.deepEqual(result.scope, ['mcp:read', 'mcp:write'])
    assert.deepEqual(result.audience, held().audience)
    assert.equal(result.expiresAt, NOW + 200_000)
    assert.deepEqual(result.actors, ['trader', 'planner'])
  })

  it('takes the earliest of all ends, in whole seconds', () => {
    const end = (more: Partial<Bounds>, details: TaskDetails | null = null) =>
      narrowGrant(held(), want({ details }), bounds(more)).expiresAt
    assert.equal(end({ lifetime: 60_000 }), NOW + 60_000)
    assert.equal(end({ ends: [NOW + 50_999, NOW + 70_000] }), NOW + 50_000)
    assert.equal(end({}, { type: 'safeconduct_task', expires: NOW / 1000 + 10 }), NOW + 10_000)
    assert.equal(
      errorOf(() => end({ ends: [NOW + 500] })),
      'invalid_grant',
    )
    assert.equal(
      errorOf(() => end({ ends: [NOW - 1] })),
      'invalid_grant',
    )
  })

  it('knows that write includes read, and nothing else of scopes', () => {
    const scope = (from: string[], to: string[] | null) =>
      errorOf(() => narrowGrant(held({ scope: from }), want({ scope: to }), bounds()))
    assert.equal(scope(['mcp:write'], ['mcp:read']), 'none')
    assert.equal(scope(['mcp:read'], ['mcp:write']), 'invalid_scope')
    assert.equal(scope(['mcp:read', 'openid'], ['openid']), 'invalid_scope')
    assert.equal(scope([], null), 'invalid_scope')
    assert.equal(scope(['openid'], null), 'invalid_scope')
    assert.equal(scope(['mcp:read'], []), 'invalid_scope')
  })

  it('drops scopes that are not of the gateway', () => {
    assert.deepEqual(narrowGrant(held({ scope: ['openid', 'mcp:read'] }), want(), bounds()).scope, [
      'mcp:read',
    ])
  })

  it('also holds what an earlier delegation said', () => {
    const details: TaskDetails = { type: 'safeconduct_task', tools: ['market/quote'], budget: { calls: 3 } }
    const delegated = { details, scope: ['mcp:read'], audience: ['https://x/mcp/market'] }
    const result = narrowGrant(held(), want(), bounds({ delegated }))
    assert.deepEqual(result.details.tools, ['market/quote'])
    assert.deepEqual(result.details.budget, { calls: 3 })
    assert.deepEqual(result.scope, ['mcp:read'])
    assert.deepEqual(result.audience, ['https://x/mcp/market'])
    const wider: TaskDetails = { type: 'safeconduct_task', tools: ['market/*'] }
    assert.equal(
      errorOf(() => narrowGrant(held(), want({ details: wider }), bounds({ delegated }))),
      'invalid_authorization_details',
    )
    const write = want({ scope: ['mcp:write'] })
    assert.equal(
      errorOf(() => narrowGrant(held(), write, bounds({ delegated }))),
      'invalid_scope',
    )
    const mail = want({ audience: ['https://x/mcp/mail'] })
    assert.equal(
      errorOf(() => narrowGrant(held(), mail, bounds({ delegated }))),
      'invalid_target',
    )
    const nowhere = held({ audience: ['https://x/mcp/mail'] })
    assert.equal(
      errorOf(() => narrowGrant(nowhere, want(), bounds({ delegated }))),
      'invalid_target',
    )
  })

  it('adds no link for an agent that narrows its own grant', () => {
    assert.deepEqual(narrowGrant(held({ via: ['boss'] }), want({ actor: 'planner' }), bounds()).actors, [
      'planner',
      'boss',
    ])
  })

  it('ends the chain at its limit', () => {
    const full = held({ via: Array.from({ length: MAX_CHAIN_DEPTH - 1 }, (_, at) => `a${at}`) })
    assert.equal(
      errorOf(() => narrowGrant(full, want(), bounds())),
      'invalid_grant',
    )
    assert.equal(
      errorOf(() => narrowGrant(full, want({ actor: 'planner' }), bounds())),
      'none',
    )
  })

  it('never widens over any chain', () => {
    const tool = fc.constantFrom('market/*', 'market/quote', 'market/order', 'mail/*', 'mail/send')
    const path = fc.constantFrom('amount', 'order.amount')
    const details = fc.record(
      {
        type: fc.constant('safeconduct_task' as const),
        tools: fc.uniqueArray(tool, { maxLength: 4 }),
        servers: fc.subarray(['market', 'mail']),
        resources: fc.uniqueArray(fc.constantFrom('file:///', 'file:///a', 'file:///a/b')),
        budget: fc.record(
          {
            calls: fc.nat(20),
            writes: fc.nat(20),
            sums: fc.dictionary(fc.constantFrom('k', '__proto__'), fc.nat(9)),
          },
          { requiredKeys: [] },
        ),
        argument_limits: fc.dictionary(
          fc.constantFrom('market/order', 'mail/send'),
          fc.dictionary(path, fc.record({ max: fc.nat(9), min: fc.nat(9) }, { requiredKeys: [] })),
        ),
        expires: fc.integer({ min: NOW / 1000 + 1, max: NOW / 1000 + 500 }),
      },
      { requiredKeys: ['type'] },
    )
    const step = fc.record({
      actor: fc.constantFrom('planner', 'trader', 'clerk', 'robot'),
      scope: fc.option(fc.subarray(['mcp:read', 'mcp:write', 'admin'], { minLength: 1 }), { freq: 2 }),
      audience: fc.option(
        fc.subarray(['https://x/mcp/market', 'https://x/mcp/mail', 'https://y/'], { minLength: 1 }),
        { freq: 2 },
      ),
      details: fc.option(details, { freq: 2 }),
    })
    let handed = 0
    fc.assert(
      fc.property(details, fc.array(step, { minLength: 1, maxLength: 6 }), (first, steps) => {
        let grant = held({ details: first as TaskDetails })
        for (const one of steps) {
          let next: ReturnType<typeof narrowGrant>
          try {
            next = narrowGrant(grant, one as Wanted, bounds())
          } catch (thrown) {
            assert.ok(thrown instanceof OAuthError)
            continue
          }
          handed += 1
          assertInside(grant, next)
          const [agent = '', ...via] = next.actors
          grant = { ...grant, ...next, agent, via }
        }
      }),
      { numRuns: 1000 },
    )
    assert.ok(handed > 100, `${handed} steps went through`)
  })
})

/** Written apart from the code under test: every question that can be asked of a grant gets no for no. */
function assertInside(above: Grant, below: ReturnType<typeof narrowGrant>): void {
  assert.ok(below.expiresAt <= above.expiresAt)
  assert.ok(below.scope.every((word) => above.scope.includes(word) || above.scope.includes('mcp:write')))
  assert.ok(below.audience.every((item) => above.audience.includes(item)))
  assert.ok(below.actors.length <= MAX_CHAIN_DEPTH)
  const allows = (details: TaskDetails, name: string) =>
    (details.tools === undefined ||
      details.tools.some(
        (held) => held === name || (held.endsWith('/*') && name.startsWith(held.slice(0, -1))),
      )) &&
    (details.servers === undefined || details.servers.includes(name.split('/')[0] ?? ''))
  for (const name of ['market/quote', 'market/order', 'market/x', 'mail/send', 'mail/x', 'other/x']) {
    if (!allows(above.details, name)) assert.ok(!allows(below.details, name), name)
  }
  for (const kind of ['calls', 'writes'] as const) {
    const [limit, now] = [above.details.budget?.[kind], below.details.budget?.[kind]]
    if (limit !== undefined) assert.ok(now !== undefined && now <= limit, kind)
  }
  for (const [key, limit] of Object.entries(above.details.budget?.sums ?? {})) {
    const sums = below.details.budget?.sums ?? {}
    assert.ok(Object.hasOwn(sums, key) && (sums[key] ?? Infinity) <= limit, key)
  }
  for (const [tool, paths] of Object.entries(above.details.argument_limits ?? {})) {
    for (const [path, limit] of Object.entries(paths)) {
      const now = below.details.argument_limits?.[tool]?.[path]
      if (limit.max !== undefined) assert.ok(now?.max !== undefined && now.max <= limit.max)
      if (limit.min !== undefined) assert.ok(now?.min !== undefined && now.min >= limit.min)
    }
  }
  for (const uri of ['file:///', 'file:///a', 'file:///a/b', 'file:///c']) {
    const covers = (list: readonly string[] | undefined) =>
      list === undefined || list.some((held) => uri.startsWith(held))
    if (!covers(above.details.resources)) assert.ok(!covers(below.details.resources), uri)
  }
}
