import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import * as oauth from 'oauth4webapi'
import { createBrowser } from './browser.ts'
import { claimsOf, grantOf } from './claims.ts'
import { authorize, codeFlow, exchangeCode, REDIRECT, startFlow } from './code-flow.ts'
import { errorOf, newDpop, refresh } from './requests.ts'
import { type AgentKeys, createWorld, INSECURE, TENANT, type World } from './world.ts'

const HOUR = 3_600_000
const details = (more: object) => JSON.stringify([{ type: 'safeconduct_task', ...more }])

describe('the code flow', () => {
  let world: World
  let host: AgentKeys
  let market: string
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    await world.addServer('mail')
    host = await world.addAgent('host', { redirectUris: [REDIRECT], jwks: [] })
    market = world.resource('market')
  })
  beforeEach(() => {
    world.gate = async () => ({ allow: true })
  })
  after(() => world.close())

  const flow = (params: Record<string, string> = {}) => ({
    client: host.client,
    params: { resource: market, ...params },
  })

  it('gives a client that names no scope what its resource knows (trap 1)', async () => {
    const token = await codeFlow(world, flow())
    assert.deepEqual(grantOf(world, token.access_token, 'market').scope, ['mcp:read', 'mcp:write'])
  })

  it('gives a pushed request without scope the same', async () => {
    const agent = await world.addAgent('pusher', { redirectUris: [REDIRECT] })
    const verifier = oauth.generateRandomCodeVerifier()
    const pushed = await oauth.pushedAuthorizationRequest(
      world.metadata,
      agent.client,
      agent.auth,
      new URLSearchParams({
        response_type: 'code',
        redirect_uri: REDIRECT,
        resource: market,
        state: 'state-state',
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }),
      INSECURE,
    )
    const { request_uri } = await oauth.processPushedAuthorizationResponse(
      world.metadata,
      agent.client,
      pushed,
    )
    const bare = {
      response_type: '',
      redirect_uri: '',
      code_challenge: '',
      code_challenge_method: '',
      state: '',
    }
    const answered = await authorize(world, { client: agent.client, params: { ...bare, request_uri } })
    const token = await exchangeCode(world, agent, { ...answered, verifier, state: 'state-state' })
    assert.deepEqual(grantOf(world, token.access_token, 'market').scope, ['mcp:read', 'mcp:write'])
    // A request URI is used once.
    const again = await authorize(world, { client: agent.client, params: { ...bare, request_uri } }).catch(
      String,
    )
    assert.ok(typeof again === 'string', 'a used request URI opens no consent page')
  })

  it('makes a task, a delegation and their epochs, and tells of them', async () => {
    world.control.length = 0
    const token = await codeFlow(world, flow())
    const grant = grantOf(world, token.access_token, 'market')
    const task = await world.store.tasks.get(TENANT, grant.task)
    assert.equal(task?.implicit, true)
    assert.equal(task?.intent, null)
    assert.equal(task?.agent, host.agent.id)
    const link = grant.epochs.at(-1)
    assert.equal(link?.kind, 'delegation')
    const delegation = await world.store.delegations.get(TENANT, link?.id ?? '')
    assert.deepEqual(
      [delegation?.from, delegation?.to, delegation?.parent, delegation?.depth],
      [world.user.id, host.agent.id, null, 0],
    )
    assert.ok(world.control.some((event) => event.type === 'task' && event.task.id === grant.task))
    for (const ref of grant.epochs) {
      assert.ok(
        world.control.some(
          (event) => event.type === 'epoch' && event.ref.kind === ref.kind && event.ref.id === ref.id,
        ),
      )
    }
    const told = (await world.store.outbox.take(1000)).map((one) => one.event)
    assert.ok(told.some((event) => event.event === 'task.opened' && event.task === grant.task))
    assert.ok(told.some((event) => event.event === 'delegation.made' && event.delegation === link?.id))
  })

  it('says when the user signed in', async () => {
    const token = await codeFlow(world, flow())
    const { auth_time: at } = claimsOf(token.access_token)
    assert.ok(at !== undefined && Math.abs(at - world.clock.now() / 1000) < 60)
  })

  it('needs PKCE, and S256', async () => {
    for (const params of [
      { code_challenge: '', code_challenge_method: '' },
      { code_challenge_method: 'plain' },
    ]) {
      const { url } = await startFlow(world, flow(params))
      const page = await createBrowser(world).open(url.href)
      const location = new URL(page.headers.get('location') ?? '')
      assert.equal(location.searchParams.get('error'), 'invalid_request')
      assert.equal(location.searchParams.get('iss'), world.issuer)
    }
  })

  it('refuses another verifier, and another redirect', async () => {
    const answered = await authorize(world, flow())
    assert.equal(
      await errorOf(
        exchangeCode(world, flow(), { ...answered, verifier: oauth.generateRandomCodeVerifier() }),
      ),
      'invalid_grant',
    )
    const { url } = await startFlow(world, flow({ redirect_uri: 'http://127.0.0.1:4567/other' }))
    const page = await createBrowser(world).open(url.href)
    assert.equal(page.status, 400)
    assert.equal(page.headers.get('location'), null)
  })

  it('lets a native client choose its loopback port, and nothing else', async () => {
    const anyPort = await startFlow(world, flow({ redirect_uri: 'http://127.0.0.1:9999/callback' }))
    assert.equal((await createBrowser(world).open(anyPort.url.href)).status, 401)
    const otherHost = await startFlow(world, flow({ redirect_uri: 'http://localhost:4567/callback' }))
    assert.equal((await createBrowser(world).open(otherHost.url.href)).status, 400)
  })

  it('knows no implicit and no hybrid response (trap 3)', async () => {
    for (const type of ['token', 'id_token', 'code id_token', 'none']) {
      const { url } = await startFlow(world, flow({ response_type: type, nonce: 'n' }))
      const page = await createBrowser(world).open(url.href)
      assert.match(page.headers.get('location') ?? '', /error=unsupported_response_type/, type)
    }
  })

  it('uses a code once; a second use revokes what the first got', async () => {
    const answered = await authorize(world, flow())
    const token = await exchangeCode(world, flow(), answered)
    const grant = grantOf(world, token.access_token, 'market')
    assert.equal(await errorOf(exchangeCode(world, flow(), answered)), 'invalid_grant')
    const link = grant.epochs.at(-1)
    assert.equal(await world.store.epochs.ensure(TENANT, 'delegation', link?.id ?? ''), 2)
    assert.equal(await errorOf(refresh(world, host.client, token.refresh_token)), 'invalid_grant')
  })

  it('uses a code once also when it is sent many times at once', async () => {
    const answered = await authorize(world, flow())
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => exchangeCode(world, flow(), answered)),
    )
    assert.ok(all.filter((one) => one.status === 'fulfilled').length <= 1)
  })

  it('is bound to the DPoP key when a proof is given; a public refresh token, too', async () => {
    const dpop = await newDpop(host.client)
    const token = await codeFlow(world, { ...flow(), dpop })
    assert.equal(grantOf(world, token.access_token, 'market').jkt, await dpop.calculateThumbprint())
    assert.equal(await errorOf(refresh(world, host.client, token.refresh_token)), 'invalid_grant')
    const other = await newDpop(host.client)
    assert.equal(
      await errorOf(refresh(world, host.client, token.refresh_token, { dpop: other })),
      'invalid_grant',
    )
    const next = await refresh(world, host.client, token.refresh_token, { dpop })
    assert.equal(grantOf(world, next.access_token, 'market').jkt, await dpop.calculateThumbprint())
  })

  it('without a proof gives a bearer grant', async () => {
    assert.equal(grantOf(world, (await codeFlow(world, flow())).access_token, 'market').jkt, null)
  })

  it('holds a client that only knows the market to the market', async () => {
    const answered = await authorize(world, flow())
    assert.equal(
      await errorOf(exchangeCode(world, flow(), answered, { resource: world.resource('mail') })),
      'invalid_target',
    )
    const { url } = await startFlow(world, flow({ resource: `${world.issuer}/mcp/nowhere` }))
    const page = await createBrowser(world).open(url.href)
    assert.match(page.headers.get('location') ?? '', /error=invalid_target/)
  })

  it('asks for every server when the client names no resource, and gives one at a time', async () => {
    const answered = await authorize(world, { client: host.client })
    assert.match(answered.page.text, /Server market/)
    assert.match(answered.page.text, /Server mail/)
    const token = await exchangeCode(world, { client: host.client }, answered, {
      resource: world.resource('mail'),
    })
    assert.equal(claimsOf(token.access_token).aud, world.resource('mail'))
    const next = await refresh(world, host.client, token.refresh_token, { params: { resource: market } })
    assert.equal(claimsOf(next.access_token).aud, market)
  })

  it('lets a refresh narrow scope and details, never widen', async () => {
    const token = await codeFlow(
      world,
      flow({ authorization_details: details({ tools: ['market/quote', 'market/news'] }) }),
    )
    const wider = refresh(world, host.client, token.refresh_token, {
      params: { authorization_details: details({ tools: ['market/*'] }) },
    })
    assert.equal(await errorOf(wider), 'invalid_authorization_details')
    const fresh = await codeFlow(
      world,
      flow({ authorization_details: details({ tools: ['market/quote', 'market/news'] }) }),
    )
    const narrower = await refresh(world, host.client, fresh.refresh_token, {
      params: { scope: 'mcp:read', authorization_details: details({ tools: ['market/quote'] }) },
    })
    const grant = grantOf(world, narrower.access_token, 'market')
    assert.deepEqual(grant.details.tools, ['market/quote'])
    assert.deepEqual(grant.scope, ['mcp:read'])
    const again = await refresh(world, host.client, narrower.refresh_token)
    assert.deepEqual(grantOf(world, again.access_token, 'market').details.tools, [
      'market/quote',
      'market/news',
    ])
    const reader = await codeFlow(world, flow({ scope: 'mcp:read' }))
    assert.equal(
      await errorOf(
        refresh(world, host.client, reader.refresh_token, { params: { scope: 'mcp:read mcp:write' } }),
      ),
      'invalid_scope',
    )
  })

  it('takes authorization details of clients that never registered the type (trap 4), one and well-formed', async () => {
    const token = await codeFlow(world, flow({ authorization_details: details({ tools: ['market/quote'] }) }))
    assert.deepEqual(grantOf(world, token.access_token, 'market').details.tools, ['market/quote'])
    for (const bad of [
      'no json',
      '[]',
      '{}',
      JSON.stringify([{ type: 'payment' }]),
      details({ tool: ['market/quote'] }),
      details({ task: 'mine' }),
      details({ intent_digest: 'sha256:00' }),
      JSON.stringify([{ type: 'safeconduct_task' }, { type: 'safeconduct_task' }]),
    ]) {
      const { url } = await startFlow(world, flow({ authorization_details: bad }))
      const page = await createBrowser(world).open(url.href)
      const error = new URL(page.headers.get('location') ?? 'x:').searchParams.get('error')
      if (bad === '[]') assert.ok(error === null || error === 'invalid_authorization_details', String(error))
      else assert.equal(error, 'invalid_authorization_details', bad)
    }
  })

  it('refuses details about servers that are not among the resources', async () => {
    const browser = createBrowser(world)
    await browser.signIn()
    const { url } = await startFlow(world, flow({ authorization_details: details({ servers: ['mail'] }) }))
    const page = await browser.open(url.href)
    assert.match(page.headers.get('location') ?? '', /error=invalid_authorization_details/)
  })

  describe('refresh', () => {
    it('rotates; an old refresh token used again ends everything', async () => {
      const token = await codeFlow(world, flow())
      const next = await refresh(world, host.client, token.refresh_token)
      assert.equal(await errorOf(refresh(world, host.client, token.refresh_token)), 'invalid_grant')
      assert.equal(await errorOf(refresh(world, host.client, next.refresh_token)), 'invalid_grant')
      const link = grantOf(world, next.access_token, 'market').epochs.at(-1)
      assert.equal(await world.store.epochs.ensure(TENANT, 'delegation', link?.id ?? ''), 2)
    })

    it('gives one of many parallel uses a token at most', async () => {
      const token = await codeFlow(world, flow())
      const all = await Promise.allSettled(
        Array.from({ length: 8 }, () => refresh(world, host.client, token.refresh_token)),
      )
      assert.ok(all.filter((one) => one.status === 'fulfilled').length <= 1)
    })

    for (const kind of ['agent', 'user', 'task', 'delegation'] as const) {
      it(`fails once the ${kind} is revoked`, async () => {
        const agent = await world.addAgent(`revoked-${kind}`, { redirectUris: [REDIRECT], jwks: [] })
        const token = await codeFlow(world, { client: agent.client, params: { resource: market } })
        const grant = grantOf(world, token.access_token, 'market')
        const ref = grant.epochs.find((one) => one.kind === kind)
        const epoch = await world.as.revoke({ tenant: TENANT, kind, id: ref?.id ?? '', by: world.user.id })
        assert.equal(epoch.epoch, (ref?.epoch ?? 0) + 1)
        assert.equal(await errorOf(refresh(world, agent.client, token.refresh_token)), 'invalid_grant')
      })
    }

    it('fails once the agent is disabled, and once the client is unknown', async () => {
      const agent = await world.addAgent('to-disable', { redirectUris: [REDIRECT], jwks: [] })
      const token = await codeFlow(world, { client: agent.client, params: { resource: market } })
      await world.store.agents.replace({ ...agent.agent, status: 'disabled', version: 2 })
      assert.equal(await errorOf(refresh(world, agent.client, token.refresh_token)), 'invalid_client')
    })

    it('fails once the task ended, and once it expired', async () => {
      const first = await codeFlow(world, flow({ authorization_details: details({ tools: ['market/*'] }) }))
      const task = await world.store.tasks.get(TENANT, grantOf(world, first.access_token, 'market').task)
      assert.ok(task !== null)
      await world.store.tasks.replace({ ...task, status: 'ended', version: task.version + 1 })
      assert.equal(await errorOf(refresh(world, host.client, first.refresh_token)), 'invalid_grant')
    })

    it('gives no token that outlives its task', async () => {
      const expires = Math.floor(world.clock.now() / 1000) + 100
      const token = await codeFlow(world, flow({ authorization_details: details({ expires }) }))
      assert.ok((token.expires_in ?? 999) <= 100)
      assert.ok(claimsOf(token.access_token).exp <= expires)
    })

    it('asks the gate, and does not use the refresh token up when the gate cannot record', async () => {
      const token = await codeFlow(world, flow())
      world.gate = async () => ({ allow: false, code: 'ledger_unavailable' })
      assert.equal(await errorOf(refresh(world, host.client, token.refresh_token)), 'temporarily_unavailable')
      world.gate = async () => {
        throw new Error('no record')
      }
      await assert.rejects(refresh(world, host.client, token.refresh_token))
      world.gate = async () => ({ allow: true })
      const next = await refresh(world, host.client, token.refresh_token)
      assert.ok(next.access_token)
      assert.deepEqual(world.intents.at(-1)?.kind, 'refresh_token')
    })
  })

  it('issues nothing when the gate refuses a code', async () => {
    const answered = await authorize(world, flow())
    world.gate = async () => ({ allow: false, code: 'denied' })
    assert.equal(await errorOf(exchangeCode(world, flow(), answered)), 'access_denied')
  })
})

