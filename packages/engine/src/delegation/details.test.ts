import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation, TaskDetails } from '@safeconduct/protocol'
import fc from 'fast-check'
import { details } from '../testing/world.ts'
import { checkDetails, climbs, valuesAt } from './details.ts'

const AT = 1_000_000

function tool(name: string, args: Operation['args'] = {}): Operation {
  return { server: 'market', method: 'tools/call', kind: 'tool', name, args }
}

function resource(name: string): Operation {
  return { server: 'market', method: 'resources/read', kind: 'resource', name, args: { uri: name } }
}

function check(of: Partial<TaskDetails>, operation: Operation, ignoreArguments = false) {
  return checkDetails(details(of), { operation, at: AT, ignoreArguments })
}

test('absent lists do not bound, empty lists allow nothing', () => {
  assert.equal(check({}, tool('buy')), null)
  assert.equal(check({ tools: [] }, tool('buy'))?.member, 'tools')
  assert.equal(check({ servers: [] }, tool('buy'))?.member, 'servers')
  assert.equal(check({ resources: [] }, resource('file:///a'))?.member, 'resources')
})

test('tools by name and by server', () => {
  assert.equal(check({ tools: ['market/*'] }, tool('buy')), null)
  assert.equal(check({ tools: ['market/buy'] }, tool('buy')), null)
  assert.equal(check({ tools: ['market/bu'] }, tool('buy'))?.code, 'denied')
  assert.equal(check({ tools: ['mark/*'] }, tool('buy'))?.code, 'denied')
})

test('expiry is in seconds, and the second itself is past', () => {
  assert.equal(check({ expires: AT / 1000 + 1 }, tool('buy')), null)
  assert.equal(check({ expires: AT / 1000 }, tool('buy'))?.code, 'expired')
})

test('every bound of an argument holds, and an absent or foreign value breaks it', () => {
  const limits = (limit: object): Partial<TaskDetails> => ({
    argument_limits: { 'market/buy': { n: limit } },
  })
  assert.equal(check(limits({ max: 5 }), tool('buy', { n: 5 })), null)
  for (const n of [6, '5', null, true, [4, 6], Number.NaN]) {
    assert.notEqual(check(limits({ max: 5 }), tool('buy', { n })), null, JSON.stringify(n))
  }
  assert.notEqual(check(limits({ max: 5 }), tool('buy')), null)
  assert.equal(check(limits({ min: 2 }), tool('buy', { n: 2 })), null)
  assert.notEqual(check(limits({ min: 2 }), tool('buy', { n: 1 })), null)
  assert.equal(check(limits({ oneOf: ['a', 1] }), tool('buy', { n: 1 })), null)
  assert.notEqual(check(limits({ oneOf: ['a', 1] }), tool('buy', { n: '1' })), null)
  assert.equal(check(limits({ max: 5 }), tool('sell', { n: 9 })), null, 'limits of another tool')
  assert.equal(check(limits({ max: 5 }), tool('buy'), true), null, 'a listing has no arguments')
})

test('a limit offers a value at which it holds', () => {
  const limited = { argument_limits: { 'market/buy': { n: { max: 5, min: 1 } } } }
  assert.deepEqual(check(limited, tool('buy', { n: 9 }))?.fit, { path: 'n', value: 5 })
  assert.deepEqual(check(limited, tool('buy', { n: 0 }))?.fit, { path: 'n', value: 1 })
  assert.equal(check(limited, tool('buy', { n: 'x' }))?.fit, null)
})

test('a prefix cannot be climbed out of', () => {
  const limited = { argument_limits: { 'market/buy': { path: { prefix: '/home/u/' } } } }
  assert.equal(check(limited, tool('buy', { path: '/home/u/a..b/c' })), null)
  for (const path of [
    '/home/u/../x',
    '/home/u/a/%2E%2e/b',
    '/home/u/..\\x',
    '/home/u/..%2fx',
    '/home/user',
  ]) {
    assert.notEqual(check(limited, tool('buy', { path })), null, path)
  }
  assert.equal(check({ resources: ['file:///a/'] }, resource('file:///a/b')), null)
  assert.notEqual(check({ resources: ['file:///a/'] }, resource('file:///a/../b')), null)
  assert.equal(climbs('a/b/..'), true)
})

test('a dotted path reaches through arrays, and every item counts', () => {
  assert.deepEqual(
    valuesAt({ order: { items: [{ n: 1 }, { n: [2, 3] }, { m: 4 }] } }, 'order.items.n'),
    [1, 2, 3],
  )
  assert.deepEqual(valuesAt({}, 'order.n'), [])
  assert.deepEqual(valuesAt({ a: 1 }, 'toString'), [])
})

test('whatever the arguments: a call that passes max holds a number at most max', () => {
  const limited = { argument_limits: { 'market/buy': { n: { max: 10 } } } }
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('n', 'm', '__proto__'), fc.jsonValue()), (args) => {
      if (check(limited, tool('buy', args as Operation['args'])) !== null) return
      const values = valuesAt(args as Operation['args'], 'n')
      assert.ok(values.length > 0)
      assert.ok(values.every((value) => typeof value === 'number' && value <= 10))
    }),
  )
})
