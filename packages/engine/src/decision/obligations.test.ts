import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, Obligation } from '@safeconduct/protocol'
import fc from 'fast-check'
import { apply } from '../apply.ts'
import { decide } from '../decide.ts'
import { call, host, ok, START, setup, world } from '../testing/world.ts'
import { meetOnArguments, meetOnResult, rated, readObligations, touchesResult } from './obligations.ts'

const one = (text: string): Obligation => {
  const [read] = readObligations('p', text)
  assert.ok(read !== null && read !== undefined, text)
  return read
}
const under = (obligation: string) => ({
  agentPolicies: `@id("p") @obligation("${obligation}") permit (principal, action, resource);`,
  userPolicies: 'permit (principal, action, resource);',
})

test('what cannot be read stands as null, and denies', () => {
  assert.deepEqual(
    readObligations('p', 'notify:owner; rate:3/60').map((read) => [read?.id, read?.type]),
    [
      ['p#1', 'notify'],
      ['p#2', 'rate'],
    ],
  )
  for (const wrong of [
    'rate:x/60',
    'rate:1/0',
    'rate:1',
    'redact:',
    'redact:args',
    'mask:faces',
    'dance:x',
    '',
    'mask:args.a;',
  ]) {
    assert.ok(readObligations('p', wrong).includes(null), wrong)
    assert.equal(decide(world(setup([], under(wrong))).state, call()).decision.outcome, 'deny', wrong)
  }
  assert.equal(
    decide(world(setup([], under('watermark:x'))).state, call()).decision.outcome,
    'deny',
    'nobody can meet it',
  )
})

test('a rate counts calls of the agent in its window, also those that are under way, and starts again', () => {
  const of = world(setup([], under('rate:3/60')))
  const ask = (at: number) => {
    const { decision, events } = decide(of.state, call({ at }))
    for (const event of events) apply(of.tenant, event)
    return decision
  }
  const start = Math.ceil(START / 60_000) * 60_000
  assert.deepEqual(
    [0, 1, 2].map((i) => ask(start + i).outcome),
    ['allow', 'allow', 'allow'],
  )
  const fourth = ask(start + 3)
  assert.deepEqual([fourth.outcome, fourth.code], ['deny', 'rate_limited'])
  assert.match(fourth.why[0] ?? '', /3 calls in 60 seconds/)
  assert.equal(ask(start + 59_999).outcome, 'deny')
  assert.equal(ask(start + 60_000).outcome, 'allow')
})

test('arguments leave redacted or masked; the decision is about what was asked', async () => {
  const { decider } = host(setup([], under('redact:args.symbol; mask:args.note.iban')))
  const args = { symbol: 'ACME', note: [{ iban: 'DE0212345678' }, { iban: 7 }], keep: 1 }
  const request = call({ args })
  const { operation, decision } = await decider.prepare(request)
  assert.deepEqual(operation?.args, {
    symbol: '[redacted]',
    note: [{ iban: '***78' }, { iban: '[redacted]' }],
    keep: 1,
  })
  assert.equal(decision.argsDigest, decider.dry(call({ args })).argsDigest)
  await decider.settle(request.id, ok())
  await decider.close()
  assert.equal(meetOnArguments(args, [one('mask:emails')]), args, 'nothing to do is nothing done')
})

test('a place in a result is redacted in structured content and in texts that are JSON; another text withholds it', () => {
  const rule = [one('mask:result.people.iban')]
  const people = [{ name: 'a', iban: 'DE0212345678' }, { name: 'b' }]
  const met = meetOnResult(
    {
      structuredContent: { people },
      content: [{ type: 'text', text: JSON.stringify({ people }) }],
      isError: false,
    },
    rule,
  )
  const hidden = [{ name: 'a', iban: '***78' }, { name: 'b' }]
  assert.deepEqual(met, {
    structuredContent: { people: hidden },
    content: [{ type: 'text', text: JSON.stringify({ people: hidden }) }],
    isError: false,
  })
  assert.equal(meetOnResult({ content: [{ type: 'text', text: 'a: DE0212345678' }] }, rule), null)
  assert.equal(meetOnResult({ content: [{ type: 'image', data: 'AAAA' }] }, rule), null)
  assert.equal(meetOnResult({ contents: [{ uri: 'x', blob: 'AAAA' }] }, rule), null)
  assert.ok(touchesResult(rule) && !touchesResult([one('mask:args.a'), one('notify:x'), one('rate:1/1')]))
})

