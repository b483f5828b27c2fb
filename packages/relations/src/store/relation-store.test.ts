import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Change, type Page, RelationStore, RelationsError, type RelationsErrorCode } from '../index.ts'

const MODEL = `model
  schema 1.1
type user
type folder
  relations
    define viewer: [user, user with at_work]
type document
  relations
    define parent: [folder]
    define viewer: [user, user:*] or viewer from parent
condition at_work(hour: int, from: int) {
  hour >= from
}
`
const code = (wanted: RelationsErrorCode) => (error: unknown) =>
  error instanceof RelationsError && error.code === wanted
const document = (i: number, user = 'user:a') => ({ object: `document:${i}`, relation: 'viewer', user })
const LIST = { type: 'document', relation: 'viewer', user: 'user:a' }

function storeWith(count: number, options: ConstructorParameters<typeof RelationStore>[0] = {}) {
  const store = new RelationStore(options)
  const model = store.writeModel(MODEL)
  if (count > 0) store.write(Array.from({ length: count }, (_, i) => document(i)))
  return { store, model: model.id }
}

describe('writes', () => {
  it('are all or nothing', () => {
    const { store } = storeWith(1)
    const before = store.revision
    assert.throws(() => store.write([document(1), document(0)]), code('write_conflict'))
    assert.throws(() => store.write([document(1)], [document(7)]), code('write_conflict'))
    assert.throws(() => store.write([document(1), document(1)]), code('write_conflict'))
    assert.throws(() => store.write([document(1), document(2, 'folder:x')]), code('invalid_tuple'))
    assert.equal(store.revision, before)
    assert.equal(store.size.tuples, 1)
    store.write([document(0), document(1)], [document(7)], { onDuplicate: 'ignore', onMissing: 'ignore' })
    assert.equal(store.size.tuples, 2)
    store.write([], [document(0)])
    assert.equal(store.check(document(0)).allowed, false)
    assert.equal(store.check(document(1)).allowed, true)
  })

  it('give a token that a later question can name; a token from elsewhere is refused', () => {
    const { store } = storeWith(0)
    const atLeast = store.write([document(0)])
    assert.equal(store.check({ ...document(0), atLeast }).allowed, true)
    for (const bad of ['', 'x', `${store.id}.99`, `${store.id}.-1`, storeWith(1).store.revision])
      assert.throws(() => store.check({ ...document(0), atLeast: bad }), code('revision_invalid'), bad)
  })

  it('end when they say so, and can then be written again', () => {
    let now = 1000
    const { store } = storeWith(0, { now: () => now })
    store.write([{ ...document(0), expiresAt: 2000 }])
    assert.equal(store.check(document(0)).allowed, true)
    now = 2000
    assert.equal(store.check(document(0)).allowed, false)
    store.write([{ ...document(0), expiresAt: 3000 }])
    assert.equal(store.check(document(0)).allowed, true)
    assert.equal(store.deleteExpired(), 0)
    now = 3000
    assert.equal(store.deleteExpired(), 1)
    assert.equal(store.size.tuples, 0)
    assert.throws(() => store.write([{ ...document(0), expiresAt: 1.5 }]), code('invalid_tuple'))
  })

  it('are read back by object, relation and user, page by page', () => {
    const { store } = storeWith(5)
    store.write([{ object: 'document:1', relation: 'parent', user: 'folder:x' }])
    assert.equal(store.read({ object: 'document:1' }).tuples.length, 2)
    assert.deepEqual(store.read({ object: 'document:1', relation: 'viewer' }).tuples, [document(1)])
    assert.equal(store.read({ user: 'user:a' }).tuples.length, 5)
    assert.deepEqual(store.read({ user: 'user:nobody' }).tuples, [])
    const first = store.read({}, { pageSize: 4 })
    const rest = store.read({}, { pageSize: 4, cursor: first.cursor ?? '' })
    assert.deepEqual([first.tuples.length, rest.tuples.length, rest.cursor], [4, 2, undefined])
    assert.throws(
      () => store.read({ user: 'user:a' }, { cursor: first.cursor ?? '' }),
      code('cursor_invalid'),
    )
  })
})

describe('conditions', () => {
  it('take the tuple’s context before the request’s, and fail when something is missing', () => {
    const { store } = storeWith(0)
    const condition = { name: 'at_work', context: { from: 9 } }
    store.write([
      { object: 'folder:x', relation: 'viewer', user: 'user:a', condition },
      { object: 'document:1', relation: 'parent', user: 'folder:x' },
    ])
    assert.equal(store.check({ ...document(1), context: { hour: 9 } }).allowed, true)
    assert.equal(store.check({ ...document(1), context: { hour: 8, from: 1 } }).allowed, false)
    assert.throws(() => store.check(document(1)), code('validation'))
    assert.throws(() => store.check({ ...document(1), context: { hour: 'late' } }), code('validation'))
    const tuple = { object: 'folder:y', relation: 'viewer', user: 'user:a' }
    assert.throws(() => store.write([{ ...tuple, condition: { name: 'other' } }]), code('invalid_tuple'))
    assert.throws(
      () => store.write([{ ...tuple, condition: { name: 'at_work', context: { x: 1 } } }]),
      code('invalid_tuple'),
    )
  })
})

