/**
 * `@safeconduct/relations` at 100,000 and 1,000,000 tuples: load, snapshot, restore, check, list.
 * `node --conditions=safeconduct-src bench/relations.ts [--json]`
 *
 * Users in groups nested five deep, folders nested five deep, documents in folders; permission is viewer but not
 * blocked. CPU time, since wall time on a shared machine says little; both for what happens at start. Bytes per tuple
 * are heap and array buffers after a collection.
 *
 * @module
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RelationStore, type Tuple } from '@safeconduct/relations'
import { benchOptions } from './lib/options.ts'
import { rounded } from './lib/stats.ts'

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define parent: [folder]
    define viewer: [user, group#member] or viewer from parent
type document
  relations
    define parent: [folder]
    define blocked: [user]
    define viewer: ([user, group#member] or viewer from parent) but not blocked
`
/** CPU time of each measurement, and of what comes before it so that everything is compiled. */
const MEASURE_MS = 1500
const WARM_MS = 400

interface Result {
  readonly tuples: number
  readonly loadSeconds: number
  readonly loadCpuSeconds: number
  readonly bytesPerTuple: number
  readonly snapshotSeconds: number
  readonly snapshotBytesPerTuple: number
  readonly restoreSeconds: number
  readonly restoreCpuSeconds: number
  readonly checks: number
  readonly cpuMicrosecondsPerCheck: number
  readonly listings: number
  readonly resultsPerListing: number
  readonly cpuMicrosecondsPerResult: number
}

/** Repeatable numbers below a limit (mulberry32). */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }
}

interface World {
  readonly users: number
  readonly documents: number
  readonly tuples: () => Generator<Tuple>
}

function world(size: number): World {
  const users = size / 100
  const groups = size / 200
  const folders = size / 20
  const documents = Math.floor(size * 0.6)
  return {
    users,
    documents,
    *tuples() {
      const random = randomFrom(7)
      for (let g = 0; g < groups; g++)
        if (g % 5 > 0) yield { object: `group:${g - 1}`, relation: 'member', user: `group:${g}#member` }
      for (let f = 0; f < folders; f++)
        if (f % 5 > 0) yield { object: `folder:${f}`, relation: 'parent', user: `folder:${f - 1}` }
      for (let d = 0; d < documents; d++)
        yield { object: `document:${d}`, relation: 'parent', user: `folder:${random(folders)}` }
      for (let u = 0; u < users; u++)
        for (let i = 0; i < 5; i++)
          yield { object: `group:${(u * 7 + i * 31) % groups}`, relation: 'member', user: `user:${u}` }
      for (let f = 0; f < folders; f++)
        yield { object: `folder:${f}`, relation: 'viewer', user: `group:${(f * 13) % groups}#member` }
      for (let d = 0; d < size - documents - folders * 1.8 - users * 5 - groups * 0.8; d++)
        yield { object: `document:${d}`, relation: 'blocked', user: `user:${(d * 3) % users}` }
    },
  }
}

const cpuSeconds = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

function memory(): number {
  if (typeof collect !== 'function') throw new Error('the collector cannot be called')
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

interface Timed<T> {
  readonly value: T
  readonly seconds: number
  readonly cpuSeconds: number
}

async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const value = await work()
  return { value, seconds: (performance.now() - start) / 1000, cpuSeconds: cpuSeconds(cpu) }
}

/** CPU per unit of work, after a warm-up. `work` says how many units it did. */
async function repeated(work: () => Promise<number>) {
  const run = async (ms: number) => {
    const start = process.cpuUsage()
    let rounds = 0
    let units = 0
    for (; cpuSeconds(start) * 1000 < ms; rounds++) units += await work()
    return { rounds, units, cpuMicrosecondsPerUnit: (cpuSeconds(start) * 1e6) / units }
  }
  await run(WARM_MS)
  return run(MEASURE_MS)
}

async function chunksOf(store: RelationStore): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.snapshot()) chunks.push(chunk)
  return chunks
}

async function listed(store: RelationStore, user: string): Promise<number> {
  const request = { type: 'document', relation: 'viewer', user, pageSize: 10_000 }
  let found = 0
  let cursor: string | undefined
  do {
    const page = await store.listObjects(cursor === undefined ? request : { ...request, cursor })
    found += page.results.length
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}

async function measure(size: number): Promise<Result> {
  const { users, documents, tuples } = world(size)
  const before = memory()
  const store = new RelationStore({ limits: { maxChanges: 1 } })
  store.writeModel(MODEL)
  const load = await timed(() => store.load(tuples()))
  const after = memory()
  const snapshot = await timed(() => chunksOf(store))
  const restore = await timed(() => RelationStore.restore(snapshot.value))
  const random = randomFrom(11)
  const question = () => ({
    object: `document:${random(documents)}`,
    relation: 'viewer',
    user: `user:${random(users)}`,
  })
  for (let i = 0; i < 3000; i++) {
    const asked = question()
    if (store.check(asked).allowed !== restore.value.store.check(asked).allowed)
      throw new Error('the restored store answers otherwise')
  }
  const checked = await repeated(async () => {
    for (let i = 0; i < 500; i++) store.check(question())
    return 500
  })
  const listings = await repeated(() => listed(store, `user:${random(users)}`))
  if (listings.units === 0) throw new Error('the listings found nothing')
  const count = store.size.tuples
  return {
    tuples: count,
    loadSeconds: rounded(load.seconds),
    loadCpuSeconds: rounded(load.cpuSeconds),
    bytesPerTuple: Math.round((after - before) / count),
    snapshotSeconds: rounded(snapshot.seconds),
    snapshotBytesPerTuple: Math.round(snapshot.value.reduce((sum, { length }) => sum + length, 0) / count),
    restoreSeconds: rounded(restore.seconds),
    restoreCpuSeconds: rounded(restore.cpuSeconds),
    checks: checked.units,
    cpuMicrosecondsPerCheck: rounded(checked.cpuMicrosecondsPerUnit),
    listings: listings.rounds,
    resultsPerListing: Math.round(listings.units / listings.rounds),
    cpuMicrosecondsPerResult: rounded(listings.cpuMicrosecondsPerUnit),
  }
}

const { values: flags } = benchOptions(
  { name: 'relations', about: 'Permission checks and lists in process at 100,000 and 1,000,000 tuples.' },
  {},
)
const results: Result[] = []
for (const size of [100_000, 1_000_000]) results.push(await measure(size))
if (flags.json) console.log(JSON.stringify({ results }, null, 2))
else
  console.table(
    results.map((one) => ({
      tuples: one.tuples,
      'check µs CPU': one.cpuMicrosecondsPerCheck,
      'listed result µs CPU': one.cpuMicrosecondsPerResult,
      'results per listing': one.resultsPerListing,
      'bytes per tuple': one.bytesPerTuple,
      'load s (CPU)': `${one.loadSeconds} (${one.loadCpuSeconds})`,
      'snapshot s': one.snapshotSeconds,
      'restore s (CPU)': `${one.restoreSeconds} (${one.restoreCpuSeconds})`,
    })),
  )
