/**
 * The published certification scenario of the Authorization API 1.0 as a test of ours: alice and bob (an admin), an
 * active and an archived record; levels Basic, Batch, Search (Core and Properties) and Discovery.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { parseJws, verifyJws } from '@safeconduct/engine'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@safeconduct/protocol'
import { loadEnforcers, loadPolicyStores } from '@safeconduct/server'
import { TENANT } from '../server/world.ts'
import { type Asking, createDecisionPoint, type DecisionPoint } from './decision-point.ts'

const STORE = {
  schema: `
    entity user { role?: String };
    entity record { status?: String };
    action read, write appliesTo { principal: [user], resource: [record] };
    action delete appliesTo { principal: [user], resource: [record], context: { action: { soft?: Bool } } };`,
  policies: `
    @id("read") permit(principal == user::"alice", action == Action::"read", resource);
    @id("admins-read") permit(principal, action == Action::"read", resource) when { principal has role && principal.role == "admin" };
    @id("alice-writes") permit(principal == user::"alice", action == Action::"write", resource) when { resource has status && resource.status == "active" };
    @id("admins-write-archived") permit(principal, action == Action::"write", resource)
      when { principal has role && principal.role == "admin" && resource has status && resource.status == "archived" };
    @id("soft") permit(principal == user::"alice", action == Action::"delete", resource)
      when { context.action has soft && context.action.soft };`,
  entities: [
    { uid: { type: 'user', id: 'alice' } },
    { uid: { type: 'user', id: 'bob' }, attrs: { role: 'admin' } },
    { uid: { type: 'record', id: 'record-1' }, attrs: { status: 'active' } },
    { uid: { type: 'record', id: 'record-2' }, attrs: { status: 'archived' } },
  ],
}

const user = (id: string, properties?: JsonObject) => ({
  type: 'user',
  id,
  ...(properties && { properties }),
})
const record = (id: string, properties?: JsonObject) => ({
  type: 'record',
  id,
  ...(properties && { properties }),
})
const action = (name: string, properties?: JsonObject) => ({ name, ...(properties && { properties }) })
const question = (subject: object, name: object, resource: object, more: object = {}) => ({
  subject,
  action: name,
  resource,
  ...more,
})
const WHOLE = question(user('alice'), action('read'), record('record-1'))
const NO = question(user('bob'), action('write'), record('record-1'))

function resultsOf({ results = [] }: JsonObject): JsonObject[] {
  return isJsonArray(results) ? results.filter(isJsonObject) : []
}
const idsOf = (json: JsonObject) => resultsOf(json).map(({ id, name }) => String(id ?? name))
const decisionsOf = ({ evaluations = [] }: JsonObject) =>
  isJsonArray(evaluations) ? evaluations.map((one: JsonValue) => isJsonObject(one) && one.decision) : []

describe('Authorization API 1.0', () => {
  let point: DecisionPoint
  let pep: Asking
  before(async () => {
    point = await createDecisionPoint()
    await point.apply('certification', STORE)
    pep = await point.register('pep', { stores: ['certification'] })
  })
  after(() => point.close())

  const decide = async (body: unknown) => {
    const { status, json, text } = await pep.post('/access/v1/evaluation', body)
    assert.equal(status, 200, text)
    return json.decision
  }

  describe('Basic', () => {
    const CORE: readonly [string, object, boolean][] = [
      ['alice reads record-1', WHOLE, true],
      ['alice writes record-1', question(user('alice'), action('write'), record('record-1')), true],
      ['bob reads record-1', question(user('bob'), action('read'), record('record-1')), true],
      ['bob writes record-1', NO, false],
    ]
    const PROPERTIES: readonly [string, object, boolean][] = [
      [
        'alice writes what is archived',
        question(user('alice'), action('write'), record('record-1', { status: 'archived' })),
        false,
      ],
      [
        'an admin writes what is archived',
        question(
          user('alice', { role: 'admin' }),
          action('write'),
          record('record-2', { status: 'archived' }),
        ),
        true,
      ],
      [
        'alice deletes softly',
        question(user('alice'), action('delete', { soft: true }), record('record-1')),
        true,
      ],
      [
        'alice deletes for good',
        question(user('alice'), action('delete', { soft: false }), record('record-1')),
        false,
      ],
    ]
    const NOTHING_KNOWN: readonly [string, object, boolean][] = [
      ['an unknown subject', question(user('zoe'), action('read'), record('record-1')), false],
      ['an unknown action', question(user('alice'), action('fly'), record('record-1')), false],
      [
        'an unknown type of resource',
        question(user('alice'), action('read'), { type: 'boat', id: 'x' }),
        false,
      ],
      [
        'an unknown type of subject',
        question({ type: 'urn:x', id: 'alice' }, action('read'), record('r')),
        false,
      ],
      ['an empty id', question(user(''), action('read'), record('record-1')), false],
    ]
    for (const [name, body, expected] of [...CORE, ...PROPERTIES, ...NOTHING_KNOWN]) {
      it(`${name}: ${expected}`, async () => assert.equal(await decide(body), expected))
    }

    it('ignores what it does not know', async () => {
      const more = { extra: 1, context: { time: '1985-10-26T01:22-07:00', other: null } }
      assert.equal(await decide({ ...WHOLE, ...more, subject: { ...user('alice'), more: true } }), true)
    })

    it('gives the same answer to the same question', async () => {
      for (const body of [WHOLE, NO]) {
        const answers = new Set<string>()
        for (let time = 0; time < 3; time++) answers.add((await pep.post('/access/v1/evaluation', body)).text)
        assert.equal(answers.size, 1)
      }
    })

    it('gives X-Request-ID back, with errors too, and nothing that would break a header', async () => {
      const id = 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716'
      for (const [body, status] of [
        [WHOLE, 200],
        [{}, 400],
      ] as const) {
        const answer = await pep.post('/access/v1/evaluation', body, { 'x-request-id': id })
        assert.equal(answer.status, status)
        assert.equal(answer.headers['x-request-id'], id)
      }
      const spaced = await pep.post('/access/v1/evaluation', WHOLE, { 'x-request-id': 'a b' })
      assert.equal(spaced.headers['x-request-id'], undefined)
      assert.equal((await pep.post('/access/v1/evaluation', WHOLE)).headers['x-request-id'], undefined)
    })
  })

  describe('what is refused with 400', () => {
    const BODIES: Readonly<Record<string, unknown>> = {
      'an empty object': {},
      'no subject': { ...WHOLE, subject: undefined },
      'no action': { ...WHOLE, action: undefined },
      'no resource': { ...WHOLE, resource: undefined },
      'a subject without a type': { ...WHOLE, subject: { id: 'alice' } },
      'a subject without an id': { ...WHOLE, subject: { type: 'user' } },
      'an action without a name': { ...WHOLE, action: {} },
      'a resource without a type': { ...WHOLE, resource: { id: 'record-1' } },
      'a resource without an id': { ...WHOLE, resource: { type: 'record' } },
      'a subject that is text': { ...WHOLE, subject: 'alice' },
      'an action that is text': { ...WHOLE, action: 'read' },
      'an id that is a number': { ...WHOLE, subject: { type: 'user', id: 7 } },
      'a name that is a number': { ...WHOLE, action: { name: 7 } },
      'properties that are a list': { ...WHOLE, subject: { ...user('alice'), properties: [] } },
      'a context that is text': { ...WHOLE, context: 'now' },
      'a context that is null': { ...WHOLE, context: null },
      'a list': [WHOLE],
    }
    for (const [name, body] of Object.entries(BODIES)) {
      it(name, async () => {
        const { status, json } = await pep.post('/access/v1/evaluation', body)
        assert.equal(status, 400)
        assert.equal(json.error, 'invalid_request')
      })
    }

    it('an empty body, malformed JSON, a key given twice, and another content type', async () => {
      const authorization = `Bearer ${pep.secret}`
      const send = (raw: string, type = 'application/json') =>
        point.world.ask('anonymous', 'POST', '/access/v1/evaluation', {
          raw,
          headers: { authorization, 'content-type': type },
        })
      for (const raw of ['', '{', '{"subject":1,"subject":2}', 'null'])
        assert.equal((await send(raw)).status, 400, raw)
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
        assert.equal((await send(JSON.stringify(WHOLE), type)).status, 400, type)
      assert.equal((await send(JSON.stringify(WHOLE), 'application/json; charset=utf-8')).status, 200)
    })

    it('a body that is larger than allowed, with 413', async () => {
      const { status } = await pep.post('/access/v1/evaluation', {
        ...WHOLE,
        context: { x: 'x'.repeat(1_100_000) },
      })
      assert.equal(status, 413)
    })
  })

  describe('Batch', () => {
    const batch = async (body: object) => {
      const { status, json, text } = await pep.post('/access/v1/evaluations', body)
      assert.equal(status, 200, text)
      return json
    }

    it('answers in order, taking top-level members for what an item leaves out', async () => {
      const { evaluations: _none, ...defaults } = { evaluations: [], ...WHOLE }
      const json = await batch({
        ...defaults,
        evaluations: [{}, { action: action('write') }, { subject: user('bob'), action: action('write') }],
      })
      assert.deepEqual(decisionsOf(json), [true, true, false])
    })

    it('replaces members as a whole', async () => {
      const subject = user('alice', { role: 'admin' })
      const json = await batch({
        subject,
        action: action('write'),
        resource: record('record-2'),
        evaluations: [{}, { subject: user('alice') }],
      })
      assert.deepEqual(decisionsOf(json), [true, false])
    })

    it('denies an item that misses a member and answers the others', async () => {
      const { subject: _without, ...rest } = WHOLE
      const json = await batch({ ...rest, evaluations: [{}, { subject: user('alice') }] })
      assert.deepEqual(decisionsOf(json), [false, true])
    })

    it('is a single evaluation when there are none', async () => {
      for (const body of [WHOLE, { ...WHOLE, evaluations: [] }])
        assert.deepEqual(await batch(body), { decision: true })
      assert.equal((await pep.post('/access/v1/evaluations', { subject: user('alice') })).status, 400)
    })

    const items = [{}, { ...NO }, {}]
    const SEMANTICS: readonly [string, object[], boolean[]][] = [
      ['execute_all', items, [true, false, true]],
      ['deny_on_first_deny', items, [true, false]],
      ['permit_on_first_permit', [NO, {}, NO], [false, true]],
    ]
    for (const [semantic, evaluations, expected] of SEMANTICS) {
      it(`${semantic}: ${expected}`, async () => {
        const options = { evaluations_semantic: semantic, other: 1 }
        assert.deepEqual(decisionsOf(await batch({ ...WHOLE, options, evaluations })), expected)
      })
    }

    it('refuses a semantic it does not know, and more questions than allowed', async () => {
      const wrong = { ...WHOLE, options: { evaluations_semantic: 'guess' }, evaluations: [{}] }
      assert.equal((await pep.post('/access/v1/evaluations', wrong)).status, 400)
      const many = { ...WHOLE, evaluations: Array.from({ length: 257 }, () => ({})) }
      assert.equal((await pep.post('/access/v1/evaluations', many)).status, 400)
      const heavy = {
        ...WHOLE,
        context: { text: 'x'.repeat(100_000) },
        evaluations: many.evaluations.slice(1),
      }
      assert.equal(
        (await pep.post('/access/v1/evaluations', heavy)).status,
        413,
        'what is sent once is read 256 times',
      )
    })
  })

  describe('Search', () => {
    const search = async (kind: string, body: object) => {
      const { status, json, text } = await pep.post(`/access/v1/search/${kind}`, body)
      assert.equal(status, 200, text)
      return json
    }

    it('subjects who read record-1 are alice and bob', async () => {
      const body = { subject: { type: 'user' }, action: action('read'), resource: record('record-1') }
      assert.deepEqual(resultsOf(await search('subject', body)), [user('alice'), user('bob')])
    })

    it('records that alice reads include record-1, whatever id is sent', async () => {
      const body = {
        subject: user('alice'),
        action: action('read'),
        resource: { type: 'record', id: 'ignored' },
      }
      assert.ok(idsOf(await search('resource', body)).includes('record-1'))
    })

    it('actions of alice on record-1 include read and write', async () => {
      assert.deepEqual(
        idsOf(await search('action', { subject: user('alice'), resource: record('record-1') })),
        ['read', 'write'],
      )
    })

    it('finds by properties', async () => {
      const archived = record('record-2', { status: 'archived' })
      const admin = user('bob', { role: 'admin' })
      const writers = { subject: { type: 'user' }, action: action('write'), resource: archived }
      assert.deepEqual(idsOf(await search('subject', writers)), ['bob'])
      const written = { subject: admin, action: action('write'), resource: { type: 'record' } }
      assert.deepEqual(idsOf(await search('resource', written)), ['record-2'])
      assert.ok(idsOf(await search('action', { subject: admin, resource: archived })).includes('write'))
    })

    it('finds nothing for what is unknown', async () => {
      const bodies: [string, object][] = [
        ['resource', { subject: user('zoe'), action: action('read'), resource: { type: 'record' } }],
        ['resource', { subject: user('alice'), action: action('read'), resource: { type: 'boat' } }],
        ['subject', { subject: { type: 'robot' }, action: action('read'), resource: record('record-1') }],
        ['subject', { subject: { type: 'user' }, action: action('fly'), resource: record('record-1') }],
        ['action', { subject: user('alice'), resource: record('none') }],
      ]
      for (const [kind, body] of bodies) {
        const json = await search(kind, body)
        assert.deepEqual(json, { results: [], page: { next_token: '', count: 0 } })
      }
    })

    it('pages through everything and takes no token of another search', async () => {
      const body = { subject: { type: 'user' }, action: action('read'), resource: record('record-1') }
      const first = await search('subject', { ...body, page: { limit: 1 } })
      const token = isJsonObject(first.page) ? first.page.next_token : ''
      assert.deepEqual([idsOf(first), typeof token, token !== ''], [['alice'], 'string', true])
      const second = await search('subject', { ...body, page: { limit: 1, token } })
      assert.deepEqual(idsOf(second), ['bob'])
      assert.deepEqual(second.page, { next_token: '', count: 1 })
      const none = await search('subject', { ...body, page: { limit: 0 } })
      assert.deepEqual([idsOf(none), isJsonObject(none.page) && none.page.next_token !== ''], [[], true])
      assert.deepEqual(idsOf(await search('subject', { ...body, page: { limit: 100_000 } })), [
        'alice',
        'bob',
      ])
      for (const [other, page] of [
        [{ ...body, resource: record('record-2') }, { token }],
        [body, { token: 'nonsense' }],
        [body, { limit: -1 }],
        [body, { limit: 1.5 }],
      ] as const) {
        assert.equal((await pep.post('/access/v1/search/subject', { ...other, page })).status, 400)
      }
    })

    it('refuses what is not identified', async () => {
      const bodies: [string, object][] = [
        ['subject', { subject: {}, action: action('read'), resource: record('record-1') }],
        ['subject', { subject: { type: 'user' }, action: action('read'), resource: { type: 'record' } }],
        ['resource', { subject: { type: 'user' }, action: action('read'), resource: { type: 'record' } }],
        ['action', { subject: user('alice') }],
      ]
      for (const [kind, body] of bodies)
        assert.equal((await pep.post(`/access/v1/search/${kind}`, body)).status, 400, JSON.stringify(body))
    })
  })

  describe('Discovery', () => {
    it('says where to ask, signed, for itself and for a store', async () => {
      const { world } = point
      for (const [path, pdp, base] of [
        ['', world.origin, `${world.origin}/access/v1`],
        [
          '/stores/certification',
          `${world.origin}/stores/certification`,
          `${world.origin}/access/v1/stores/certification`,
        ],
      ]) {
        const { status, json } = await world.get('anonymous', `/.well-known/authzen-configuration${path}`)
        assert.equal(status, 200)
        assert.equal(json.policy_decision_point, pdp)
        assert.equal(json.access_evaluation_endpoint, `${base}/evaluation`)
        assert.equal(json.access_evaluations_endpoint, `${base}/evaluations`)
        for (const kind of ['subject', 'resource', 'action'])
          assert.equal(json[`search_${kind}_endpoint`], `${base}/search/${kind}`)
        const jws = parseJws(String(json.signed_metadata))
        const key = world.authorization.keys.get(String(jws.header.kid))
        assert.ok(key !== undefined)
        verifyJws(jws, key)
        assert.equal(jws.payload.iss, pdp)
        assert.equal(jws.payload.access_evaluation_endpoint, json.access_evaluation_endpoint)
      }
      assert.equal(
        (await world.get('anonymous', '/.well-known/authzen-configuration/stores/none')).status,
        404,
      )
    })
  })

  describe('who may ask', () => {
    it('nobody without a credential, and nobody with a wrong one', async () => {
      const { world } = point
      for (const [headers, error] of [
        [{}, 'unauthenticated'],
        [{ authorization: `Bearer sce_${'A'.repeat(43)}` }, 'invalid_token'],
        [{ authorization: 'Bearer nonsense' }, 'invalid_token'],
        [{ authorization: `Basic ${pep.secret}` }, 'invalid_token'],
      ] as const) {
        const answer = await world.ask('anonymous', 'POST', '/access/v1/evaluation', { body: WHOLE, headers })
        assert.equal(answer.status, 401)
        assert.equal(answer.json.error, error)
        assert.match(String(answer.headers['www-authenticate']), /^Bearer/)
      }
    })

    it('an enforcement point only what it is registered for', async () => {
      await point.apply('other', STORE)
      assert.equal((await pep.post('/access/v1/stores/certification/evaluation', WHOLE)).json.decision, true)
      assert.equal((await pep.post('/access/v1/stores/other/evaluation', WHOLE)).status, 403)
      assert.equal((await pep.post('/access/v1/stores/none/evaluation', WHOLE)).status, 403)
      const narrow = await point.register('narrow', { scopes: ['evaluate'], stores: ['other'] })
      assert.equal((await narrow.post('/access/v1/evaluation', WHOLE)).json.decision, true)
      assert.equal((await narrow.post('/access/v1/search/action', WHOLE)).status, 403)
      const homeless = await point.register('homeless', {})
      assert.equal((await homeless.post('/access/v1/evaluation', WHOLE)).status, 403)
      for (const path of ['/api/v1/agents', '/api/v1/stores', '/api/v1/enforcers'])
        assert.equal((await pep.get(path)).status, 401, path)
    })

    it('a reader is told why; an enforcement point is not', async () => {
      const path = '/access/v1/stores/certification/evaluation'
      const { json } = await point.world.post('owner', path, WHOLE)
      assert.deepEqual(json.context, { reason_admin: { policies: ['read'], errors: [] } })
      assert.deepEqual((await pep.post('/access/v1/evaluation', WHOLE)).json, { decision: true })
      assert.equal((await point.world.post('local', '/access/v1/evaluation', WHOLE)).status, 400)
    })

    it('the same after a restart', async () => {
      const { store } = point.world
      const stores = await loadPolicyStores(store, TENANT, (name) => assert.fail(name))
      assert.equal(stores.get('certification')?.compiled.ids.get('user')?.length, 2)
      const enforcers = await loadEnforcers(store, TENANT)
      assert.deepEqual(enforcers.find(pep.secret)?.stores, ['certification'])
      assert.equal(enforcers.find(`${pep.secret}x`), null)
    })

    it('nobody any more once revoked', async () => {
      const gone = await point.register('gone', { stores: ['certification'] })
      assert.equal((await gone.post('/access/v1/evaluation', WHOLE)).status, 200)
      assert.equal((await point.world.post('local', '/api/v1/enforcers/gone/revoke')).status, 200)
      assert.equal((await gone.post('/access/v1/evaluation', WHOLE)).status, 401)
    })
  })

  it('rules by the version that is active, and goes back', async () => {
    const strict = { ...STORE, policies: 'forbid(principal, action, resource);' }
    const before = await point.world.get('owner', '/api/v1/stores/certification')
    const { active } = before.json
    assert.ok(isJsonObject(active))
    await point.apply('certification', strict)
    assert.equal(await decide(WHOLE), false)
    const back = await point.world.post('owner', '/api/v1/stores/certification/rollback', { id: active.id })
    assert.equal(back.status, 200)
    assert.equal(await decide(WHOLE), true)
    const wrong = await point.world.post('owner', '/api/v1/stores/certification', {
      ...STORE,
      policies: 'permit(',
    })
    assert.equal(wrong.status, 422)
    assert.equal(await decide(WHOLE), true)
  })
})
