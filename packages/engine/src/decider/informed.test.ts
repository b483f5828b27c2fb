import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IndicatorKind } from '@safeconduct/protocol'
import type { Intelligence } from '../ports.ts'
import { call, grant, START } from '../testing/world.ts'
import { indicatorKey } from './indicator-key.ts'
import { informed } from './informed.ts'

function list(...entries: readonly (readonly [IndicatorKind, string])[]): Intelligence {
  const known = new Set(entries.map(([kind, value]) => indicatorKey(kind, value)))
  return { find: (key) => (known.has(key) ? { id: key, source: 'test', confidence: 0.9 } : null) }
}

const asked = (args: Record<string, unknown>, intelligence: Intelligence, context = {}) => {
  const base = call()
  const request = {
    ...base,
    operation: { ...base.operation, args: args as typeof base.operation.args },
    context: { ...base.context, ...context },
  }
  return informed(request, intelligence).context.intelligence?.map(({ where }) => where) ?? []
}

test('an address is found however it is written, and where it stands is said', () => {
  const bad = list(
    ['account', 'DE89 3704 0044 0532 0130 00'],
    ['host', 'evil.example.com'],
    ['email', 'pay@bad.org'],
    ['account', 'Offshore-7741-X'],
    ['ip', '203.0.113.7'],
  )
  assert.deepEqual(asked({ to: 'de89370400440532013000' }, bad), ['to'])
  assert.deepEqual(asked({ note: 'see https://www.a.evil.example.com/x?y=1 now' }, bad), ['note'])
  assert.deepEqual(asked({ note: 'mail someone@sub.evil.example.com' }, bad), ['note'])
  assert.deepEqual(asked({ list: [{ to: 'Pay@Bad.ORG' }] }, bad), ['list.to'])
  assert.deepEqual(asked({ note: 'еvil.example.com' }, bad), ['note'], 'a lookalike letter')
  assert.deepEqual(asked({ to: 'OFFSHORE 7741 X' }, bad), ['to'], 'an account of a house')
  assert.deepEqual(asked({}, bad, { ip: '::ffff:203.0.113.7' }), ['ip'])
  assert.deepEqual(asked({ to: 'good@example.com', url: 'https://example.com' }, bad), [])
})

test('the client whose id is an address is one of the addresses', () => {
  const request = call({ grant: { ...grant(), clientId: 'https://app.bad.example.com/client.json' } })
  const [match] = informed(request, list(['host', 'bad.example.com'])).context.intelligence ?? []
  assert.equal(match?.where, 'client')
})

test('what it looks at and tells is bounded, and nothing found changes nothing', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`a${i}`, `x${i}@bad.org`]))
  assert.equal(asked(many, list(['host', 'bad.org'])).length, 8)
  assert.deepEqual(asked({ text: `${'a'.repeat(100_000)} x@bad.org` }, list(['host', 'bad.org'])), [])
  const request = call({ at: START })
  assert.equal(informed(request, list()), request)
})

test('many addresses in one argument hide none in the next', () => {
  const crowd = Array.from({ length: 200 }, (_, i) => `x${i}@good.org`).join(' ')
  assert.deepEqual(asked({ note: crowd, to: 'pay@bad.org' }, list(['host', 'bad.org'])), ['to'])
})

test('no crowd of long texts hides a short value behind them', () => {
  const long = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`a${i}`, 'aa.'.repeat(5000)]))
  assert.deepEqual(asked({ ...long, to: 'pay@bad.org' }, list(['host', 'bad.org'])), ['to'])
})
