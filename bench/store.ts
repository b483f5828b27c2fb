/**
 * Durable commits per second of the embedded store beside the disk's own limit, measured in turns: the ratio holds
 * on any disk, the rates only on this one.
 *
 *     node --conditions=safeconduct-src bench/store.ts [--json] [--dir DIRECTORY]
 *
 * `fdatasync` is a 512-byte append and a sync, the least that a durable record can cost. When its own rounds differ
 * by more than 2, the disk was too unsteady to say anything and `conclusive` is false. Takes about 15 seconds.
 * @module
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createClock, createIds, openSqliteStore } from '@safeconduct/store'
import { machine } from './lib/machine.ts'
import { benchOptions } from './lib/options.ts'
import { median } from './lib/stats.ts'

const ROUNDS = 7
const ROUND_MS = 280
/** Records there are to read. */
const READABLE = 1000
/** Operations between two looks at the clock. */
const BATCH = 16

type Operation = () => unknown

interface Rate {
  readonly name: string
  /** Median of the rounds. */
  readonly perSecond: number
  /** Median, over the rounds, of this rate by the rate of fdatasync in the same round. */
  readonly ratio: number
  /** Median, over the rounds, of the slowest in a hundred, milliseconds. */
  readonly p99: number
}

async function measure(operation: Operation): Promise<{ perSecond: number; p99: number }> {
  const times: number[] = []
  const start = performance.now()
  let now = start
  while (now - start < ROUND_MS) {
    for (let at = 0; at < BATCH; at++) {
      await operation()
      const then = performance.now()
      times.push(then - now)
      now = then
    }
  }
  times.sort((a, b) => a - b)
  return {
    perSecond: (times.length * 1000) / (now - start),
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  }
}

async function main(json: boolean, parent: string): Promise<void> {
  const directory = mkdtempSync(join(parent, 'safeconduct-bench-'))
  const store = await openSqliteStore({ directory: join(directory, 'store') })
  const raw = new DatabaseSync(join(directory, 'raw.db'), { timeout: 5000 })
  raw.exec(
    'pragma journal_mode = wal; pragma synchronous = full; create table t (id text primary key, body text) strict',
  )
  const insert = raw.prepare('insert into t values (?, ?)')
  const file = openSync(join(directory, 'plain'), 'a')
  const ids = createIds(createClock())
  const block = Buffer.alloc(512, 'x')
  const user = (id: string) => ({
    tenant: 'bench',
    id,
    version: 1,
    name: id,
    owner: false,
    createdAt: 1,
    filler: 'x'.repeat(300),
  })
  const readable = Array.from({ length: READABLE }, () => ids.next())
  await store.tx(async (t) => {
    for (const id of readable) await t.users.insert(user(id))
  })
  let turn = 0

  const operations: readonly (readonly [string, Operation])[] = [
    [
      'fdatasync',
      () => {
        writeSync(file, block)
        fdatasyncSync(file)
      },
    ],
    ['node:sqlite insert', () => insert.run(ids.next(), 'x'.repeat(400))],
    ['store insert', () => store.users.insert(user(ids.next()))],
    [
      'store transaction: record and event',
      () =>
        store.tx(async (t) => {
          const id = ids.next()
          await t.users.insert(user(id))
          await t.outbox.add('bench', id, { type: 'user', id })
        }),
    ],
    ['store replay claim', () => store.replay.claim(ids.next(), 2, 1)],
    ['store point read', () => store.users.get('bench', readable[turn++ % READABLE] ?? '')],
  ]

  try {
    for (const [, operation] of operations) for (let at = 0; at < 100; at++) await operation()
    const rounds: { perSecond: number; p99: number }[][] = operations.map(() => [])
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, [, operation]] of operations.entries()) rounds[at]?.push(await measure(operation))
    }
    const syncs = (rounds[0] ?? []).map(({ perSecond }) => perSecond)
    const rates = operations.map(([name], at): Rate => {
      const mine = rounds[at] ?? []
      return {
        name,
        perSecond: Math.round(median(mine.map(({ perSecond }) => perSecond))),
        ratio: Number(
          median(mine.map(({ perSecond }, n) => perSecond / (syncs[n] ?? Number.NaN))).toFixed(3),
        ),
        p99: Number(median(mine.map(({ p99 }) => p99)).toFixed(3)),
      }
    })
    const conclusive = Math.max(...syncs) / Math.min(...syncs) <= 2
    if (json) process.stdout.write(`${JSON.stringify({ conclusive, machine: machine(), rates })}\n`)
    else print(rates, conclusive)
  } finally {
    await store.close()
    raw.close()
    closeSync(file)
    rmSync(directory, { recursive: true })
  }
}

function print(rates: readonly Rate[], conclusive: boolean): void {
  const line = (name: string, rate: string, ratio: string, p99: string) =>
    process.stdout.write(`${name.padEnd(36)}${rate.padStart(12)}${ratio.padStart(12)}${p99.padStart(10)}\n`)
  line('operation', 'per second', '/ fdatasync', 'p99 ms')
  for (const { name, perSecond, ratio, p99 } of rates) {
    line(name, perSecond.toLocaleString('en'), ratio.toFixed(2), p99.toFixed(2))
  }
  if (!conclusive)
    process.stdout.write('Not conclusive: the disk itself varied by more than 2 between rounds.\n')
}

const { values } = benchOptions(
  { name: 'store', about: 'Durable commits a second of the embedded store, beside the disk under it.' },
  { dir: { type: 'string', default: tmpdir(), value: 'DIRECTORY', about: 'where the databases go' } },
)
await main(values.json, values.dir)
