import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { startFlow } from './code-flow.ts'
import { type AgentKeys, createWorld, type World } from './world.ts'

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'
const missing = existsSync(EXECUTABLE)
  ? false
  : `no browser at ${EXECUTABLE}: sign-in and consent are not tried in one`
if (missing !== false) process.stderr.write(`SKIPPED: ${missing}\n`)

/** What only a browser enforces: content security policy, cookies, `Origin`, the fragment of the link. */
describe('in a real browser', { skip: missing, timeout: 120_000 }, () => {
  let world: World
  let host: AgentKeys
  let browser: Browser
  let callback: Server
  let redirect: string
  const called: string[] = []
  before(async () => {
    world = await createWorld()
    await world.addServer('market')
    callback = createServer((req, res) => {
      called.push(req.url ?? '')
      res.end('<title>back at the agent</title>')
    })
    await new Promise<void>((resolve) => callback.listen(0, '127.0.0.1', resolve))
    redirect = `http://127.0.0.1:${(callback.address() as AddressInfo).port}/callback`
    host = await world.addAgent('host', { redirectUris: [redirect], jwks: [] })
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
  })
  after(async () => {
    try {
      await browser?.close()
    } finally {
      callback?.closeAllConnections()
      callback?.close()
      await world?.close()
    }
  })

  const open = async (): Promise<{ page: Page; complaints: string[] }> => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' && /Content.Security|Refused/i.test(message.text()))
        complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    return { page, complaints }
  }
  const request = () =>
    startFlow(world, {
      client: host.client,
      params: { resource: world.resource('market'), redirect_uri: redirect },
    })

  it('the link signs in, and its secret is nowhere afterwards', async () => {
    const { page, complaints } = await open()
    const link = world.as.createSignInLink(world.user.id)
    await page.goto(link)
    await page.waitForURL(`${world.issuer}/`)
    const [cookie] = await page.context().cookies(world.issuer)
    assert.equal(cookie?.httpOnly, true)
    assert.equal(cookie?.sameSite, 'Lax')
    await page.goBack().catch(() => null)
    assert.ok(!page.url().includes(link.split('#')[1] ?? 'x'))
    assert.deepEqual(complaints, [])
  })

  it('a new link opened in the tab that refused an old one signs in', async () => {
    const { page, complaints } = await open()
    await page.goto(`${world.issuer}/signin#spent`)
    await page.getByText('That link is not valid').waitFor()
    await page.evaluate(`location.href = ${JSON.stringify(world.as.createSignInLink(world.user.id))}`)
    await page.waitForURL(`${world.issuer}/`)
    assert.deepEqual(complaints, [])
  })

  it('a person who is not signed in pastes the link, fills the form in, and the agent gets its code', async () => {
    const { page, complaints } = await open()
    const started = await request()
    await page.goto(started.url.href)
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Sign in to go on')
    await page.getByLabel('Secret of the sign-in link').fill(world.as.createSignInLink(world.user.id))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel(/In your own words/).fill('Look up quotes,\nnothing else')
    await page.getByLabel(/Change things/).uncheck()
    await page.getByLabel(/Calls at most/).fill('7')
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${redirect}**`)
    assert.match(called[0] ?? '', /^\/callback\?code=/)
    assert.deepEqual(complaints, [])
    const [task] = await world.store.tasks.list('default', { limit: 1, newestFirst: true })
    assert.equal(task?.intent, 'Look up quotes,\nnothing else')
    assert.deepEqual(task?.details.budget, { calls: 7 })
    assert.deepEqual(task?.details.servers, ['market'])
  })

  it('the waiting page goes on by itself when the person signs in in another tab', async () => {
    const { page } = await open()
    await page.goto((await request()).url.href)
    const other = await page.context().newPage()
    await other.goto(world.as.createSignInLink(world.user.id))
    await other.waitForURL(`${world.issuer}/`)
    await other.close()
    await page.bringToFront()
    await page.evaluate('dispatchEvent(new Event("focus"))')
    await page.getByRole('button', { name: 'Allow' }).waitFor()
  })

  it('refusing leads back, too', async () => {
    const { page } = await open()
    await page.goto(world.as.createSignInLink(world.user.id))
    await page.waitForURL(`${world.issuer}/`)
    await page.goto((await request()).url.href)
    await page.getByRole('button', { name: 'Refuse' }).click()
    await page.waitForURL(/error=access_denied/)
  })

  it('no other page can show it in a frame', async () => {
    const { page } = await open()
    await page.goto(redirect)
    const blocked = await page.evaluate(
      `new Promise((resolve) => {
        const frame = document.createElement('iframe')
        frame.src = ${JSON.stringify(`${world.issuer}/signin`)}
        frame.onload = () => { try { resolve(frame.contentDocument === null) } catch { resolve(true) } }
        document.body.append(frame)
      })`,
    )
    assert.equal(blocked, true)
    const frame = page.frames().find((one) => one !== page.mainFrame())
    assert.ok(!(await frame?.content().catch(() => ''))?.includes('Secret of the sign-in link'))
  })

  it('every field has a label, and the page can be used by keyboard', async () => {
    const { page } = await open()
    await page.goto(world.as.createSignInLink(world.user.id))
    await page.waitForURL(`${world.issuer}/`)
    await page.goto((await request()).url.href)
    const unlabelled = await page.evaluate(
      `[...document.querySelectorAll('input:not([type=hidden]),textarea,select')].filter((field) => field.labels.length === 0).length`,
    )
    assert.equal(unlabelled, 0)
    await page.getByLabel(/In your own words/).focus()
    for (let at = 0; at < 30; at++) {
      await page.keyboard.press('Tab')
      if ((await page.evaluate('document.activeElement.textContent')) === 'Allow') break
    }
    await page.keyboard.press('Enter')
    await page.waitForURL(/code=/)
  })
})
