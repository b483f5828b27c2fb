import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { indicatorKey } from '@safeconduct/engine'
import { createIndicators } from './indicators.ts'

const GOOD = { id: 'a', kind: 'host', value: 'Evil.Example.com', source: 'own', confidence: 0.8 }

test('a list is read when it changes; one with a mistake leaves the one before it', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-indicators-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'list.jsonl')
  let tick = 1_700_000_000
  const write = (...lines: readonly unknown[]) => {
    writeFileSync(
      file,
      lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
    )
    utimesSync(file, tick, tick++)
  }
  const list = createIndicators(file)
  await assert.rejects(list.refresh(), /no such file/)
  write(
    GOOD,
    '',
    { ...GOOD, id: 'b', confidence: 0.6 },
    { ...GOOD, kind: 'ip', value: '203.0.113.7', until: '2026-01-01T00:00:00Z' },
  )
  assert.equal(await list.refresh(), true)
  assert.equal(await list.refresh(), false)
  assert.equal(list.size(), 2)
  const key = indicatorKey('host', 'evil.example.com')
  assert.deepEqual(list.find(key, 0), { id: 'a', source: 'own', confidence: 0.8 }, 'the surer of two')
  const ip = indicatorKey('ip', '203.0.113.7')
  assert.equal(list.find(ip, Date.parse('2025-12-31'))?.id, 'a')
  assert.equal(list.find(ip, Date.parse('2026-01-01')), null)
  for (const wrong of ['{', { ...GOOD, confidence: 1 }, { ...GOOD, colour: 'red' }]) {
    write({ ...GOOD, id: 'c' }, wrong)
    await assert.rejects(list.refresh(), /list\.jsonl:2: /)
    assert.equal(list.find(key, 0)?.id, 'a')
  }
  write({ ...GOOD, id: 'd' })
  await list.refresh()
  assert.equal(list.find(key, 0)?.id, 'd')
})

test('what is no file, or has no end of a line, is refused and not waited for', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-indicators-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const none of [folder, '/dev/zero'])
    await assert.rejects(createIndicators(none).refresh(), { code: 'invalid_request' })
  const file = path.join(folder, 'list.jsonl')
  writeFileSync(file, ' '.repeat(1_000_000))
  await assert.rejects(createIndicators(file).refresh(), /list\.jsonl:1: a line has at most/)
  writeFileSync(file, `${JSON.stringify(GOOD)}\r\n${JSON.stringify({ ...GOOD, kind: 'ip', value: '::1' })}`)
  const list = createIndicators(file)
  await list.refresh()
  assert.equal(list.size(), 2)
})
