import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { lockDataDirectory, readHolder } from './data-directory.ts'
import { openSqliteStore } from './sqlite/store.ts'
import { startHolder } from './testing/child.ts'
import { temporaryDirectory } from './testing/temporary.ts'

test('another process is refused, again and again, and nothing that we do here drops the lock', async () => {
  const directory = temporaryDirectory()
  const lock = lockDataDirectory(directory)
  const store = await openSqliteStore({ directory })
  for (let round = 0; round < 2; round++) {
    assert.throws(() => lockDataDirectory(directory), { code: 'already_running' })
    await assert.rejects(() => openSqliteStore({ directory }), { code: 'already_running' })
    assert.equal(readHolder(directory)?.pid, process.pid)
    const other = startHolder([directory, 'hold'])
    assert.equal(await other.until((line) => line !== ''), 'refused already_running')
    await other.exited
  }
  await store.close()
  lock.release()
  const free = startHolder([directory, 'hold'])
  assert.equal(await free.until((line) => line !== ''), 'held')
  await free.kill()
})

test('a store alone is held against other processes, too', async () => {
  const directory = temporaryDirectory()
  const store = await openSqliteStore({ directory })
  const other = startHolder([directory, 'hold'])
  assert.equal(await other.until((line) => line !== ''), 'refused already_running')
  await other.exited
  await store.close()
})

test('a lock that nobody refers to is still held', async () => {
  const directory = temporaryDirectory()
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  lockDataDirectory(directory)
  for (let round = 0; round < 20; round++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.throws(() => lockDataDirectory(directory), { code: 'already_running' })
})

test('kill -9 frees the directory, and only then', async () => {
  const directory = temporaryDirectory()
  for (let round = 0; round < 4; round++) {
    const holder = startHolder([directory, 'hold'])
    assert.equal(await holder.until((line) => line !== ''), 'held')
    assert.throws(() => lockDataDirectory(directory), { code: 'already_running' })
    await holder.kill()
    lockDataDirectory(directory).release()
  }
})

const TMPFS = 0x01021994
const memory = '/dev/shm'

function hasTmpfs(): boolean {
  try {
    return statfsSync(memory).type === TMPFS
  } catch {
    return false
  }
}

test('a directory in memory is told of', { skip: hasTmpfs() ? false : 'no tmpfs here' }, () => {
  const directory = mkdtempSync(join(memory, 'safeconduct-'))
  try {
    const warnings: string[] = []
    lockDataDirectory(directory, { warn: (message) => warnings.push(message) }).release()
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /tmpfs/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
