import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { argumentTypes, representArguments } from './arguments.ts'

const SCHEMA = {
  type: 'object',
  required: ['n'],
  properties: {
    n: { type: 'integer' },
    x: { type: 'number' },
    s: { type: ['string', 'null'] },
    b: { anyOf: [{ type: 'boolean' }, { type: 'null' }] },
    tags: { type: 'array', items: { type: 'string' } },
    order: { type: 'object', properties: { amount: { type: 'number' } } },
    kind: { enum: ['a', 'b'] },
    either: { type: ['string', 'integer'] },
    mixed: { anyOf: [{ type: 'string' }, { type: 'object' }] },
    loose: {},
    __entity: { type: 'string' },
    bag: { type: 'array' },
  },
}
const TYPES = argumentTypes(SCHEMA)

test('what Cedar can type is typed, everything else is left out', () => {
  assert.deepEqual([...TYPES.keys()].sort(), ['b', 'kind', 'n', 'order', 's', 'tags', 'x'])
  assert.equal(TYPES.get('n')?.required, true)
  assert.equal(TYPES.get('x')?.type.kind, 'decimal')
  assert.equal(TYPES.get('s')?.type.kind, 'string')
})

test('a broken schema types nothing', () => {
  for (const schema of [undefined, null, 3, 'x', [], { properties: [] }, { properties: { n: 4 } }]) {
    assert.equal(argumentTypes(schema as never).size, 0)
  }
})

test('values are represented exactly or reported', () => {
  const of = (args: object) => representArguments(TYPES, args as never)
  assert.deepEqual(of({ n: 3, x: 1.5, s: 'a', b: true, tags: ['a'], order: { amount: 2 } }), {
    values: {
      n: 3,
      x: { __extn: { fn: 'decimal', arg: '1.5000' } },
      s: 'a',
      b: true,
      tags: ['a'],
      order: { amount: { __extn: { fn: 'decimal', arg: '2.0000' } } },
    },
    unfit: [],
  })
  for (const args of [
    { n: 1.5 },
    { n: 2 ** 53 },
    { n: '3' },
    { x: 1e15 },
    { x: 0.00001 },
    { s: 3 },
    { tags: ['a', 1] },
    { order: { amount: 'x' } },
  ]) {
    assert.equal(of(args).unfit.length, 1, JSON.stringify(args))
  }
  assert.deepEqual(of({ s: null, n: null }), { values: {}, unfit: [] })
  assert.deepEqual(of({ loose: 1, undeclared: 2, __entity: 'x', bag: null }), {
    values: {},
    unfit: ['loose', 'undeclared', '__entity'],
  })
  assert.deepEqual(of({ order: { amount: 2, note: 'x' } }), {
    values: { order: { amount: { __extn: { fn: 'decimal', arg: '2.0000' } } } },
    unfit: ['order.note'],
  })
})

test('a declared decimal that is represented is the number that was sent', () => {
  fc.assert(
    fc.property(fc.double(), (x) => {
      const { values, unfit } = representArguments(TYPES, { x })
      if (unfit.length > 0) return assert.equal(values.x, undefined)
      const value = values.x as { __extn: { arg: string } }
      assert.ok(Number(value.__extn.arg) === x)
    }),
  )
})

test('no argument becomes an entity or an extension value by its shape', () => {
  const types = argumentTypes({
    properties: {
      o: { type: 'object', properties: { __entity: { type: 'string' }, __extn: { type: 'object' } } },
    },
  })
  const { values } = representArguments(types, {
    o: { __entity: { type: 'Agent', id: 'root' }, __extn: { fn: 'ip', arg: '::1' } },
  })
  assert.deepEqual(values, { o: {} })
})
