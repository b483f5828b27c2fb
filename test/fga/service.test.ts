import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RelationFacts, Store } from '@safeconduct/engine'
import { RelationsError } from '@safeconduct/relations'
import { openRelations } from '@safeconduct/server'
import { createMemoryStore } from '@safeconduct/store'
import { memoryFiles, modelChecks } from './files.ts'

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define blocked: [user]
    define viewer: [user] but not blocked
`
const T = 'acme'
const anne = (object: string, relation = 'viewer') => ({ object, relation, user: 'user:anne' })

async function world() {
  let at = 1_000_000
  let id = 0
  const store = createMemoryStore()
  const files = memoryFiles()
  const told: (RelationFacts | null)[] = []
  const errors: string[] = []
  const open = () =>
    openRelations(
      {
        store,
        files,
        checks: modelChecks,
        clock: { now: () => at },
        ids: { next: () => `0190${String(++id).padStart(28, '0')}` },
        onFacts: (_tenant, facts) => told.push(facts),
        onRecorded: () => undefined,
        onError: (message) => errors.push(message),
      },
      [T],
    )
  return { store, files, told, errors, open, service: await open(), pass: (ms: number) => (at += ms) }
}

const put = (
  service: Awaited<ReturnType<typeof world>>['service'],
  space: string,
  writes: readonly (ReturnType<typeof anne> & { expiresAt?: number })[],
  deletes: readonly ReturnType<typeof anne>[] = [],
) => service.write(T, space, { writes, deletes, options: {} }, 'test')

const failing = (store: Store, when: 'before' | 'after') => {
  const { tx } = store
  Object.assign(store, {
    tx: async (work: never) => {
      Object.assign(store, { tx })
      if (when === 'after') await tx(work)
      throw new Error('the disk is gone')
    },
  })
}

describe('relation spaces', () => {
  it('are named by ULIDs; the first is the one that policies ask, until the owner says otherwise', async () => {
    const { service, told } = await world()
    const first = await service.create(T, 'one', 'owner')
    const second = await service.create(T, 'two', 'owner')
    for (const { id } of [first, second]) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
    assert.ok(second.id > first.id)
    assert.deepEqual([first.role, second.role], ['policy', 'other'])
    await service.writeModel(T, second.id, { dsl: MODEL }, 'owner')
    assert.equal(told.at(-1) ?? null, null, 'the policy space has no model yet')
    await put(service, second.id, [anne('document:1')])
    await service.makePolicy(T, second.id, 'owner')
    assert.equal(told.at(-1)?.check('user:anne', 'viewer', 'document:1'), true)
    await assert.rejects(service.remove(T, second.id, 'owner'), { code: 'conflict' })
    await service.remove(T, first.id, 'owner')
    await service.remove(T, second.id, 'owner')
    assert.equal(told.at(-1), null)
    assert.throws(() => service.space(T, first.id), { code: 'not_found' })
    assert.throws(() => service.space('other', first.id), { code: 'not_found' })
    await service.close()
  })

  it('come back after a restart as they were, from the file or from the store', async () => {
    const { service, open, files, store, errors } = await world()
    const { id } = await service.create(T, 'one', 'owner')
    const model = await service.writeModel(T, id, { dsl: MODEL }, 'owner')
    const before = await put(service, id, [anne('document:1'), anne('document:2')])
    await service.putAssertions(T, id, model.id, [{ expectation: true }])
    await service.close()
    assert.ok(files.names().includes(id))
    // Kept by somebody else meanwhile, as after a crash: the file is behind.
    await store.relations.write(
      { tenant: T, space: id },
      { writes: [], deletes: [anne('document:1')], at: 1 },
    )
    const answers = []
    for (const damage of ['none', 'damaged', 'gone'] as const) {
      if (damage === 'damaged') files.damage(id)
      if (damage === 'gone') await files.remove(id)
      const again = await open()
      const { graph, models } = again.space(T, id)
      answers.push({
        one: graph.check(anne('document:1')).allowed,
        two: graph.check({ ...anne('document:2'), atLeast: before }).allowed,
        revision: graph.revision,
        model: models.at(-1)?.id === model.id && models.at(-1)?.assertions.length === 1,
      })
      assert.equal(again.facts(T)?.check('user:anne', 'viewer', 'document:2'), true)
      await again.close()
    }
    const [first] = answers
    assert.deepEqual(first, { one: false, two: true, revision: first?.revision, model: true })
    assert.deepEqual(answers, [first, first, first], 'the same revision, whatever it was read from')
    assert.equal(errors.length, 1)
  })

  it('count a write when it is on disk, and not before', async () => {
    const { service, store } = await world()
    const { id } = await service.create(T, 'one', 'owner')
    await service.writeModel(T, id, { dsl: MODEL }, 'owner')
    const { graph } = service.space(T, id)
    failing(store, 'before')
    await assert.rejects(put(service, id, [anne('document:1')]), /disk is gone/)
    assert.equal(graph.check(anne('document:1')).allowed, false)
    failing(store, 'after')
    await assert.rejects(put(service, id, [anne('document:2')]), /disk is gone/)
    assert.equal(graph.check(anne('document:2')).allowed, true, 'what the disk has counts, whatever was told')
    await put(service, id, [anne('document:1')])
    assert.equal(graph.check(anne('document:1')).allowed, true)
    await service.close()
  })

  it('refuse as a whole what the model does not allow', async () => {
    const { service, store } = await world()
    const { id } = await service.create(T, 'one', 'owner')
    await assert.rejects(put(service, id, [anne('document:1')]), (error) => error instanceof RelationsError)
    await service.writeModel(T, id, { dsl: MODEL }, 'owner')
    await assert.rejects(
      put(service, id, [anne('document:1'), anne('folder:1')]),
      (error) => error instanceof RelationsError && error.code === 'invalid_tuple',
    )
    await assert.rejects(
      service.writeModel(
        T,
        id,
        { dsl: 'model\n schema 1.1\ntype a\n relations\n  define x: [b]\n' },
        'owner',
      ),
      (error) => error instanceof RelationsError && error.code === 'model_invalid',
    )
    assert.equal(service.space(T, id).models.length, 1)
    assert.equal((await store.relations.tuples(0, 10)).length, 0)
    await service.close()
  })

  it('write one after another, and tell the ledger of each', async () => {
    const { service, store } = await world()
    const { id } = await service.create(T, 'one', 'owner')
    await service.writeModel(T, id, { dsl: MODEL }, 'owner')
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => put(service, id, [anne('document:1')])),
    )
    assert.deepEqual(
      tries.map(({ status }) => status),
      ['fulfilled', ...Array(7).fill('rejected')],
    )
    await Promise.all(['2', '3', '4'].map((name) => put(service, id, [anne(`document:${name}`)])))
    const events = (await store.outbox.take(100)).map(({ event }) => event)
    const written = events.filter(({ event }) => event === 'relations.written')
    assert.equal(written.length, 4)
    assert.ok(
      written.every(
        ({ digest, by, writes }) => String(digest).length === 71 && by === 'test' && writes === 1,
      ),
    )
    assert.equal(JSON.stringify(events).includes('anne'), false, 'people are not named in it')
    assert.equal((await service.changes(T, id, { after: 0, limit: 10 })).length, 4)
    await service.close()
    await assert.rejects(put(service, id, [anne('document:9')]), { code: 'shutting_down' })
  })

  it('let relations end, and remove them durably', async () => {
    const { service, store, pass } = await world()
    const { id } = await service.create(T, 'one', 'owner')
    await service.writeModel(T, id, { dsl: MODEL }, 'owner')
    await put(service, id, [{ ...anne('document:1'), expiresAt: 1_000_500 }, anne('document:2')])
    const { graph } = service.space(T, id)
    assert.equal(graph.check(anne('document:1')).allowed, true)
    pass(500)
    assert.equal(graph.check(anne('document:1')).allowed, false)
    await service.sweep()
    assert.equal((await store.relations.tuples(0, 10)).length, 1)
    const last = (await service.changes(T, id, { after: 0, limit: 10 })).at(-1)
    assert.deepEqual([last?.operation, last?.tuple.object], ['delete', 'document:1'])
    await service.close()
  })

  it('answer facts with a revision that grows, and refuse what cannot be decided', async () => {
    const { service } = await world()
    const { id } = await service.create(T, 'one', 'owner')
    await service.writeModel(T, id, { dsl: MODEL }, 'owner')
    const facts = service.facts(T)
    assert.ok(facts !== null)
    const before = facts.revision
    assert.deepEqual(facts.relationsOf?.('document')?.toSorted(), ['blocked', 'viewer'])
    assert.deepEqual([facts.relationsOf?.('user'), facts.relationsOf?.('folder')], [[], null])
    await put(service, id, [anne('document:1')])
    assert.notEqual(facts.revision, before)
    assert.equal(facts.check('user:anne', 'viewer', 'document:1'), true)
    await put(service, id, [anne('document:1', 'blocked')])
    assert.equal(facts.check('user:anne', 'viewer', 'document:1'), false)
    assert.throws(() => facts.check('user:anne', 'owner', 'document:1'), RelationsError)
    await service.close()
  })

  it('of which a tuple cannot be read answer nothing: no empty export, no listing; the others do', async () => {
    const { store, service, open, errors } = await world()
    const ids: string[] = []
    for (const name of ['one', 'two']) {
      const { id } = await service.create(T, name, 'owner')
      await service.writeModel(T, id, { dsl: MODEL }, 'owner')
      await put(service, id, [anne('document:a'), anne('document:b')])
      ids.push(id)
    }
    const [broken = '', whole = ''] = ids
    const { tuples } = store.relations
    Object.assign(store.relations, {
      tuples: async (...at: Parameters<typeof tuples>) => {
        const rows = await tuples.apply(store.relations, at)
        return rows.map((row) =>
          row.space === broken && row.tuple.object === 'document:b'
            ? { ...row, tuple: { ...row.tuple, object: 'nothing' } }
            : row,
        )
      },
    })
    const again = await open()
    assert.match(errors.join(), new RegExp(`${broken} cannot be read`))
    const graphOf = (id: string) => {
      const found = again.spaces(T).find(({ record }) => record.id === id)
      assert.ok(found)
      return found.graph
    }
    const sealed = (error: unknown) => error instanceof RelationsError && error.code === 'model_quarantined'
    assert.throws(() => graphOf(broken).read(), sealed)
    assert.throws(() => graphOf(broken).check(anne('document:a')), sealed)
    await assert.rejects(put(again, broken, [anne('document:c')]), sealed)
    assert.equal(graphOf(whole).read().tuples.length, 2)
    await again.close()
    await service.close()
  })
})
