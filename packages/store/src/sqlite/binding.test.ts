import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindable, countParameters } from './binding.ts'

test('whole numbers are bound as integers, others as they are', () => {
  assert.equal(bindable(5), 5n)
  assert.equal(bindable(-0), 0n)
  assert.equal(bindable(Number.MAX_SAFE_INTEGER), 9007199254740991n)
  assert.equal(bindable(2n ** 63n - 1n), 2n ** 63n - 1n)
  assert.equal(bindable(0.5), 0.5)
  assert.equal(bindable('a\u0000b'), 'a\u0000b')
  assert.equal(bindable(null), null)
  const bytes = Uint8Array.of(1)
  assert.equal(bindable(bytes), bytes)
})

test('what would be bound as something else is refused', () => {
  const values = [undefined, true, false, new Date(), {}, [], Symbol('s'), () => 1, 2 ** 53, -(2 ** 60)]
  for (const value of [
    ...values,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '\ud800',
    'a\udc00',
    new ArrayBuffer(1),
  ]) {
    assert.throws(() => bindable(value), TypeError)
  }
})

test('parameters are counted outside literals, names and comments', () => {
  const cases: [string, number][] = [
    ['select 1', 0],
    ['select ?', 1],
    ['insert into t values (?, ?, ?);  \n', 3],
    ["select '?', ?", 1],
    ["select 'it''s ?', ?", 1],
    ['select "a?b", `c?`, [d?] from t where x = ?', 1],
    ['select ? -- ? and :name; ?\n, ?', 2],
    ['select /* ? ; */ ?', 1],
    ["select ';', ?", 1],
    ["select 'open ?", 0],
    ['select 1 -- ?', 0],
    ['select /* ?', 0],
  ]
  for (const [sql, count] of cases) assert.equal(countParameters(sql), count, sql)
})

test('a second statement and other kinds of parameters are refused', () => {
  for (const sql of [
    'select 1; select 2',
    'a;b',
    'select ?1',
    'select ?x',
    'select :a',
    'select @a',
    'select $a',
  ]) {
    assert.throws(() => countParameters(sql), TypeError, sql)
  }
})
