import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockDataDirectory, readHolder } from './data-directory.ts'
import { acquireLock } from './exclusive-lock.ts'
import type { FileSystemVerdict } from './file-system.ts'
import { temporaryDirectory } from './testing/temporary.ts'

test('the first taker has the directory, the second is told who has it', () => {
  const directory = join(temporaryDirectory(), 'data')
  const lock = lockDataDirectory(directory)
  assert.equal(lock.directory, directory)
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.throws(() => lockDataDirectory(directory), {
      code: 'already_running',
      message: `A daemon already runs on ${directory} (process ${process.pid}).`,
      details: { directory, pid: process.pid },
    })
  }
  lock.release()
  lock.release()
  assert.equal(existsSync(join(directory, 'holder.json')), false)
  const next = lockDataDirectory(directory)
  lock.release()
  assert.throws(() => lockDataDirectory(directory), { code: 'already_running' })
  next.release()
})

test('everything in the directory is for this user alone', () => {
  const directory = join(temporaryDirectory(), 'data')
  const lock = lockDataDirectory(directory)
  assert.equal(statSync(directory).mode & 0o777, 0o700)
  for (const name of ['lock.db', 'holder.json']) {
    assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name)
  }
  lock.release()
})

test('the holder file is a hint: stale, absent or garbled, it neither locks nor frees', () => {
  const directory = temporaryDirectory()
  const holder = join(directory, 'holder.json')
  writeFileSync(holder, JSON.stringify({ pid: 1, bootId: null }))
  const lock = lockDataDirectory(directory)
  assert.equal(readHolder(directory)?.pid, process.pid)
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{"pid":"1","bootId":null}',
    '{"pid":1}',
    '{"pid":1.5,"bootId":null}',
  ]) {
    writeFileSync(holder, text)
    assert.equal(readHolder(directory), null, text)
    assert.throws(() => lockDataDirectory(directory), { message: `A daemon already runs on ${directory}.` })
  }
  writeFileSync(holder, JSON.stringify({ pid: 7, bootId: 'of an earlier start of the machine' }))
  assert.equal(readHolder(directory), null)
  lock.release()
  assert.equal(readHolder(directory), null)
})

test('a directory that is not private is refused before anything is written', () => {
  const directory = temporaryDirectory()
  chmodSync(directory, 0o755)
  assert.throws(() => lockDataDirectory(directory), { code: 'invalid_request' })
  chmodSync(directory, 0o700)
  assert.equal(existsSync(join(directory, 'lock.db')), false)
})

test('storage in memory or below an unknown layer is told of, a network file system is refused', () => {
  const directory = temporaryDirectory()
  const warnings: string[] = []
  const on = (kind: FileSystemVerdict['kind'], name: string) =>
    lockDataDirectory(directory, {
      warn: (message) => warnings.push(message),
      fileSystem: () => ({ kind, name }),
    })
  on('durable', 'ext4').release()
  assert.deepEqual(warnings, [])
  on('volatile', 'tmpfs').release()
  on('unsure', 'FUSE').release()
  assert.match(warnings.join('\n'), /in memory \(tmpfs\).*\n.*on FUSE/)
  assert.throws(() => on('remote', 'NFS'), {
    code: 'invalid_request',
    message: /network file system \(NFS\)/,
  })
  assert.equal(warnings.length, 2)
  lockDataDirectory(directory, { fileSystem: () => ({ kind: 'volatile', name: 'tmpfs' }) }).release()
})

test('a holder file that cannot be written frees the lock again', () => {
  const directory = temporaryDirectory()
  mkdirSync(join(directory, 'holder.json'))
  assert.throws(() => lockDataDirectory(directory), { code: 'internal' })
  acquireLock(join(directory, 'lock.db'))()
})

test('a lock file that is no database is refused by name, not taken for free', () => {
  const file = join(temporaryDirectory(), 'lock.db')
  writeFileSync(file, 'garbage '.repeat(1000))
  assert.throws(() => acquireLock(file), { code: 'internal', details: { file } })
  assert.equal(readFileSync(file, 'utf8').length, 8000)
})
