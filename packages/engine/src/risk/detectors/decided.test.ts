import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallRequest, Decision } from '@safeconduct/protocol'
import { openDecider } from '../../decider.ts'
import { evaluate } from '../../pipeline.ts'
import {
  agent,
  call,
  definition,
  details,
  epoch,
  fakePorts,
  fill,
  grant,
  type Host,
  ok,
  pinned,
  START,
  server,
  setup,
  TENANT,
  task,
  world,
} from '../../testing/world.ts'
import { groupOf } from '../behaviour/peers.ts'

const MINUTE = 60_000
const NAMES = Array.from({ length: 6 }, (_, i) => `clerk-${i + 1}`)
const purpose = details({ purpose: 'Watch markets, case 17' })

/** A time that goes on with each asking. */
function clock(): (ms: number) => number {
  let at = START
  return (ms) => {
    at += ms
    return at
  }
}

async function open(): Promise<Host> {
  const ports = fakePorts({ contestWindow: 1000 })
  const expiresAt = START + 90 * 24 * 3_600_000
  await fill(
    ports.store,
    setup([
      { type: 'tool', tool: pinned(definition('delete_account', { id: { type: 'string' } })) },
      ...NAMES.flatMap((id) => [
        { type: 'epoch', tenant: TENANT, ref: epoch('agent', id) } as const,
        { type: 'epoch', tenant: TENANT, ref: epoch('task', `t-${id}`) } as const,
        { type: 'agent', agent: agent({ id, name: id }) } as const,
        { type: 'task', task: task({ id: `t-${id}`, agent: id, details: purpose, expiresAt }) } as const,
      ]),
    ]),
  )
  return { ports, decider: await openDecider(ports) }
}

function asked(
  id: string,
  at: number,
  tool: string,
  args: CallRequest['operation']['args'] = {},
): CallRequest {
  const expiresAt = START + 90 * 24 * 3_600_000
  return call({ at, tool, args, grant: grant({ agent: id, task: `t-${id}`, details: purpose, expiresAt }) })
}

async function made({ ports, decider }: Host, request: CallRequest): Promise<Decision> {
  ports.clock.set(request.at)
  const { decision, forward } = await decider.prepare(request)
  if (forward) await decider.settle(request.id, ok())
  return decision
}

test('a slow collector is sent to a person, with the reason and a stable id; what it usually reads goes on', async () => {
  const host = await open()
  const later = clock()
  const own = (i: number) =>
    made(
      host,
      asked(
        'clerk-1',
        later(3 * MINUTE),
        i % 2 === 0 ? 'get_quote' : 'save_watchlist',
        i % 2 === 0 ? { symbol: 'ACME' } : { rank: 3 },
      ),
    )
  const news = (topic: string) =>
    made(host, asked('clerk-1', later(30 * MINUTE), 'read_news_articles', { topic }))
  for (let i = 0; i < 210; i++) {
    await own(i)
    if (i % 70 === 40) await news('acme')
  }
  const outcomes: Decision[] = []
  for (let i = 0; i < 12; i++) {
    for (let k = 0; k < 4; k++) {
      const { outcome } = await own(k)
      if (k % 2 === 0) assert.equal(outcome, 'allow', `round ${i}`)
    }
    outcomes.push(await news(`t${i}`))
  }
  assert.equal(outcomes[0]?.outcome, 'allow')
  const stopped = outcomes.find(({ outcome }) => outcome === 'approval')
  assert.ok(stopped !== undefined, outcomes.map(({ risk }) => risk).join(' '))
  assert.equal(stopped.policies[0]?.id, 'unusual-reads-need-approval')
  const part = stopped.contributions?.find(({ detector }) => detector === 'rare-reads')
  assert.equal(part?.id, `${stopped.id}/rare-reads`)
  assert.match(part?.reason ?? '', /reads that the agent rarely makes/)
  assert.doesNotMatch(stopped.remedy, /\d/, 'the agent is told no number')

  const answer = { evidence: part?.id ?? '', verdict: 'dismiss', by: 'user-1' } as const
  await host.decider.people.answer(TENANT, answer)
  assert.equal((await news('later')).outcome, 'allow', 'the run was looked at')
  await host.decider.close()
})

test('a new agent is told by what others do in errands of its kind, as far as that is known', async () => {
  const host = await open()
  const fresh = NAMES.find((id) => groupOf(id) !== groupOf('clerk-1')) ?? ''
  const others = NAMES.filter((id) => groupOf(id) !== groupOf(fresh)).slice(0, 2)
  assert.equal(new Set(others.map(groupOf)).size, 2)
  const later = clock()
  for (let i = 0; i < 60; i++)
    for (const id of others) await made(host, asked(id, later(1000), 'get_quote', { symbol: 'ACME' }))
  const usual = await made(host, asked(fresh, later(5000), 'get_quote', { symbol: 'ACME' }))
  assert.equal(
    usual.evidence.some(({ detector }) => detector === 'errand'),
    false,
  )
  const strange = await made(host, asked(fresh, later(5000), 'delete_account', { id: '7' }))
  const found = strange.evidence.find(({ detector }) => detector === 'errand')
  assert.match(found?.reason ?? '', /next to nothing is known.*agents of \d other groups/)
  assert.ok(found !== undefined && found.confidence <= 0.5 && found.bits > 1)
  await host.decider.close()
})

test('a call tells its zone, its shape and what it touches, and nothing that it says', () => {
  const of = world(setup([{ type: 'server', server: server({ zone: 'lab' }) }]))
  const { signal } = evaluate(of.state, call({ args: { symbol: 'SECRET-1' } }), null)
  assert.equal(signal.zone, 'lab')
  assert.deepEqual(signal.forms?.slice(1), ['symbol s3ad-'])
  assert.equal(signal.targets?.length, 1)
  assert.equal(signal.errand?.kinds.length, 1, 'the words of the user')
  assert.doesNotMatch(JSON.stringify(signal), /SECRET/)
  const listed = evaluate(of.state, call({ args: {} }), null, { ignoreArguments: true }).signal
  assert.deepEqual([listed.zone, listed.forms, listed.targets], ['lab', undefined, undefined])
})
