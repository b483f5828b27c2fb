import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as oauth from 'oauth4webapi'
import { consent, createBrowser } from './browser.ts'
import { grantOf } from './claims.ts'
import { authorize, codeFlow, exchangeCode, REDIRECT, startFlow } from './code-flow.ts'
import { errorOf, refresh } from './requests.ts'
import { createWorld, INSECURE, TENANT, type World } from './world.ts'

const DOCUMENT = 'https://client.example/oauth/metadata.json'

describe('client id metadata documents', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
  })
  after(() => world.close())

  const publish = (more: object = {}, url = DOCUMENT) =>
    world.documents.set(url, {
      body: JSON.stringify({
        client_id: url,
        client_name: 'Claude <b>Desktop</b>',
        redirect_uris: [REDIRECT],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code', 'token'],
        token_endpoint_auth_method: 'none',
        ...more,
      }),
    })
  const params = () => ({ resource: world.resource('market') })
  const tried = async (url: string) => {
    const { url: at } = await startFlow(world, { client: { client_id: url }, params: params() })
    return createBrowser(world).open(at.href)
  }

  it('is announced', () => assert.equal(world.metadata.client_id_metadata_document_supported, true))

  it('makes an agent at the first consent and not before', async () => {
    publish()
    const client = { client_id: DOCUMENT }
    const browser = createBrowser(world)
    await browser.signIn()
    const { url } = await startFlow(world, { client, params: params() })
    const page = await browser.open(url.href)
    assert.match(page.text, /Claude &lt;b&gt;Desktop/)
    assert.match(page.text, /published metadata document/)
    assert.match(page.text, /\(new\)/)
    assert.match(page.text, /Any program here could pretend/, 'a loopback-only redirect is warned of')
    assert.match(page.text, /127\.0\.0\.1:4567/)
    assert.equal(await world.store.agents.get(TENANT, DOCUMENT), null)

    const token = await codeFlow(world, { client, params: params() })
    const agent = await world.store.agents.get(TENANT, DOCUMENT)
    assert.equal(agent?.registration, 'cimd')
    assert.equal(agent?.autonomous, false)
    assert.match(agent?.name ?? '', /^client-example-oauth-metadata-json-[0-9a-f]{6}$/)
    assert.equal(grantOf(world, token.access_token, 'market').agent, DOCUMENT)
    assert.ok(await refresh(world, client, token.refresh_token))
    assert.ok(world.control.some((event) => event.type === 'agent' && event.agent.id === DOCUMENT))
    assert.ok(
      !(await browser.open((await startFlow(world, { client, params: params() })).url.href)).text.includes(
        '(new)',
      ),
    )
  })

  it('does not warn when the redirect is a host that the document names', async () => {
    const url = 'https://web.example/client.json'
    publish({ redirect_uris: ['https://web.example/cb'] }, url)
    const browser = createBrowser(world)
    await browser.signIn()
    const started = await startFlow(world, {
      client: { client_id: url },
      params: { ...params(), redirect_uri: 'https://web.example/cb' },
    })
    const page = await browser.open(started.url.href)
    assert.match(page.text, /<strong>web\.example<\/strong>/)
    assert.doesNotMatch(page.text, /could pretend/)
  })

  it('refuses a document of somebody else, with a secret, without redirects, or that is none', async () => {
    const bad: Record<string, object | string> = {
      'other-id': { client_id: 'https://client.example/other' },
      secret: { client_secret: 's' },
      'secret-method': { token_endpoint_auth_method: 'client_secret_basic' },
      'no-redirect': { redirect_uris: [] },
      'plain-http': { redirect_uris: ['http://client.example/cb'] },
      script: { redirect_uris: ['javascript:alert(1)'] },
      'not-json': 'hello',
      'not-object': '[]',
    }
    for (const [name, more] of Object.entries(bad)) {
      const url = `https://client.example/${name}`
      if (typeof more === 'string') world.documents.set(url, { body: more })
      else publish(more, url)
      const page = await tried(url)
      assert.ok(page.status >= 400 && page.headers.get('location') === null, `${name}: ${page.status}`)
      assert.equal(await world.store.agents.get(TENANT, url), null)
    }
  })

  it('asks for nothing that is not an https URL of reasonable length', async () => {
    world.fetched.length = 0
    for (const url of [
      'http://client.example/x.json',
      'https://user@client.example/x.json',
      'https://client.example/a/../x.json',
      'https://client.example/x.json#frag',
      `https://client.example/${'x'.repeat(300)}`,
      'ftp://client.example/x',
    ]) {
      const page = await tried(url)
      assert.ok(page.status >= 400, url)
    }
    assert.deepEqual(world.fetched, [])
  })

  it('with keys by URL has them fetched through the guard, and has to use them (trap 9)', async () => {
    const url = 'https://keyed.example/client.json'
    const pair = await oauth.generateKeyPair('ES256', { extractable: true })
    const jwk = await crypto.subtle.exportKey('jwk', pair.publicKey)
    publish({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://keyed.example/keys' }, url)
    world.documents.set('https://keyed.example/keys', { body: JSON.stringify({ keys: [jwk] }) })
    const options = { client: { client_id: url }, params: params() }
    const answered = await authorize(world, options)
    assert.equal(await errorOf(exchangeCode(world, options, answered)), 'invalid_client')
    const token = await exchangeCode(
      world,
      { ...options, auth: oauth.PrivateKeyJwt(pair.privateKey) },
      answered,
    )
    assert.equal(grantOf(world, token.access_token, 'market').agent, url)
    assert.ok(world.fetched.includes('https://keyed.example/keys'))
  })

  it('follows no redirect', async () => {
    const url = 'https://client.example/moved.json'
    world.documents.set(url, {
      body: '',
      status: 302,
      headers: { location: 'https://client.example/there.json' },
    })
    publish({}, 'https://client.example/there.json')
    world.fetched.length = 0
    const page = await tried(url)
    assert.ok(page.status >= 400)
    assert.deepEqual([...new Set(world.fetched)], [url])
  })

  it('stays out once its agent is disabled', async () => {
    const agent = await world.store.agents.get(TENANT, DOCUMENT)
    assert.ok(agent !== null)
    await world.store.agents.replace({ ...agent, status: 'disabled', version: agent.version + 1 })
    const page = await tried(DOCUMENT)
    assert.ok(page.status >= 400)
  })
})

