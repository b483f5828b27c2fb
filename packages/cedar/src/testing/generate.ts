/**
 * A grammar of policies, entities and requests for property tests. Every text it makes parses; many expressions
 * are ill-typed on purpose, because errors must agree too.
 *
 * @module
 */

import fc from 'fast-check'
import type { EntityInput } from '../entities/entity-json.ts'
import type { RequestInput } from '../schema/request.ts'

const ids = ['a', 'b', 'c', 'Ω "x"']
const types = ['U', 'G', 'N::R']
const names = ['n', 's', 'b', 'set', 'rec', 'e', 'dec', 'ip', 'at', 'dur', 'odd name']

const uid = fc.record({ type: fc.constantFrom(...types), id: fc.constantFrom(...ids) })
const uidText = uid.map(({ type, id }) => `${type}::${JSON.stringify(id)}`)
const actionText = fc.constantFrom('Action::"read"', 'Action::"write"', 'Action::"any"', 'N::Action::"read"')

const decimals = fc.constantFrom(
  '0.0',
  '-0.5',
  '1.2345',
  '1.23456',
  '922337203685477.5807',
  '922337203685477.5808',
  '1',
  '',
)
const ips = fc.constantFrom(
  '10.0.0.1',
  '10.0.0.0/8',
  '::1',
  'ff00::/8',
  '127.0.0.1/32',
  '1.2.3.256',
  '::ffff:1.2.3.4',
  '01.2.3.4',
  '::/0',
  'x',
)
const datetimes = fc.constantFrom(
  '2024-02-29',
  '2023-02-29',
  '1969-12-31T23:59:59.999Z',
  '2024-10-15T11:35:00+0100',
  '0000-01-01',
  '2024-01-01T24:00:00Z',
)
const durations = fc.constantFrom(
  '1d2h3m4s5ms',
  '-1h',
  '0ms',
  '1h1d',
  '-9223372036854775808ms',
  '9223372036854775808ms',
  '',
  '3m',
  '12345678901d',
)
const longs = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(2147483648, 9007199254740991, -9007199254740991),
)
const longTexts = fc.oneof(
  longs.map(String),
  fc.constantFrom('9223372036854775807', '-9223372036854775808', '9007199254740993', '9007199254740992'),
)
const strings = fc.constantFrom('', 'a', 'ab', 'aab', 'a*b', 'Ω', '😀', 'x\ny', '"')
const patterns = fc.constantFrom('*', 'a*', '*b', 'a*b', '*a*b*', 'a\\*b', '', '**', 'Ω*', 'aa*a')

const call = (fn: string, args: fc.Arbitrary<string>) => args.map((text) => `${fn}(${JSON.stringify(text)})`)
const extensions = fc.oneof(
  call('decimal', decimals),
  call('ip', ips),
  call('datetime', datetimes),
  call('duration', durations),
)

/** Fully parenthesised, so precedence is the parser's matter and the shape is ours. */
const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const any = tie('expression')
  const attribute = fc
    .constantFrom(...names)
    .map((name) => (name === 'odd name' ? `["${name}"]` : `.${name}`))
  const operator = fc.constantFrom('==', '!=', '<', '<=', '>', '>=', '+', '-', 'in')
  const method = fc.constantFrom(
    'contains',
    'containsAll',
    'containsAny',
    'hasTag',
    'getTag',
    'isInRange',
    'lessThan',
    'greaterThanOrEqual',
    'offset',
    'durationSince',
  )
  const unaryMethod = fc.constantFrom(
    'isEmpty',
    'isIpv4',
    'isIpv6',
    'isLoopback',
    'isMulticast',
    'toDate',
    'toTime',
    'toMilliseconds',
    'toSeconds',
    'toMinutes',
    'toHours',
    'toDays',
  )
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
      fc.oneof(
        fc.constantFrom('principal', 'action', 'resource', 'context', 'true', 'false'),
        longTexts.map((text) => (text.startsWith('-') ? `(${text})` : text)),
        strings.map((text) => JSON.stringify(text).replace('\\ud83d\\ude00', '😀')),
        uidText,
        actionText,
        extensions,
        fc.tuple(fc.constantFrom('principal', 'resource', 'context'), attribute).map(([v, a]) => v + a),
      ),
      fc.tuple(any, operator, any).map(([l, o, r]) => `(${l} ${o} ${r})`),
      fc.tuple(any, fc.constantFrom('&&', '||'), any).map(([l, o, r]) => `(${l} ${o} ${r})`),
      fc.tuple(any, method, any).map(([l, m, r]) => `(${l}).${m}(${r})`),
      fc.tuple(any, unaryMethod).map(([l, m]) => `(${l}).${m}()`),
      fc.tuple(any, attribute).map(([l, a]) => `(${l})${a}`),
      fc
        .tuple(any, fc.constantFrom('n', 'rec.n', 'e.rec.n', 'zzz'))
        .map(([l, path]) => `((${l}) has ${path})`),
      fc.tuple(any, patterns).map(([l, p]) => `((${l}) like "${p}")`),
      fc.tuple(any, fc.constantFrom(...types)).map(([l, t]) => `((${l}) is ${t})`),
      fc.tuple(any, fc.constantFrom(...types), any).map(([l, t, r]) => `((${l}) is ${t} in (${r}))`),
      fc.tuple(any, any, any).map(([c, t, f]) => `(if ${c} then ${t} else ${f})`),
      fc.array(any, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
      fc.tuple(any, any).map(([a, b]) => `{n: ${a}, "odd name": ${b}}`),
      any.map((inner) => `(!(${inner}))`),
      any.map((inner) => `(-(${inner}))`),
      fc.tuple(any, any).map(([l, r]) => `(${l} * ${r})`),
    ),
  }
})

