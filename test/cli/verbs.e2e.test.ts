import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { signInOwner } from '../../examples/trading-desk/owner.ts'
import { type Place, place, type Up, waitingRequest } from './daemon.ts'

describe('the command line on an empty directory', () => {
  let here: Place
  let up: Up
  before(async () => {
    here = place()
    up = await here.up('--empty')
  })
  after(() => here.remove())

  it('keeps its data from others', () => {
    assert.equal(statSync(here.data).mode & 0o777, 0o700)
    assert.equal(statSync(path.join(here.data, 'control.sock')).mode & 0o777, 0o600)
    assert.equal(statSync(path.join(here.data, 'keys', 'root.key')).mode & 0o777, 0o600)
  })

  it('refuses a second daemon on the same data and says who holds it', async () => {
    const second = await here.run('up', '--empty', '--port', '0')
    assert.equal(second.code, 1)
    assert.match(second.err, /already_running/)
    assert.doesNotMatch(second.err, /\n {4}at /, 'a sentence, not a stack')
  })

  it('registers an agent with a key it makes, and never overwrites one', async () => {
    const key = path.join(here.folder, 'bot.jwk')
    const first = await here.json<{ id: string; keys: number }>(
      'agents',
      'register',
      'bot',
      '--generate-key',
      key,
    )
    assert.match(first.id, /^ag_/)
    assert.equal(first.keys, 1)
    assert.equal(statSync(key).mode & 0o777, 0o600)
    const again = await here.run('agents', 'register', 'bot2', '--generate-key', key)
    assert.equal(again.code, 1)
    assert.match(again.err, /must not exist yet/)
    const twice = await here.json<{ error: string }>('agents', 'register', 'bot')
    assert.equal(twice.error, 'conflict')
  })

  it('refuses to register a private key as a public one', async () => {
    const file = path.join(here.folder, 'private.jwks')
    writeFileSync(
      file,
      JSON.stringify({ keys: [JSON.parse(readFileSync(path.join(here.folder, 'bot.jwk'), 'utf8'))] }),
    )
    const answer = await here.run('agents', 'register', 'leaky', '--jwks', file)
    assert.equal(answer.code, 2)
    assert.match(answer.err, /private part/)
  })

  it('leaves no key behind when the registration fails', async () => {
    const key = path.join(here.folder, 'nobody.jwk')
    assert.equal((await here.run('agents', 'register', 'bot', '--generate-key', key)).code, 1)
    assert.equal(existsSync(key), false)
  })

  it('shows, lists and explains in words and as JSON', async () => {
    assert.match((await here.run('agents', 'show', 'bot')).out, /^bot {2}ag_/)
    assert.match((await here.run('agents', 'list')).out, /NAME\s+STATUS\s+TRUST/)
    assert.match((await here.run('status')).out, /listens|at http:\/\/localhost/)
    const unknown = await here.run('explain', 'nothing')
    assert.equal(unknown.code, 1)
    assert.match(unknown.err, /not_found/)
    assert.match((await here.run('agents', 'show', 'nobody')).err, /agents list/, 'and where to look')
    assert.equal((await here.json<{ approvals: unknown[] }>('approvals', 'list')).approvals.length, 0)
  })

  it('asks the owner in the browser before it changes what only the owner may', async () => {
    const owner = await signInOwner(up.url, up.signIn)
    const asked = here.json<{ name: string; standing: string }>(
      'servers',
      'add',
      'docs',
      'https://docs.example/mcp',
    )
    const waiting = await waitingRequest(owner)
    assert.match(waiting.summary, /docs/)
    assert.equal((await here.json<{ servers: unknown[] }>('servers', 'list')).servers.length, 0, 'not yet')
    await owner.post(`/api/v1/owner-requests/${waiting.id}/decide`, { confirm: true })
    assert.equal((await asked).standing, 'new')
    await assert.rejects(signInOwner(up.url, up.signIn), 'the link works once')
  })

  it('shows the policy and refuses one that is not valid, saying where', async () => {
    assert.match((await here.run('policy', 'show')).out, /suspended-does-nothing/)
    const folder = path.join(here.folder, 'policies')
    assert.equal((await here.run('policy', 'show', '--export', folder)).code, 0)
    assert.match(
      (await here.run('policy', 'diff', 'active', folder)).out,
      /No policy is added, removed or changed/,
    )
    assert.equal((await here.run('policy', 'show', '--export', folder)).code, 1, 'never over what is there')
    assert.match((await here.run('policy', 'check', folder)).out, /^Valid\.$/m)
    writeFileSync(path.join(folder, 'agent.cedar'), '@id("mine") permit (principal, action, resource);\n')
    const checked = await here.run('policy', 'check', folder)
    assert.equal(checked.code, 0)
    assert.match(
      checked.err + checked.out,
      /would end \d+ forbids that rule now: .*agent:suspended-does-nothing/,
    )
    const whole = path.join(here.folder, 'whole.cedar')
    writeFileSync(whole, (await here.run('policy', 'show', '--export', '-')).out)
    assert.equal((await here.run('policy', 'check', whole)).code, 0, 'what is printed parses')
    const bad = path.join(here.folder, 'bad.cedar')
    writeFileSync(bad, 'permit (principal, action, resource) when { context.nonsense > 3 };')
    const check = await here.run('policy', 'check', '--agent-file', bad, '--user-file', bad)
    assert.equal(check.code, 1)
    assert.match(check.out, /policy_invalid/)
    assert.match(check.err, /bad\.cedar:1:\d+: error: .*nonsense/)
  })

  it('tells what it does not know, with an exit code of its own', async () => {
    const unknown = await here.run('approve-everything')
    assert.equal(unknown.code, 2)
    assert.equal((await here.run('agents', 'show')).code, 2)
    assert.match(unknown.err, /unknown command/)
    assert.match(unknown.err, /--help/)
    const help = await here.run('--help')
    for (const name of [
      'up',
      'run',
      'agents',
      'servers',
      'tasks',
      'approvals',
      'policy',
      'revoke',
      'explain',
      'verify',
      'backup',
      'restore',
      'bench',
    ]) {
      assert.match(help.out, new RegExp(`^ {2}${name}\\b`, 'm'), name)
    }
  })

  it('stops on SIGTERM, goes on with the same data, and a backup restores', async () => {
    assert.equal(await up.stop(), 0)
    assert.equal(existsSync(path.join(here.data, 'control.sock')), false)
    const backup = path.join(here.folder, 'b')
    assert.equal((await here.run('backup', backup)).code, 0)
    const since = path.join(backup, 'ledger', 'checkpoint')
    assert.match((await here.run('verify', here.data, '--since', since)).out, /consistent/)
    assert.equal((await here.run('verify', here.data, '--since', path.join(backup, 'no'))).code, 1)
    assert.match((await here.run('status')).err, /No daemon runs/, 'asking what runs starts nothing')
    assert.equal(existsSync(path.join(here.data, 'control.sock')), false)
    up = await here.up('--empty')
    assert.match((await here.run('agents', 'list')).out, /bot/)
    const running = await here.run('backup', path.join(here.folder, 'b2'))
    assert.match(running.err, /Stop it first.*already_running/)
    assert.match((await here.run('down')).out, /Stopped/)
    assert.match((await here.run('down')).out, /No daemon runs/)
    const other = place()
    try {
      assert.equal((await other.json<{ restored: string }>('restore', backup)).restored, other.data)
      assert.equal((await other.json<{ error: string }>('restore', backup)).error, 'conflict')
      await other.up('--empty')
      assert.match((await other.run('agents', 'list')).out, /bot/)
    } finally {
      await other.remove()
    }
  })
})
