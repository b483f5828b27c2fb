import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSalts } from './salts.ts'

test('no salt is given twice, beyond what is drawn at once', () => {
  const salt = createSalts()
  const other = createSalts()
  const given = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? salt() : other()))
  assert.equal(new Set(given).size, given.length)
  for (const each of given) assert.match(each, /^[0-9a-f]{32}$/)
})
