import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { knownTool } from '../integrity/catalogue.ts'
import { call, definition, pinned } from '../testing/world.ts'
import { signalOf } from './signal.ts'

const SHARE = definition('share_file', {
  hints: { type: 'array', items: { type: 'number' } },
  recipients: { type: 'array', items: { type: 'string' } },
  amount: { type: 'number' },
})
const seen = (args: JsonObject) =>
  signalOf(call({ tool: 'share_file', args }), knownTool(pinned(SHARE), undefined), null)
const people = Array.from({ length: 40 }, (_, i) => `p${i}@example.com`)

test('a long list in front hides no number of another argument, and of itself keeps the largest', () => {
  const { numbers } = seen({ hints: Array.from({ length: 100 }, (_, i) => i), amount: 9e9 })
  assert.ok(numbers.length <= 16)
  assert.ok(numbers.some(([path, value]) => path === 'amount' && value === 9e9))
  const big = seen({ hints: [...Array.from({ length: 100 }, () => 1), 7e7] })
  assert.ok(big.numbers.some(([, value]) => value === 7e7))
})

test('many that are known hide nobody behind them', () => {
  const usual = seen({ recipients: people })
  const other = seen({ recipients: [...people.slice(0, -1), 'evil@attacker.example'] })
  assert.ok(usual.parties.length <= 16 && usual.parties.length > 0)
  assert.notDeepEqual(usual.parties, other.parties)
  assert.deepEqual(usual.parties, seen({ recipients: people }).parties)
})
