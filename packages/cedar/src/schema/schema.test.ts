import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CedarError, type CedarErrorCode } from '../errors.ts'
import { callWasm } from '../source/wasm.ts'
import { EntityUid } from '../values.ts'
import { parseContext, parseRequest } from './request.ts'
import { parseSchema } from './schema.ts'
import { describe } from './types.ts'

const refused = (code: CedarErrorCode) => (error: unknown) =>
  error instanceof CedarError && error.code === code
const text = `
  type Money = { amount: decimal, currency?: String };
  namespace App {
    type ipaddr = String;
    type Box = { inner: Money, ids: Set<Long> };
    entity User in [Team] { box: Box, home: ipaddr, real: __cedar::ipaddr, born: datetime, wait: duration, boss?: User } tags Set<String>;
    entity Team in [Team];
    entity Level enum ["low", "high"];
    action all;
    action read in [all] appliesTo { principal: [User, Level], resource: Team, context: Box };
    action ping appliesTo { principal: User, resource: User };
  }`
const schema = parseSchema(text)
const read = { type: 'App::Action', id: 'read' }

test('names are resolved, also where a common type hides a built-in one', () => {
  const user = schema.entityTypes.get('App::User')
  const types = [...(user?.attributes ?? [])].map(
    ([name, { type, required }]) => `${name}${required ? '' : '?'}: ${describe(type)}`,
  )
  assert.deepEqual(types.sort(), [
    'born: datetime',
    'boss?: App::User',
    'box: record',
    'home: string',
    'real: ipaddr',
    'wait: duration',
  ])
  assert.equal(user?.tags === undefined ? '' : describe(user.tags), 'Set<string>')
  assert.deepEqual([...(user?.ancestorTypes ?? [])], ['App::Team'])
  assert.deepEqual([...(schema.entityTypes.get('App::Level')?.ids ?? [])], ['low', 'high'])
  const above = schema.actionEntities.ancestors(new EntityUid('App::Action', 'read').key)
  assert.deepEqual([...above], [new EntityUid('App::Action', 'all').key])
})

test('the JSON form, as object or text, means the same', () => {
  const answer = callWasm((wasm) => wasm.schemaToJson(text))
  assert.equal(answer.type, 'success')
  if (answer.type !== 'success') return
  for (const form of [answer.json, JSON.stringify(answer.json)]) {
    const again = parseSchema(form)
    assert.deepEqual(again.entityTypes, schema.entityTypes)
    assert.deepEqual(again.actions, schema.actions)
  }
})

test('a bad schema is refused with its place', () => {
  for (const bad of [
    'entity',
    'entity U { a: Nope };',
    'type A = B; type B = A;',
    'type A = { a: A }; entity U { a: A };',
    'action a in [b]; action b in [a];',
    '{',
    '{"": 3}',
  ]) {
    assert.throws(() => parseSchema(bad), refused('schema_invalid'), bad)
  }
  assert.throws(
    () => parseSchema('entity U {\n  a: Nope };'),
    (error) => error instanceof CedarError && error.problems[0]?.start?.line === 2,
  )
})

test('a request must fit its action', () => {
  const context = { inner: { amount: '1.50' }, ids: [1, 2n ** 60n] }
  const request = {
    principal: { type: 'App::User', id: 'u' },
    action: read,
    resource: { type: 'App::Team', id: 't' },
    context,
  }
  const parsed = parseRequest(request, schema)
  assert.equal(
    parsed.context.canonicalKey,
    '{"ids":[1,1152921504606846976],"inner":{"amount":decimal(15000)}}',
  )
  assert.equal(parseContext(context, schema, read).canonicalKey, parsed.context.canonicalKey)
  assert.equal(parseContext(parsed.context, schema, read), parsed.context)

  const bad: [CedarErrorCode, object][] = [
    ['request_invalid', { action: { type: 'App::Action', id: 'nope' } }],
    ['request_invalid', { principal: { type: 'App::Team', id: 't' } }],
    ['request_invalid', { resource: { type: 'App::User', id: 'u' } }],
    ['entity_invalid', { principal: { type: 'App::Level', id: 'middle' } }],
    ['entity_invalid', { principal: { type: 'no name', id: 'x' } }],
    ['entity_invalid', { principal: { type: 'App::User', id: 7 } }],
    ['request_invalid', { context: [] }],
    ['value_invalid', { context: {} }],
    ['value_invalid', { context: { ...context, extra: 1 } }],
    ['value_invalid', { context: { ...context, ids: ['1'] } }],
    ['value_invalid', { context: { ...context, ids: 1 } }],
    ['value_invalid', { context: { ...context, inner: { amount: '1.23456' } } }],
    ['value_invalid', { context: { ...context, inner: { amount: 1.5 } } }],
    ['value_invalid', { context: { ...context, inner: { amount: { __extn: { fn: 'ip', arg: '::1' } } } } }],
    ['value_invalid', { context: { ...context, inner: null } }],
  ]
  for (const [code, change] of bad) {
    assert.throws(
      () => parseRequest({ ...request, ...change } as typeof request, schema),
      refused(code),
      `${code} ${Object.keys(change)}`,
    )
  }
})

