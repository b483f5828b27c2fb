import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDecimal } from './extensions/decimal.ts'
import { parseIp } from './extensions/ip.ts'
import { CedarRecord, CedarSet, canonicalKey, EntityUid, equal, typeName, type Value } from './values.ts'

const record = (fields: Record<string, Value>) => new CedarRecord(new Map(Object.entries(fields)))

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Value>(true, false, 0, 1, 2n ** 60n, '', '1', 'true', '[]', 'U::"a"', '{"a":1}'),
    fc
      .tuple(fc.constantFrom('U', 'V'), fc.constantFrom('a', 'b'))
      .map(([type, id]) => new EntityUid(type, id)),
    fc.constantFrom<Value>(
      parseDecimal('1.0'),
      parseDecimal('1.00'),
      parseDecimal('2.0'),
      parseIp('10.0.0.1/8'),
    ),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new CedarSet(items)),
    fc.dictionary(fc.constantFrom('a', 'b', '"'), tie('value'), { maxKeys: 2 }).map(record),
  ),
}))

test('equality and the canonical key say the same', () => {
  const seen = { equal: 0, different: 0 }
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.equal(equal(a, b), canonicalKey(a) === canonicalKey(b))
      assert.equal(equal(a, b), equal(b, a))
      assert.ok(equal(a, a))
      seen[equal(a, b) ? 'equal' : 'different']++
    }),
    { numRuns: 2000, seed: 7 },
  )
  assert.ok(seen.equal > 20 && seen.different > 20)
})

test('an entity uid is no concatenation of its parts', () => {
  assert.ok(!equal(new EntityUid('A', 'B::"c'), new EntityUid('A::B', 'c')))
  assert.notEqual(new EntityUid('A', 'x'), new EntityUid('A', 'x'))
  assert.ok(equal(new EntityUid('A', 'x'), new EntityUid('A', 'x')))
})

test('sets drop duplicates, ignore order and compare members structurally', () => {
  const nested = new CedarSet([record({ a: 1 }), new CedarSet([1, 2]), 'x', 'x', 1])
  assert.equal(nested.size, 4)
  assert.ok(nested.has(new CedarSet([2, 1, 1])))
  assert.ok(nested.has(record({ a: 1 })))
  assert.ok(!nested.has(record({ a: 2 })))
  assert.ok(!nested.has(true))
  assert.ok(nested.hasAll(new CedarSet(['x', record({ a: 1 })])))
  assert.ok(!nested.hasAll(new CedarSet(['x', 'y'])))
  assert.ok(nested.hasAny(new CedarSet(['y', new CedarSet([1, 2])])))
  assert.ok(!nested.hasAny(new CedarSet([])))
  assert.ok(new CedarSet([]).hasAll(new CedarSet([])))
})

test('`__proto__` is a field like any other', () => {
  const odd = new CedarRecord(new Map<string, Value>([['__proto__', 1]]))
  assert.equal(odd.fields.get('__proto__'), 1)
  assert.equal(record({}).fields.get('toString'), undefined)
  assert.ok(!equal(odd, record({})))
})

test('types are named as Cedar names them', () => {
  const names = [
    true,
    1,
    2n ** 60n,
    'x',
    new EntityUid('A', 'x'),
    new CedarSet([]),
    record({}),
    parseIp('::1'),
  ].map(typeName)
  assert.deepEqual(names, [
    'bool',
    'long',
    'long',
    'string',
    '(entity of type `A`)',
    'set',
    'record',
    'ipaddr',
  ])
})
