import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ListObjectsRequest, RelationStore, RelationsError } from './index.ts'
import {
  CIRCUMSTANCES,
  DOCUMENTS,
  heldBy,
  LEVEL,
  modelOf,
  NOW,
  RELATIONS,
  SUBJECTS,
  USERS,
  type World,
  worldArbitrary,
} from './testing/world.ts'

function storeOf(world: World): RelationStore {
  const store = new RelationStore({ now: () => NOW })
  store.writeModel(modelOf(world))
  if (world.tuples.length > 0) store.write(world.tuples)
  return store
}

const ASKERS = [...SUBJECTS, 'user:unknown']
const runs = { numRuns: 150 }

describe('for any small graph and model, with conditions and ends', () => {
  it('a check is what the definition says, at once and within a turn', () => {
    fc.assert(
      fc.property(worldArbitrary, (world) => {
        const store = storeOf(world)
        for (const user of ASKERS) {
          const held = heldBy(world, user)
          for (const object of DOCUMENTS)
            for (const relation of RELATIONS) {
              const question = { object, relation, user, ...CIRCUMSTANCES }
              const wanted = held.has(`${object}#${relation}`)
              assert.equal(store.check(question).allowed, wanted, JSON.stringify(question))
              assert.equal(store.checkNow(question), wanted)
            }
        }
      }),
      runs,
    )
  })

  it('without what conditions need, an answer is given only where none of them turns it', async () => {
    // Levels are 5 and 6: no condition holds, some do, all do.
    const completions = [0, LEVEL, LEVEL + 1]
    const seen = { allowed: 0, denied: 0, failed: 0, listed: 0, unlisted: 0 }
    await fc.assert(
      fc.asyncProperty(worldArbitrary, async (world) => {
        const store = storeOf(world)
        for (const user of ASKERS) {
          const held = completions.map((most) => heldBy(world, user, most))
          for (const relation of RELATIONS) {
            const wanted = (object: string): boolean[] =>
              held.map((each) => each.has(`${object}#${relation}`))
            for (const object of DOCUMENTS) {
              const question = { object, relation, user, now: NOW }
              const answer = orFailed(() => store.check(question).allowed)
              if (answer !== FAILED)
                assert.deepEqual(
                  wanted(object),
                  completions.map(() => answer),
                  JSON.stringify(question),
                )
              seen[answer === FAILED ? FAILED : answer ? 'allowed' : 'denied']++
            }
            const listing = { type: 'document', relation, user, now: NOW }
            const page: { readonly results?: readonly string[] } = await store
              .listObjects(listing)
              .catch(orRethrown)
            const { results } = page
            seen[results === undefined ? 'unlisted' : 'listed']++
            if (results !== undefined)
              for (const object of DOCUMENTS)
                assert.deepEqual(
                  wanted(object),
                  completions.map((): boolean => results.includes(object)),
                  JSON.stringify({ ...listing, object }),
                )
          }
        }
      }),
      runs,
    )
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 20, `${what}: ${count}`)
  })

  it('a listing of objects, in pages of any size, is what brute force finds, each once', async () => {
    await fc.assert(
      fc.asyncProperty(worldArbitrary, fc.integer({ min: 1, max: 7 }), async (world, pageSize) => {
        const store = storeOf(world)
        for (const relation of RELATIONS)
          for (const user of ASKERS)
            assert.deepEqual(
              await all(store, { type: 'document', relation, user, pageSize, ...CIRCUMSTANCES }),
              brute(world, relation, user),
              `${relation} ${user}`,
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
            .filter(
              (one) => one.relation === 'parent' && one.user === folder && (one.expiresAt ?? NOW + 1) > NOW,
            )
            .map((one) => one.object)
          for (const user of USERS) {
            const request = { type: 'document', relation: 'r3', user, ...CIRCUMSTANCES }
            const everything = brute(world, 'r3', user)
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
        const open = world.tuples.some((one) => one.user === 'user:*')
        for (const object of DOCUMENTS)
          for (const relation of RELATIONS) {
            const question = { object, relation, ...CIRCUMSTANCES }
            const { results } = await store.listUsers({ ...question, filter: { type: 'user' } })
            for (const user of results) assert.ok(store.check({ ...question, user }).allowed, user)
            assert.equal(new Set(results).size, results.length)
            const truly = USERS.filter((user) => heldBy(world, user).has(`${object}#${relation}`))
            if (!open) assert.deepEqual([...results].sort(), truly)
          }
      }),
      runs,
    )
  })

  it('contextual tuples count like stored ones, and leave nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(worldArbitrary, fc.integer({ min: 0, max: 40 }), async (world, cut) => {
        const part = storeOf({ ...world, tuples: world.tuples.slice(0, cut) })
        const contextualTuples = world.tuples.slice(cut)
        const before = part.size
        for (const user of USERS) {
          const request = { type: 'document', relation: 'r3', user, contextualTuples, pageSize: 2 }
          assert.deepEqual(await all(part, { ...request, ...CIRCUMSTANCES }), brute(world, 'r3', user))
        }
        assert.deepEqual({ ...part.size, heldIds: 0 }, { ...before, heldIds: 0 })
      }),
      runs,
    )
  })

  it('why names stored tuples that prove the answer by themselves', () => {
    fc.assert(
      fc.property(worldArbitrary, (world) => {
        const store = storeOf(world)
        const stored = new Set(store.read().tuples.map((one) => JSON.stringify(one)))
        for (const user of [...USERS, 'group:0#member'])
          for (const object of DOCUMENTS)
            for (const relation of RELATIONS) {
              const question = { object, relation, user, ...CIRCUMSTANCES }
              const why = store.why(question)
              assert.equal(why !== undefined, store.check(question).allowed)
              if (why === undefined) continue
              assert.equal(why.proof.holds, `${object}#${relation}`)
              for (const tuple of why.tuples) assert.ok(stored.has(JSON.stringify(tuple)))
              assert.ok(storeOf({ ...world, tuples: why.tuples }).check(question).allowed)
            }
      }),
      { numRuns: 30 },
    )
  })

  it('deleting what was written gives back what was before', () => {
    fc.assert(
      fc.property(worldArbitrary, fc.integer({ min: 0, max: 40 }), (world, cut) => {
        const store = storeOf(world)
        const gone = world.tuples.slice(cut)
        const rest = { ...world, tuples: world.tuples.slice(0, cut) }
        store.write([], gone)
        for (const user of USERS) assert.deepEqual(checked(store, user), brute(rest, 'r3', user))
        store.write(gone)
        for (const user of USERS) assert.deepEqual(checked(store, user), brute(world, 'r3', user))
      }),
      { numRuns: 50 },
    )
  })

  it('a snapshot, a load and applied changes give the same store', async () => {
    await fc.assert(
      fc.asyncProperty(worldArbitrary, fc.integer({ min: 0, max: 40 }), async (world, cut) => {
        const first = storeOf(world)
        first.write([], world.tuples.slice(cut))
        const { store: restored } = await RelationStore.restore(first.snapshot())
        const loaded = new RelationStore({ now: () => NOW })
        loaded.writeModel(modelOf(world))
        await loaded.load(world.tuples.slice(0, cut))
        const { changes } = first.readChanges(0)
        const followed = new RelationStore({ now: () => NOW })
        followed.writeModel(modelOf(world))
        followed.apply(changes)
        assert.equal(restored.revision, first.revision)
        restored.write(world.tuples.slice(cut))
        assert.deepEqual(texts(restored), texts(storeOf(world)))
        for (const one of [loaded, followed])
          for (const user of USERS) assert.deepEqual(checked(one, user), checked(first, user))
      }),
      { numRuns: 50 },
    )
  })
})

