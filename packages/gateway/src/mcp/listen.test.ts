import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { readWanted, writeWanted } from './listen.ts'
import { negotiate } from './revisions.ts'

describe('what a subscription wants', () => {
  it('is read and written, what was not asked for left out', () => {
    const wanted = readWanted({
      notifications: { toolsListChanged: true, promptsListChanged: 'yes', resourceSubscriptions: ['a:b'] },
    })
    assert.deepEqual(writeWanted(wanted), { toolsListChanged: true, resourceSubscriptions: ['a:b'] })
    assert.deepEqual(writeWanted(readWanted(null)), {})
  })
  for (const notifications of [
    [],
    'x',
    { resourceSubscriptions: 'a:b' },
    { resourceSubscriptions: [7] },
    { resourceSubscriptions: [''] },
    { resourceSubscriptions: Array.from({ length: 257 }, () => 'a:b') },
  ] as const) {
    it(`refuses ${JSON.stringify(notifications).slice(0, 50)}`, () => {
      assert.throws(
        () => readWanted({ notifications }),
        (error) => isSafeconductError(error) && error.code === 'invalid_params',
      )
    })
  }
})

describe('the revision of a session', () => {
  for (const [proposed, upstream, agreed] of [
    ['2025-11-25', '2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-11-25', '2025-06-18'],
    ['2025-11-25', '2025-06-18', '2025-06-18'],
    ['2025-11-25', '2024-11-05', '2025-06-18'],
    ['2099-01-01', '2025-11-25', '2025-11-25'],
    [7, '2025-03-26', '2025-06-18'],
  ] as const) {
    it(`${proposed} with ${upstream}: ${agreed}`, () => assert.equal(negotiate(proposed, upstream), agreed))
  }
})
