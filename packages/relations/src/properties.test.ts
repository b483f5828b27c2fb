import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RelationStore, type Tuple } from './index.ts'

/** Rules of `viewer` and `can` with what they mean: `has(relation)` and `from(relation)` ask on. */
type Ask = { has: (relation: string) => boolean; from: (relation: string) => boolean; direct: () => boolean }
const VIEWER: readonly (readonly [string, (ask: Ask) => boolean])[] = [
  ['[user, user:*, group#member]', ({ direct }) => direct()],
  ['[user, user:*, group#member] or viewer from parent', ({ direct, from }) => direct() || from('viewer')],
  ['[user, user:*, group#member] or editor', ({ direct, has }) => direct() || has('editor')],
  ['[user, user:*, group#member] and editor', ({ direct, has }) => direct() && has('editor')],
  [
    '([user, user:*, group#member] or viewer from parent) but not blocked',
    ({ direct, from, has }) => (direct() || from('viewer')) && !has('blocked'),
  ],
  [
    '[user, user:*, group#member] or (viewer from parent and editor)',
    ({ direct, from, has }) => direct() || (from('viewer') && has('editor')),
  ],
]
const CAN: readonly (readonly [string, (ask: Ask) => boolean])[] = [
  ['viewer', ({ has }) => has('viewer')],
  ['viewer and editor', ({ has }) => has('viewer') && has('editor')],
  ['editor but not blocked', ({ has }) => has('editor') && !has('blocked')],
  [
    '(viewer or editor) but not (blocked and editor)',
    ({ has }) => (has('viewer') || has('editor')) && !(has('blocked') && has('editor')),
  ],
  ['viewer or can from parent', ({ has, from }) => has('viewer') || from('can')],
  [
    'viewer or (editor and can from parent)',
    ({ has, from }) => has('viewer') || (has('editor') && from('can')),
  ],
]

const range = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => `${prefix}:${i}`)
const USERS = range('user', 4)
const GROUPS = range('group', 3)
const DOCUMENTS = range('document', 6)
const SUBJECTS = [...USERS, 'user:*', ...GROUPS.map((group) => `${group}#member`)]

const tupleArbitrary: fc.Arbitrary<Tuple> = fc.oneof(
  fc.record({
    object: fc.constantFrom(...GROUPS),
    relation: fc.constant('member'),
    user: fc.constantFrom(...SUBJECTS.filter((one) => one !== 'user:*')),
  }),
  fc.record({
    object: fc.constantFrom(...DOCUMENTS),
    relation: fc.constant('parent'),
    user: fc.constantFrom(...DOCUMENTS),
  }),
  fc.record({
    object: fc.constantFrom(...DOCUMENTS),
    relation: fc.constant('viewer'),
    user: fc.constantFrom(...SUBJECTS),
  }),
  fc.record({
    object: fc.constantFrom(...DOCUMENTS),
    relation: fc.constantFrom('editor', 'blocked'),
    user: fc.constantFrom(...SUBJECTS.filter((one) => one !== 'user:*')),
  }),
)
const worldArbitrary = fc.record({
  viewer: fc.constantFrom(...VIEWER),
  can: fc.constantFrom(...CAN),
  tuples: fc.uniqueArray(tupleArbitrary, { maxLength: 40, selector: (one) => JSON.stringify(one) }),
})
type World = typeof worldArbitrary extends fc.Arbitrary<infer T> ? T : never

function storeOf({ viewer, can, tuples }: World): RelationStore {
  const store = new RelationStore()
  store.writeModel(`model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define parent: [document]
    define blocked: [user, group#member]
    define editor: [user, group#member]
    define viewer: ${viewer[0]}
    define can: ${can[0]}
`)
  if (tuples.length > 0) store.write(tuples)
  return store
}

/** By definition and by nothing else: every way tried, a question met again on its own way is false. */
function oracle({ viewer, can, tuples }: World, object: string, relation: string, user: string): boolean {
  const ask = (at: string, name: string, path: ReadonlySet<string>): boolean => {
    const here = `${at}#${name}`
    if (path.has(here)) return false
    const way = new Set(path).add(here)
    const own = tuples.filter((tuple) => tuple.object === at && tuple.relation === name)
    const direct = () =>
      own.some(({ user: subject }) => {
        if (subject === user || subject === 'user:*') return true
        const [group = '', inner] = subject.split('#')
        return inner !== undefined && ask(group, inner, way)
      })
    if (name !== 'viewer' && name !== 'can') return direct()
    const has = (other: string) => ask(at, other, way)
    const from = (other: string) =>
      tuples.some(
        (tuple) => tuple.object === at && tuple.relation === 'parent' && ask(tuple.user, other, way),
      )
    return (name === 'viewer' ? viewer : can)[1]({ has, from, direct })
  }
  return ask(object, relation, new Set())
}

const runs = { numRuns: 150 }
const RELATIONS = ['viewer', 'can'] as const