const entityScope = (variable: 'principal' | 'resource') =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(variable) },
    { weight: 1, arbitrary: uidText.map((text) => `${variable} == ${text}`) },
    { weight: 1, arbitrary: uidText.map((text) => `${variable} in ${text}`) },
    { weight: 1, arbitrary: fc.constantFrom(...types).map((type) => `${variable} is ${type}`) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...types), uidText).map(([t, u]) => `${variable} is ${t} in ${u}`),
    },
  )
const actionScope = fc.oneof(
  { weight: 3, arbitrary: fc.constant('action') },
  { weight: 1, arbitrary: actionText.map((text) => `action == ${text}`) },
  { weight: 1, arbitrary: actionText.map((text) => `action in ${text}`) },
  {
    weight: 1,
    arbitrary: fc
      .array(actionText, { minLength: 1, maxLength: 2 })
      .map((all) => `action in [${all.join(', ')}]`),
  },
)
const clause = fc
  .tuple(fc.constantFrom('when', 'unless'), expression)
  .map(([kind, body]) => `${kind} { ${body} }`)

export const policyText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('permit', 'forbid'),
    entityScope('principal'),
    actionScope,
    entityScope('resource'),
    fc.array(clause, { minLength: 0, maxLength: 2 }),
  )
  .map(([effect, p, a, r, clauses]) => `${effect}(${p}, ${a}, ${r}) ${clauses.join(' ')};`)

const extension = fc.oneof(
  fc.constantFrom('1.5', '-0.0001').map((arg) => ({ __extn: { fn: 'decimal', arg } })),
  fc.constantFrom('10.1.2.3', '::1').map((arg) => ({ __extn: { fn: 'ip', arg } })),
  fc.constantFrom('2024-02-29', '1969-12-31').map((arg) => ({ __extn: { fn: 'datetime', arg } })),
  fc.constantFrom('-1h', '1d').map((arg) => ({ __extn: { fn: 'duration', arg } })),
)
const scalar = fc.oneof(
  fc.boolean(),
  longs,
  strings,
  uid.map((ref) => ({ __entity: ref })),
  extension,
)
const attributes = fc.record(
  {
    n: longs,
    s: strings,
    b: fc.boolean(),
    set: fc.array(scalar, { maxLength: 3 }),
    rec: fc.record({ n: scalar, s: scalar }, { requiredKeys: [] }),
    e: uid.map((ref) => ({ __entity: ref })),
    dec: extension,
    ip: extension,
    at: extension,
    dur: extension,
    'odd name': scalar,
  },
  { requiredKeys: [] },
)

/** Parents come later in one fixed order, so there is no cycle. Some uids have no entity. */
const order = types.flatMap((type) => ids.map((id) => ({ type, id })))
const actions: EntityInput[] = ['read', 'write'].map((id) => ({
  uid: { type: 'Action', id },
  attrs: {},
  parents: [{ type: 'Action', id: 'any' }],
}))

export const world: fc.Arbitrary<EntityInput[]> = fc
  .array(
    fc.record({
      place: fc.nat(order.length - 1),
      attrs: attributes,
      above: fc.array(fc.nat(order.length - 1), { maxLength: 2 }),
      tags: fc.record({ a: scalar, s: scalar }, { requiredKeys: [] }),
    }),
    { maxLength: 8 },
  )
  .map((drafts) => {
    const entities = new Map<number, EntityInput>()
    for (const { place, attrs, above, tags } of drafts) {
      const parents = above.filter((other) => other > place).flatMap((other) => order[other] ?? [])
      entities.set(place, { uid: order[place] ?? { type: 'U', id: 'a' }, attrs, parents, tags })
    }
    return [...entities.values(), ...actions]
  })

export const request: fc.Arbitrary<RequestInput> = fc.record({
  principal: uid,
  action: fc.constantFrom(
    { type: 'Action', id: 'read' },
    { type: 'Action', id: 'write' },
    { type: 'N::Action', id: 'read' },
  ),
  resource: uid,
  context: attributes,
})
