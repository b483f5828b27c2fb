import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyPage } from './every-page.ts'

test('reads on until there is no more, also where the last page is full', async () => {
  for (const count of [0, 1, 999, 1000, 1001, 2048, 3000]) {
    const rows = Array.from({ length: count }, (_, at) => ({ id: String(at).padStart(5, '0') }))
    const all = await everyPage(async ({ after = '', limit = 100 }) =>
      rows.filter(({ id }) => id > after).slice(0, limit),
    )
    assert.deepEqual(all, rows)
  }
})
