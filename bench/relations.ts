/**
 * Load, check and list of `@safeconduct/relations` at 100,000 and 1,000,000 tuples.
 * `node --expose-gc --conditions=safeconduct-src bench/relations.ts [--json]`
 *
 * Users in groups nested five deep, folders nested five deep, documents in folders; permission is viewer but not
 * blocked. CPU time, since wall time on a shared machine says little. Bytes per tuple are heap and array buffers, and
 * are left out without `--expose-gc`.
 *
 * @module
 */
import { RelationStore, type Tuple } from '@safeconduct/relations'

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
const CHECK_CPU_MS = 1500
const LISTINGS = 20
const BATCH = 50_000

interface Result {
  readonly tuples: number
  readonly loadCpuSeconds: number
  readonly bytesPerTuple: number | null
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

function memory(): number | undefined {
  if (globalThis.gc === undefined) return undefined
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function measure(size: number): Promise<Result> {
  const { users, documents, tuples } = world(size)
  const before = memory()
  const store = new RelationStore({ limits: { maxChanges: 1 } })
  store.writeModel(MODEL)
  const loading = process.cpuUsage()
  let batch: Tuple[] = []
  for (const tuple of tuples()) {
    batch.push(tuple)
    if (batch.length === BATCH) {
      store.write(batch)
      batch = []
    }
  }
  store.write(batch)
  batch = []
  const loadCpuSeconds = cpuSeconds(loading)
  store.write([{ object: 'group:last', relation: 'member', user: 'user:last' }])
  store.write([{ object: 'group:last', relation: 'member', user: 'user:end' }])
  const after = memory()
  const count = store.size.tuples

  const random = randomFrom(11)
  const check = () =>
    store.check({
      object: `document:${random(documents)}`,
      relation: 'viewer',
      user: `user:${random(users)}`,
    }).allowed
  for (let i = 0; i < 5000; i++) check()
  const checking = process.cpuUsage()
  let checks = 0
  while (cpuSeconds(checking) * 1000 < CHECK_CPU_MS) for (let i = 0; i < 500; i++, checks++) check()
  const checkSeconds = cpuSeconds(checking)

  let listed = 0
  const list = async (user: string): Promise<number> => {
    let found = 0
    let cursor: string | undefined
    do {
      const paging = cursor === undefined ? {} : { cursor }
      const page = await store.listObjects({
        type: 'document',
        relation: 'viewer',
        user,
        pageSize: 10_000,
        ...paging,
      })
      found += page.results.length
      cursor = page.cursor
    } while (cursor !== undefined)
    return found
  }
  await list('user:0')
  const listing = process.cpuUsage()
  for (let i = 0; i < LISTINGS; i++) listed += await list(`user:${random(users)}`)
  const listSeconds = cpuSeconds(listing)
  if (listed === 0) throw new Error('the listings found nothing')
  return {
    tuples: count,
    loadCpuSeconds: round(loadCpuSeconds),
    bytesPerTuple: before === undefined || after === undefined ? null : Math.round((after - before) / count),
    checks,
    cpuMicrosecondsPerCheck: round((checkSeconds * 1e6) / checks),
    listings: LISTINGS,
    resultsPerListing: Math.round(listed / LISTINGS),
    cpuMicrosecondsPerResult: round((listSeconds * 1e6) / listed),
  }
}

const round = (value: number): number => Math.round(value * 100) / 100

const results: Result[] = []
for (const size of [100_000, 1_000_000]) results.push(await measure(size))
if (process.argv.includes('--json')) console.log(JSON.stringify({ results }, null, 2))
else
  for (const one of results) {
    console.log(`${one.tuples} tuples: loaded in ${one.loadCpuSeconds} s CPU`)
    console.log(`  ${one.bytesPerTuple ?? 'unknown (no --expose-gc)'} bytes per tuple`)
    console.log(`  ${one.cpuMicrosecondsPerCheck} us CPU per check (${one.checks})`)
    console.log(`  ${one.cpuMicrosecondsPerResult} us CPU per listed result (${one.resultsPerListing} each)`)
  }
