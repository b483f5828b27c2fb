/**
 * Any JSON schema and any arguments: types stay bounded, Cedar takes the schema, and nothing that was given is silently
 * absent for policies.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile, parseContext, parseSchema } from '@safeconduct/cedar'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@safeconduct/protocol'
import fc from 'fast-check'
import { type ArgumentField, type ArgumentType, argumentTypes, representArguments } from './arguments.ts'
import type { PolicyValue } from './engine.ts'
import { policySchema } from './schema.ts'

// No name that is one escaped character: V8 13.6 sometimes reads the member "\r" of a JSON text as "\".
const names = fc.constantFrom(
  ...['a', 'b', 'amount', 'a.b', 'a b', 'é', 'if', 'constructor', 'toString'],
  ...['""', "'", '\\\\', 'a\nb', '\u0000x', '😀', '{}'],
)
const refs = fc.constantFrom(
  ...[
    '#',
    '#/$defs/A',
    '#/$defs/B',
    '#/$defs/a~1b',
    '#/$defs/%41',
    '#/properties/a',
    '#/$defs/none',
    'x.json',
    '#/%',
  ],
)
const leaf = fc.oneof(
  fc.constantFrom<JsonValue>(
    ...['string', 'integer', 'number', 'boolean', 'null', 'object', 'array', 'any', ''].map((type) => ({
      type,
    })),
    { type: ['string', 'null'] },
    { type: ['integer', 'number'] },
    { type: ['string', 'integer'] },
    { type: [] },
    { type: 3 },
    { const: 'x' },
    { const: 3 },
    { const: 0.5 },
    { const: null },
    { enum: ['a', 'b', null] },
    { enum: [1, 2] },
    { enum: [1, 'a'] },
    { enum: [] },
    {},
    true,
    false,
    null,
    'string',
    [],
  ),
  refs.map(($ref): JsonValue => ({ $ref })),
)
const { schema } = fc.letrec<{ schema: JsonValue }>((tie) => {
  const some = tie('schema')
  const properties = fc.dictionary(names, some, { maxKeys: 4 })
  return {
    schema: fc.oneof(
      { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.record({ type: fc.constant('object'), properties, required: fc.array(names, { maxLength: 2 }) }),
      fc.record({ type: fc.constant('object'), properties, additionalProperties: some }),
      fc.record({ properties, patternProperties: properties }),
      fc.record({ type: fc.constant('array'), items: some }),
      fc.record({ type: fc.constant('array'), items: fc.array(some, { maxLength: 2 }), prefixItems: some }),
      fc.record({ anyOf: fc.array(some, { maxLength: 3 }) }),
      fc.record({ oneOf: fc.array(some, { maxLength: 3 }) }),
      fc.record({ allOf: fc.array(some, { maxLength: 2 }), type: fc.constant('object'), properties }),
    ) as fc.Arbitrary<JsonValue>,
  }
})
const inputSchema = fc
  .record({
    properties: fc.dictionary(names, schema, { maxKeys: 5 }),
    $defs: fc.record({ A: schema, B: schema, 'a/b': schema }),
  })
  .map((each): JsonObject => ({ type: 'object', ...each }))

const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom<JsonValue>('x', 'a', '', '\ud800', 1, 0, -0, 3, 0.5, 1e-7, 2 ** 53, 1e300, true, null),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(names, fc.constantFrom('__entity', '__extn', 'type', 'id')), tie('value'), {
      maxKeys: 4,
    }),
  ) as fc.Arbitrary<JsonValue>,
}))
const args = fc.dictionary(names, value, { maxKeys: 5 })

/** Values that are likely to fit, so that what is represented is tested as well as what is not. */
function fitting(fields: ReadonlyMap<string, ArgumentField>, pick: () => number): JsonObject {
  return Object.fromEntries([...fields].map(([name, { type }]) => [name, fittingValue(type, pick)]))
}

function fittingValue(type: ArgumentType, pick: () => number): JsonValue {
  switch (type.kind) {
    case 'string':
      return `s${pick()}`
    case 'boolean':
      return pick() % 2 === 0
    case 'long':
      return pick()
    case 'decimal':
      return pick() / 4
    case 'set':
      return [fittingValue(type.of, pick), fittingValue(type.of, pick)]
    case 'record':
      return fitting(type.fields, pick)
  }
}

test('Cedar takes the types of every schema and the values that were represented', () => {
  const seen = { typed: 0, values: 0, unfit: 0 }
  fc.assert(
    fc.property(inputSchema, args, names, fc.nat(100), (given, some, id, start) => {
      const fields = argumentTypes(given)
      const whole = policySchema([{ id, groups: ['write'], fields }])
      compile({ policies: 'permit(principal, action, resource);', schema: whole, validate: 'strict' })

      const only = contextOfArguments(whole, id)
      let next = start
      for (const each of [some, fitting(fields, () => next++)]) {
        const { values, unfit } = representArguments(fields, each)
        parseContext({ args: values }, only, { type: 'Action', id })
        assert.deepEqual(lost(each, values, ''), [...new Set(unfit)].sort())
        seen.values += Object.keys(values).length
        seen.unfit += unfit.length
      }
      seen.typed += fields.size
    }),
    { numRuns: 120, seed: 31 },
  )
  assert.ok(seen.typed > 100 && seen.values > 100 && seen.unfit > 100, JSON.stringify(seen))
})

