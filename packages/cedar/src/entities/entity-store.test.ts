import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CedarError, type CedarErrorCode } from '../errors.ts'
import { parseSchema } from '../schema/schema.ts'
import { EntityUid } from '../values.ts'
import type { EntityView } from './entity.ts'
import { EntityStore } from './entity-store.ts'

const ref = (id: string | number) => ({ type: 'G', id: String(id) })
const key = (id: string | number) => new EntityUid('G', String(id)).key
const refused = (code: CedarErrorCode) => (error: unknown) =>
  error instanceof CedarError && error.code === code
const above = (view: EntityView, id: string | number) => [...view.ancestors(key(id))].sort()

/** The graph as plain parents, closed by brute force. */
type Model = Map<number, number[]>
function reach(model: Model, start: number): Set<number> {
  const found = new Set(model.get(start))
  for (const each of found) for (const parent of model.get(each) ?? []) found.add(parent)
  return found
}

const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ id: fc.nat(7), parents: fc.array(fc.nat(7), { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ id: fc.nat(7) }) },
)

test('any sequence of changes leaves exact ancestor sets, and a refused one changes nothing', () => {
  const seen = { cycles: 0, accepted: 0 }
  fc.assert(
    fc.property(fc.array(change, { maxLength: 25, size: 'max' }), (changes) => {
      const model: Model = new Map()
      const store = new EntityStore()
      for (const each of changes) {
        if ('parents' in each) {
          const next: Model = new Map(model).set(each.id, each.parents)
          const cyclic = reach(next, each.id).has(each.id)
          const upsert = () => store.upsert({ uid: ref(each.id), parents: each.parents.map(ref) })
          if (cyclic) assert.throws(upsert, refused('entity_cycle'))
          else {
            upsert()
            model.set(each.id, each.parents)
          }
          seen[cyclic ? 'cycles' : 'accepted']++
        } else assert.equal(store.remove(ref(each.id)), model.delete(each.id))
        for (let id = 0; id < 8; id++) {
          assert.deepEqual(above(store, id), [...reach(model, id)].map(key).sort())
        }
      }
      assert.equal(store.size, model.size)
    }),
    { numRuns: 300, seed: 6 },
  )
  assert.ok(seen.cycles > 100 && seen.accepted > 1000)
})

test('a snapshot answers as a store with the local entities put in would', () => {
  const draft = fc.record({ id: fc.nat(7), parents: fc.array(fc.nat(7), { maxLength: 2 }) })
  const seen = { cycles: 0, accepted: 0 }
  fc.assert(
    fc.property(
      fc.array(draft, { maxLength: 8, size: 'max' }),
      fc.uniqueArray(draft, { maxLength: 3, selector: (d) => d.id }),
      (base, local) => {
        const model: Model = new Map()
        const store = new EntityStore()
        for (const { id, parents } of base) {
          if (reach(new Map(model).set(id, parents), id).has(id)) continue
          store.upsert({ uid: ref(id), parents: parents.map(ref) })
          model.set(id, parents)
        }
        const merged: Model = new Map([...model, ...local.map(({ id, parents }) => [id, parents] as const)])
        const inputs = local.map(({ id, parents }) => ({
          uid: ref(id),
          parents: parents.map(ref),
          attrs: { local: true },
        }))
        if (local.some(({ id }) => reach(merged, id).has(id))) {
          seen.cycles++
          assert.throws(() => store.snapshot(inputs), refused('entity_cycle'))
          return
        }
        seen.accepted++
        const view = store.snapshot(inputs)
        for (let id = 0; id < 8; id++)
          assert.deepEqual(above(view, id), [...reach(merged, id)].map(key).sort())
        for (const { id } of local) assert.equal(view.find(key(id))?.attributes.get('local'), true)
        for (let id = 0; id < 8; id++)
          assert.deepEqual(above(store, id), [...reach(model, id)].map(key).sort())
      },
    ),
    { numRuns: 500, seed: 8 },
  )
  assert.ok(seen.cycles > 50 && seen.accepted > 100)
})

