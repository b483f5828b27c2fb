import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completed } from './completed.ts'

test('what an earlier release did not know yet is empty, what it learned stays', () => {
  const map = new Map([['a', 1]])
  const empty = {
    habit: { keys: { values: new Map(), total: 0 }, names: [0] },
    latest: null,
    asked: [],
    n: 0,
  }
  assert.deepEqual(
    completed(empty, { habit: { names: [7] }, latest: { at: 3 }, asked: 5, n: 2, more: true }),
    {
      habit: { keys: { values: new Map(), total: 0 }, names: [7] },
      latest: { at: 3 },
      asked: [],
      n: 2,
      more: true,
    },
  )
  const whole = { habit: { keys: { values: map, total: 1 }, names: [] }, latest: null, asked: [1], n: 4 }
  assert.deepEqual(completed(empty, whole), whole)
  for (const other of [undefined, null, 7, 'x', [], map]) assert.deepEqual(completed(empty, other), empty)
})
