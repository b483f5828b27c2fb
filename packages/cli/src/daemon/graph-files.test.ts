import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { graphFiles } from './graph-files.ts'

const NAME = '01K0000000000000000000000A'

async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text === 'fail') throw new Error('no')
    yield Buffer.from(text)
  }
}

test('a graph file is whole or not there, and private', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'graphs-'))
  try {
    const files = graphFiles(directory)
    assert.equal(files.read(NAME), null)
    await files.write(NAME, parts('ab', 'c'))
    await assert.rejects(files.write(NAME, parts('x', 'fail')), /no/)
    const folder = path.join(directory, 'relations')
    assert.deepEqual(readdirSync(folder), [`${NAME}.graph`])
    assert.equal(statSync(path.join(folder, `${NAME}.graph`)).mode & 0o777, 0o600)
    let text = ''
    for await (const part of files.read(NAME) ?? []) text += Buffer.from(part).toString()
    assert.equal(text, 'abc')
    await files.remove(NAME)
    await files.remove(NAME)
    assert.equal(files.read(NAME), null)
    for (const name of ['../x', '', NAME.toLowerCase()]) assert.throws(() => files.read(name), TypeError)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