describe('a gateway without any server', () => {
  it('still answers a client that names no scope and no resource, with a grant that opens nothing', async () => {
    const world = await createWorld()
    const host = await world.addAgent('host', { redirectUris: [REDIRECT], jwks: [] })
    const token = await codeFlow(world, { client: host.client })
    const claims = claimsOf(token.access_token)
    assert.equal(claims.aud, `${world.issuer}/mcp`)
    const [details] = claims.authorization_details ?? []
    assert.deepEqual(details !== undefined && 'servers' in details && details.servers, [])
    assert.throws(() => grantOf(world, token.access_token, 'market'), /another server/)
    await world.close()
  })
})

describe('an implicit task', () => {
  let world: World
  let host: AgentKeys
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    host = await world.addAgent('host', { redirectUris: [REDIRECT], jwks: [] })
  })
  after(() => world.close())

  const taskOf = (token: oauth.TokenEndpointResponse) => claimsOf(token.access_token).safeconduct.task

  it('rolls over after half an hour without use, under the same delegation', async () => {
    const options = { client: host.client, params: { resource: world.resource('market') } }
    const token = await codeFlow(world, options)
    const busy = await refresh(world, host.client, token.refresh_token)
    assert.equal(taskOf(busy), taskOf(token))
    world.clock.offset += HOUR / 2 + 60_000
    const idle = await refresh(world, host.client, busy.refresh_token)
    assert.notEqual(taskOf(idle), taskOf(token))
    const epochs = claimsOf(idle.access_token).safeconduct.epochs
    assert.deepEqual(
      epochs.find(([kind]) => kind === 'delegation'),
      claimsOf(token.access_token).safeconduct.epochs.find(([kind]) => kind === 'delegation'),
    )
    assert.equal((await world.store.tasks.get(TENANT, taskOf(token)))?.status, 'ended')
    const details = claimsOf(idle.access_token).authorization_details?.[0]
    assert.equal(details !== undefined && 'task' in details && details.task, taskOf(idle))
    // The engine takes no link of another task.
    const link = epochs.find(([kind]) => kind === 'delegation')?.[1] ?? ''
    assert.equal((await world.store.delegations.get(TENANT, link))?.task, taskOf(idle))
    const told = world.control.findLast((event) => event.type === 'delegation')
    assert.deepEqual([told?.delegation.id, told?.delegation.task], [link, taskOf(idle)])
  })

  it('ends with what the person chose, rollover or not', async () => {
    const options = {
      client: host.client,
      params: { resource: world.resource('market') },
      fill: (fields: [string, string][]): [string, string][] =>
        fields.map(([name, value]) => (name === 'lifetime' ? [name, '3600'] : [name, value])),
    }
    const token = await codeFlow(world, options)
    world.clock.offset += HOUR + 60_000
    assert.equal(await errorOf(refresh(world, host.client, token.refresh_token)), 'invalid_grant')
  })

  it('that was revoked does not come back by rolling over', async () => {
    const token = await codeFlow(world, {
      client: host.client,
      params: { resource: world.resource('market') },
    })
    await world.as.revoke({ tenant: TENANT, kind: 'task', id: taskOf(token), by: 'user-1' })
    world.clock.offset += HOUR
    assert.equal(await errorOf(refresh(world, host.client, token.refresh_token)), 'invalid_grant')
  })

  it('with a budget never rolls over: the budget would begin anew', async () => {
    const token = await codeFlow(world, {
      client: host.client,
      params: { resource: world.resource('market') },
      fill: (fields) => fields.map(([name, value]) => (name === 'calls' ? [name, '5'] : [name, value])),
    })
    world.clock.offset += HOUR
    const later = await refresh(world, host.client, token.refresh_token)
    assert.equal(taskOf(later), taskOf(token))
    const [kept] = claimsOf(later.access_token).authorization_details ?? []
    assert.deepEqual(kept !== undefined && 'budget' in kept && kept.budget, { calls: 5 })
    world.clock.offset += 8 * HOUR
    assert.equal(await errorOf(refresh(world, host.client, later.refresh_token)), 'invalid_grant')
  })
})
