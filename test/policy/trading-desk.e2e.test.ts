/**
 * @module A day at the trading desk, and a stricter policy tried on it: in the shadow while the day goes on, then on the
 * recorded decisions, then in force, then taken back.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { STARTER_POLICIES } from '@safeconduct/engine'
import { play, SCENES } from '../../examples/trading-desk/story.ts'
import { type Desk, openDesk } from './desk.ts'

const SMALL_ORDERS = `
@id("small-orders")
forbid (principal, action == Action::"market/place_order", resource)
when { context.args has quantity && context.args.quantity > 10 }
unless { context.approved };
`

interface Group {
  readonly tool: string
  readonly from: string
  readonly to: string
  readonly by: readonly string[]
  readonly was: readonly string[]
  readonly count: number
  readonly examples: readonly string[]
}

interface Report {
  readonly decisions: number
  readonly compared: number
  readonly changed: number
  readonly groups: readonly Group[]
  readonly selfCheck: { readonly compared: number; readonly differences: number; readonly skipped: number }
}

interface Version {
  readonly id: string
  readonly digest: string
  readonly status: string
  readonly createdBy: string
}

describe('a stricter policy tried on the trading desk', () => {
  let desk: Desk
  let strict: string
  const quiet = { scene: () => undefined, step: () => undefined, pause: async () => undefined }
  const tooMany = (quantity: number) => ({ symbol: 'NOVA', market: 'XNYS', side: 'buy', quantity })

  before(async () => {
    desk = await openDesk({ SAFECONDUCT_CEDAR_SHADOW: '1' })
    // A policy can name a tool once its server has listed it.
    await desk.trader.call('get_quote', { symbol: 'NOVA' })
    strict = desk.policies('strict', `${STARTER_POLICIES.agentPolicies}${SMALL_ORDERS}`)
  })
  after(() => desk.close())

  /** What the day says itself: allowed orders of more than ten that no stricter version ruled. */
  async function expected(): Promise<string[]> {
    const { decisions } = await desk.owner.get<{
      decisions: { id: string; tool: string; outcome: string }[]
    }>('/api/v1/decisions?limit=1000')
    const found: string[] = []
    for (const { id, tool, outcome } of decisions) {
      if (tool !== 'place_order' || outcome !== 'allow') continue
      const { decision, request } = await desk.owner.get<{
        decision: { revisions: { policy: string } }
        request: { operation: { args: { quantity: number } } }
      }>(`/api/v1/decisions/${id}`)
      const { versions } = await desk.owner.get<{ versions: Version[] }>('/api/v1/policy')
      const shadowed = versions.find(({ status }) => status === 'shadow' || status === 'tried')
      if (request.operation.args.quantity > 10 && decision.revisions.policy !== shadowed?.digest)
        found.push(id)
    }
    return found.sort()
  }

  it('is checked like a compiler would: file, line, column, and the word that was meant', async () => {
    const bad = desk.policies(
      'bad',
      '@id("x")\nforbid (principal, action, resource)\nwhen { context.rsik > 3 };\n',
    )
    const { code, out, err } = await desk.run('policy', 'check', bad)
    assert.equal(code, 1)
    assert.match(out, /Not valid/)
    assert.match(err, /bad\/agent\.cedar:3:8: error: .*`rsik`.*\(did you mean `risk`\?\)/)
    const good = await desk.run('policy', 'check', strict)
    assert.deepEqual([good.code, good.out.trim()], [0, 'Valid.'])
    const { valid, problems } = await desk.json<{ valid: boolean; problems: { line: number }[] }>(
      'policy',
      'check',
      bad,
    )
    assert.deepEqual([valid, problems[0]?.line], [false, 3])
  })

  it('stands in the shadow while the morning goes on, and changes nothing', async () => {
    const version = await desk.confirmed<Version>('policy', 'shadow', 'start', strict)
    assert.equal(version.status, 'shadow')
    const outcomes: boolean[] = []
    await play(desk.trader, SCENES.slice(0, 1), {
      ...quiet,
      step: (_step, answer) => void outcomes.push(answer.ok),
    })
    assert.ok(outcomes.every(Boolean), 'the morning is allowed as it was')
  })

  it('rules from the next call on once it is applied; a rollback restores what was allowed at the next call', async () => {
    const before = (await desk.json<{ versions: Version[] }>('policy', 'history')).versions.find(
      ({ status }) => status === 'active',
    )
    assert.equal((await desk.trader.call('place_order', tooMany(12))).ok, true)
    const applied = await desk.confirmed<Version>('policy', 'apply', strict)
    assert.equal(applied.status, 'active')
    const stopped = await desk.trader.call('place_order', tooMany(11))
    assert.deepEqual([stopped.ok, stopped.code], [false, 'approval_required'])
    assert.equal((await desk.trader.call('place_order', tooMany(9))).ok, true)
    const back = await desk.confirmed<Version>('policy', 'rollback', before?.id ?? '')
    assert.deepEqual([back.status, back.digest], ['active', before?.digest])
    assert.equal((await desk.trader.call('place_order', tooMany(11))).ok, true)
  })

  it('replayed on the whole day, it changes exactly the allowed orders of more than ten', async () => {
    await play(desk.trader, SCENES.slice(1), quiet)
    const report = await desk.json<Report>('policy', 'replay', strict)
    const wanted = await expected()
    assert.ok(wanted.length >= 4, 'the day has such orders')
    assert.equal(report.changed, wanted.length)
    assert.deepEqual(
      report.groups.map(({ tool, from, to, by, was, count }) => ({ tool, from, to, by, was, count })),
      [
        {
          tool: 'market/place_order',
          from: 'allow',
          to: 'approval',
          by: ['agent:small-orders'],
          was: [],
          count: wanted.length,
        },
      ],
    )
    assert.ok(report.groups[0]?.examples.every((id) => wanted.includes(id)))
    assert.deepEqual([report.selfCheck.differences, report.selfCheck.skipped], [0, 0])
    assert.equal(report.selfCheck.compared, report.compared)
    const told = await desk.run('policy', 'replay', strict)
    assert.match(
      told.out,
      new RegExp(`^${wanted.length} of ${report.decisions} recorded decisions would change`),
    )
    assert.match(told.out, /market\/place_order +allow → approval .*\n +because of agent:small-orders/)
    assert.match(told.out, /self-check: \d+ decided again under the policy that ruled them, 0 differ/)
  })

  it('the policy that rules, replayed on its own day, changes nothing', async () => {
    const report = await desk.json<Report>('policy', 'replay', 'active', '--agent', 'trader')
    // What the stricter version stopped is the one thing that the policy of now would allow.
    assert.deepEqual(
      report.groups.map(({ from, to, was }) => [from, to, was]),
      [['approval', 'allow', ['agent:small-orders']]],
    )
    assert.equal(report.selfCheck.differences, 0)
  })

  it('the shadow saw the same as the replay, and took no part', async () => {
    const { shadow } = await desk.json<{ shadow: Report }>('policy', 'shadow', 'show')
    const replayed = await desk.json<Report>('policy', 'replay', strict)
    assert.deepEqual(shadow.groups, replayed.groups)
    assert.equal(shadow.changed, replayed.changed)
    const metrics = await (await fetch(new URL('/metrics', desk.daemon.url))).text()
    assert.match(
      metrics,
      new RegExp(`safeconduct_policy_shadow_decisions\\{result="changed"\\} ${shadow.changed}\\b`),
    )
    assert.match(metrics, /safeconduct_cedar_shadow_evaluations\{result="differences"\} 0\b/)
    assert.match(metrics, /safeconduct_cedar_shadow_evaluations\{result="compared"\} [1-9]/)
    const { stopped } = await desk.json<{ stopped: Report }>('policy', 'shadow', 'stop')
    assert.equal(stopped.changed, shadow.changed)
    assert.match((await desk.run('policy', 'shadow', 'show')).out, /No candidate/)
  })

  it('diff names the policy that is added and the calls it changes', async () => {
    const { out, code } = await desk.run('policy', 'diff', 'active', strict)
    assert.equal(code, 0)
    assert.match(out, /^\+ agent:small-orders \(forbid, added\)$/m)
    assert.match(out, /market\/place_order +allow → approval/)
    const same = await desk.json<{ changes: unknown[]; effects: unknown }>(
      'policy',
      'diff',
      'active',
      'active',
    )
    assert.deepEqual([same.changes, same.effects], [[], null])
  })

  it('every activation is in the ledger with digest and person, and its receipt verifies offline', async () => {
    const { versions } = await desk.json<{ versions: Version[] }>('policy', 'history')
    assert.deepEqual(
      versions.map(({ status }) => status),
      ['active', 'retired', 'tried', 'retired'],
    )
    const applied = versions[1]
    assert.ok(applied)
    const file = path.join(desk.folder, 'activation.json')
    await desk.run('policy', 'history', '--receipt', applied.id, '--out', file)
    const good = await desk.run('verify', file, '--vkey', desk.daemon.foundation.log.vkey)
    assert.equal(good.code, 0, good.err)
    const [entry] = JSON.parse(readFileSync(file, 'utf8')).entries
    const told = JSON.parse(Buffer.from(entry.entry, 'base64').toString())
    assert.deepEqual(
      [told.kind, told.policy.version, told.policy.digest],
      ['policy.activated', applied.id, applied.digest],
    )
    assert.doesNotMatch(told.policy.by, /^us_/, 'a person stands there under a pseudonym')
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/("entry":\s*"[^"]{20})./, (_all, head) => `${head}!`),
    )
    assert.notEqual((await desk.run('verify', file, '--vkey', desk.daemon.foundation.log.vkey)).code, 0)
  })
})
