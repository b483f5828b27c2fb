import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseModel } from './parse.ts'
import { walksOf } from './walks.ts'

const HEAD =
  'model\n  schema 1.1\ntype user\ntype d\n  relations\n    define a0: [user]\n    define b0: [user]\n'
const lines = (n: number, line: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => line(i)).join('')
const MANY = 1_000_000

test('counts what is walked: once for every relation, along chains and down every branch', () => {
  const walks = (rest: string) => walksOf(parseModel(HEAD + rest).types, MANY)
  assert.equal(walks(''), 2)
  // 2 + (2 + 3 + 4)
  assert.equal(walks(lines(3, (i) => `    define a${i + 1}: a${i}\n`)), 11)
  assert.equal(walks(lines(3, (i) => `    define a${i + 1}: [user] or a${i}\n`)), 5)
  // 1 + 1, then twice 1 + 1 + 1, then twice 1 + 3 + 3
  const both = (i: number) => `    define a${i + 1}: a${i} and b${i}\n    define b${i + 1}: a${i} and b${i}\n`
  assert.equal(walks(lines(2, both)), 2 + 2 * 3 + 2 * 7)
})

test('a model that would keep the validator busy is refused at once', () => {
  const both = (i: number) => `    define a${i + 1}: a${i} and b${i}\n    define b${i + 1}: a${i} and b${i}\n`
  const sets = (i: number) =>
    `    define a${i + 1}: [d#a${i}] and b${i}\n    define b${i + 1}: a${i} but not b${i}\n`
  const refused = { code: 'model_invalid', message: /rest on one another/ }
  assert.throws(() => parseModel(HEAD + lines(60, both)), refused)
  assert.throws(() => parseModel(HEAD + lines(60, sets)), refused)
  assert.throws(() => parseModel(HEAD + lines(2000, (i) => `    define a${i + 1}: a${i}\n`)), refused)
  assert.equal(
    parseModel(HEAD + lines(1000, (i) => `    define a${i + 1}: b0 or a0\n`)).types.get('d')?.size,
    1002,
  )
})
