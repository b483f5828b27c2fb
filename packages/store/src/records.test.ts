import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { agent, user } from './conformance/fixtures.ts'
import { oauthKeys, oauthPayload } from './oauth-rows.ts'
import { COLLECTIONS, fromJson, fromRow, readPage, toJson, toNewRow, toRow } from './records.ts'

test('a record comes back from its row, whatever its strings are', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', '\u0000', '\u0001', '"', '\\', '\ud800', '😀'),
    minLength: 1,
  })
  fc.assert(
    fc.property(text, text, text, (tenant, id, name) => {
      const record = agent(id, { tenant, name })
      const row = toNewRow(record, COLLECTIONS.agents)
      assert.deepEqual(Object.keys(row.indexed), ['name', 'owner'])
      assert.deepEqual(fromRow(row), record)
    }),
  )
})

test('a body that disagrees with its row is refused', () => {
  const row = toRow(user('1'), COLLECTIONS.users)
  const other = toRow(user('2', { tenant: 'other', version: 2 }), COLLECTIONS.users)
  assert.deepEqual(fromRow(row), user('1'))
  for (const change of [{ tenant: other.tenant }, { id: other.id }, { version: 2 }, { body: other.body }]) {
    assert.throws(() => fromRow({ ...row, ...change }), { code: 'internal' })
  }
})

test('JSON that is no object any more is refused', () => {
  for (const text of ['', '{', 'null', '1', '[]', '"x"', '{} {}']) {
    assert.throws(() => fromJson(text), { code: 'internal' }, text)
  }
  assert.deepEqual(fromJson('{"a":[1]}'), { a: [1] })
})

test('what JSON would change or cannot hold is refused', () => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  let deep: unknown = []
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]
  for (const value of [{ a: Number.NaN }, { a: [Number.NEGATIVE_INFINITY] }, { a: 1n }, circular, { deep }]) {
    assert.throws(() => toJson(value), { code: 'invalid_json' })
  }
})

test('a page has defaults and bounds', () => {
  assert.deepEqual(readPage(), { after: null, limit: 100, newestFirst: false })
  assert.deepEqual(readPage({ after: 'a\u0000', limit: 1000, newestFirst: true }), {
    after: 'a\u0001\u0001',
    limit: 1000,
    newestFirst: true,
  })
  assert.throws(() => readPage({ limit: 1001 }), { code: 'invalid_request', details: { limit: 1000 } })
})

test('authorization-server payloads are found by own members only', () => {
  assert.deepEqual(oauthKeys({ uid: 'u', grantId: 'g\u0000' }), {
    uid: 'u',
    userCode: null,
    grantId: 'g\u0001\u0001',
  })
  const odd = oauthKeys({ uid: 5, userCode: '', grantId: null })
  assert.deepEqual(odd, { uid: null, userCode: null, grantId: null })
})

test('a payload is there until the millisecond it expires', () => {
  const row = { payload: '{"a":1}', expiresAt: 1000, consumedAt: null }
  assert.deepEqual(oauthPayload(row, 999), { a: 1 })
  assert.equal(oauthPayload(row, 1000), null)
  assert.deepEqual(oauthPayload({ ...row, expiresAt: null, consumedAt: 5 }, 9e15), { a: 1, consumed: 5 })
})
