import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { parsePublicJwk } from '@safeconduct/engine'
import { createAuthorizationServer } from '@safeconduct/server'
import { createClock, createIds, createMemoryStore } from '@safeconduct/store'
import { createBrowser } from './browser.ts'
import { REDIRECT, startFlow } from './code-flow.ts'
import { clientCredentials } from './requests.ts'
import { createWorld, type World } from './world.ts'

const WELL_KNOWN = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']

describe('what the server says about itself', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
  })
  after(() => world.close())

  const get = async (path: string) =>
    (await fetch(`${world.issuer}${path}`)).json() as Promise<Record<string, unknown>>

  it('is the same at both well-knowns, with the very issuer', async () => {
    const [one, two] = await Promise.all(WELL_KNOWN.map(get))
    assert.deepEqual(one, two)
    assert.equal(one?.issuer, world.issuer)
  })

  it('names only what is there: every endpoint answers', async () => {
    const metadata = await get(WELL_KNOWN[0] ?? '')
    const endpoints = Object.entries(metadata).filter(
      ([name]) => name.endsWith('_endpoint') || name === 'jwks_uri',
    )
    assert.ok(endpoints.length >= 7)
    for (const [name, url] of endpoints) {
      const answer = await fetch(String(url), {
        method: name === 'jwks_uri' || name.startsWith('auth') ? 'GET' : 'POST',
      })
      assert.notEqual(answer.status, 404, name)
    }
  })

  it('offers no algorithm beyond ES256 and Ed25519, no shared secret, no implicit flow (traps 3, 10)', async () => {
    const metadata = await get(WELL_KNOWN[0] ?? '')
    const algorithms = Object.entries(metadata).filter(([name]) =>
      /_alg(orithm)?_values_supported$/.test(name),
    )
    assert.ok(algorithms.length >= 5)
    for (const [name, values] of algorithms) {
      for (const value of values as string[]) assert.match(value, /^(ES256|EdDSA|Ed25519)$/, name)
    }
    assert.deepEqual(metadata.response_types_supported, ['code'])
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256'])
    assert.deepEqual(metadata.token_endpoint_auth_methods_supported, ['private_key_jwt', 'none'])
    assert.equal(metadata.authorization_response_iss_parameter_supported, true)
    assert.deepEqual(metadata.authorization_details_types_supported, ['safeconduct_task'])
    assert.deepEqual(metadata.scopes_supported, ['openid', 'offline_access', 'mcp:read', 'mcp:write'])
  })

  it('publishes public keys only, and not one RSA key (trap 2)', async () => {
    const { keys } = (await get('/oauth/jwks')) as { keys: Record<string, unknown>[] }
    assert.equal(keys.length, 2)
    for (const key of keys) {
      assert.notEqual(key.kty, 'RSA')
      assert.equal(parsePublicJwk(key).thumbprint, key.kid)
      for (const member of ['d', 'p', 'q', 'k']) assert.ok(!(member in key))
    }
    assert.deepEqual(keys, world.as.jwks())
  })

  it('keeps its keys over a restart', async () => {
    const before = world.as.jwks()
    await world.restart()
    assert.deepEqual(world.as.jwks(), before)
  })

  it('may be read from any page; the token endpoint only from a public client’s own', async () => {
    for (const path of [...WELL_KNOWN, '/oauth/jwks']) {
      const answer = await fetch(`${world.issuer}${path}`, { headers: { origin: 'https://app.example' } })
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.equal(answer.headers.get('access-control-allow-credentials'), null)
      assert.equal((await fetch(`${world.issuer}${path}`, { method: 'OPTIONS' })).status, 204)
      assert.ok((await fetch(`${world.issuer}${path}`, { method: 'POST' })).status >= 400)
    }
    const spa = await world.addAgent('spa', { redirectUris: ['https://app.example/cb'], jwks: [] })
    const ask = (origin: string, client = spa.agent.id) =>
      fetch(`${world.issuer}/oauth/token`, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams({ grant_type: 'refresh_token', client_id: client, refresh_token: 'x' }),
      })
    const own = await ask('https://app.example')
    assert.equal(own.headers.get('access-control-allow-origin'), 'https://app.example')
    const foreign = await ask('https://evil.example')
    assert.equal(foreign.headers.get('access-control-allow-origin'), null)
    const robot = await world.addAgent('cors-robot', { autonomous: true })
    const token = await clientCredentials(world, robot, { resource: world.resource('market') })
    assert.ok(token.access_token)
  })

  it('does not let a forged Host lead anybody elsewhere', async () => {
    const host = await world.addAgent('host', { redirectUris: [REDIRECT], jwks: [] })
    const { url } = await startFlow(world, {
      client: host.client,
      params: { resource: world.resource('market') },
    })
    const answer = await new Promise<{ location: string; status: number }>((resolve, reject) => {
      const sent = request(
        url,
        {
          headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
        },
        (res) => {
          res.resume()
          resolve({ location: res.headers.location ?? '', status: res.statusCode ?? 0 })
        },
      )
      sent.on('error', reject)
      sent.end()
    })
    assert.equal(answer.status, 303)
    assert.ok(answer.location.startsWith('/oauth/consent/'), answer.location)
    const browser = createBrowser(world)
    await browser.signIn()
    const page = await browser.open(url.href)
    const done = await browser.post(`/oauth/consent/${page.url.split('/').at(-1)}`, [])
    assert.ok(!done.text.includes('evil.example'))
  })

  it('serves no development pages, and nothing that was not asked for (trap 7)', async () => {
    for (const path of [
      '/interaction/abc',
      '/oauth/interaction/abc',
      '/oauth/me',
      '/oauth/device',
      '/oauth/session/end',
      '/oauth/backchannel',
      '/oauth/',
      '/oauth/consent/',
      '/oauth/consent/unknown',
    ]) {
      const answer = await fetch(`${world.issuer}${path}`, { redirect: 'manual' })
      assert.ok(answer.status === 404 || answer.status === 400, `${path}: ${answer.status}`)
    }
    assert.equal(await (await fetch(`${world.issuer}/elsewhere`)).text(), 'not here', 'left to the caller')
  })

  it('answers with an error and not with a crash, whatever the method', async () => {
    for (const path of [
      '/oauth/token',
      '/oauth/par',
      '/oauth/revoke',
      '/oauth/introspect',
      '/signin',
      '/signout',
    ]) {
      for (const method of ['GET', 'PUT', 'DELETE', 'POST']) {
        const answer = await fetch(`${world.issuer}${path}`, { method, redirect: 'manual' })
        assert.ok(answer.status < 500, `${method} ${path}: ${answer.status}`)
        await answer.arrayBuffer()
      }
    }
    assert.ok(!world.logs.some((line) => line.startsWith('error')), world.logs.join('\n'))
  })
})

