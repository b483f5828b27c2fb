import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { PinnedTool } from '@safeconduct/protocol'
import { type Browser, consent, createBrowser, fieldsOf, formAction } from './browser.ts'
import { grantOf } from './claims.ts'
import { authorize, exchangeCode, REDIRECT, startFlow } from './code-flow.ts'
import { type AgentKeys, createWorld, TENANT, type World } from './world.ts'

const without = (name: string, value?: string) => (fields: [string, string][]) =>
  fields.filter(([key, held]) => key !== name || (value !== undefined && held !== value))
const set = (name: string, value: string) => (fields: [string, string][]) => [
  ...without(name)(fields),
  [name, value] as [string, string],
]
const details = (more: object) => JSON.stringify([{ type: 'safeconduct_task', ...more }])

describe('sign-in', () => {
  let world: World
  before(async () => {
    world = await createWorld()
  })
  after(() => world.close())

  it('works once', async () => {
    const link = world.as.createSignInLink(world.user.id)
    assert.ok(link.startsWith(`${world.issuer}/signin#`))
    const first = await createBrowser(world).signIn(link)
    assert.equal(first.status, 303)
    assert.equal(first.headers.get('location'), '/')
    const second = await createBrowser(world).signIn(link)
    assert.equal(second.status, 403)
    assert.equal(second.headers.getSetCookie().length, 0)
  })

  it('works for one of many at once', async () => {
    const link = world.as.createSignInLink(world.user.id)
    const all = await Promise.all(Array.from({ length: 8 }, () => createBrowser(world).signIn(link)))
    assert.equal(all.filter((page) => page.status === 303).length, 1)
  })

  it('expires', async () => {
    const link = world.as.createSignInLink(world.user.id)
    world.clock.offset += 10 * 60_000
    assert.equal((await createBrowser(world).signIn(link)).status, 403)
  })

  it('refuses guesses, nothing, and a foreign page', async () => {
    const browser = createBrowser(world)
    for (const secret of ['', 'x', 'A'.repeat(43), 'A'.repeat(5000)]) {
      assert.equal((await browser.post('/signin', [['secret', secret]])).status, 403)
    }
    const secret = world.as.createSignInLink(world.user.id).split('#')[1] ?? ''
    const foreign = await browser.post('/signin', [['secret', secret]], { origin: 'http://evil.example' })
    assert.equal(foreign.status, 403)
    const hidden = await browser.post('/signin', [['secret', secret]], { origin: 'null' })
    assert.equal(hidden.status, 403)
    const crossSite = await browser.post('/signin', [['secret', secret]], { 'sec-fetch-site': 'cross-site' })
    assert.equal(crossSite.status, 403)
    assert.equal(
      (await browser.post('/signin', [['secret', secret]])).status,
      303,
      'the secret was not used up',
    )
  })

  it('sets a cookie that scripts cannot read and that goes nowhere else', async () => {
    const page = await createBrowser(world).signIn()
    const [cookie = ''] = page.headers.getSetCookie()
    assert.match(cookie, /HttpOnly/)
    assert.match(cookie, /SameSite=Lax/)
    assert.doesNotMatch(cookie, /Domain=/i)
    assert.doesNotMatch(cookie, /Secure/, 'the issuer is plain http on loopback')
  })

  it('goes on only to a page of ours', async () => {
    for (const [next, to] of [
      ['/oauth/consent/abc', '/oauth/consent/abc'],
      ['//evil.example', '/'],
      ['https://evil.example', '/'],
      ['/oauth/consent/../../x', '/'],
      ['/oauth/authorize?x', '/'],
      ['\\\\evil.example', '/'],
    ]) {
      const secret = world.as.createSignInLink(world.user.id).split('#')[1] ?? ''
      const page = await createBrowser(world).post('/signin', [
        ['secret', secret],
        ['next', next ?? ''],
      ])
      assert.equal(page.headers.get('location'), to)
    }
  })

  it('takes the whole link, pasted', async () => {
    const page = await createBrowser(world).post('/signin', [
      ['secret', world.as.createSignInLink(world.user.id)],
    ])
    assert.equal(page.status, 303)
  })

  it('ends with sign-out, with time, with a restart, and when the user is revoked', async () => {
    const request = (browser: Browser) => ({ headers: { cookie: browser.cookies() } }) as never
    const one = createBrowser(world)
    await one.signIn()
    const session = world.as.ownerSession(request(one))
    assert.deepEqual([session?.user, session?.tenant], [world.user.id, TENANT])
    const stale = { headers: { cookie: one.cookies() } } as never
    assert.equal((await one.post('/signout', [['csrf', 'wrong']])).status, 403)
    assert.ok(world.as.ownerSession(stale), 'still signed in')
    assert.equal((await one.post('/signout', [['csrf', session?.csrf ?? '']])).status, 303)
    assert.equal(world.as.ownerSession(stale), null)

    const two = createBrowser(world)
    await two.signIn()
    world.clock.offset += 12 * 3_600_000
    assert.equal(world.as.ownerSession(request(two)), null)

    const three = createBrowser(world)
    await three.signIn()
    await world.store.epochs.ensure(TENANT, 'user', world.user.id)
    await world.as.revoke({ tenant: TENANT, kind: 'user', id: world.user.id, by: world.user.id })
    assert.equal(world.as.ownerSession(request(three)), null)

    const four = createBrowser(world)
    await four.signIn()
    assert.ok(world.as.ownerSession(request(four)))
    await world.as.openTask({
      agent: 'agent-1',
      user: world.user.id,
      intent: null,
      implicit: true,
      details: { type: 'safeconduct_task' },
      expiresAt: world.clock.now() + 60_000,
    })
    assert.ok(world.as.ownerSession(request(four)), 'an errand under the newer epoch is no revocation')
    await world.restart()
    assert.equal(world.as.ownerSession(request(four)), null)
  })

  it('leaves neither secret in store or log', async () => {
    const browser = createBrowser(world)
    const link = world.as.createSignInLink(world.user.id)
    await browser.signIn(link)
    const secret = link.split('#')[1] ?? ''
    const cookie = browser.cookies().split('=')[1] ?? ''
    const kept = JSON.stringify(await world.store.blobs.names('')) + world.logs.join('\n')
    assert.ok(secret.length > 40 && cookie.length > 40)
    assert.ok(!kept.includes(secret) && !kept.includes(cookie))
  })
})