describe('listings', () => {
  it('are complete over pages, keep nothing at the end, and skip what was revoked meanwhile', async () => {
    const { store } = storeWith(5000)
    const first = await store.listObjects({ ...LIST, pageSize: 2000 })
    assert.equal(store.size.heldIds, 5000)
    store.write([document(9000)], [document(0), document(3000)])
    const second = await store.listObjects({ ...LIST, pageSize: 2000, cursor: first.cursor ?? '' })
    const third = await store.listObjects({ ...LIST, pageSize: 2000, cursor: second.cursor ?? '' })
    assert.equal(third.cursor, undefined)
    const all = new Set([...first.results, ...second.results, ...third.results])
    assert.equal(all.size, 4999)
    assert.ok(!all.has('document:3000'))
    assert.equal(store.size.heldIds, 0)
  })

  it('leave out on a later page what ended after the first, though nobody wrote', async () => {
    let now = 1000
    const { store } = storeWith(0, { now: () => now })
    store.write([0, 1, 2, 3].map((i) => (i === 2 ? { ...document(i), expiresAt: 2000 } : document(i))))
    const first = await store.listObjects({ ...LIST, pageSize: 2 })
    now = 2000
    const rest = await store.listObjects({ ...LIST, pageSize: 2, cursor: first.cursor ?? '' })
    assert.deepEqual([...first.results, ...rest.results], ['document:0', 'document:1', 'document:3'])
    assert.equal(rest.revision, first.revision)
  })

  it('go on without what was kept, when it had to make room', async () => {
    const { store } = storeWith(50, { limits: { maxHeldIds: 10 } })
    let cursor = ''
    const found: string[] = []
    for (let page = 0; page < 5; page++) {
      const one = await store.listObjects({ ...LIST, pageSize: 10, ...(cursor === '' ? {} : { cursor }) })
      found.push(...one.results)
      cursor = one.cursor ?? ''
    }
    assert.equal(new Set(found).size, 50)
    assert.equal(cursor, '')
    assert.equal(store.size.heldIds, 0)
  })

  it('refuse a cursor of another store, model, question, or none at all', async () => {
    const { store, model } = storeWith(10)
    const { cursor = '' } = await store.listObjects({ ...LIST, pageSize: 3 })
    const other = storeWith(10)
    await assert.rejects(other.store.listObjects({ ...LIST, cursor }), /another store/)
    await assert.rejects(store.listObjects({ ...LIST, user: 'user:b', cursor }), /another question/)
    store.writeModel(MODEL)
    await assert.rejects(store.listObjects({ ...LIST, cursor }), /another model/)
    assert.equal((await store.listObjects({ ...LIST, model, cursor })).results.length, 7)
    for (const bad of ['x', '', Buffer.from('[1]').toString('base64url')])
      await assert.rejects(store.listObjects({ ...LIST, cursor: bad }), code('cursor_invalid'), bad)
  })

  it('see one revision while others write, and let others run', async () => {
    const { store } = storeWith(20_000)
    let turns = 0
    const writer = setInterval(() => {
      // Moves one permission: there is always exactly one of the two.
      const [from, to] = turns++ % 2 === 0 ? [0, 90_000] : [90_000, 0]
      store.write([document(to)], [document(from)])
    }, 0)
    try {
      for (let i = 0; i < 2; i++) {
        const found: string[] = []
        let cursor: string | undefined
        do {
          const page = await store.listObjects({
            ...LIST,
            pageSize: 10_000,
            ...(cursor === undefined ? {} : { cursor }),
          })
          found.push(...page.results)
          cursor = page.cursor
        } while (cursor !== undefined)
        assert.ok(found.length >= 19_999 && found.length <= 20_001)
        assert.equal(new Set(found).size, found.length)
      }
    } finally {
      clearInterval(writer)
    }
    assert.ok(turns > 0)
  })

  it('answer by the model they were asked under, whatever model is written meanwhile', async () => {
    const { store, model } = storeWith(5000)
    const narrow = MODEL.replace('define viewer: [user, user:*] or', 'define viewer: [user:*] or')
    const listing = store.listObjects({ ...LIST, pageSize: 2000 })
    const narrower = store.writeModel(narrow)
    const first = await listing
    assert.equal(first.results.length, 2000)
    const rest = { ...LIST, pageSize: 2000, cursor: first.cursor ?? '' }
    await assert.rejects(store.listObjects(rest), /another model/)
    assert.equal((await store.listObjects({ ...rest, model })).results.length, 2000)
    assert.deepEqual((await store.listObjects({ ...LIST, model: narrower.id })).results, [])
  })

  it('of huge sets are complete, in both directions', async () => {
    const store = new RelationStore()
    store.writeModel(`model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [group#member]
`)
    const many = 30_000
    const member = (user: string, group = 'group:all') => ({ object: group, relation: 'member', user })
    const viewer = (object: string, group: string) => ({
      object,
      relation: 'viewer',
      user: `${group}#member`,
    })
    await store.load(Array.from({ length: many }, (_, i) => member(`user:${i}`)))
    await store.load(Array.from({ length: many }, (_, i) => viewer('document:wide', `group:${i}`)))
    await store.load(Array.from({ length: many }, (_, i) => viewer(`document:${i}`, 'group:all')))
    const { size } = store
    const listed = { type: 'document', relation: 'viewer', user: 'user:7', pageSize: 10_000 }
    assert.equal((await pages((cursor) => store.listObjects({ ...listed, ...cursor }))).size, many)
    const users = { object: 'document:3', relation: 'viewer', filter: { type: 'user' }, pageSize: 10_000 }
    assert.equal((await pages((cursor) => store.listUsers({ ...users, ...cursor }))).size, many)
    const wide = { object: 'document:wide', relation: 'viewer', user: 'user:7' }
    assert.equal(store.check(wide).allowed, false)
    assert.throws(() => store.checkNow(wide), code('resolution_too_complex'))
    assert.throws(() => store.expand({ object: 'document:wide', relation: 'viewer' }), code('limit_exceeded'))
    store.write([member('user:7', 'group:29999')])
    assert.equal(store.check(wide).allowed, true)
    assert.equal(store.size.objects, size.objects)
  })

  it('stop when their signal says so', async () => {
    const { store } = storeWith(20_000)
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(store.listObjects({ ...LIST, signal }), /enough/)
  })

  it('name users, usersets and everybody', async () => {
    const { store } = storeWith(1)
    store.write([document(0, 'user:b'), document(0, 'user:*')])
    const { results } = await store.listUsers({
      object: 'document:0',
      relation: 'viewer',
      filter: { type: 'user' },
    })
    assert.deepEqual([...results].sort(), ['user:*', 'user:a', 'user:b'])
  })
})

