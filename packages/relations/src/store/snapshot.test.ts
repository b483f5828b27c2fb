import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { RelationStore, RelationsError, type RelationsErrorCode, type Tuple } from '../index.ts'

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, user with low]
type document
  relations
    define viewer: [user, user:*, group#member]
condition low(level: int, most: int) {
  level <= most
}
`
const code = (wanted: RelationsErrorCode) => (error: unknown) =>
  error instanceof RelationsError && error.code === wanted
const viewer = (i: number, user = 'user:a'): Tuple => ({ object: `document:${i}`, relation: 'viewer', user })
const low: Tuple = {
  object: 'group:g',
  relation: 'member',
  user: 'user:ümlaut',
  condition: { name: 'low', context: { level: 3 } },
  expiresAt: 9e12,
}

function filled(): RelationStore {
  const store = new RelationStore({ id: 'one' })
  store.writeModel(MODEL, { id: 'first' })
  store.write([viewer(1), viewer(2), viewer(3, 'group:g#member'), viewer(4, 'user:*'), low])
  store.write([], [viewer(2)])
  return store
}

async function bytesOf(store: RelationStore, mark?: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.snapshot(mark)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** With a digest that fits again. */
function signed(bytes: Buffer): Buffer {
  const body = bytes.subarray(0, -32)
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

describe('a snapshot', () => {
  it('gives back tuples, models, tokens, positions and cursors, in chunks of any size', async () => {
    const store = filled()
    const all = await bytesOf(store, 'journal 17')
    const page = await store.listObjects({
      type: 'document',
      relation: 'viewer',
      user: 'user:a',
      pageSize: 1,
    })
    for (const size of [1, 7, all.length]) {
      const chunks: Uint8Array[] = [new Uint8Array()]
      for (let at = 0; at < all.length; at += size) chunks.push(all.subarray(at, at + size))
      const { store: restored, mark } = await RelationStore.restore(chunks, { id: 'one' })
      assert.equal(mark, 'journal 17')
      assert.deepEqual([restored.id, restored.revision, restored.position], ['one', store.revision, 6])
      assert.deepEqual(restored.models, store.models)
      assert.deepEqual(restored.read(), store.read())
      const next = { type: 'document', relation: 'viewer', user: 'user:a', cursor: page.cursor ?? '' }
      assert.deepEqual(await restored.listObjects(next), await store.listObjects(next))
      const asked = { object: 'document:3', relation: 'viewer', user: 'user:ümlaut', atLeast: store.revision }
      assert.equal(restored.check({ ...asked, context: { most: 3 } }).allowed, true)
      assert.equal(restored.check({ ...asked, context: { most: 2 } }).allowed, false)
      assert.throws(() => restored.readChanges(0), code('revision_invalid'))
      // The row of the deleted tuple is used again, and what follows goes on counting.
      restored.write([viewer(2)])
      assert.equal(restored.size.tuples, 5)
      assert.equal(restored.readChanges(6).changes.length, 1)
    }
  })

  it('is of one moment, whatever is written while it is read', async () => {
    const store = filled()
    const wanted = await bytesOf(store)
    const chunks: Uint8Array[] = []
    let i = 10
    const stream = store.snapshot()
    for await (const chunk of stream) {
      chunks.push(chunk)
      store.write([viewer(i++, `user:new${i}`)], i === 12 ? [viewer(1)] : [])
    }
    assert.ok(Buffer.concat(chunks).equals(wanted))
  })

  it('that was damaged anywhere, cut off or lengthened is refused', async () => {
    const all = await bytesOf(filled())
    const refused = (bytes: Uint8Array, why: string) =>
      assert.rejects(RelationStore.restore([bytes]), code('snapshot_corrupt'), why)
    for (let at = 0; at < all.length; at++) {
      const damaged = Buffer.from(all)
      damaged[at] = (damaged[at] ?? 0) ^ 0x11
      await refused(damaged, `byte ${at}`)
    }
    for (let length = 0; length < all.length; length += 13)
      await refused(all.subarray(0, length), `${length}`)
    await refused(Buffer.concat([all, Buffer.from('x')]), 'longer')
    await refused(Buffer.concat([Buffer.from('SCREL002'), all.subarray(8)]), 'another format')
    await assert.rejects(RelationStore.restore([]), code('snapshot_corrupt'))
  })

  it('whose numbers point nowhere is refused even when its digest fits', async () => {
    const all = await bytesOf(filled())
    let refusals = 0
    for (let at = 8; at < all.length - 36; at += 1) {
      const forged = Buffer.from(all)
      forged.writeInt32LE(0x00ffffff, at)
      try {
        const { store } = await RelationStore.restore([signed(forged)])
        // A change that still makes sense (inside a text, say) gives a whole store.
        for (const tuple of store.read().tuples) assert.equal(typeof store.check(tuple).allowed, 'boolean')
      } catch (error) {
        assert.ok(error instanceof RelationsError, String(error))
        refusals++
      }
    }
    assert.ok(refusals > 100)
    const twice = Buffer.from(all)
    twice.write('document:1', all.indexOf('document:2'))
    await assert.rejects(RelationStore.restore([signed(twice)]), /a name stands there twice/)
  })

  it('of another store or of a model that the host does not know is refused', async () => {
    const store = filled()
    const all = await bytesOf(store)
    await assert.rejects(RelationStore.restore([all], { id: 'two' }), code('snapshot_foreign'))
    const other = [{ id: 'first', dsl: MODEL.replace('user:*, ', '') }]
    await assert.rejects(RelationStore.restore([all], { models: other }), code('snapshot_foreign'))
    await assert.rejects(RelationStore.restore([all], { models: [] }), code('snapshot_foreign'))
    const newer = [...store.models, { id: 'second', dsl: MODEL }]
    assert.equal((await RelationStore.restore([all], { models: newer })).store.models.length, 1)
  })
})

describe('a load', () => {
  it('is no change and no write, and takes what today’s model does not allow', async () => {
    const store = new RelationStore({ id: 'one' })
    store.writeModel(MODEL, { id: 'first' })
    store.writeModel(MODEL.replace('user:*, ', ''), { id: 'second' })
    async function* stored(): AsyncGenerator<Tuple> {
      yield* [viewer(1), viewer(2, 'user:*'), low]
    }
    assert.equal(await store.load(stored(), { revision: 40 }), 3)
    assert.equal(store.revision, 'one.40')
    assert.deepEqual(store.readChanges(0).changes, [])
    assert.equal(store.check(viewer(1)).allowed, true)
    assert.equal(store.check(viewer(2)).allowed, false)
    assert.equal(store.check({ ...viewer(2), model: 'first' }).allowed, true)
  })

  it('refuses what is no tuple, what no model knows, what comes twice, and going back', async () => {
    const store = filled()
    const load = (tuple: unknown) => store.load([tuple as Tuple])
    for (const bad of [
      null,
      {},
      viewer(1, 'user:a:b'),
      { ...viewer(9), relation: 'owner' },
      { ...viewer(9), object: 'robot:1' },
      viewer(9, 'user:a#owner'),
      { ...viewer(9), expiresAt: 1.5 },
      { ...viewer(9), condition: { name: 7 } },
    ])
      await assert.rejects(load(bad), code('invalid_tuple'), JSON.stringify(bad))
    await assert.rejects(load(viewer(1)), code('write_conflict'))
    await assert.rejects(store.load([], { revision: 1 }), code('revision_invalid'))
    const signal = AbortSignal.abort(new Error('enough'))
    const many = Array.from({ length: 5000 }, (_, i) => viewer(100 + i))
    await assert.rejects(store.load(many, { signal }), /enough/)
  })

  it('starts a listing again that was on its way', async () => {
    const store = filled()
    await store.load(Array.from({ length: 5000 }, (_, i) => viewer(100 + i)))
    const listing = store.listObjects({
      type: 'document',
      relation: 'viewer',
      user: 'user:a',
      pageSize: 10_000,
    })
    await store.load([viewer(99)])
    assert.equal((await listing).results.length, 5003)
  })
})

describe('planned changes', () => {
  it('count when they are applied, with the host’s revision', () => {
    const store = filled()
    const before = store.revision
    const planned = store.plan([viewer(7)], [viewer(1)])
    assert.deepEqual(
      planned.map(({ operation, tuple }) => [operation, tuple.object]),
      [
        ['delete', 'document:1'],
        ['write', 'document:7'],
      ],
    )
    assert.deepEqual([store.revision, store.size.tuples], [before, 4])
    assert.throws(() => store.plan([viewer(4, 'user:*')]), code('write_conflict'))
    assert.equal(store.apply(planned.map((change) => ({ ...change, revision: 90 }))), 'one.90')
    assert.equal(store.check(viewer(1)).allowed, false)
    assert.equal(store.check({ ...viewer(7), atLeast: 'one.90' }).allowed, true)
    assert.deepEqual(
      store.readChanges(6).changes.map(({ revision }) => revision),
      [90, 90],
    )
  })

  it('are refused when they are not newer, out of order or no tuples, and then nothing happens', () => {
    const store = filled()
    const change = { operation: 'write', tuple: viewer(7), revision: 50, at: 0 } as const
    for (const changes of [
      [{ ...change, revision: 3 }],
      [change, { ...change, tuple: viewer(8), revision: 49 }],
      [{ ...change, revision: 1e99 }],
    ])
      assert.throws(() => store.apply(changes), code('revision_invalid'))
    const broken = { ...change, tuple: viewer(8, 'x') }
    assert.throws(() => store.apply([change, broken]), code('invalid_tuple'))
    assert.equal(store.size.tuples, 4)
    assert.equal(store.apply([]), store.revision)
    // A write of what is there replaces it, a delete of what is not there does nothing.
    store.apply([
      { ...change, tuple: { ...viewer(1), expiresAt: 1 } },
      { ...change, operation: 'delete' },
    ])
    assert.equal(store.check(viewer(1)).allowed, false)
    assert.equal(store.size.tuples, 4)
  })

  it('of what has expired', () => {
    let now = 100
    const store = new RelationStore({ now: () => now })
    store.writeModel(MODEL)
    store.write([{ ...viewer(1), expiresAt: 200 }, viewer(2)])
    assert.deepEqual(store.planExpired(), [])
    now = 200
    store.apply(store.planExpired())
    assert.deepEqual(
      store.read().tuples.map(({ object }) => object),
      ['document:2'],
    )
  })
})

describe('a check within a turn', () => {
  it('ends at its bounds, sees the instant it is asked for, and leaves nothing behind', () => {
    const store = new RelationStore()
    store.writeModel(MODEL.replace('[user, user with low]', '[user, group#member, user with low]'))
    store.write([{ ...viewer(1), expiresAt: 1000 }])
    store.write(
      Array.from({ length: 40 }, (_, i) => ({
        object: `group:${i}`,
        relation: 'member',
        user: `group:${i + 1}#member`,
      })),
    )
    store.write([viewer(2, 'group:0#member')])
    assert.equal(store.checkNow({ ...viewer(1), now: 999 }), true)
    assert.equal(store.checkNow({ ...viewer(1), now: 1000 }), false)
    assert.throws(() => store.checkNow(viewer(2)), code('resolution_too_complex'))
    assert.equal(store.checkNow(viewer(2), { maxDepth: 100 }), false)
    assert.throws(
      () => store.checkNow(viewer(2), { maxDepth: 100, maxWork: 10 }),
      code('resolution_too_complex'),
    )
    const before = store.size
    for (let i = 0; i < 100; i++)
      store.checkNow({ object: `document:x${i}`, relation: 'viewer', user: `user:x${i}` })
    assert.throws(() => store.checkNow({ ...viewer(1), relation: 'owner' }), code('validation'))
    assert.deepEqual(store.size, before)
  })
})
