/**
 * The live page's own script against the real control plane: what the owner sees is what is true, and what the owner
 * presses happens. In a browser where there is one.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, beforeEach, describe, it } from 'node:test'
import { STARTER_POLICIES } from '@safeconduct/engine'
import { type Browser, chromium } from 'playwright-core'
import { definition, ok, pinned } from '../../packages/engine/src/testing/world.ts'
import { furnish, payment, quote } from './desk.ts'
import { openPage, type Page } from './page.ts'
import { createWorld, TENANT, type World } from './world.ts'

describe('the live page', () => {
  let world: World | undefined
  let page: Page | undefined
  const at = (): World => {
    assert.ok(world)
    return world
  }
  const shut = async () => {
    page?.close()
    await world?.close()
  }
  beforeEach(async () => {
    await shut()
    page = undefined
    world = await createWorld()
    await furnish(world)
  })
  after(shut)

  async function signedIn(pathname?: string): Promise<Page> {
    const opened = openPage(at(), 'owner', pathname)
    page = opened
    await opened.until(() => opened.node('connection').textContent === 'live')
    return opened
  }

  it('shows nothing but how to sign in to whoever is not', async () => {
    page = openPage(at(), 'anonymous')
    const { node, until } = page
    await until(() => !node('signed-out').hidden)
    assert.equal(node('desk').hidden, true)
    assert.equal(node('agents').children.length, 0)
  })

  it('shows who is signed in, what is enforced, and every agent with its trust', async () => {
    const { node } = await signedIn()
    assert.deepEqual(
      [node('who').textContent, node('enforcement').textContent, node('sign-out').hidden],
      ['ada', 'enforce', false],
    )
    assert.match(node('agents').textContent, /^trader elevated|^trader (limited|standard)/)
    assert.equal(node('nothing').hidden, false)
  })

  it('shows the exact arguments, spelling out what cannot be seen, and approves exactly those', async () => {
    const recipient = 'bob\u202e@example.com\u200b<img src=x onerror=alert(1)>'
    const request = payment(at(), { recipient, amount: 50 })
    const { decision } = await at().decider.prepare(request)
    const id = decision.approval ?? ''
    const { node, title } = await signedIn(`/approvals/${id}`)
    const card = node('waiting').children[0]
    assert.ok(card)
    assert.equal(card.className, 'asked')
    assert.match(card.textContent, /trader wants to call market\/transfer_money/)
    const args = [...card.all()].find((one) => one.tag === 'pre')
    assert.ok(args)
    assert.equal(
      args.textContent,
      '{\n  "recipient": "bob\\u{202e}@example.com\\u{200b}<img src=x onerror=alert(1)>",\n  "amount": 50\n}',
    )
    assert.equal(args.children.length, 0, 'it is text')
    assert.equal(title, '(1) Safeconduct')

    await card.press('Approve once')
    assert.equal(node('toast').textContent, 'Approved, once, for exactly these arguments.')
    assert.equal(node('waiting').children.length, 0)
    const approval = await at().store.approvals.get(TENANT, id)
    assert.deepEqual([approval?.status, approval?.argsDigest], ['approved', decision.argsDigest])
  })

  it('does not say once where an approval holds for a time', async () => {
    const { decision } = await at().decider.prepare(payment(at()))
    const known = await at().store.approvals.get(TENANT, decision.approval ?? '')
    assert.ok(known)
    const id = 'ap-store'
    await at().store.approvals.insert({
      ...known,
      id,
      server: 'store:orders',
      task: 'store:orders',
      tool: 'pay',
    })
    const { node } = await signedIn(`/approvals/${id}`)
    const card = node('waiting').children.find((one) => one.className === 'asked')
    assert.ok(card)
    assert.match(card.textContent, /asks for store:orders\/pay/)
    assert.doesNotMatch(card.textContent, /once/)
    await card.press('Approve until it expires')
    assert.match(
      node('toast').textContent,
      /^Approved, for exactly this question and whoever asked it, until /,
    )
  })

  it('shows what changes where the body does not say it', async () => {
    const id = 'market/transfer_money'
    await at().post('owner', '/api/v1/tools/roles', { id, corrections: { destructive: true } })
    const { revision } = (await at().get('local', '/api/v1/tools/corrections')).json
    await at().post('local', '/api/v1/tools/corrections', { tools: {}, revision })
    const { node } = await signedIn()
    const card = node('waiting').children.find((one) => /Correct the roles/.test(one.textContent))
    assert.match(card?.textContent ?? '', /taken backmarket\/transfer_money destructive: true → as derived/)
    await card?.press('Refuse')
  })

  it('asks for changes as they come in, and does what the owner says', async () => {
    const { node, until } = await signedIn()
    await at().post('local', '/api/v1/agents/trader/autonomy', { autonomous: false })
    await until(() => node('waiting').children.length === 1)
    const [card] = node('waiting').children
    assert.match(
      card?.textContent ?? '',
      /^Stop an agent acting without a user: trader.*"autonomous": false/s,
    )
    await card?.press('Confirm')
    assert.equal(node('toast').textContent, 'Confirmed.')
    assert.equal((await at().store.agents.get(TENANT, 'agent-1'))?.autonomous, false)

    await at().post('local', '/api/v1/servers/market/remove', {})
    await until(() => node('waiting').children.length === 1)
    await node('waiting').press('Refuse')
    assert.equal((await at().store.servers.list(TENANT)).length, 1)
  })

  it('shows each call as it is decided and settled, and says why', async () => {
    const { node, until } = await signedIn()
    const request = quote(at())
    await at().decider.prepare(request)
    await until(() => node('decisions').children.length === 1)
    const [row] = node('decisions').children
    assert.match(row?.textContent ?? '', /trader.*market\/get_quote.*allow/)
    await at().decider.settle(request.id, ok('42'))
    await until(() => row?.textContent.includes('ok') === true)

    await row?.press('Why')
    assert.equal(node('why').open, true)
    assert.match(
      node('why-body').textContent,
      /market\/get_quote.*Policies.*agent-may-work.*"symbol": "ACME"/s,
    )
    const link = [...node('why-body').all()].find((one) => one.tag === 'a')
    const receipt = await at().get('owner', link?.attributes.get('href') ?? '')
    assert.equal(receipt.status, 200)
  })

  it('shows which policies go and what that changes, not a text in a string', async () => {
    const user = STARTER_POLICIES.userPolicies
    await at().post('local', '/api/v1/policy/apply', {
      agent: 'permit (principal, action, resource);\n',
      user,
    })
    const { node } = await signedIn()
    const card = node('waiting').children[0]
    assert.ok(card)
    assert.match(card.textContent, /LESS IS FORBIDDEN: \d+ forbids removed/)
    assert.match(card.textContent, /forbids removedagent:[a-z-]+agent:[a-z-]+/)
    const [text] = [...card.all()].filter((one) => one.tag === 'pre')
    assert.equal(text?.textContent, 'permit (principal, action, resource);\n')
  })

  it('starts the risk of an agent anew and revokes it; then nothing of it is to be pressed', async () => {
    await at().decider.prepare(payment(at()))
    const { node, until } = await signedIn()
    await node('agents').press('Reset risk')
    assert.equal((await at().store.agents.get(TENANT, 'agent-1'))?.version, 2, 'reset')
    await node('agents').press('Revoke')
    await until(() => node('toast').textContent === 'trader is revoked.')
    assert.equal((await at().decider.prepare(quote(at()))).decision.code, 'revoked')
    await until(() => node('agents').textContent.startsWith('trader revoked'))
    const labels = (id: string) =>
      [...node(id).all()].filter((one) => one.tag === 'button').map((one) => one.textContent)
    assert.deepEqual(labels('agents'), [])
    await until(() => /is revoked: there is nothing to approve/.test(node('waiting').textContent))
    assert.deepEqual(labels('waiting'), ['Refuse'])
  })

  it('shows a quarantined tool before and after, and approves it as shown', async () => {
    const changed = definition(
      'get_quote',
      { symbol: { type: 'string' } },
      { description: 'Now\u200b with more.' },
    )
    const [tool] = await at().store.tools.find(TENANT, 'server', 'market')
    assert.ok(tool)
    const proposedDigest = pinned(changed).digest
    await at().store.tools.replace({
      ...tool,
      version: tool.version + 1,
      status: 'quarantined',
      reason: 'Its description changed.',
      proposed: changed,
      proposedDigest,
    })
    const { node } = await signedIn()
    assert.equal(node('quarantine').hidden, false)
    assert.match(node('tools').textContent, /Its description changed\..*Now\\u\{200b\} with more\./s)
    await node('tools').press('Approve as it is now')
    assert.equal(node('quarantine').hidden, true)
    assert.equal((await at().store.tools.get(TENANT, tool.id))?.digest, proposedDigest)
  })

  it('approves a server and hands its credential to the gateway, and keeps it nowhere', async () => {
    const { node } = await signedIn()
    assert.match(node('servers').textContent, /^market new/)
    await node('servers').press('I looked at it: approve')
    assert.equal((await at().store.servers.find(TENANT, 'name', 'market'))[0]?.standing, 'approved')
    assert.match(node('servers').textContent, /^market approved/)

    const field = [...node('servers').all()].find((one) => one.attributes.get('name') === 'value')
    assert.ok(field)
    field.value = 'Bearer upstream'
    await node('servers').press('Save')
    assert.deepEqual([...at().credentials.values()], [{ Authorization: 'Bearer upstream' }])
    assert.equal(field.value, '')
    assert.match(node('servers').textContent, /Replace the injected credential/)
    assert.doesNotMatch(node('servers').textContent, /upstream/)
  })

  it('tells what went wrong and lets the owner try again', async () => {
    const { decision } = await at().decider.prepare(payment(at()))
    const { node } = await signedIn()
    const approval = await at().store.approvals.get(TENANT, decision.approval ?? '')
    assert.ok(approval)
    at().clock.set(approval.expiresAt)
    await node('waiting').press('Approve once')
    assert.equal(node('toast').textContent, 'The approval has expired.')
  })

  it('notices that the session is over', async () => {
    const { node, until } = await signedIn()
    await at().post('local', '/api/v1/revocations', { kind: 'user', id: at().user.id })
    await until(() => node('desk').hidden)
    assert.equal(node('signed-out').hidden, false)
  })
})

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'
const missing = existsSync(EXECUTABLE)
  ? false
  : `no browser at ${EXECUTABLE}: the live page is not tried in one`
if (missing !== false) process.stderr.write(`SKIPPED: ${missing}\n`)

describe('the live page in a browser', { skip: missing, timeout: 120_000 }, () => {
  let world: World
  let browser: Browser
  before(async () => {
    world = await createWorld()
    await furnish(world)
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
  })
  after(async () => {
    try {
      await browser?.close()
    } finally {
      await world?.close()
    }
  })

  it('shows calls as they happen, approves one, and signs out', async () => {
    const { decision } = await world.decider.prepare(payment(world))
    const tab = await browser.newPage()
    const problems: string[] = []
    tab.on('pageerror', (error) => problems.push(String(error)))
    tab.on('console', (message) => {
      // Being signed out is said with a status, which browsers report as an error.
      if (message.type() === 'error' && !message.text().includes('401')) problems.push(message.text())
    })
    await tab.goto(world.authorization.createSignInLink(world.user.id))
    await tab.getByText('wants to call market/transfer_money').waitFor()
    await tab.getByText(/ is standard since .*, risk \d+\./).waitFor()
    await tab.getByText('live', { exact: true }).waitFor()

    const request = quote(world)
    await world.decider.prepare(request)
    await tab.getByRole('cell', { name: 'market/get_quote', exact: true }).waitFor()
    await tab.getByRole('button', { name: 'Why' }).first().click()
    await tab.getByRole('dialog').getByText('"symbol": "ACME"').waitFor()
    await tab.getByRole('button', { name: 'Close' }).click()

    await tab.getByRole('button', { name: 'Approve once' }).click()
    await tab.getByText('Nothing waits for your word.').waitFor()
    assert.equal((await world.store.approvals.get(TENANT, decision.approval ?? ''))?.status, 'approved')

    await tab.getByRole('button', { name: 'Sign out' }).click()
    await tab.getByText('You are not signed in').waitFor()
    assert.deepEqual(problems, [])
  })

  it('is shown in no frame', async () => {
    const tab = await browser.newPage()
    const refused = tab.waitForEvent('console', (message) => /frame/i.test(message.text()))
    await tab.goto(`${world.origin}/healthz`)
    await tab.evaluate(`document.body.append(Object.assign(document.createElement('iframe'), { src: '/' }))`)
    assert.match((await refused).text(), /frame-ancestors|X-Frame-Options/)
  })
})
