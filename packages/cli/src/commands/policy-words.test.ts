import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { replayLines } from './policy-words.ts'

describe('what a replay says', () => {
  it('keeps a row within a terminal, however many policies are the reason', () => {
    const group = (by: string[], was: string[]) => ({
      count: 3,
      tool: 'market/transfer',
      from: 'deny',
      to: 'allow',
      by,
      was,
      obligations: [],
      examples: ['call-1', 'call-2'],
    })
    const many = ['agent:limited-writes', 'agent:steered-by-untrusted-text', 'agent:unusual-writes']
    const lines = replayLines({
      changed: 6,
      decisions: 9,
      compared: 9,
      settled: 0,
      from: null,
      to: null,
      groups: [group(['agent:new-one'], []), group([], many), group(['none'], [])],
      selfCheck: { compared: 9, differences: 0, skipped: 0 },
    })
    assert.deepEqual(lines[1]?.split('\n'), [
      'CALLS  TOOL             CHANGE        FOR EXAMPLE',
      '3      market/transfer  deny → allow  call-1',
      '         because of agent:new-one',
      '3      market/transfer  deny → allow  call-1',
      `         no longer ${many.join(' ')}`,
      '3      market/transfer  deny → allow  call-1',
      '         because of no permit',
    ])
  })
})
