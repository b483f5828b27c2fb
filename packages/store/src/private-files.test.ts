import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createNewFile, createPrivateFile, preparePrivateDirectory } from './private-files.ts'
import { temporaryDirectory } from './testing/temporary.ts'

test('an absent directory is made for this user alone, its parents too', () => {
  const root = temporaryDirectory()
  const made = preparePrivateDirectory(join(root, 'a', 'b'))
  assert.equal(made, join(root, 'a', 'b'))
  for (const path of ['a', 'a/b']) assert.equal(statSync(join(root, path)).mode & 0o777, 0o700)
  assert.equal(preparePrivateDirectory(made), made)
})

test('a directory that others can reach is refused by name and mode, and stays as it is', () => {
  const root = temporaryDirectory()
  for (const mode of [0o701, 0o710, 0o740, 0o755, 0o770, 0o777]) {
    chmodSync(root, mode)
    assert.throws(() => preparePrivateDirectory(root), {
      code: 'invalid_request',
      message: new RegExp(`${root} can be reached by others \\(mode ${mode.toString(8)}\\)`),
    })
    assert.equal(statSync(root).mode & 0o777, mode)
  }
  chmodSync(root, 0o700)
  assert.equal(preparePrivateDirectory(root), root)
})

test('a directory of another user is refused', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, () => {
  const root = temporaryDirectory()
  chownSync(root, 65_534, 65_534)
  assert.throws(() => preparePrivateDirectory(root), {
    code: 'invalid_request',
    message: /belongs to another user/,
  })
})

test('what is no directory is refused; a link to one is followed and judged', () => {
  const root = temporaryDirectory()
  writeFileSync(join(root, 'file'), '')
  assert.throws(() => preparePrivateDirectory(join(root, 'file')), { code: 'invalid_request' })
  assert.throws(() => preparePrivateDirectory(join(root, 'file', 'below')), { code: 'invalid_request' })
  mkdirSync(join(root, 'open'), { mode: 0o700 })
  symlinkSync(join(root, 'open'), join(root, 'link'))
  assert.equal(preparePrivateDirectory(join(root, 'link')), join(root, 'open'))
  chmodSync(join(root, 'open'), 0o755)
  assert.throws(() => preparePrivateDirectory(join(root, 'link')), { code: 'invalid_request' })
})

test('a private file is made once and keeps what is in it', () => {
  const file = join(temporaryDirectory(), 'f')
  createPrivateFile(file)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  writeFileSync(file, 'content')
  chmodSync(file, 0o644)
  assert.equal(createNewFile(file), false)
  assert.equal(statSync(file).mode & 0o777, 0o644)
  createPrivateFile(file)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(readFileSync(file, 'utf8'), 'content')
  assert.throws(() => createPrivateFile(join(file, 'below')), { code: 'ENOTDIR' })
})

test('a place where the kernel makes no directory is refused at once', {
  skip: process.platform !== 'linux',
}, () => {
  assert.throws(() => preparePrivateDirectory('/proc/none/of/it'), { code: 'invalid_request' })
})
