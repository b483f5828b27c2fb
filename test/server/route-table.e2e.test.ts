/**
 * Every row of the route table, asked by everybody: who gets in is what the row says, and nothing else exists.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Route, route } from '@safeconduct/server'
import { type Answer, createWorld, type Who, type World } from './world.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`
const EMPTY_POLICY = { agent: '', user: '' }

const CALL = '01977777-7777-7777-8777-777777777777'
const ANY = { type: 'user', id: 'none' }

function questions(base: string): Record<string, object> {
  const whole = { subject: ANY, action: { name: 'none' }, resource: ANY }
  return {
    [`${base}/evaluation`]: whole,
    [`${base}/evaluations`]: whole,
    [`${base}/search/subject`]: whole,
    [`${base}/search/resource`]: whole,
    [`${base}/search/action`]: whole,
    [`${base}/requests`]: { ...whole, binding_token: 'none' },
  }
}

const RELATION = { user: 'user:none', relation: 'none', object: 'none:none' }
const ERRAND = { user: 'none', agent: 'none', task: 'none' }

/** A valid body for every POST row: a row without one cannot be walked, and fails the test. */
const BODIES: Readonly<Record<string, object>> = {
  '/api/v1/agents': { name: 'walked' },
  '/api/v1/agents/:id/composition': { composition: [] },
  '/api/v1/agents/:id/autonomy': { autonomous: true },
  '/api/v1/agents/:id/readmit': {},
  '/api/v1/agents/:id/trust': { ceiling: null },
  '/api/v1/agents/:id/feedback': { evidence: 'none/none', verdict: 'dismiss' },
  '/api/v1/agents/:id/baselines': {},
  '/api/v1/agents/:id/baselines/:baseline/restore': {},
  '/api/v1/decisions/:id/contest': {},
  '/api/v1/subjects/:kind/:id/erase': {},
  '/api/v1/servers': { name: 'walked', url: 'https://mcp.example' },
  '/api/v1/servers/:name/approve': {},
  '/api/v1/servers/:name/credential': { headers: { authorization: 'Bearer x' } },
  '/api/v1/servers/:name/remove': {},
  '/api/v1/tools/approve': { id: 'none/none', digest: DIGEST },
  '/api/v1/tools/roles': { id: 'none/none', corrections: { effect: 'write' } },
  '/api/v1/tools/corrections': { tools: {}, revision: DIGEST },
  '/api/v1/tools/corrections/check': { tools: {} },
  '/api/v1/revocations': { kind: 'task', id: 'none' },
  '/api/v1/approvals/:id/decide': { approve: true, args_digest: DIGEST },
  '/api/v1/policy/check': EMPTY_POLICY,
  '/api/v1/policy/apply': EMPTY_POLICY,
  '/api/v1/policy/rollback': { id: 'none' },
  '/api/v1/policy/diff': { old: EMPTY_POLICY, new: EMPTY_POLICY },
  '/api/v1/policy/replay': { candidate: EMPTY_POLICY },
  '/api/v1/policy/shadow/start': { candidate: EMPTY_POLICY },
  '/api/v1/policy/shadow/stop': {},
  '/api/v1/owner-requests/:id/decide': { confirm: true },
  '/api/v1/calls/prepare': { id: CALL, token: 'none', operation: { server: 'none', method: 'none' } },
  '/api/v1/calls/:id/settle': { status: 'ok' },
  '/api/v1/calls/tools': { token: 'none', server: 'none', definitions: [] },
  '/api/v1/enforcers': { name: 'walked', key_digest: DIGEST, scopes: ['evaluate'] },
  '/api/v1/enforcers/:name/revoke': {},
  '/api/v1/stores/:name': { policies: '', schema: '', entities: [] },
  '/api/v1/stores/:name/check': { policies: '', schema: '', entities: [] },
  '/api/v1/stores/:name/rollback': { id: 'none' },
  ...questions('/access/v1'),
  ...questions('/access/v1/stores/:store'),
  '/api/v1/elevations': { task: 'none', role: 'none', reason: 'none' },
  '/api/v1/elevations/:id/decide': { grant: true },
  '/api/v1/elevations/:id/revoke': {},
  '/api/v1/agents/:id/roles': { role: 'none', held: true },
  '/api/v1/agents/:id/zone': { zone: null },
  '/api/v1/servers/:name/zone': { zone: null, sensitivity: 0 },
  '/api/v1/users/:id/roles': { role: 'none', held: true },
  '/api/v1/relations/model': { dsl: 'model\n  schema 1.1\ntype user\n' },
  '/api/v1/relations/policy-space': { space: 'none' },
  '/api/v1/relations/write': { writes: [] },
  '/api/v1/relations/check': RELATION,
  '/api/v1/relations/list': { user: 'user:none', relation: 'none', type: 'none' },
  '/api/v1/relations/read': {},
  '/api/v1/relations/stage': { tuples: [] },
  '/api/v1/relations/import': { staging: 'none', digest: DIGEST },
  '/api/v1/documents/filter': { ...ERRAND, ids: [] },
  '/api/v1/documents/authorized': ERRAND,
  '/local/only': {},
}