test('the same entity twice is one; two different ones are refused', () => {
  const entity = { uid: ref('a'), attrs: { n: [1, 2] }, parents: [ref('b')] }
  assert.equal(EntityStore.from([entity, { ...entity, attrs: { n: [2, 1, 1] } }]).size, 1)
  for (const other of [
    { ...entity, attrs: { n: [1] } },
    { ...entity, parents: [] },
    { ...entity, tags: { t: 1 } },
  ]) {
    assert.throws(() => EntityStore.from([entity, other]), refused('entity_duplicate'))
    assert.throws(() => new EntityStore().snapshot([entity, other]), refused('entity_duplicate'))
  }
})

test('a JSON text keeps its integers, and what is malformed is refused', () => {
  const store = EntityStore.from(
    '[{"uid": {"__entity": {"type": "G", "id": "a"}}, "attrs": {"n": 9223372036854775807}}]',
  )
  assert.equal(store.get(ref('a'))?.attributes.get('n'), 9223372036854775807n)
  const bad = [
    '{}',
    '[1]',
    '[null]',
    '[{}]',
    '[{"uid": {"type": "G"}}]',
    '[{"uid": {"type": "G", "id": "a"}, "attrs": []}]',
    '[{"uid": {"type": "a b", "id": "a"}}]',
  ]
  for (const text of bad) assert.throws(() => EntityStore.from(text), refused('entity_invalid'), text)
})

test('long chains and wide groups do not exhaust the stack', () => {
  const store = new EntityStore()
  for (let i = 0; i < 20_000; i++) store.upsert({ uid: ref(i), parents: i === 0 ? [] : [ref(i - 1)] })
  assert.equal(store.ancestors(key(19_999)).size, 19_999)
  assert.throws(() => store.upsert({ uid: ref(0), parents: [ref(19_999)] }), refused('entity_cycle'))
})

test('the revision grows with every change and with nothing else', () => {
  const store = new EntityStore()
  store.upsert({ uid: ref('a') })
  const { revision } = store
  store.snapshot([{ uid: ref('b') }])
  store.ancestors(key('a'))
  assert.equal(store.remove(ref('zzz')), false)
  assert.equal(store.revision, revision)
  store.remove(ref('a'))
  assert.ok(store.revision > revision)
})

test('with a schema its actions are present and entities must be as declared', () => {
  const schema = parseSchema(
    'entity G in [G] { at: datetime, owner?: G }; entity E enum ["x"]; action all; action read in [all] appliesTo { principal: G, resource: G };',
  )
  const store = new EntityStore({ schema })
  assert.deepEqual(
    [...store.ancestors(new EntityUid('Action', 'read').key)],
    [new EntityUid('Action', 'all').key],
  )
  store.upsert({ uid: ref('a'), attrs: { at: '2024-01-01', owner: ref('b') }, parents: [ref('b')] })
  assert.ok(store.get(ref('a'))?.attributes.get('owner') instanceof EntityUid)
  const bad = [
    { uid: ref('a'), attrs: {} },
    { uid: ref('a'), attrs: { at: 'yesterday' } },
    { uid: ref('a'), attrs: { at: '2024-01-01', extra: 1 } },
    { uid: ref('a'), attrs: { at: '2024-01-01', owner: { type: 'E', id: 'x' } } },
    { uid: ref('a'), attrs: { at: '2024-01-01' }, parents: [{ type: 'E', id: 'x' }] },
    { uid: ref('a'), attrs: { at: '2024-01-01' }, tags: { t: 1 } },
    { uid: { type: 'Unknown', id: 'a' } },
    { uid: { type: 'E', id: 'y' } },
    { uid: { type: 'Action', id: 'write' } },
    { uid: { type: 'Action', id: 'all' }, parents: [{ type: 'Action', id: 'read' }] },
  ]
  for (const each of bad) assert.throws(() => store.upsert(each), CedarError, JSON.stringify(each))
})
