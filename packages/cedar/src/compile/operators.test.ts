/** Operators on values that are only known when asked, then against constants, which are compiled another way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntityStore } from '../entities/entity-store.ts'
import { wasmOracle } from '../oracle/wasm-oracle.ts'
import {
  type Authorization,
  type AuthorizationRequest,
  type CompiledPolicySet,
  compile,
} from '../policy-set.ts'

const context = {
  one: 1,
  two: 2,
  uno: 1,
  big: 2n ** 53n + 1n,
  bigger: 2n ** 53n + 2n,
  text: 'x',
  yes: true,
  early: { __extn: { fn: 'datetime', arg: '2024-01-01' } },
  late: { __extn: { fn: 'datetime', arg: '2024-01-02' } },
  day: { __extn: { fn: 'duration', arg: '1d' } },
  hours: { __extn: { fn: 'duration', arg: '24h' } },
  user: { __entity: { type: 'U', id: 'ann' } },
  team: { __entity: { type: 'G', id: 'red' } },
  other: { __entity: { type: 'G', id: 'blue' } },
  numbers: [1, 2, 2],
  some: [2],
  mixed: [1, { n: 1 }, [1], { __entity: { type: 'U', id: 'ann' } }],
  record: { n: 1 },
  empty: [],
}
const entities = EntityStore.from([
  { uid: { type: 'U', id: 'ann' }, attrs: { n: 1 }, tags: { t: 'v' }, parents: [{ type: 'G', id: 'red' }] },
])

type Outcome = 'true' | 'false' | 'error'

function outcome({ decision, errors }: Authorization): Outcome {
  if (errors.length > 0) return 'error'
  return decision === 'allow' ? 'true' : 'false'
}

function asked(expression: string): {
  readonly set: CompiledPolicySet
  readonly request: AuthorizationRequest
} {
  const policies = `permit(principal, action, resource) when { ${expression.replace(/\$/g, 'context.')} };`
  const { big: _big, bigger: _bigger, ...small } = context
  const request = {
    principal: { type: 'U', id: 'ann' },
    action: { type: 'Action', id: 'r' },
    resource: { type: 'D', id: 'd' },
    context: expression.includes('$big') ? context : small,
    entities,
  }
  return { set: compile({ policies, validate: 'none' }), request }
}

const table: Readonly<Record<Outcome, readonly string[]>> = {
  true: [
    ...['$one <= $uno', '$one >= $uno', '$one < $two', '$two > $one', '$one == $uno', '$one != $two'],
    ...['$big < $bigger', '$big <= $big', '$big != $bigger', '$one < $big', '$big > $one'],
    ...['$early < $late', '$early <= $early', '$day == $hours', '$day <= $hours', '$late >= $early'],
    ...[
      '$one + $uno == $two',
      '$two - $one == $uno',
      '$two * $two == 4',
      '-$one < $uno',
      '$big + $one == $bigger',
    ],
    ...[
      '$user in $team',
      '$user in $user',
      '$user in [$other, $team]',
      '!($user in $other)',
      '!($user in $empty)',
    ],
    ...[
      '$numbers.contains($one)',
      '$numbers.containsAll($some)',
      '$some.containsAny($numbers)',
      '$empty.isEmpty()',
    ],
    ...[
      '$mixed.contains($record)',
      '$mixed.contains($user)',
      '$mixed.containsAll([$user])',
      '$numbers == [2, 1]',
    ],
    ...['!$mixed.contains($team)', '!$some.containsAll($numbers)', '!$some.containsAny($empty)'],
    ...['!$mixed.containsAll([$team])', '$mixed.containsAny([$user])', '!$mixed.containsAny([$team])'],
    ...[
      '$user.hasTag("t")',
      '$user.getTag("t") == "v"',
      '!$team.hasTag("t")',
      '$user.n == $one',
      '$record has n',
    ],
    ...[
      '$one != $text',
      '$user != $one',
      '!($record == $user)',
      '$user is U',
      '$user is U in $team',
      '!($team is U)',
    ],
    ...[
      'principal.n == $one',
      'principal == $user',
      'principal in $team',
      '!(resource has n)',
      'principal has n',
    ],
    ...['$yes || $text', '!$yes || true', 'if $yes then $yes else $text'],
  ],
  false: ['$one > $uno', '$one < $uno', '$early > $late', '$yes && $user in $other', '!$yes && $text'],
  error: [
    ...[
      '$one < $text',
      '$early < $day',
      '$one <= $early',
      '$text > $text',
      '$one + $text',
      '!$one',
      '-$text',
    ],
    ...['9223372036854775807 + $one > 0', '-9223372036854775807 - $two < 0', '$big * $big > 0'],
    ...[
      '$user in [$team, $one]',
      '$user in [$team, $record]',
      '$one in $team',
      '$user in $one',
      '$text.contains($one)',
      '$some.containsAll($one)',
    ],
    ...[
      '$team.n == $one',
      '$user.missing == $one',
      '$record.missing == $one',
      '$one.n',
      'resource.n == $one',
    ],
    ...['$user.getTag("missing") == "v"', '$team.getTag("t") == "v"', '$text.getTag("t")', '$one is U'],
    ...[
      '$one && $yes',
      '$yes && $one',
      '!$yes || $one',
      'if $one then $yes else $yes',
      '$one has n',
      '$text.isEmpty()',
    ],
  ],
}

for (const [wanted, expressions] of Object.entries(table)) {
  test(`operators: ${wanted}`, () => {
    for (const expression of expressions) {
      const { set, request } = asked(expression)
      assert.equal(outcome(set.authorize(request)), wanted, expression)
      // cedar-wasm cannot be asked about Longs beyond 2^53-1.
      if (expression.includes('$big')) continue
      assert.equal(outcome(wasmOracle(set).authorize(request)), wanted, `${expression}, by cedar-wasm`)
    }
  })
}

const comparisons = {
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
  '==': (a: number, b: number) => a === b,
  '!=': (a: number, b: number) => a !== b,
}

test('comparisons with a constant on either side, at, below and above it', () => {
  const ruled = (expression: string) => {
    const { set, request } = asked(expression)
    return outcome(set.authorize(request))
  }
  for (const [operator, holds] of Object.entries(comparisons)) {
    for (const constant of [0, 1, 2]) {
      assert.equal(
        ruled(`$one ${operator} ${constant}`),
        `${holds(1, constant)}`,
        `1 ${operator} ${constant}`,
      )
      assert.equal(
        ruled(`${constant} ${operator} $one`),
        `${holds(constant, 1)}`,
        `${constant} ${operator} 1`,
      )
    }
    assert.equal(ruled(`$big ${operator} 2`), `${holds(3, 2)}`, `large ${operator} 2`)
    const equality = operator === '==' || operator === '!='
    assert.equal(ruled(`$text ${operator} 2`), equality ? `${operator === '!='}` : 'error')
    assert.equal(ruled(`$text ${operator} "x"`), equality ? `${operator === '=='}` : 'error')
  }
})

test('what constants say of entities is asked of the entities, not decided beforehand', () => {
  for (const expression of [
    'U::"ann".hasTag("t")',
    '!U::"bob".hasTag("t")',
    'U::"ann".getTag("t") == "v"',
    'U::"ann" in G::"red"',
    'U::"ann" in [G::"blue", G::"red"]',
    'U::"ann" is U in G::"red"',
    'U::"ann".n == 1',
    'U::"ann" has n',
  ]) {
    const { set, request } = asked(expression)
    assert.equal(outcome(set.authorize(request)), 'true', expression)
    assert.equal(outcome(wasmOracle(set).authorize(request)), 'true', `${expression}, by cedar-wasm`)
    const nobody = outcome(set.authorize({ ...request, entities: new EntityStore() }))
    assert.notEqual(nobody, expression.startsWith('!') ? 'false' : 'true', `${expression}, of nobody`)
  }
})