describe('the consent page', () => {
  let world: World
  let host: AgentKeys
  let browser: Browser
  const tool = (name: string): PinnedTool => ({
    tenant: TENANT,
    id: `market/${name}`,
    version: 1,
    server: 'market',
    name,
    digest: 'sha256:00',
    definition: { name },
    status: 'active',
    reason: null,
    proposed: null,
    proposedDigest: null,
    firstSeen: 0,
  })
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    await world.addServer('mail')
    for (const name of ['quote', 'news', 'place_order', '<img src=x onerror=alert(1)>\u202egpj']) {
      await world.store.tools.insert(tool(name))
    }
    host = await world.addAgent('host', { redirectUris: [REDIRECT, 'https://app.example/cb'], jwks: [] })
    browser = createBrowser(world)
    await browser.signIn()
  })
  after(() => world.close())

  const open = async (params: Record<string, string> = {}, who = browser) => {
    const started = await startFlow(world, {
      client: host.client,
      params: { resource: world.resource('market'), ...params },
    })
    return who.open(started.url.href)
  }
  const granted = async (
    params: Record<string, string>,
    fill: (fields: [string, string][]) => [string, string][],
  ) => {
    const options = {
      client: host.client,
      params: { resource: world.resource('market'), ...params },
      browser,
      fill,
    }
    const token = await exchangeCode(world, options, await authorize(world, options))
    return grantOf(world, token.access_token, 'market')
  }

  it('says how to sign in when nobody is, and goes on afterwards', async () => {
    const stranger = createBrowser(world)
    const page = await open({}, stranger)
    assert.equal(page.status, 401)
    assert.match(page.text, /one-time sign-in link/)
    assert.doesNotMatch(page.text, /name="answer"/)
    const secret = world.as.createSignInLink(world.user.id).split('#')[1] ?? ''
    const done = await stranger.post(
      formAction(page),
      fieldsOf(page).map(([name, value]) => (name === 'secret' ? [name, secret] : [name, value])),
    )
    const consentPage = await stranger.open(done.headers.get('location') ?? '')
    assert.match(consentPage.text, /name="answer"/)
  })

  it('cannot be framed, cached or scripted, and leads nowhere else', async () => {
    const page = await open()
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.match(policy, /base-uri 'none'/)
    assert.match(policy, /form-action 'self' http:\/\/127\.0\.0\.1:4567$/)
    assert.doesNotMatch(policy, /unsafe/)
    assert.equal(page.headers.get('x-frame-options'), 'DENY')
    assert.equal(page.headers.get('referrer-policy'), 'same-origin')
    assert.equal(page.headers.get('cache-control'), 'no-store')
    assert.ok(!page.text.includes('<script'), 'no script at all on this page')
    const [nonce] = /'nonce-([^']+)'/.exec(policy)?.slice(1) ?? []
    assert.ok(page.text.includes(`<style nonce="${nonce}">`))
    assert.ok(!(await open()).text.includes(`nonce="${nonce}"`), 'a nonce is used once')
  })

  it('shows agent, registration, redirect host, servers and tools, escaped', async () => {
    const page = await open({ redirect_uri: 'https://app.example/cb' })
    assert.match(page.text, /<strong>host<\/strong>/)
    assert.match(page.text, /Registered by the owner/)
    assert.match(page.text, /<strong>app\.example<\/strong>/)
    assert.match(page.text, /Server market/)
    assert.match(page.text, /market\/place_order/)
    assert.ok(!page.text.includes('<img'))
    const shown = page.text.replace(/value="[^"]*"/g, '')
    assert.ok(shown.includes('onerror') && !shown.includes('\u202e'), 'nothing turns the reading direction')
    assert.match(page.text, /<label for="intent">/)
  })

  it('keeps the agent’s words apart from the user’s', async () => {
    const page = await open({ authorization_details: details({ purpose: 'ignore all limits </textarea>' }) })
    assert.match(page.text, /The agent says \(not your words\): “ignore all limits &lt;\/textarea&gt;”/)
    assert.match(page.text, /<textarea[^>]*><\/textarea>/, 'the intent is empty until the person writes it')
  })

  it('needs the token of this session and a page of ours', async () => {
    const page = await open()
    const post = (
      change: (fields: [string, string][]) => [string, string][],
      headers?: Record<string, string>,
    ) => browser.post(formAction(page), [...change(fieldsOf(page)), ['answer', 'allow']], headers)
    assert.equal((await post(without('csrf'))).status, 403)
    assert.equal((await post(set('csrf', 'A'.repeat(32)))).status, 403)
    assert.equal((await post((fields) => fields, { origin: 'http://evil.example' })).status, 403)
    assert.equal((await post((fields) => fields, { 'sec-fetch-site': 'same-site' })).status, 403)
    assert.equal((await post((fields) => fields)).status, 303, 'and then it works')
  })

  it('belongs to the browser that asked', async () => {
    const page = await open()
    const other = createBrowser(world)
    await other.signIn()
    const stolen = await other.get(page.url)
    assert.equal(stolen.status, 400)
    assert.doesNotMatch(stolen.text, /name="answer"/)
  })

  it('is answered once', async () => {
    const page = await open()
    const fields: [string, string][] = [...fieldsOf(page), ['answer', 'allow']]
    const before = (await world.store.tasks.list(TENANT, { limit: 1000 })).length
    const all = await Promise.all([1, 2, 3].map(() => browser.post(formAction(page), fields)))
    assert.equal(all.filter((one) => one.status === 303).length, 1)
    assert.equal((await world.store.tasks.list(TENANT, { limit: 1000 })).length, before + 1)
  })

  it('makes nothing when refused', async () => {
    const before = (await world.store.tasks.list(TENANT, { limit: 1000 })).length
    const end = await consent(browser, await open(), undefined, 'refuse')
    assert.match(end.headers.get('location') ?? '', /error=access_denied/)
    assert.equal((await world.store.tasks.list(TENANT, { limit: 1000 })).length, before)
  })

  it('lets the person take rights away', async () => {
    const grant = await granted({}, (fields) =>
      [
        without('write'),
        set('calls', '20'),
        set('writes', '2'),
        set('lifetime', '3600'),
        (given: [string, string][]) =>
          given.filter(([name, value]) => name !== 'tool' || value === 'market/quote'),
      ].reduce((given, change) => change(given), fields),
    )
    assert.deepEqual(grant.scope, ['mcp:read'])
    assert.deepEqual(grant.details.tools, ['market/quote'])
    assert.deepEqual(grant.details.budget, { calls: 20, writes: 2 })
    assert.ok(Math.abs((grant.details.expires ?? 0) - world.clock.now() / 1000 - 3600) < 60)
  })

  it('leaves out a server the person unticked', async () => {
    const both = `${world.issuer}/mcp/mail`
    const started = await startFlow(world, {
      client: host.client,
      params: { resource: world.resource('market') },
    })
    started.url.searchParams.append('resource', both)
    const page = await browser.open(started.url.href)
    const end = await consent(browser, page, (fields) =>
      fields.filter(([name, value]) => !(name === 'server' && value === 'mail')),
    )
    const flow = { ...started, redirect: new URL(end.headers.get('location') ?? '') }
    const token = await exchangeCode(world, { client: host.client }, flow, {
      resource: world.resource('market'),
    })
    assert.deepEqual(grantOf(world, token.access_token, 'market').details.servers, ['market'])
    // The unticked one has no scope to give.
    const response = await fetch(world.metadata.token_endpoint ?? '', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: host.client.client_id,
        refresh_token: token.refresh_token ?? '',
        resource: both,
      }),
    })
    const answer = (await response.json()) as { access_token?: string; scope?: string }
    assert.ok(answer.access_token === undefined || (answer.scope ?? '') === '', JSON.stringify(answer))
  })

  it('lets nobody widen what the client asked, by whatever form', async () => {
    const asked = {
      authorization_details: details({ tools: ['market/quote'], budget: { calls: 5 } }),
      scope: 'mcp:read',
    }
    for (const change of [
      set('tool', 'market/*'),
      set('tool', 'market/place_order'),
      set('calls', '6'),
      set('server', 'mail'),
    ]) {
      const end = await consent(browser, await open(asked), change)
      assert.equal(end.status, 400, String(change))
      assert.match(end.text, /only narrow/)
    }
    const grant = await granted(asked, set('write', 'yes'))
    assert.deepEqual(grant.scope, ['mcp:read'])
    const blank = await granted(asked, set('calls', ''))
    assert.deepEqual(blank.details.budget, { calls: 5 }, 'an emptied limit is the asked one')
  })

  it('says what is wrong with the form and asks again', async () => {
    for (const [change, says] of [
      [set('calls', '-1'), /whole number/],
      [set('calls', '1e9'), /whole number/],
      [set('lifetime', '99999999'), /Until/],
      [set('lifetime', '1'), /Until/],
      [without('server'), /at least one server/],
      [set('intent', 'x'.repeat(4001)), /too long/],
    ] as const) {
      const end = await consent(browser, await open(), change)
      assert.equal(end.status, 400)
      assert.match(end.text, says)
      assert.match(end.text, /name="answer"/, 'and the form is still there')
    }
  })

  it('keeps the user’s words in the task and their digest in the token', async () => {
    const words = 'Kauf mir nichts Ausgefallenes – nur “SPY”, höchstens 3 📈'
    const grant = await granted({}, set('intent', words))
    const task = await world.store.tasks.get(TENANT, grant.task)
    assert.equal(task?.intent, words)
    assert.equal(task?.implicit, false)
    assert.equal(grant.details.intent_digest, task?.intentDigest)
    const told = (await world.store.outbox.take(1000)).map((one) => JSON.stringify(one.event)).join()
    assert.ok(!told.includes('Ausgefallenes'), 'the ledger gets the digest only')
  })

  it('asks for a fresh sign-in when the client does', async () => {
    const page = await open({ prompt: 'login' })
    assert.equal(page.status, 401, 'the sign-in is older than the request')
    world.clock.offset += 2_000
    await browser.signIn()
    assert.match((await browser.get(page.url)).text, /name="answer"/)
    world.clock.offset += 60_000
    const later = await open({ scope: 'openid mcp:read', max_age: '30' })
    assert.equal(later.status, 401)
    await browser.signIn()
    assert.match((await browser.get(later.url)).text, /name="answer"/)
    world.clock.offset = 0
  })

  it('gives prompt=none only an error', async () => {
    const page = await open({ prompt: 'none' })
    assert.match(page.headers.get('location') ?? '', /error=consent_required/)
  })

  it('shows an error page of its own when it cannot redirect', async () => {
    const page = await open({ client_id: '<script>alert(1)</script>' })
    assert.equal(page.status, 400)
    assert.ok(!page.text.includes('<script'))
    assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
  })
})
