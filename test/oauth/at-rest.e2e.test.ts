import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openSqliteStore } from '@safeconduct/store'
import { createBrowser } from './browser.ts'
import { grantOf } from './claims.ts'
import { authorize, exchangeCode, REDIRECT } from './code-flow.ts'
import { clientCredentials, errorOf, exchange, newDpop, refresh } from './requests.ts'
import { createWorld, TENANT, type World } from './world.ts'

/** The same server over the store that people use, and what is left of secrets in its files. */
describe('over SQLite', () => {
  let world: World
  let folder: string
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'safeconduct-oauth-'))
    const clock = { now: () => world?.clock.now() ?? Date.now() }
    const store = await openSqliteStore({ directory: folder, now: clock.now })
    world = await createWorld({ store })
    await world.addServer('market')
  })
  after(async () => {
    await world.close()
    rmSync(folder, { recursive: true })
  })

  it('the whole errand works and no credential is in any file', async () => {
    const host = await world.addAgent('host', { redirectUris: [REDIRECT] })
    const dpop = await newDpop(host.client)
    const browser = createBrowser(world)
    const link = world.as.createSignInLink(world.user.id)
    await browser.signIn(link)
    const cookie = browser.cookies().split('=')[1] ?? ''
    const options = {
      client: host.client,
      auth: host.auth,
      dpop,
      browser,
      params: { resource: world.resource('market') },
    }
    const answered = await authorize(world, options)
    const token = await exchangeCode(world, options, answered)
    const next = await refresh(world, host.client, token.refresh_token, { auth: host.auth, dpop })
    const narrower = await exchange(world, host, next.access_token, { scope: 'mcp:read' }, dpop)
    assert.equal(narrower.status, 200, JSON.stringify(narrower.body))
    const secrets = {
      code: answered.redirect.searchParams.get('code') ?? '',
      'first refresh token': token.refresh_token ?? '',
      'refresh token': next.refresh_token ?? '',
      'access token': next.access_token,
      'sign-in secret': link.split('#')[1] ?? '',
      'session cookie': cookie,
    }
    const bytes = readdirSync(folder).map((name) => readFileSync(path.join(folder, name)))
    assert.ok(
      bytes.some((one) => one.includes(host.agent.id)),
      'the files were looked into',
    )
    for (const [name, secret] of Object.entries(secrets)) {
      assert.ok(secret.length >= 32, name)
      assert.ok(!bytes.some((one) => one.includes(secret)), `${name} is on disk`)
    }
  })

  it('a refresh token outlives a restart, and a revocation does, too', async () => {
    const host = await world.addAgent('lasting', { redirectUris: [REDIRECT], jwks: [] })
    const options = { client: host.client, params: { resource: world.resource('market') } }
    const token = await exchangeCode(world, options, await authorize(world, options))
    await world.restart()
    const next = await refresh(world, host.client, token.refresh_token)
    const { task } = grantOf(world, next.access_token, 'market')
    await world.as.revoke({ tenant: TENANT, kind: 'task', id: task, by: world.user.id })
    await world.restart()
    assert.equal(await errorOf(refresh(world, host.client, next.refresh_token)), 'invalid_grant')
  })

  it('revoking what is not there says so', async () => {
    await assert.rejects(
      world.as.revoke({ tenant: TENANT, kind: 'task', id: 'nowhere', by: 'x' }),
      (error: unknown) => error instanceof Error && 'code' in error && error.code === 'not_found',
    )
  })

  it('an agent acting alone gets its grant', async () => {
    const robot = await world.addAgent('robot', { autonomous: true })
    const token = await clientCredentials(world, robot, { resource: world.resource('market') })
    assert.equal(grantOf(world, token.access_token, 'market').agent, robot.agent.id)
  })
})
