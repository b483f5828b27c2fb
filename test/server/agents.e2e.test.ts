/**
 * Agents through the API: what may be registered, what a change does to the decider, what never comes out.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { furnish, payment } from './desk.ts'
import { createWorld, kindsIn, TENANT, type World } from './world.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const EC = ec.publicKey.export({ format: 'jwk' })
const ED = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
const DIGEST = `sha256:${'ab'.repeat(32)}`

describe('agents', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())
  const register = (body: object, who: 'local' | 'owner' = 'local') => world.post(who, '/api/v1/agents', body)

  it('registers one with its keys and composition, for the owner, without rights of its own', async () => {
    const answer = await register({
      name: 'researcher',
      jwks: { keys: [{ ...EC, kid: 'k1', alg: 'ES256', use: 'sig', key_ops: ['verify'] }, ED] },
      composition: [{ kind: 'model', name: 'm', digest: DIGEST }],
      redirect_uris: ['http://127.0.0.1:8080/callback', 'https://app.example/cb', 'com.example.app:/cb'],
    })
    assert.equal(answer.status, 200, answer.text)
    const { id, ...shown } = answer.json
    assert.match(String(id), /^ag_/)
    assert.deepEqual(
      { ...shown, trust: null, risk: null, baseline: null, why: null, learning: null },
      {
        name: 'researcher',
        owner: world.user.id,
        registration: 'owner',
        autonomous: false,
        status: 'active',
        composition: [{ kind: 'model', name: 'm', digest: DIGEST, standing: 'declared' }],
        keys: 2,
        trustCeiling: null,
        createdAt: world.clock.now(),
        signs: null,
        trend: [],
        learning: null,
        trust: null,
        risk: null,
        baseline: null,
        why: null,
      },
    )
    const stored = await world.store.agents.get(TENANT, String(id))
    assert.deepEqual(stored?.jwks, [
      { kty: 'EC', crv: 'P-256', x: EC.x, y: EC.y, kid: 'k1', alg: 'ES256' },
      { kty: 'OKP', crv: 'Ed25519', x: ED.x },
    ])
    assert.equal(shown.trust, world.decider.standing(TENANT, String(id))?.trust, 'the decider knows it')
    const epochs = await world.store.epochs.all()
    assert.ok(epochs.some(({ ref }) => ref.kind === 'agent' && ref.id === id && ref.epoch === 1))
    assert.doesNotMatch((await world.get('local', '/api/v1/agents')).text, new RegExp(String(EC.x)))
  })

  it('is found by id and by name, and by nothing else', async () => {
    const byName = await world.get('owner', '/api/v1/agents/researcher')
    const byId = await world.get('owner', `/api/v1/agents/${byName.json.id}`)
    assert.deepEqual(byId.json, byName.json)
    for (const path of ['Researcher', 'researcher%00', '..%2Fresearcher', '%E0%A4%A']) {
      const answer = await world.get('owner', `/api/v1/agents/${path}`)
      assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], path)
    }
  })

  it('refuses a name that is taken', async () => {
    const answer = await register({ name: 'researcher' }, 'owner')
    assert.deepEqual([answer.status, answer.json.error], [409, 'conflict'])
    const twice = await Promise.all([register({ name: 'twin' }), register({ name: 'twin' })])
    assert.deepEqual(twice.map((one) => one.status).sort(), [200, 409])
  })

  it('refuses what is not a name, a key, a digest or a redirect, and says which', async () => {
    const { d } = ec.privateKey.export({ format: 'jwk' })
    const key = (jwk: object) => ({ jwks: { keys: [jwk] } })
    const refused: [string, object, RegExp][] = [
      ['empty', { name: '' }, /^name:/],
      ['capital', { name: 'Trader' }, /^name:/],
      ['look-alike', { name: 'tr\u0430der' }, /^name:/],
      ['hidden', { name: 'trader\u200b' }, /^name:/],
      ['dot first', { name: '.trader' }, /^name:/],
      ['path', { name: 'a/b' }, /^name:/],
      ['long', { name: 'a'.repeat(64) }, /^name:/],
      ['line', { name: 'trader\n' }, /^name:/],
      ['unknown member', { admin: true }, /admin/],
      ['autonomous', { autonomous: true }, /autonomous/],
      ['private part', key({ ...EC, d }), /private part/],
      ['symmetric', key({ kty: 'oct', k: 'AAAA' }), /kty/],
      ['RSA', key({ kty: 'RSA', n: 'AQAB', e: 'AQAB' }), /kty/],
      ['symmetric part', key({ ...ED, k: 'AAAA' }), /private part/],
      ['curve', key({ ...EC, crv: 'P-384' }), /crv/],
      ['mixed', key({ ...EC, kty: 'OKP' }), /crv/],
      ['half a point', key({ kty: 'EC', crv: 'P-256', x: EC.x }), /y/],
      ['no point', key({ ...EC, y: EC.x }), /not a point/],
      ['algorithm', key({ ...EC, alg: 'none' }), /alg/],
      ['encryption', key({ ...EC, use: 'enc' }), /use/],
      ['many keys', { jwks: { keys: Array(9).fill(EC) } }, /keys/],
      ['digest', { composition: [{ kind: 'model', name: 'm', digest: 'md5:0' }] }, /digest/],
      [
        'standing',
        { composition: [{ kind: 'model', name: 'm', digest: DIGEST, standing: 'attested' }] },
        /standing/,
      ],
      ['script', { redirect_uris: ['javascript:alert(1)'] }, /redirect/],
      ['data', { redirect_uris: ['data:text/html,x'] }, /redirect/],
      ['plain http', { redirect_uris: ['http://app.example/cb'] }, /redirect/],
      ['fragment', { redirect_uris: ['https://app.example/cb#x'] }, /redirect/],
      ['user', { redirect_uris: ['https://a:b@app.example/cb'] }, /redirect/],
      ['no URL', { redirect_uris: ['callback'] }, /redirect/],
    ]
    for (const [what, body, message] of refused) {
      const answer = await register({ name: 'refused', ...body })
      assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], what)
      assert.match(String(answer.json.message), message, what)
    }
    assert.deepEqual(await world.store.agents.find(TENANT, 'name', 'refused'), [])
    if (d !== undefined)
      assert.doesNotMatch((await register({ name: 'x', ...key({ ...EC, d }) })).text, new RegExp(d))
  })

  it('lets a program declare another composition, which raises nothing', async () => {
    const composition = [{ kind: 'prompt', name: 'p', digest: DIGEST }]
    const answer = await world.post('local', '/api/v1/agents/trader/composition', { composition })
    assert.deepEqual(answer.json.composition, [{ ...composition[0], standing: 'declared' }])
    // Half a surrogate pair has no digest: it is refused before anything is stored.
    const before = await world.store.agents.get(TENANT, 'agent-1')
    const half = await world.ask('local', 'POST', '/api/v1/agents/trader/composition', {
      raw: `{"composition":[{"kind":"prompt","name":"evil\\ud800","digest":"${DIGEST}"}]}`,
    })
    assert.deepEqual([half.status, half.json.error], [400, 'invalid_request'])
    assert.deepEqual(await world.store.agents.get(TENANT, 'agent-1'), before)
    const forged = [{ ...composition[0], standing: 'attested' }]
    assert.equal(
      (await world.post('local', '/api/v1/agents/trader/composition', { composition: forged })).status,
      400,
    )
    assert.equal((await world.post('local', '/api/v1/agents/none/composition', { composition })).status, 404)
    assert.equal((await world.store.agents.get(TENANT, 'agent-1'))?.version, 2)
  })

  it('switches autonomy only by the owner', async () => {
    const path = '/api/v1/agents/researcher/autonomy'
    assert.equal((await world.post('local', path, { autonomous: true })).status, 202)
    assert.equal((await world.get('local', '/api/v1/agents/researcher')).json.autonomous, false)
    assert.equal((await world.post('owner', path, { autonomous: true })).json.autonomous, true)
    const requests = (await world.get('owner', '/api/v1/owner-requests')).json.requests as JsonObject[]
    assert.equal(requests[0]?.summary, 'Let an agent act without a user: researcher')
  })

  it('resets trust by a person, under a ceiling that holds at once', async () => {
    await world.decider.prepare(payment(world))
    const before = world.decider.standing(TENANT, 'agent-1')
    assert.equal(before?.baseline, 'drifted', 'its composition is not the approved one any more')
    const answer = await world.post('owner', '/api/v1/agents/agent-1/trust', { ceiling: 'restricted' })
    assert.deepEqual([answer.json.trust, answer.json.trustCeiling], ['restricted', 'restricted'])
    assert.ok(Number(answer.json.risk) < before.risk, `${answer.json.risk} < ${before.risk}`)
    assert.equal(world.decider.standing(TENANT, 'agent-1')?.trust, 'restricted')
    assert.equal(answer.json.baseline, 'learning')
    const over = await world.post('owner', '/api/v1/agents/agent-1/trust', { ceiling: 'root' })
    assert.equal(over.status, 400)
    const free = await world.post('owner', '/api/v1/agents/agent-1/trust', { ceiling: null })
    assert.equal(free.json.trustCeiling, null)
    assert.notEqual(free.json.trust, 'restricted')
  })

  it('readmits a revoked agent only by the owner', async () => {
    assert.equal(
      (await world.post('local', '/api/v1/agents/none/readmit', {})).status,
      404,
      'nobody is asked',
    )
    assert.equal((await world.post('local', '/api/v1/agents/trader/readmit', {})).status, 202)
    assert.equal((await world.post('owner', '/api/v1/agents/none/readmit', {})).status, 404)
    const answer = await world.post('owner', '/api/v1/agents/trader/readmit', {})
    assert.deepEqual(answer.json, { readmitted: 'agent-1' })
  })

  it('tells the ledger of every change', async () => {
    await world.decider.drainOutbox()
    const kinds = kindsIn(world.ledger)
    for (const kind of [
      'agent.registered',
      'agent.composition',
      'agent.autonomy',
      'agent.trust',
      'agent.readmitted',
      'trust-reset',
    ])
      assert.ok(kinds.includes(kind), `${kind}: ${kinds}`)
    assert.deepEqual(await world.store.outbox.take(10), [])
  })
})