async function pages(
  page: (cursor: { cursor?: string }) => Promise<Page<string>>,
): Promise<ReadonlySet<string>> {
  const found: string[] = []
  for (let at: { cursor?: string } | undefined = {}; at !== undefined; ) {
    const { results, cursor } = await page(at)
    found.push(...results)
    at = cursor === undefined ? undefined : { cursor }
  }
  const all = new Set(found)
  assert.equal(all.size, found.length, 'each once')
  return all
}

describe('the rest', () => {
  it('a batch answers in order, errors in their places', async () => {
    const { store } = storeWith(1)
    const [yes, no, bad] = await store.batchCheck([document(0), document(1), document(0, 'robot:1')])
    assert.deepEqual([yes, no], [{ allowed: true }, { allowed: false }])
    assert.ok(bad !== undefined && 'error' in bad && bad.error.code === 'validation')
  })

  it('a relation expands to its rule', () => {
    const { store } = storeWith(1)
    store.write([{ object: 'document:0', relation: 'parent', user: 'folder:x' }])
    assert.deepEqual(store.expand({ object: 'document:0', relation: 'viewer' }), {
      kind: 'union',
      nodes: [
        { kind: 'users', users: [{ user: 'user:a' }] },
        { kind: 'from', tupleset: 'document:0#parent', usersets: ['folder:x#viewer'] },
      ],
    })
  })

  it('a question can name an older model version', () => {
    const { store, model } = storeWith(1)
    store.writeModel(MODEL.replace('define viewer: [user, user:*] or', 'define viewer: [user:*] or'))
    assert.equal(store.check(document(0)).allowed, false)
    assert.equal(store.check({ ...document(0), model }).allowed, true)
    assert.equal(store.models.length, 2)
  })

  it('nobody is waited for who no longer watches', async () => {
    const { store } = storeWith(0)
    const stop = new AbortController()
    const waiting = store.watch({ signal: stop.signal }).next()
    const left = (async () => {
      for await (const { tuple } of store.watch()) return tuple.object
      return undefined
    })()
    assert.equal(store.size.watchers, 2)
    stop.abort()
    assert.deepEqual(await waiting, { value: undefined, done: true })
    assert.equal(store.size.watchers, 1)
    store.write([document(0)])
    assert.equal(await left, 'document:0')
    assert.equal(store.size.watchers, 0)
  })

  it('changes come in order, from any position kept', async () => {
    const { store } = storeWith(0, { now: () => 5, limits: { maxChanges: 2, maxWatchBacklog: 3 } })
    const stop = new AbortController()
    const seen: Change[] = []
    const watching = (async () => {
      for await (const change of store.watch({ signal: stop.signal })) {
        seen.push(change)
        if (seen.length === 3) stop.abort()
      }
    })()
    store.write([document(0), document(1)])
    store.write([], [document(0)])
    await watching
    assert.deepEqual(
      seen.map(({ operation, tuple }) => [operation, tuple.object]),
      [
        ['write', 'document:0'],
        ['write', 'document:1'],
        ['delete', 'document:0'],
      ],
    )
    assert.equal(seen[0]?.revision, seen[1]?.revision)
    assert.deepEqual(store.readChanges(2).changes, [seen[2]])
    const late = store.watch({ from: 0 })
    store.write([document(2), document(3), document(4)])
    await assert.rejects(late.next(), code('limit_exceeded'))
    assert.throws(() => store.readChanges(0), code('revision_invalid'))
    assert.throws(() => store.watch({ from: 0 }), code('revision_invalid'))
  })
})

