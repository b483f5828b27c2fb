import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startHolder } from '../testing/child.ts'
import { temporaryDirectory } from '../testing/temporary.ts'
import { openSqliteStore } from './store.ts'

const ROUNDS = 6

test(`${ROUNDS} times kill -9: every acknowledged record is there, whole, and nothing else`, async () => {
  const directory = temporaryDirectory()
  let acknowledged = 0
  for (let round = 0; round < ROUNDS; round++) {
    const writer = startHolder([directory, 'write'])
    // At least so many commits in this round, then death at a moment of its own choosing.
    const target = acknowledged + randomInt(20, 400)
    assert.notEqual(await writer.until((line) => Number(line) >= target), null)
    await writer.kill()
    const numbers = writer.lines().slice(1).map(Number)
    acknowledged = numbers.at(-1) ?? 0

    const store = await openSqliteStore({ directory })
    const [last] = await store.users.list('acme', { newestFirst: true, limit: 1 })
    // The very last commit may have been done and not been told of any more.
    assert.ok(last !== undefined && [acknowledged, acknowledged + 1].includes(last.createdAt))
    let seen = 0
    for (let after = ''; ; ) {
      const page = await store.users.list('acme', { limit: 1000, ...(after === '' ? {} : { after }) })
      for (const user of page) {
        seen++
        assert.equal(user.createdAt, seen)
        assert.equal(user.name, `user ${seen} ${'x'.repeat(seen % 300)}`)
      }
      const end = page.at(-1)
      if (end === undefined) break
      after = end.id
    }
    assert.equal(seen, last.createdAt)
    acknowledged = seen
    await store.close()
    const database = new DatabaseSync(join(directory, 'store.db'))
    assert.equal(database.prepare('pragma integrity_check').get()?.integrity_check, 'ok')
    database.close()
  }
})

function straceWorks(): boolean {
  return spawnSync('strace', ['-f', '-e', 'trace=fsync', 'true'], { stdio: 'ignore' }).status === 0
}

const withStrace = straceWorks()
if (!withStrace) {
  process.stderr.write(
    '\n*** SKIPPED: strace is missing or may not trace here, so nobody counted the syncs behind a commit. ***\n\n',
  )
}

const skip = withStrace ? false : 'strace is missing or may not trace'
const COMMITS = 20

/** Syncs that so many commits took. */
async function syncsOf(verb: 'commits' | 'lazily'): Promise<number> {
  const directory = temporaryDirectory()
  const log = join(temporaryDirectory(), 'strace.log')
  const under = ['strace', '-f', '-e', 'trace=fsync,fdatasync,write', '-o', log]
  const traced = startHolder([directory, verb, String(COMMITS)], under)
  await traced.exited
  assert.deepEqual(traced.lines(), ['held'])
  const calls = readFileSync(log, 'utf8').split('\n')
  const begin = calls.findIndex((line) => line.includes('MARK begin'))
  const end = calls.findIndex((line) => line.includes('MARK end'))
  assert.ok(begin !== -1 && end > begin)
  return calls.slice(begin, end).filter((line) => /\b(fsync|fdatasync)\(/.test(line)).length
}

test('every commit is synced', { skip }, async () => {
  const syncs = await syncsOf('commits')
  assert.ok(syncs >= COMMITS, `${syncs} syncs for ${COMMITS} commits`)
})

test('a lazy commit waits for no disk', { skip }, async () => {
  assert.equal(await syncsOf('lazily'), 0)
})
