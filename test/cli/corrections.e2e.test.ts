/**
 * `tools roles --file` as an operator uses it: export, edit, see the difference, confirm once.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type OwnerAtPage, signInOwner } from '../../examples/trading-desk/owner.ts'
import { type Place, place, until, waitingRequest } from './daemon.ts'

describe('corrections of tools from one file', () => {
  let here: Place
  let owner: OwnerAtPage
  before(async () => {
    here = place()
    const up = await here.up()
    owner = await signInOwner(up.url, up.signIn)
    await until('tools', async () => {
      const { tools } = await owner.get<{ tools: unknown[] }>('/api/v1/tools')
      return tools.length > 0 ? tools : undefined
    })
  })
  after(() => here.remove())
  const file = (name: string, text: string) => {
    const at = path.join(here.folder, name)
    writeFileSync(at, text)
    return at
  }

  it('are refused with place and suggestion before anybody is asked', async () => {
    const at = file(
      'bad.yaml',
      'tools:\n  market/place_ordr: { effect: read }\n  market/read_news:\n    efect: read\n',
    )
    const answer = await here.run('tools', 'roles', '--file', at)
    assert.equal(answer.code, 2)
    assert.match(answer.err, /bad\.yaml:2:3: .*Did you mean "market\/place_order"/)
    assert.match(answer.err, /bad\.yaml:4:5: .*Did you mean "effect".*thirdPartyOutput/)
    const { requests } = await owner.get<{ requests: unknown[] }>('/api/v1/owner-requests')
    assert.deepEqual(requests, [])
    const set = await here.run('tools', 'roles', 'market/read_news', '--set', 'nonsense=3')
    assert.match(set.err, /effect, destructive, openWorld/)
  })

  it('are asked about by no option that would be ignored', async () => {
    const at = file('one.json', '{ "effect": "write" }')
    const out = path.join(here.folder, 'none.yaml')
    for (const [args, why] of [
      [['market/read_news', '--file', at, '--dry-run'], /--dry-run goes with --file and no tool/],
      [['--export', '--dry-run'], /--dry-run goes with --file/],
      [['market/read_news', '--export', out], /--export is about all tools/],
    ] as const) {
      const answer = await here.run('tools', 'roles', ...args)
      assert.equal(answer.code, 2, answer.out)
      assert.match(answer.err, why)
    }
    assert.equal(existsSync(out), false)
    const { requests } = await owner.get<{ requests: unknown[] }>('/api/v1/owner-requests')
    assert.deepEqual(requests, [], 'nobody was asked')
  })

  it('are shown as a difference, confirmed once, and come back out as they went in', async () => {
    const at = file(
      'roles.yaml',
      'tools:\n  market/read_news: { thirdPartyOutput: true }\n  market/place_order:\n    destructive: true\n',
    )
    const dry = await here.run('tools', 'roles', '--file', at, '--dry-run')
    assert.match(dry.out, /market\/read_news\n {2}\+ thirdPartyOutput: true/)
    const applied = here.run('tools', 'roles', '--file', at)
    const request = await waitingRequest(owner)
    await owner.post(`/api/v1/owner-requests/${request.id}/decide`, { confirm: true })
    const done = await applied
    assert.equal(done.code, 0, done.err)
    assert.match(done.err, /market\/place_order\n {2}\+ destructive: true/)
    const out = path.join(here.folder, 'out.yaml')
    assert.equal((await here.run('tools', 'roles', '--export', out)).code, 0)
    assert.match(readFileSync(out, 'utf8'), /market\/place_order:\n {4}destructive: true/)
    assert.match((await here.run('tools', 'roles', '--file', out)).out, /like that already/)
    assert.deepEqual(await here.json('tools', 'roles', '--export'), {
      tools: { 'market/read_news': { thirdPartyOutput: true }, 'market/place_order': { destructive: true } },
    })
  })
})
