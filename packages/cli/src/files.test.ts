import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { createFile, readJson, readText } from './files.ts'

describe('files that people name', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'files-'))
  after(() => rmSync(folder, { recursive: true }))
  const file = (name: string) => path.join(folder, name)

  it('names the one that is not there', () => {
    for (const read of [readText, readJson])
      assert.throws(() => read(file('none')), {
        code: 'not_found',
        message: `${file('none')} cannot be read.`,
      })
  })

  it('names the one that is not JSON', () => {
    writeFileSync(file('broken.json'), '{"a":')
    assert.throws(() => readJson(file('broken.json')), {
      code: 'invalid_json',
      message: `${file('broken.json')}: it is not valid JSON.`,
    })
    writeFileSync(file('whole.json'), '{"a":1}')
    assert.equal(JSON.stringify(readJson(file('whole.json'))), '{"a":1}')
  })

  it('makes a file once, and never over another', () => {
    createFile(file('new'))
    assert.equal(readText(file('new')), '')
    assert.throws(() => createFile(file('new')), { code: 'conflict' })
    assert.throws(() => createFile(file('no/folder')), { code: 'conflict' })
  })
})
