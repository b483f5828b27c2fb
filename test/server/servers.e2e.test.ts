/**
 * Servers and tools through the API: registered, approved, removed by the owner alone; a credential goes in and never
 * comes out; a tool is approved as somebody saw it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JsonObject, PinnedTool } from '@safeconduct/protocol'
import { definition, ok, pinned, QUOTE } from '../../packages/engine/src/testing/world.ts'
import { furnish, payment } from './desk.ts'
import { createWorld, kindsIn, TENANT, type World } from './world.ts'

const SECRET = 'Bearer upstream-secret-0123456789'

describe('servers', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())
  const register = (body: object) =>
    world.post('owner', '/api/v1/servers', { name: 'notes', url: 'https://mcp.example/mcp', ...body })
  const servers = async () => (await world.get('local', '/api/v1/servers')).json.servers as JsonObject[]

  it('registers one over HTTP: new, untrusted, without a credential', async () => {
    const answer = await register({})
    assert.equal(answer.status, 200, answer.text)
    const { id, ...shown } = answer.json
    assert.match(String(id), /^sv_/)
    assert.deepEqual(shown, {
      name: 'notes',
      standing: 'new',
      trustedOutput: false,
      credential: false,
      transport: { kind: 'http', url: 'https://mcp.example/mcp', allowPrivate: false },
      createdAt: world.clock.now(),
    })
    assert.ok((await servers()).some((one) => one.id === id))
    assert.equal((await register({})).status, 409)
  })

  it('refuses what is no name, no plain address, or a program', async () => {
    const refused: [string, object, RegExp][] = [
      ['capital', { name: 'Notes' }, /^name:/],
      ['dot', { name: 'no.tes' }, /^name:/],
      ['slash', { name: 'a/b' }, /^name:/],
      ['long', { name: 'a'.repeat(64) }, /^name:/],
      ['file', { url: 'file:///etc/passwd' }, /^url:/],
      ['script', { url: 'javascript:1' }, /^url:/],
      ['no URL', { url: 'mcp.example' }, /^url:/],
      ['credentials', { url: 'https://user:hunter2@mcp.example' }, /credential/],
      ['fragment', { url: 'https://mcp.example/#x' }, /fragment/],
      ['plain http', { url: 'http://mcp.example' }, /https/],
      ['long address', { url: `https://mcp.example/${'a'.repeat(2048)}` }, /^url:/],
      ['program', { argv: ['/bin/sh'] }, /argv/],
      ['transport', { transport: { kind: 'stdio', argv: ['/bin/sh'] } }, /transport/],
      ['standing', { standing: 'approved' }, /standing/],
    ]
    for (const [what, body, message] of refused) {
      const answer = await register({ name: 'refused', ...body })
      assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], what)
      assert.match(String(answer.json.message), message, what)
      assert.doesNotMatch(answer.text, /hunter2/)
    }
    assert.deepEqual(await world.store.servers.find(TENANT, 'name', 'refused'), [])
  })

  it('tells the owner in the question what would be allowed besides', async () => {
    const body = {
      name: 'inside',
      url: 'http://10.0.0.8:9000/mcp',
      allow_private: true,
      trusted_output: true,
    }
    const { status, json } = await world.post('local', '/api/v1/servers', body)
    assert.equal(status, 202)
    const { id, summary } = json.request as JsonObject
    assert.equal(
      summary,
      'Register the server inside at http://10.0.0.8:9000; its address may be a private one; what it returns may vouch for values',
    )
    assert.equal((await servers()).filter((one) => one.name === 'inside').length, 0)
    const done = await world.post('owner', `/api/v1/owner-requests/${id}/decide`, { confirm: true })
    assert.deepEqual((done.json.result as JsonObject).transport, {
      kind: 'http',
      url: 'http://10.0.0.8:9000/mcp',
      allowPrivate: true,
    })
    const trusting = await world.post('local', '/api/v1/servers/inside/approve', { trusted_output: true })
    assert.match(String((trusting.json.request as JsonObject).summary), /vouch for values: inside$/)
  })

  it('approves one, from the next call on', async () => {
    assert.equal((await world.decider.prepare(payment(world))).decision.outcome, 'approval')
    const answer = await world.post('owner', '/api/v1/servers/market/approve', {})
    assert.deepEqual([answer.json.standing, answer.json.trustedOutput], ['approved', false])
    const next = await world.decider.prepare(payment(world))
    assert.equal(next.decision.outcome, 'allow', next.decision.why.join())
    await world.decider.settle(next.decision.id, ok())
    assert.equal((await world.post('owner', '/api/v1/servers/none/approve', {})).status, 404)
  })

  it('takes a credential and never shows it again', async () => {
    const path = '/api/v1/servers/notes/credential'
    const answer = await world.post('owner', path, { headers: { Authorization: SECRET } })
    assert.deepEqual([answer.status, answer.json.credential], [200, true])
    assert.deepEqual([...world.credentials.values()], [{ Authorization: SECRET }])

    const shown = [
      answer,
      await world.get('owner', '/api/v1/servers'),
      await world.get('owner', '/api/v1/owner-requests'),
      await world.post('owner', path, { headers: { Authorization: `${SECRET}\n` } }),
    ]
    await world.decider.drainOutbox()
    const ledger = world.ledger.rows.map(({ entry }) => Buffer.from(entry).toString('utf8'))
    for (const text of [...shown.map((one) => one.text), ...ledger, JSON.stringify(await servers())]) {
      assert.doesNotMatch(text, /upstream-secret/)
    }
    const stored = await world.store.servers.find(TENANT, 'name', 'notes')
    assert.doesNotMatch(JSON.stringify(stored), /upstream-secret/)
    assert.equal(
      (await world.post('local', path, { headers: { a: 'b' } })).json.error,
      'owner_session_required',
    )
  })

  it('refuses headers that are not a credential', async () => {
    const path = '/api/v1/servers/notes/credential'
    const refused: [string, object][] = [
      ['none', {}],
      ['line', { authorization: 'a\r\nx: y' }],
      ['empty', { authorization: '' }],
      ['beyond ASCII', { authorization: 'ü' }],
      ['long', { authorization: 'x'.repeat(8193) }],
      ['name', { 'a b': 'x' }],
      ['host', { Host: 'evil.example' }],
      ['framing', { 'Transfer-Encoding': 'chunked' }],
      ['length', { 'content-length': '0' }],
      ['session', { 'Mcp-Session-Id': 'x' }],
      ['twice', { Authorization: 'a', authorization: 'b' }],
      ['many', Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`x-${i}`, 'x']))],
    ]
    for (const [what, headers] of refused) {
      const answer = await world.post('owner', path, { headers })
      assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], what)
    }
    assert.deepEqual([...world.credentials.values()], [{ Authorization: SECRET }])
  })

  it('shows of a child server its program and the names in its environment, and takes no headers for it', async () => {
    const transport = { kind: 'stdio', argv: ['/usr/bin/thing'], env: { TOKEN: 'hunter2' } } as const
    const now = world.clock.now()
    await world.store.servers.insert({
      tenant: TENANT,
      id: 'sv_child',
      version: 1,
      name: 'child',
      transport,
      standing: 'new',
      credential: null,
      trustedOutput: false,
      createdAt: now,
    })
    const { text } = await world.get('local', '/api/v1/servers')
    assert.match(text, /"env":\["TOKEN"\]/)
    assert.doesNotMatch(text, /hunter2/)
    const refused = await world.post('owner', '/api/v1/servers/child/credential', { headers: { a: 'b' } })
    assert.deepEqual([refused.status, refused.json.error], [400, 'invalid_request'])
  })

  it('removes one with its credential and its pins, so that the name is free and nothing is left', async () => {
    const id = String((await servers()).find((one) => one.name === 'notes')?.id)
    const pin = pinned(QUOTE, { server: 'notes' })
    await world.store.tools.insert(pin)
    world.decider.control({ type: 'tool', tool: pin })
    assert.equal((await world.post('local', '/api/v1/servers/notes/remove', {})).status, 202)
    assert.equal(world.credentials.has(id), true)

    const answer = await world.post('owner', '/api/v1/servers/notes/remove', {})
    assert.deepEqual(answer.json, { removed: 'notes' })
    assert.equal(world.credentials.has(id), false)
    assert.deepEqual(await world.store.tools.find(TENANT, 'server', 'notes'), [])
    assert.deepEqual(await world.store.servers.find(TENANT, 'name', 'notes'), [])
    assert.equal((await world.post('owner', '/api/v1/servers/notes/remove', {})).status, 404)
    assert.equal((await register({})).status, 200)
    await world.decider.drainOutbox()
    const kinds = kindsIn(world.ledger)
    for (const kind of ['registered', 'approved', 'credential', 'removed'])
      assert.ok(kinds.includes(`server.${kind}`), kind)
  })
})

describe('tools', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())

  const CHANGED = definition('get_quote', { symbol: { type: 'string' }, bcc: { type: 'string' } })
  const approve = (body: object) => world.post('owner', '/api/v1/tools/approve', body)

  async function quarantine(): Promise<PinnedTool> {
    const before = await world.store.tools.get(TENANT, 'market/get_quote')
    assert.ok(before)
    const tool: PinnedTool = {
      ...before,
      version: before.version + 1,
      status: 'quarantined',
      reason: 'Its definition changed.',
      proposed: CHANGED,
      proposedDigest: pinned(CHANGED).digest,
    }
    await world.store.tools.replace(tool)
    world.decider.control({ type: 'tool', tool })
    return tool
  }

  it('lists them, and the quarantined ones apart', async () => {
    await quarantine()
    const all = (await world.get('local', '/api/v1/tools')).json.tools as JsonObject[]
    assert.deepEqual(all.map((one) => one.id).sort(), ['market/get_quote', 'market/transfer_money'])
    const apart = (await world.get('local', '/api/v1/tools?status=quarantined')).json.tools as JsonObject[]
    assert.deepEqual(
      apart.map((one) => [one.id, one.reason, one.proposed]),
      [['market/get_quote', 'Its definition changed.', CHANGED]],
    )
  })

  it('approves a changed tool only as it was seen', async () => {
    const { digest, proposedDigest } =
      (await world.store.tools.get(TENANT, 'market/get_quote')) ?? pinned(QUOTE)
    assert.notEqual(digest, proposedDigest)
    for (const seen of [digest, 'sha256:0', '']) {
      const answer = await approve({ id: 'market/get_quote', digest: seen })
      assert.deepEqual([answer.status, answer.json.error], [409, 'conflict'], seen)
    }
    assert.equal((await approve({ id: 'market/none', digest })).status, 404)
    assert.equal((await world.store.tools.get(TENANT, 'market/get_quote'))?.status, 'quarantined')

    const answer = await approve({ id: 'market/get_quote', digest: proposedDigest })
    assert.equal(answer.status, 200, answer.text)
    const { status, definition: now, digest: pin, proposed, reason } = answer.json
    assert.deepEqual([status, now, pin, proposed, reason], ['active', CHANGED, proposedDigest, null, null])
    assert.deepEqual(
      [(await approve({ id: 'market/get_quote', digest: proposedDigest })).status, 'it waits for nobody'],
      [409, 'it waits for nobody'],
    )
  })

  it('corrects what was derived of a tool, with the owner’s word, and takes it back', async () => {
    const correct = (body: object) => world.post('owner', '/api/v1/tools/roles', body)
    const id = 'market/get_quote'
    const before = await world.store.tools.get(TENANT, id)
    const told = { effect: 'write', destructive: true, args: { symbol: 'recipient' } }
    const answer = await correct({ id, corrections: told })
    assert.deepEqual([answer.status, answer.json.corrections], [200, told], answer.text)
    assert.deepEqual((await world.store.tools.get(TENANT, id))?.corrections, told)
    assert.equal((await correct({ id, corrections: { effect: 'both' } })).status, 400)
    assert.equal((await correct({ id: 'market/none', corrections: told })).status, 404)
    const asked = await world.post('local', '/api/v1/tools/roles', { id, corrections: told })
    assert.match(
      String((asked.json.request as JsonObject).summary),
      /^Treat the tool market\/get_quote as told/,
    )
    const back = await correct({ id, corrections: null })
    assert.equal(back.json.corrections, undefined)
    assert.deepEqual({ ...back.json, version: 0 }, JSON.parse(JSON.stringify({ ...before, version: 0 })))
  })

  it('does not run an approval that was asked for when the tool looked different', async () => {
    const tool = await quarantine()
    const asked = await world.post('local', '/api/v1/tools/approve', {
      id: tool.id,
      digest: tool.proposedDigest,
    })
    const { id, summary } = asked.json.request as JsonObject
    assert.match(String(summary), /^Approve the changed tool market\/get_quote \(sha256:[0-9a-f]{12}…\)$/)
    const other = definition('get_quote', { symbol: { type: 'string' }, cc: { type: 'string' } })
    await world.store.tools.replace({
      ...tool,
      version: tool.version + 1,
      proposed: other,
      proposedDigest: pinned(other).digest,
    })
    const done = await world.post('owner', `/api/v1/owner-requests/${id}/decide`, { confirm: true })
    assert.equal((done.json.result as JsonObject).error, 'conflict')
    assert.equal((await world.store.tools.get(TENANT, tool.id))?.status, 'quarantined')
  })
})