describe('dynamic registration', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
  })
  after(() => world.close())

  const register = async (metadata: object, at = world) => {
    const response = await fetch(`${at.issuer}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(metadata),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it('registers a public client for the code flow, and nothing more', async () => {
    const { status, body } = await register({
      client_name: 'Some Host',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'implicit'],
      response_types: ['code', 'token'],
      token_endpoint_auth_method: 'none',
      client_id: 'chosen-by-client',
      scope: 'everything',
      jwks_uri: 'https://client.example/jwks',
      sector_identifier_uri: 'https://client.example/sector',
    })
    assert.equal(status, 201, JSON.stringify(body))
    assert.match(String(body.client_id), /^dcr-/)
    assert.deepEqual(body.grant_types, ['authorization_code', 'refresh_token'])
    assert.deepEqual(body.response_types, ['code'])
    assert.equal(body.client_secret, undefined)
    assert.equal(body.registration_access_token, undefined)
    assert.deepEqual(world.fetched, [])
    assert.deepEqual(await world.store.agents.list(TENANT), [], 'nobody has consented')
  })

  it('needs consent every time, and says that nobody vouches for the name', async () => {
    const { body } = await register({ client_name: 'Trusted Bank', redirect_uris: [REDIRECT] })
    const client: oauth.Client = { client_id: String(body.client_id) }
    const options = { client, params: { resource: world.resource('market') } }
    const browser = createBrowser(world)
    await browser.signIn()
    for (const known of [false, true]) {
      const page = await browser.open((await startFlow(world, options)).url.href)
      assert.match(page.text, /Nobody vouches for its name/)
      assert.match(page.text, /Any program here could pretend/)
      assert.equal(page.text.includes('(new)'), !known)
      await consent(browser, page)
    }
    const token = await codeFlow(world, { ...options, browser })
    const agent = await world.store.agents.get(TENANT, client.client_id)
    assert.equal(agent?.registration, 'dcr')
    assert.match(agent?.name ?? '', /^trusted-bank-[0-9a-f]{6}$/)
    // A client that was consented to is remembered.
    world.clock.offset += 48 * 3_600_000
    const again = await startFlow(world, options)
    assert.equal((await browser.open(again.url.href)).status, 401, 'only the sign-in is asked for')
    world.clock.offset = 0
    assert.ok(token.access_token)
  })

  it('forgets a client that nobody consented to', async () => {
    const { body } = await register({ redirect_uris: [REDIRECT] })
    const client = { client_id: String(body.client_id) }
    const open = async () => createBrowser(world).open((await startFlow(world, { client })).url.href)
    assert.equal((await open()).status, 401)
    world.clock.offset += 25 * 3_600_000
    assert.equal((await open()).status, 400)
    world.clock.offset = 0
  })

  it('refuses what is no client', async () => {
    for (const metadata of [
      {},
      [],
      { redirect_uris: [] },
      { redirect_uris: ['http://evil.example/cb'] },
      { redirect_uris: ['javascript:alert(1)'] },
      { redirect_uris: ['https://a.example/#x'] },
      { redirect_uris: Array.from({ length: 17 }, (_, at) => `http://127.0.0.1/${at}`) },
      { redirect_uris: [REDIRECT], token_endpoint_auth_method: 'client_secret_basic' },
      { redirect_uris: [REDIRECT], token_endpoint_auth_method: 'private_key_jwt' },
      {
        redirect_uris: [REDIRECT],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks_uri: 'https://x.example/',
      },
    ]) {
      const { status } = await register(metadata)
      assert.equal(status, 400, JSON.stringify(metadata))
    }
    const huge = await register({ redirect_uris: [REDIRECT], client_name: 'x'.repeat(60_000) })
    assert.equal(huge.status, 400)
  })

  it('registers a client with keys, which then has to use them', async () => {
    const pair = await oauth.generateKeyPair('ES256', { extractable: true })
    const jwk = await crypto.subtle.exportKey('jwk', pair.publicKey)
    const { status, body } = await register({
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
    })
    assert.equal(status, 201)
    const client = { client_id: String(body.client_id) }
    const options = { client, params: { resource: world.resource('market') } }
    const answered = await authorize(world, options)
    assert.equal(await errorOf(exchangeCode(world, options, answered)), 'invalid_client')
    const auth = oauth.PrivateKeyJwt(pair.privateKey)
    const token = await exchangeCode(world, { ...options, auth }, answered)
    const seen = await oauth.introspectionRequest(world.metadata, client, auth, token.access_token, INSECURE)
    assert.equal(((await seen.json()) as { active: boolean }).active, true)
  })

  it('stops a program that registers in a loop', async () => {
    world.clock.offset += 120_000
    const answers: number[] = []
    for (let at = 0; at < 62; at++) answers.push((await register({ redirect_uris: [REDIRECT] })).status)
    assert.deepEqual([answers[0], answers.at(-1)], [201, 503])
    world.clock.offset += 60_000
    assert.equal((await register({ redirect_uris: [REDIRECT] })).status, 201)
    world.clock.offset = 0
  })

  it('is off when switched off, and off beyond loopback', async () => {
    const off = await createWorld({ settings: { registration: false } })
    assert.equal((await fetch(`${off.issuer}/oauth/register`, { method: 'POST', body: '{}' })).status, 400)
    assert.equal(off.metadata.registration_endpoint, undefined)
    await off.close()
    const open = await createWorld({ publicIssuer: 'https://agents.example' })
    const { keys } = open.as
    assert.equal(keys.size, 2)
    await open.close()
  })
})
