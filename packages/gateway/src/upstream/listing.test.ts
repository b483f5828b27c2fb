import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createListing } from './listing.ts'

const tool = (name: string, header?: string) => ({
  name,
  inputSchema: {
    type: 'object',
    properties: { a: { type: 'string', ...(header === undefined ? {} : { 'x-mcp-header': header }) } },
  },
})

describe('what was listed', () => {
  it('is fresh until it is too old', () => {
    const listing = createListing(100)
    assert.equal(listing.fresh(0), false)
    listing.store(listing.begin(), [tool('a')], 0)
    assert.deepEqual([listing.fresh(99), listing.fresh(100)], [true, false])
    assert.deepEqual([listing.has('a'), listing.has('b')], [true, false])
  })

  it('is stale after a change, also one announced while it was being fetched', () => {
    const listing = createListing(100)
    const begun = listing.begin()
    listing.changed()
    listing.store(begun, [tool('a')], 0)
    assert.equal(listing.fresh(1), false)
    listing.store(listing.begin(), [tool('a')], 1)
    assert.equal(listing.fresh(1), true)
    listing.changed()
    assert.equal(listing.fresh(1), false)
  })

  it('says which arguments are repeated in headers, and none for a bad declaration', () => {
    const listing = createListing(100)
    listing.store(listing.begin(), [tool('a', 'A'), tool('b', 'not a token'), { name: 7 }], 0)
    assert.deepEqual(
      listing.params('a').map(({ name }) => name),
      ['A'],
    )
    assert.deepEqual([listing.params('b'), listing.params('unknown')], [[], []])
  })
})