/** The truth table: the status with which a caller is stopped, 202 where the owner is asked, null where it goes on. */
const TRUTH: Readonly<
  Record<Route['who'], Readonly<Record<Who, { status: number; error: string } | 202 | null>>>
> = {
  public: { anonymous: null, local: null, owner: null },
  loopback: { anonymous: null, local: null, owner: null },
  local: { anonymous: stop(401), local: null, owner: stop(403) },
  reader: { anonymous: stop(401), local: null, owner: null },
  owner: { anonymous: stop(401), local: stop(403, 'owner_session_required'), owner: null },
  confirmed: { anonymous: stop(401), local: 202, owner: null },
  asker: { anonymous: stop(401), local: null, owner: null },
  enforcer: { anonymous: stop(401), local: stop(403), owner: stop(403) },
}
const CALLERS = ['anonymous', 'local', 'owner'] as const
const ASKED_OF_NOTHING = new Set([404, 409, 422])
const STOPPED = new Set(['unauthenticated', 'forbidden', 'owner_session_required'])

function stop(status: number, error = status === 401 ? 'unauthenticated' : 'forbidden') {
  return { status, error }
}

/** A path that the row answers; nothing by these names exists. */
function pathOf(row: Route): string {
  return row.path.replace(/:\w+(\{[^}]*\})?/g, 'none')
}

function assertTyped(answer: Answer, where: string): void {
  assert.match(String(answer.headers['content-type']), /^application\/json/, where)
  assert.equal(answer.headers['x-content-type-options'], 'nosniff', where)
  assert.equal(answer.headers['cache-control'], 'no-store', where)
  assert.deepEqual(Object.keys(answer.json).slice(0, 2), ['error', 'message'], where)
}