/** The schema with nothing in its context but the arguments. */
function contextOfArguments(whole: object, id: string) {
  const copy = JSON.parse(JSON.stringify(whole))
  const { context } = copy[''].actions[id].appliesTo
  context.attributes = { args: context.attributes.args }
  for (const other of Object.keys(copy[''].actions)) {
    if (other.startsWith('mcp:')) delete copy[''].actions[other]
  }
  return parseSchema(copy)
}

/** Paths where something is in the arguments and not, or not the same, in the values. By definition, not by type. */
function lost(given: JsonObject, values: { readonly [name: string]: PolicyValue }, path: string): string[] {
  return Object.entries(given)
    .flatMap(([name, value]) => {
      if (value === null) return []
      const represented = Object.hasOwn(values, name) ? values[name] : undefined
      if (represented === undefined) return [`${path}${name}`]
      if (isJsonObject(value) && typeof represented === 'object' && !isJsonArray(represented)) {
        return lost(value, represented as { readonly [name: string]: PolicyValue }, `${path}${name}.`)
      }
      return same(value, represented) ? [] : [`${path}${name}`]
    })
    .sort()
}

function same(value: JsonValue, represented: PolicyValue): boolean {
  if (typeof represented !== 'object') return value === represented
  if (isJsonArray(value) && Array.isArray(represented)) {
    return (
      value.length === represented.length &&
      value.every((item, i) => same(item, represented[i] as PolicyValue))
    )
  }
  if ('__extn' in represented) {
    const { fn, arg } = represented.__extn as { fn: string; arg: string }
    return typeof value === 'number' && fn === 'decimal' && Number(arg) === value
  }
  return isJsonObject(value) && lost(value, represented as never, '').length === 0
}

test('references that multiply, circle or lead away cost little and type nothing wrong', () => {
  const many = (ref: string) =>
    Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`p${i}`, { $ref: ref }]))
  const bomb = {
    type: 'object',
    properties: many('#/$defs/n0'),
    $defs: Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [
        `n${i}`,
        { type: 'object', properties: many(`#/$defs/n${(i + 1) % 10}`) },
      ]),
    ),
  }
  assert.ok(countOf(argumentTypes(bomb)) <= 512)
  const branches = {
    type: 'object',
    properties: { x: { $ref: '#/$defs/b' } },
    $defs: { b: { anyOf: Array.from({ length: 64 }, () => ({ $ref: '#/$defs/b' })) } },
  }
  assert.equal(argumentTypes(branches).size, 0)
  const circle = {
    type: 'object',
    properties: { x: { $ref: '#/$defs/a' }, y: { $ref: '#/$defs/self' }, z: { type: 'string' } },
    $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' }, self: { $ref: '#/$defs/self' } },
  }
  assert.deepEqual([...argumentTypes(circle).keys()], ['z'])
})

function countOf(fields: ReadonlyMap<string, ArgumentField>): number {
  const sizeOf = (type: ArgumentType): number =>
    1 + (type.kind === 'set' ? sizeOf(type.of) : type.kind === 'record' ? countOf(type.fields) : 0)
  return [...fields.values()].reduce((sum, { type }) => sum + sizeOf(type), 0)
}

test('the schemas that generators of tools write', () => {
  const schema = {
    type: 'object',
    properties: {
      order: { $ref: '#/$defs/Order' },
      maybe: { anyOf: [{ $ref: '#/$defs/Order' }, { type: 'null' }], default: null },
      side: { allOf: [{ $ref: '#/$defs/Side' }] },
      version: { const: 2 },
      lines: { type: 'array', items: { $ref: '#/$defs/Order' } },
      either: { anyOf: [{ type: 'integer' }, { type: 'number' }] },
      words: { oneOf: [{ const: 'a' }, { const: 'b' }] },
      any: { anyOf: [{ type: 'string' }, { $ref: '#/$defs/Order' }] },
    },
    $defs: {
      Order: { type: 'object', properties: { amount: { type: 'number' }, note: {} }, required: ['amount'] },
      Side: { enum: ['buy', 'sell'] },
    },
  }
  const types = argumentTypes(schema)
  const kinds = Object.fromEntries([...types].map(([name, { type }]) => [name, type.kind]))
  assert.deepEqual(kinds, {
    order: 'record',
    maybe: 'record',
    side: 'string',
    version: 'long',
    lines: 'set',
    words: 'string',
  })
  const amount = { __extn: { fn: 'decimal', arg: '1.5000' } }
  assert.deepEqual(
    representArguments(types, { order: { amount: 1.5, note: {} }, any: 'x', extra: 1, maybe: null }),
    {
      values: { order: { amount } },
      unfit: ['order.note', 'any', 'extra'],
    },
  )
  assert.deepEqual(representArguments(types, { lines: [{ amount: 1.5 }, { amount: 1.5, note: 1 }] }).unfit, [
    'lines',
  ])
})