test('addresses and long numbers are masked wherever they stand', () => {
  const result: JsonObject = {
    content: [
      { type: 'text', text: 'Ann <ann.lee@example.com>, card 4111 1111 1111 1111, since 2026.' },
      { type: 'resource', resource: { uri: 'x', blob: Buffer.from('bob@example.org').toString('base64') } },
    ],
    structuredContent: { 'ann.lee@example.com': 1, card: 4111111111111111, year: 2026 },
  }
  const met = meetOnResult(result, [one('mask:emails'), one('redact:numbers')])
  const text = JSON.stringify(met)
  assert.ok(!/ann\.lee|example\.com|4111/.test(text), text)
  assert.ok(text.includes('since 2026') && text.includes('"year":2026'))
  const blob = Buffer.from(text.match(/"blob":"([^"]+)"/)?.[1] ?? '', 'base64').toString()
  assert.equal(blob, '***rg')
})

test('the names of a part say nothing of members of the same name in what was answered', () => {
  const mail = 'ann.lee@example.com'
  for (const result of [
    { structuredContent: { data: mail, uri: [mail], type: mail, role: { type: mail }, blob: mail } },
    { content: [], _meta: { 'com.example/data': { data: mail } } },
    { content: [{ type: 'text', text: 'x', _meta: { data: mail } }] },
    { content: [{ type: 'text', text: 'x', data: [mail] }] },
    { content: [{ type: 'resource_link', name: 'x', uri: `mailto:${mail}` }] },
    { resultType: 'input_required', inputRequests: { a: { params: { type: mail, data: mail } } } },
  ] satisfies JsonObject[]) {
    const met = JSON.stringify(meetOnResult(result, [one('mask:emails')]))
    assert.ok(!met.includes('ann.lee'), met)
  }
  const kept = { content: [{ type: 'image', mimeType: 'image/png', data: '123456789123' }] }
  assert.deepEqual(meetOnResult(kept, [one('mask:numbers')]), kept)
})

test('a place in a result is looked for in every member of it, and what could hold it anywhere is withheld', () => {
  const rule = [one('redact:result.iban')]
  assert.deepEqual(meetOnResult({ iban: 'x', content: [], _meta: { iban: 'x', kept: 1 } }, rule), {
    iban: '[redacted]',
    content: [],
    _meta: { iban: '[redacted]', kept: 1 },
  })
  for (const withheld of [
    { resultType: 'input_required', inputRequests: { a: { method: 'elicitation/create', params: {} } } },
    { completion: { values: ['DE02'] } },
    { messages: [{ role: 'user', content: { type: 'text', text: '{}' }, text: 'DE02' }] },
  ])
    assert.equal(meetOnResult(withheld, rule), null, JSON.stringify(withheld))
})

test('one policy that speaks for several of a chain takes one call of its rate', () => {
  const twice = one('rate:1/60')
  const { reservations } = rated([twice, twice], new Map(), 'agent-1', START)
  assert.deepEqual(
    reservations.map(({ calls }) => calls),
    [1],
  )
})

test('no address is left, whatever surrounds it', () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,12}$/)
  const address = fc.tuple(word, word).map(([name, domain]) => `${name}@${domain}.example`)
  const around = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(around, address, around, (before, mail, after) => {
      const met = meetOnResult({ content: [{ type: 'text', text: `${before} ${mail} ${after}` }] }, [
        one('redact:emails'),
      ])
      assert.ok(!JSON.stringify(met).includes(mail))
    }),
  )
})