describe('a model version that is not accepted any more', () => {
  const REFUSED = MODEL.replace('hour >= from', '[1].all(a, [2].all(b, a < b))').replaceAll('folder', 'shelf')

  it('is quarantined alone: questions of it and writes under it are refused, other versions answer', async () => {
    const { store, model } = storeWith(1)
    assert.throws(() => store.writeModel(REFUSED), code('model_invalid'))
    const why = store.adoptModel(REFUSED, { id: 'kept' })
    assert.match(why?.message ?? '', /a loop inside a loop/)
    const ask = { object: 'document:0', relation: 'viewer', user: 'user:a' }
    assert.throws(() => store.check(ask), code('model_quarantined'), 'it is the newest')
    assert.throws(() => store.checkNow({ ...ask, model: 'kept' }), code('model_quarantined'))
    assert.throws(() => store.write([document(7)]), code('model_quarantined'))
    await assert.rejects(store.listObjects(LIST), code('model_quarantined'))
    assert.equal(store.check({ ...ask, model }).allowed, true)
    assert.deepEqual(
      store.quarantined.map(({ id }) => id),
      ['kept'],
    )
    const kept = { object: 'shelf:a', relation: 'viewer', user: 'user:a' }
    assert.equal(await store.load([kept]), 1, 'tuples of names that only it knew are kept')
    const chunks: Uint8Array[] = []
    for await (const chunk of store.snapshot()) chunks.push(chunk)
    const { store: again } = await RelationStore.restore(chunks, { id: store.id, models: store.models })
    assert.equal(again.size.tuples, 2)
    assert.throws(() => again.check(ask), code('model_quarantined'))
    again.writeModel(MODEL)
    assert.equal(again.check(ask).allowed, true, 'a new version takes its place')
    assert.throws(() => again.adoptModel(MODEL, { id: 'kept' }), code('write_conflict'))
  })

  it('of a sealed store is of no use either, nor is a new one', () => {
    const { store } = storeWith(1)
    store.seal('it could not be read')
    assert.throws(
      () => store.check({ object: 'document:0', relation: 'viewer', user: 'user:a' }),
      code('model_quarantined'),
    )
    assert.throws(() => store.writeModel(MODEL), code('model_quarantined'))
    assert.throws(() => store.write([], [document(0)]), code('model_quarantined'))
  })
})

describe('a store that was sealed', () => {
  it('answers nothing at all, so that nobody takes a part of it for the whole', async () => {
    const { store } = storeWith(3)
    store.seal('half of it is missing')
    const [key, sealed] = [document(0), code('model_quarantined')]
    const asked: Readonly<Record<string, () => unknown>> = {
      check: () => store.check(key),
      expand: () => store.expand(key),
      read: () => store.read(),
      readChanges: () => store.readChanges(0),
      watch: () => store.watch(),
      snapshot: () => store.snapshot(),
      write: () => store.write([document(9)]),
      plan: () => store.plan([document(9)]),
      planExpired: () => store.planExpired(),
      deleteExpired: () => store.deleteExpired(),
      apply: () => store.apply([]),
      writeModel: () => store.writeModel(MODEL),
    }
    for (const [name, ask] of Object.entries(asked)) assert.throws(ask, sealed, name)
    await assert.rejects(store.load([document(9)]), sealed)
    await assert.rejects(store.listObjects(LIST), sealed)
    assert.equal(store.sealed?.message, 'half of it is missing')
  })
})
