/**
 * Program of the end-to-end tests: takes a data directory and its store, then does as it is told.
 *
 *     node holder.ts DIRECTORY write        commits one user after another, printing each number once it is durable
 *     node holder.ts DIRECTORY commits N    N commits between two marks on standard error, then leaves
 *     node holder.ts DIRECTORY lazily N     the same, each of them lazy
 *     node holder.ts DIRECTORY hold         only holds
 *
 * Prints `held` when it has the directory, or `refused CODE` and leaves.
 * @module
 */
import { writeSync } from 'node:fs'
import { toSafeconductError } from '@safeconduct/protocol'
import { lockDataDirectory } from '../data-directory.ts'
import { openSqliteStore } from '../sqlite/store.ts'

const [directory = '', verb = '', count = '0'] = process.argv.slice(2)

/** Synchronous, so that what was printed before a kill has left the process. */
const say = (line: string) => writeSync(1, `${line}\n`)
const mark = (line: string) => writeSync(2, `${line}\n`)

const user = (n: number) => ({
  tenant: 'acme',
  id: String(n).padStart(9, '0'),
  version: 1,
  name: `user ${n} ${'x'.repeat(n % 300)}`,
  owner: false,
  createdAt: n,
})

try {
  lockDataDirectory(directory)
  const store = await openSqliteStore({ directory })
  say('held')
  if (verb === 'hold') setInterval(() => undefined, 60_000)
  if (verb === 'commits' || verb === 'lazily') {
    await store.users.insert(user(0))
    mark('MARK begin')
    for (let n = 1; n <= Number(count); n++) {
      await store.tx((t) => t.users.insert(user(n)), { lazily: verb === 'lazily' })
    }
    mark('MARK end')
    await store.close()
  }
  if (verb === 'write') {
    let n = (await store.users.list('acme', { newestFirst: true, limit: 1 }))[0]?.createdAt ?? 0
    for (;;) {
      n++
      await store.users.insert(user(n))
      say(String(n))
      // Lets the loop turn: a commit never yields to it.
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
} catch (error) {
  say(`refused ${toSafeconductError(error).code}`)
}