test('cedar-wasm takes and refuses the same contexts', () => {
  const one = { inner: { amount: '1.50' }, ids: [] }
  const contexts = [
    one,
    { ...one, inner: { amount: { fn: 'decimal', arg: '1.5' }, currency: 'EUR' } },
    { ...one, inner: { amount: { __extn: { fn: 'decimal', arg: '1.5' } } } },
    { ...one, inner: { amount: { __extn: { fn: 'decimal', arg: 'x' } } } },
    { ...one, inner: { amount: { __extn: { fn: 'duration', arg: '1d' } } } },
    { ...one, ids: [1, 'a'] },
    { ...one, ids: [null] },
    { ...one, inner: { amount: '1.5', currency: 3 } },
    { ...one, more: true },
    { inner: one.inner },
  ]
  for (const context of contexts) {
    const call = { context: context as never, schema: text, action: read }
    const wasm = callWasm((library) => library.checkParseContext(call)).type === 'success'
    let ours = true
    try {
      parseContext(context, schema, read)
    } catch {
      ours = false
    }
    assert.equal(ours, wasm, JSON.stringify(context))
  }
})

test('types that double at every step cost no more than their text', () => {
  const steps = Array.from({ length: 40 }, (_, i) => `type T${i + 1} = { a: T${i}, b: T${i} };`)
  const doubling = parseSchema(`type T0 = Long; ${steps.slice(0, 12).join(' ')} entity U { t: T12 };`)
  const type = doubling.entityTypes.get('U')?.attributes.get('t')?.type
  assert.equal(
    type?.kind === 'record' && type.attributes.get('a')?.type === type.attributes.get('b')?.type,
    true,
  )
})

test('types that double without bound are refused before anything writes them out', () => {
  const steps = Array.from({ length: 60 }, (_, i) => `type T${i + 1} = { a: T${i}, b: T${i} };`).join(' ')
  const common = Object.fromEntries(
    Array.from({ length: 60 }, (_, i): [string, object] => [
      `T${i + 1}`,
      {
        type: 'Record',
        attributes: { a: { type: `N::T${i}` }, b: { type: 'EntityOrCommon', name: `T${i}` } },
      },
    ]).concat([['T0', { type: 'Long' }]]),
  )
  const json = { N: { commonTypes: common, entityTypes: { U: {} }, actions: {} } }
  for (const doubling of [
    `type T0 = Long; ${steps} entity U { t: T60 };`,
    `namespace N { type T0 = Set<Long>; ${steps} entity U; }`,
    `type T0 = { c: T60 }; ${steps} entity U { t: T60 };`,
    json,
    JSON.stringify(json),
  ])
    assert.throws(
      () => parseSchema(doubling),
      (error) => error instanceof CedarError,
      JSON.stringify(doubling),
    )
  assert.throws(() => parseSchema(json), refused('limit_exceeded'))
  const chain = Array.from({ length: 12_000 }, (_, i) => `type C${12_000 - i} = C${11_999 - i};`).join(' ')
  assert.throws(() => parseSchema(`type C0 = Long; ${chain}`), refused('limit_exceeded'))
})
