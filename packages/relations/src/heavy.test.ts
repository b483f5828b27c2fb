/**
 * Questions that cost much: others get their turn meanwhile, and what is looked at is bounded.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RelationStore } from './store/relation-store.ts'
import type { Tuple } from './store/tuple.ts'

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define viewer: [user, group#member]
type document
  relations
    define viewer: [user, group#member]
`
const GROUPS = 60
/** Every group holds every later one: a check of a stranger looks at all of it. */
function dense(): RelationStore {
  const tuples: Tuple[] = []
  for (let one = 0; one < GROUPS; one++)
    for (let other = one + 1; other < GROUPS; other++)
      tuples.push({ object: `group:g${one}`, relation: 'member', user: `group:g${other}#member` })
  tuples.push({ object: 'document:d', relation: 'viewer', user: 'group:g0#member' })
  const store = new RelationStore()
  store.writeModel(MODEL)
  store.write(tuples)
  return store
}

/** Runs the work and counts how often others got their turn. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let ended = false
  const tick = () => {
    turns++
    if (!ended) setImmediate(tick)
  }
  setImmediate(tick)
  await work()
  ended = true
  return turns
}

const strangers = Array.from({ length: 100 }, (_, at) => ({
  user: `user:u${at}`,
  relation: 'viewer',
  object: 'document:d',
}))

test('a batch gives way by the work its checks make, not by their number', async () => {
  const store = dense()
  const turns = await turnsDuring(async () => {
    const answers = await store.batchCheck(strangers)
    assert.ok(answers.every((answer) => 'allowed' in answer && !answer.allowed))
  })
  assert.ok(turns > 40, String(turns))
})

test('writes that never stop make a batch that is too much give up, not hold up everything', async () => {
  const store = dense()
  let count = 0
  let ended = false
  const write = () => {
    store.write([{ object: `folder:f${count++}`, relation: 'viewer', user: 'user:x' }])
    if (!ended) setImmediate(write)
  }
  setImmediate(write)
  const answers = await store.batchCheck(strangers)
  ended = true
  assert.equal(answers.length, strangers.length, 'one that is done within a slice is answered')
  assert.ok(count > 3, String(count))
})

test('tuples of a user are read by the type of the object in one go', () => {
  const store = new RelationStore()
  store.writeModel(MODEL)
  const many = Array.from({ length: 500 }, (_, at) => ({
    object: `document:d${at}`,
    relation: 'viewer',
    user: 'user:ann',
  }))
  store.write([...many, { object: 'folder:f', relation: 'viewer', user: 'user:ann' }])
  const found = store.read({ user: 'user:ann', type: 'folder' }, { pageSize: 10 })
  assert.deepEqual(
    found.tuples.map(({ object }) => object),
    ['folder:f'],
  )
  assert.equal(found.cursor, undefined)
  assert.deepEqual(store.read({ user: 'user:ann', type: 'nothing' }).tuples, [])
  const first = store.read({ user: 'user:ann', type: 'document' }, { pageSize: 400 })
  assert.ok(first.cursor !== undefined)
  const rest = store.read({ user: 'user:ann', type: 'document' }, { pageSize: 400, cursor: first.cursor })
  assert.equal(first.tuples.length + rest.tuples.length, 500)
  assert.throws(() => store.read({ user: 'user:ann', type: 'folder' }, { cursor: String(first.cursor) }))
})
