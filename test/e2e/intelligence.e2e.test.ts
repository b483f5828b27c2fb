/**
 * @module The operator's list of known bad addresses, from the file to the explanation of a call over HTTP.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { readConfig } from '@safeconduct/protocol'
import { startDaemon } from 'safeconduct'
import { openDesk } from '../policy/desk.ts'

const ENTRY = { id: 'mule-7', kind: 'account', value: 'MULE-0007', source: 'own', confidence: 0.95 }

test('a call to an account on the list is doubted, and the explanation names the list', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-intelligence-'))
  const file = path.join(folder, 'bad.jsonl')
  writeFileSync(file, `${JSON.stringify(ENTRY)}\n`)
  const desk = await openDesk({ SAFECONDUCT_INDICATORS: file })
  try {
    const bad = await desk.trader.call('transfer', { amount: 10, to_account: 'mule 0007', reference: 'fee' })
    assert.equal(bad.ok, false)
    const explained = await desk.run('explain', bad.decision ?? '')
    assert.match(explained.out, /4\.2 bits {2}An address in the argument to_account stands on the list own/)
  } finally {
    await desk.close()
    rmSync(folder, { recursive: true })
  }
})

test('a list that cannot be read stops the start, with file and line', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-intelligence-'))
  const file = path.join(folder, 'bad.jsonl')
  writeFileSync(file, `${JSON.stringify(ENTRY)}\n{"id":"x"}\n`)
  try {
    const config = readConfig({
      SAFECONDUCT_DATA: path.join(folder, 'd'),
      SAFECONDUCT_PORT: '0',
      SAFECONDUCT_INDICATORS: file,
    })
    await assert.rejects(startDaemon(config), /bad\.jsonl:2: /)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