describe('the route table', () => {
  let world: World
  before(async () => {
    const localOnly = route({
      method: 'POST',
      path: '/local/only',
      who: 'local',
      summary: 'A row of the composition root.',
      handle: async () => ({ ok: true }),
    })
    world = await createWorld({ moreRoutes: [localOnly] })
  })
  after(() => world.close())

  it('says of every row who may call it and what it does, and has no row twice', () => {
    const rows = world.plane.routes
    assert.ok(rows.length > 40, `${rows.length} rows`)
    for (const row of rows) {
      assert.ok(row.who in TRUTH, `${row.method} ${row.path}: ${row.who}`)
      assert.match(row.summary, /^[A-Z].{5,}[.]$/, `${row.method} ${row.path}`)
      if (row.method === 'POST' && row.path.startsWith('/api/')) assert.ok(row.body, row.path)
    }
    const names = rows.map((row) => `${row.method} ${row.path}`)
    assert.deepEqual([...new Set(names)], names)
    assert.deepEqual(
      [...new Set(rows.map((row) => row.who))].sort(),
      Object.keys(TRUTH).sort(),
      'every kind is walked',
    )
  })

  it('lets in, stops or asks the owner as the row says, for every row and everybody', async () => {
    let asked = 0
    for (const row of world.plane.routes) {
      const body = row.method === 'POST' ? BODIES[row.path] : undefined
      assert.ok(row.method === 'GET' || body !== undefined, `no body is known for ${row.path}`)
      for (const who of CALLERS) {
        const answer = await world.ask(who, row.method, pathOf(row), body === undefined ? {} : { body })
        const where = `${who} ${row.method} ${row.path}: ${answer.status} ${answer.text.slice(0, 200)}`
        const expected = TRUTH[row.who][who]
        if (expected === null) {
          assert.ok(!STOPPED.has(String(answer.json.error)), where)
          assert.notEqual(answer.status, 202, where)
          assert.ok(answer.status < 500, where)
        } else if (expected === 202) {
          // The owner is asked; where what is asked about does not exist, or nothing would change, nobody is.
          const askable = answer.status === 202
          assert.ok(askable || ASKED_OF_NOTHING.has(answer.status), where)
          if (askable) asked++
        } else {
          assert.deepEqual({ status: answer.status, error: answer.json.error }, expected, where)
          assertTyped(answer, where)
        }
      }
    }
    assert.ok(asked > 3, `${asked} rows asked the owner`)
    assert.deepEqual(world.errors, [])
  })

  it('changes nothing for an owner whose page does not show the anti-forgery token', async () => {
    const posts = world.plane.routes.filter((row) => row.method === 'POST')
    assert.ok(posts.length > 10)
    const before = await snapshot(world)
    for (const row of posts) {
      for (const token of ['', 'wrong', `${world.session.csrf}x`]) {
        const headers = { 'x-csrf-token': token }
        const body = { ...BODIES[row.path], ...(row.path === '/api/v1/agents' ? { name: 'forged' } : {}) }
        const answer = await world.ask('owner', 'POST', pathOf(row), { body, headers })
        assert.deepEqual([answer.status, answer.json.error], [403, 'forbidden'], row.path)
      }
    }
    const bare = await world.ask('anonymous', 'POST', '/api/v1/agents', {
      body: { name: 'forged' },
      headers: { cookie: world.session.cookie },
    })
    assert.equal(bare.status, 403)
    assert.deepEqual(await snapshot(world), before)
  })

  it('answers whatever is not in it with a typed 404', async () => {
    const asked: [string, string][] = [
      ['GET', '/api/v1/nothing'],
      ['GET', '/api/v1/agents/'],
      ['GET', '/API/v1/agents'],
      ['PUT', '/api/v1/agents'],
      ['DELETE', '/api/v1/agents/none'],
      ['PATCH', '/'],
      ['OPTIONS', '/api/v1/agents'],
      ['POST', '/healthz'],
      ['POST', '/api/v1/status'],
      ['GET', '/api/v1/servers/none/approve'],
      ['GET', '/assets/../package.json'],
      ['GET', '/assets/live.js.map'],
      ['GET', '/constructor'],
      ['GET', '/__proto__'],
    ]
    for (const who of CALLERS) {
      for (const [method, where] of asked) {
        const answer = await world.ask(who, method, where)
        assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], `${who} ${method} ${where}`)
        assertTyped(answer, where)
      }
    }
  })

  it('never reads a session for the control socket, nor takes a cookie for more than it is', async () => {
    const withCookie = { headers: { cookie: world.session.cookie } }
    const local = await world.ask('local', 'GET', '/api/v1/session', withCookie)
    assert.deepEqual([local.status, local.json.error], [403, 'owner_session_required'])
    for (const cookie of ['safeconduct_session=', 'safeconduct_session=x', `${world.session.cookie}x`]) {
      const answer = await world.ask('anonymous', 'GET', '/api/v1/session', { headers: { cookie } })
      assert.equal(answer.status, 401, cookie)
    }
    assert.equal((await world.get('owner', '/api/v1/session')).json.user, world.user.id)
  })

  it('answers HEAD like GET, without a body and without leaving a stream open', async () => {
    const status = await world.ask('local', 'HEAD', '/api/v1/status')
    assert.deepEqual([status.status, status.text], [200, ''])
    assert.equal((await world.ask('anonymous', 'HEAD', '/api/v1/status')).status, 401)
    for (let i = 0; i < 100; i++) {
      assert.equal((await world.ask('local', 'HEAD', '/api/v1/events')).status, 200)
    }
    assert.equal((await world.get('local', '/api/v1/events')).status, 200, 'no place is taken')
  })

  it('says when it is not ready, and tells what is alive', async () => {
    assert.deepEqual((await world.get('anonymous', '/healthz')).json, { ok: true })
    assert.deepEqual((await world.get('anonymous', '/readyz')).json, { ready: true, missing: [] })
    const unready = await createWorld({ unready: () => ['ledger'] })
    try {
      const answer = await unready.get('anonymous', '/readyz')
      assert.equal(answer.status, 503)
      assert.deepEqual(answer.json, { ready: false, missing: ['ledger'] })
      assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    } finally {
      await unready.close()
    }
  })
})

async function snapshot({ store, clock: _clock }: World): Promise<object> {
  const tenant = 't1'
  return {
    agents: await store.agents.list(tenant),
    servers: await store.servers.list(tenant),
    policies: await store.policies.list(tenant),
    requests: await store.ownerRequests.list(tenant),
    outbox: await store.outbox.take(1000),
  }
}