describe('for any small graph', () => {
  it('a check is what the definition says', () => {
    fc.assert(
      fc.property(worldArbitrary, (world) => {
        const store = storeOf(world)
        for (const object of DOCUMENTS)
          for (const relation of RELATIONS)
            for (const user of USERS)
              assert.equal(
                store.check({ object, relation, user }).allowed,
                oracle(world, object, relation, user),
              )
      }),
      runs,
    )
  })

  it('a listing of objects, in pages of any size, is every object whose check is true, once', async () => {
    await fc.assert(
      fc.asyncProperty(worldArbitrary, fc.integer({ min: 1, max: 7 }), async (world, pageSize) => {
        const store = storeOf(world)
        for (const relation of RELATIONS)
          for (const user of [...SUBJECTS])
            assert.deepEqual(
              await all(store, { type: 'document', relation, user, pageSize }),
              brute(store, relation, user),
            )
      }),
      runs,
    )
  })

  it('candidates and parent only take away', async () => {
    const candidatesArbitrary = fc.array(fc.constantFrom(...DOCUMENTS, 'document:unknown'), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(
        worldArbitrary,
        candidatesArbitrary,
        fc.constantFrom(...DOCUMENTS),
        async (world, candidates, folder) => {
          const store = storeOf(world)
          const parent = { relation: 'parent', object: folder }
          const below = world.tuples
            .filter((one) => one.relation === 'parent' && one.user === folder)
            .map((one) => one.object)
          for (const user of USERS) {
            const request = { type: 'document', relation: 'can', user }
            const everything = brute(store, 'can', user)
            const kept = candidates.filter((one) => everything.includes(one))
            assert.deepEqual((await store.listObjects({ ...request, candidates })).results, kept)
            const inFolder = everything.filter((one) => below.includes(one))
            assert.deepEqual(await all(store, { ...request, parent, pageSize: 2 }), inFolder)
            const both = kept.filter((one) => below.includes(one))
            assert.deepEqual((await store.listObjects({ ...request, candidates, parent })).results, both)
          }
        },
      ),
      runs,
    )
  })

  it('a listing of users has only users whose check is true, and all unless everybody is named', async () => {
    await fc.assert(
      fc.asyncProperty(worldArbitrary, async (world) => {
        const store = storeOf(world)
        for (const object of DOCUMENTS)
          for (const relation of RELATIONS) {
            const { results } = await store.listUsers({ object, relation, filter: { type: 'user' } })
            for (const user of results) assert.ok(store.check({ object, relation, user }).allowed, user)
            assert.equal(new Set(results).size, results.length)
            const open = world.tuples.some((one) => one.user === 'user:*')
            const truly = USERS.filter((user) => store.check({ object, relation, user }).allowed)
            if (!open) assert.deepEqual([...results].sort(), truly)
          }
      }),
      runs,
    )
  })

  it('contextual tuples count like stored ones, and leave nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(worldArbitrary, fc.integer({ min: 0, max: 40 }), async (world, cut) => {
        const whole = storeOf(world)
        const part = storeOf({ ...world, tuples: world.tuples.slice(0, cut) })
        const contextualTuples = world.tuples.slice(cut)
        const before = part.size
        for (const user of USERS) {
          const listed = await all(part, {
            type: 'document',
            relation: 'can',
            user,
            contextualTuples,
            pageSize: 2,
          })
          assert.deepEqual(listed, brute(whole, 'can', user))
        }
        assert.deepEqual({ ...part.size, heldIds: 0 }, { ...before, heldIds: 0 })
      }),
      runs,
    )
  })

  it('deleting what was written gives back what was before', () => {
    fc.assert(
      fc.property(worldArbitrary, fc.integer({ min: 0, max: 40 }), (world, cut) => {
        const store = storeOf(world)
        const gone = world.tuples.slice(cut)
        store.write([], gone)
        const kept = storeOf({ ...world, tuples: world.tuples.slice(0, cut) })
        for (const user of USERS) assert.deepEqual(brute(store, 'can', user), brute(kept, 'can', user))
        store.write(gone)
        for (const user of USERS)
          assert.deepEqual(brute(store, 'can', user), brute(storeOf(world), 'can', user))
      }),
      { numRuns: 50 },
    )
  })
})

const brute = (store: RelationStore, relation: string, user: string): string[] =>
  DOCUMENTS.filter((object) => store.check({ object, relation, user }).allowed)

async function all(
  store: RelationStore,
  request: Parameters<RelationStore['listObjects']>[0],
): Promise<string[]> {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.listObjects(cursor === undefined ? request : { ...request, cursor })
    assert.ok(page.results.length <= (request.pageSize ?? 1000))
    found.push(...page.results)
    cursor = page.cursor
  } while (cursor !== undefined)
  assert.equal(new Set(found).size, found.length, 'each once')
  return found.sort()
}
