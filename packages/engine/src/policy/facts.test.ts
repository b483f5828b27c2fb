import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { schemaOf } from '../checks/schema-parts.ts'
import { decide } from '../decide.ts'
import { call, details, engine, server, setup, task, world } from '../testing/world.ts'
import { evidenceFacts, placeOf, provenanceOfArguments, timeOf } from './facts.ts'

const ALL = '@id("all") permit (principal, action, resource);'
const under = (when: string, events: Parameters<typeof setup>[0] = [], head = '') => {
  const agentPolicies = `${ALL} ${head} @id("f") forbid (principal, action, resource) when { ${when} };`
  const of = world(setup(events, { agentPolicies, userPolicies: ALL }))
  // Everything that is written here also has to validate.
  engine.compile({ agentPolicies, userPolicies: ALL }, schemaOf(of.tenant.directory))
  return of
}
const outcome = (when: string, shape = {}, events: Parameters<typeof setup>[0] = []) =>
  decide(under(when, events).state, call(shape)).decision.outcome

test('time, place, client, purpose', () => {
  assert.deepEqual(timeOf(Date.UTC(2026, 0, 4, 23)), { hour: 23, weekday: 7 })
  assert.deepEqual(timeOf(Date.UTC(2026, 0, 5)), { hour: 0, weekday: 1 })
  fc.assert(
    fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (at) => {
      const date = new Date(at)
      assert.deepEqual(timeOf(at), { hour: date.getUTCHours(), weekday: date.getUTCDay() || 7 })
    }),
  )
  assert.equal(outcome('context.weekday >= 6'), 'allow')
  assert.equal(outcome('context.weekday == 1 && context.hour == 10'), 'deny')
  const at = (ip: string | null, country?: string) =>
    placeOf({ channel: 'http', ip, client: null, ...(country === undefined ? {} : { country }) })
  assert.deepEqual(at(null), { network: 'unknown' })
  assert.deepEqual(at('127.0.0.1'), { network: 'loopback' })
  assert.deepEqual(at('10.1.2.3'), { network: 'private' })
  assert.deepEqual(at('8.8.8.8', 'DE'), { network: 'public', country: 'DE' })
  assert.equal(outcome('context.place.network == "public"', { ip: '8.8.8.8' }), 'deny')
  assert.equal(outcome('!(context.place has country)'), 'deny')
  assert.equal(outcome('context.client.channel == "stdio"'), 'allow')
  const purposeful = task({ details: details({ purpose: 'research' }) })
  assert.equal(
    outcome('context.task.purpose == "research"', {}, [{ type: 'task', task: purposeful }]),
    'deny',
  )
})

test('sensitivity: the higher of server and binding', () => {
  const events = [{ type: 'server', server: server({ sensitivity: 2 }) }] as const
  const three = '@sensitivity("market/get_quote: 3; market/*: 1")'
  const of = (when: string, head: string, shape = {}) =>
    decide(
      under(when, [...events], `${head} @id("b") permit (principal, action, resource);`).state,
      call(shape),
    ).decision.outcome
  assert.equal(of('context.sensitivity == 3', three), 'deny')
  assert.equal(of('context.sensitivity == 2', three, { tool: 'save_watchlist', args: { rank: 1 } }), 'deny')
  assert.equal(of('context.sensitivity == 2', ''), 'deny')
  assert.equal(outcome('context.sensitivity > 0'), 'allow')
})

test('provenance of an argument is that of its worst value', () => {
  const label = (path: string, kind: 'user' | 'untrusted', sink = false) =>
    ({ path, label: kind, sink, source: kind === 'user' ? null : { server: 's', tool: 't' } }) as never
  const args = { to: ['a', 'b'], toAll: 'c', 'a.b': 'd', __x: 'e' }
  assert.deepEqual(
    provenanceOfArguments(
      [
        label('to[0]', 'user'),
        label('to[1]', 'untrusted', true),
        label('toAll', 'user'),
        label('a.b', 'untrusted'),
        label('__x', 'user'),
      ],
      args,
    ),
    {
      to: { label: 'untrusted', source: 's/t', sink: true },
      toAll: { label: 'user', source: '', sink: false },
      'a.b': { label: 'untrusted', source: 's/t', sink: false },
    },
  )
  const untrusted =
    'context.provenance.args has recipient && context.provenance.args.recipient.label != "user"'
  const policy = untrusted
  const of = world(
    setup([], {
      agentPolicies: `${ALL} @id("f") forbid (principal, action == Action::"market/transfer_money", resource) when { ${policy} };`,
      userPolicies: ALL,
    }),
  )
  const send = (recipient: string) =>
    decide(of.state, call({ tool: 'transfer_money', args: { recipient, amount: 50 } })).decision
  assert.equal(send('bob@example.com').outcome, 'allow', 'the user named him')
  assert.equal(send('eve@example.net').outcome, 'deny')
  assert.throws(() => under('context.provenance.args.recipient.label == "user"'), /recipient/)
})

test('evidence: names and bits of what speaks against a call', () => {
  const item = (detector: string, bits: number) =>
    ({ detector, bits, reason: '', confidence: 1, about: 'behaviour' }) as const
  assert.deepEqual(evidenceFacts([item('a', 1.5), item('b', 2.6), item('a', 0.4), item('c', -3)]), {
    detectors: ['a', 'b'],
    bits: 4,
  })
  assert.deepEqual(evidenceFacts([]), { detectors: [], bits: 0 })
  const hit = 'context.evidence.detectors.contains("unused") || context.evidence.bits > 100'
  assert.equal(outcome(hit), 'allow')
})