describe('the start of the authorization server', () => {
  const options = (issuer: string) => {
    const clock = createClock()
    return {
      store: createMemoryStore(),
      clock,
      ids: createIds(clock),
      secrets: { get: async () => null, putIfAbsent: async (_name: string, value: Uint8Array) => value },
      issuer: new URL(issuer),
      tenant: 'default',
      settings: { accessTokenTtl: 300, taskTtl: 3600, registration: true, dpopNonce: false },
      gate: async () => ({ allow: true }) as const,
      onControl: () => undefined,
      fetch: Object.assign(async () => new Response(''), { close: async () => undefined }),
    }
  }

  it('refuses an issuer that is not an origin', async () => {
    for (const issuer of [
      'http://localhost/path',
      'http://localhost/?q',
      'ftp://localhost',
      'http://user@localhost/',
    ]) {
      await assert.rejects(createAuthorizationServer(options(issuer)), /issuer/)
    }
  })

  it('refuses a stored key that it cannot read', async () => {
    const secrets = { get: async () => Buffer.from('not a key'), putIfAbsent: async () => Buffer.from('') }
    await assert.rejects(
      createAuthorizationServer({ ...options('http://localhost:7070'), secrets }),
      /stored key .* cannot be read/,
    )
  })

  it('takes an https issuer behind a proxy, with cookies that only travel over https', async () => {
    const server = await createAuthorizationServer(options('https://agents.example'))
    assert.ok(server.createSignInLink('user').startsWith('https://agents.example/signin#'))
    await server.close()
  })
})