describe('for models that depend on their own absence', () => {
  const documents = ['document:0', 'document:1', 'document:2', 'document:3']
  const users = ['user:a', 'user:b']
  const tupleArbitrary = fc.record({
    object: fc.constantFrom(...documents),
    relation: fc.constantFrom('viewer', 'restricted'),
    user: fc.constantFrom(...users, ...documents.map((document) => `${document}#viewer`)),
  })
  const tuplesArbitrary = fc.uniqueArray(tupleArbitrary, {
    maxLength: 16,
    size: 'max',
    selector: (one) => JSON.stringify(one),
  })

  it('a listing is what single checks say, and a ban that needs no cycle is never lifted by one', async () => {
    const seen = { allowed: 0, denied: 0 }
    await fc.assert(
      fc.asyncProperty(tuplesArbitrary, async (tuples) => {
        const store = new RelationStore()
        store.writeModel(`model
  schema 1.1
type user
type document
  relations
    define viewer: [user, document#viewer] but not restricted
    define restricted: [user, document#viewer]
`)
        if (tuples.length > 0) store.write(tuples)
        for (const user of users) {
          const question = (object: string) => ({ object, relation: 'viewer', user })
          const checked = documents.filter((object) => store.check(question(object)).allowed)
          seen.allowed += checked.length
          seen.denied += documents.length - checked.length
          const { results } = await store.listObjects({ type: 'document', relation: 'viewer', user })
          assert.deepEqual([...results].sort(), checked)
          const banned = tuples
            .filter((one) => one.relation === 'restricted' && one.user === user)
            .map((one) => one.object)
          for (const object of banned) assert.ok(!checked.includes(object), object)
        }
      }),
      { numRuns: 500 },
    )
    assert.ok(seen.allowed > 100 && seen.denied > 100, JSON.stringify(seen))
  })
})

const FAILED = 'failed'

function orFailed(ask: () => boolean): boolean | typeof FAILED {
  try {
    return ask()
  } catch (error) {
    orRethrown(error)
    return FAILED
  }
}

/** A condition that could not be evaluated; whatever else is thrown is a defect. */
function orRethrown(error: unknown): { readonly results?: readonly string[] } {
  if (error instanceof RelationsError && error.code === 'validation') return {}
  throw error
}

const texts = (store: RelationStore) =>
  store
    .read()
    .tuples.map((one) => JSON.stringify(one))
    .sort()

const brute = (world: World, relation: string, user: string): string[] => {
  const held = heldBy(world, user)
  return DOCUMENTS.filter((object) => held.has(`${object}#${relation}`))
}

const checked = (store: RelationStore, user: string): string[] =>
  DOCUMENTS.filter((object) => store.check({ object, relation: 'r3', user, ...CIRCUMSTANCES }).allowed)

async function all(store: RelationStore, request: ListObjectsRequest): Promise<string[]> {
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
