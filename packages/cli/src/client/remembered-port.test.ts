import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { rememberedPort, rememberPort } from './remembered-port.ts'

it('a port is remembered in the data directory, and nothing else is taken for one', () => {
  const data = mkdtempSync(path.join(tmpdir(), 'sc-'))
  try {
    assert.equal(rememberedPort(data), null)
    rememberPort(data, 41_234)
    assert.equal(rememberedPort(data), '41234')
    for (const text of ['', '0', '99999', '80 81', '--host', '7070x']) {
      writeFileSync(path.join(data, 'port'), text)
      assert.equal(rememberedPort(data), null, text)
    }
    rememberPort(path.join(data, 'none'), 41_234)
  } finally {
    rmSync(data, { recursive: true })
  }
})
