/**
 * What every log of relations must do.
 * @module
 */
import assert from 'node:assert/strict'
import type { RelationLog } from '@safeconduct/engine'
import type { RelationTuple } from '@safeconduct/protocol'
import { ODD_KEYS } from './collections.ts'
import { type OpenStore, onStore, refuses } from './fixtures.ts'

const HERE = { tenant: 'acme', space: 's1' }

const tuple = (object: string, more: Partial<RelationTuple> = {}): RelationTuple => ({
  object,
  relation: 'viewer',
  user: 'user:anne',
  condition: null,
  expiresAt: null,
  ...more,
})
const put = (log: RelationLog, writes: readonly RelationTuple[], place = HERE, at = 5) =>
  log.write(place, { writes, deletes: [], at })
const held = async (log: RelationLog) => (await log.tuples(0, 10_000)).map(({ tuple: one }) => one.object)
const told = async (log: RelationLog) =>
  (await log.changes(HERE, { after: 0, limit: 10_000 })).map(({ operation, tuple: one, at }) => [
    operation,
    one.object,
    at,
  ])

export function relations(open: OpenStore): void {
  onStore(
    'tuples come back as written, in order, with conditions and ends',
    open,
    async ({ relations: log }) => {
      const written = [
        tuple('doc:1'),
        tuple('doc:2', { condition: { name: 'hours', context: { from: 9, zone: 'a\u0000b' } } }),
        tuple('doc:3', { expiresAt: Number.MAX_SAFE_INTEGER }),
        tuple('doc:4', { user: 'group:a#member' }),
      ]
      const seq = await put(log, written)
      const rows = await log.tuples(0, 10)
      assert.deepEqual(
        rows.map((row) => row.tuple),
        written,
      )
      assert.ok(rows.every(({ tenant, space }) => tenant === 'acme' && space === 's1'))
      assert.deepEqual(
        (await log.tuples(rows[1]?.row ?? 0, 1)).map((row) => row.tuple),
        [written[2]],
      )
      const changes = await log.changes(HERE, { after: 0, limit: 10 })
      assert.deepEqual(
        changes.map((change) => change.tuple),
        written,
      )
      assert.deepEqual([changes.at(-1)?.seq, await log.last(HERE)], [seq, seq])
      assert.deepEqual(await log.changes(HERE, { after: seq, limit: 10 }), [])
    },
  )

  onStore('a write is all or nothing, deletes before writes', open, async ({ relations: log }) => {
    await put(log, [tuple('doc:1', { expiresAt: 7 }), tuple('doc:2')])
    await refuses('conflict', () => put(log, [tuple('doc:3'), tuple('doc:1')]))
    await refuses('conflict', () => put(log, [tuple('doc:3'), tuple('doc:3')]))
    const both = { writes: [tuple('doc:4')], deletes: [tuple('doc:1'), tuple('doc:9')], at: 6 }
    await refuses('conflict', () => log.write(HERE, both))
    assert.deepEqual(await held(log), ['doc:1', 'doc:2'])
    await log.write(HERE, { writes: [tuple('doc:1')], deletes: [tuple('doc:1'), tuple('doc:2')], at: 6 })
    assert.deepEqual(
      (await log.tuples(0, 10)).map((row) => row.tuple),
      [tuple('doc:1')],
    )
    assert.deepEqual(await told(log), [
      ['write', 'doc:1', 5],
      ['write', 'doc:2', 5],
      ['delete', 'doc:1', 6],
      ['delete', 'doc:2', 6],
      ['write', 'doc:1', 6],
    ])
    const gone = (await log.changes(HERE, { after: 0, limit: 10 }))[2]
    assert.equal(gone?.tuple.expiresAt, 7, 'a deletion tells the whole tuple')
  })

  onStore('a write of many tuples is one write', open, async ({ relations: log }) => {
    const many = Array.from({ length: 1001 }, (_, at) => tuple(`doc:${at}`))
    await put(log, many)
    assert.equal((await held(log)).length, 1001)
    await refuses('conflict', () =>
      put(log, [...many.map(({ object }) => tuple(`${object}x`)), tuple('doc:7')]),
    )
    assert.equal((await held(log)).length, 1001)
  })

  onStore('within a transaction it is kept or taken back with the rest', open, async (store) => {
    await put(store.relations, [tuple('doc:1')])
    await assert.rejects(
      store.tx(async (t) => {
        await t.relations.write(HERE, { writes: [tuple('doc:2')], deletes: [tuple('doc:1')], at: 6 })
        throw new Error('no')
      }),
    )
    assert.deepEqual(await held(store.relations), ['doc:1'])
    assert.deepEqual(await told(store.relations), [['write', 'doc:1', 5]])
  })

  onStore('changes are read by type and time', open, async ({ relations: log }) => {
    await put(log, [tuple('doc:1'), tuple('docs:1')], HERE, 10)
    await put(log, [tuple('doc:2'), tuple('do:1')], HERE, 20)
    const objects = async (query: { type?: string; since?: number }) =>
      (await log.changes(HERE, { after: 0, limit: 10, ...query })).map((change) => change.tuple.object)
    assert.deepEqual(await objects({ type: 'doc' }), ['doc:1', 'doc:2'])
    assert.deepEqual(await objects({ since: 11 }), ['doc:2', 'do:1'])
    assert.deepEqual(await objects({ type: 'doc', since: 20 }), ['doc:2'])
  })

  onStore('a tuple knows when it was written', open, async ({ relations: log }) => {
    await put(log, [tuple('doc:1')], HERE, 10)
    await log.write(HERE, { writes: [tuple('doc:1'), tuple('doc:2')], deletes: [tuple('doc:1')], at: 20 })
    const keys = [tuple('doc:2'), tuple('doc:3'), tuple('doc:1')]
    assert.deepEqual(await log.writtenAt(HERE, keys), [20, null, 20])
    assert.deepEqual(await log.writtenAt({ tenant: 'acme', space: 's2' }, keys), [null, null, null])
    assert.deepEqual(await log.writtenAt(HERE, []), [])
  })

  onStore('spaces and tenants stay apart, whatever their names', open, async ({ relations: log }) => {
    const places = [
      { tenant: 'a', space: 'b' },
      { tenant: 'a\u0000b', space: 'c' },
      { tenant: 'a', space: 'b\u0000c' },
      ...ODD_KEYS.map((space) => ({ tenant: 'odd', space })),
    ]
    for (const place of places) await put(log, [tuple('doc:1')], place)
    const [first, second] = places
    assert.ok(first !== undefined && second !== undefined)
    await log.remove(first)
    assert.equal(await log.last(first), 0)
    assert.deepEqual(await log.changes(first, { after: 0, limit: 10 }), [])
    assert.equal((await log.changes(second, { after: 0, limit: 10 })).length, 1)
    const rows = await log.tuples(0, 1000)
    assert.deepEqual(
      rows.map(({ tenant, space }) => ({ tenant, space })),
      places.slice(1),
    )
    const all = await log.allChanges(0, 1000)
    assert.equal(all.length, places.length - 1)
    assert.ok(all.every(({ seq }, at) => seq > (all[at - 1]?.seq ?? 0)))
  })

  onStore('what is not a page, a time or a name is refused', open, async ({ relations: log }) => {
    for (const limit of [0, 10_001, 1.5]) await refuses('invalid_request', () => log.tuples(0, limit))
    await refuses('invalid_request', () => put(log, [tuple('doc:1')], HERE, 0.5))
    await refuses('invalid_request', () => put(log, [tuple('')]))
    await refuses('invalid_request', () => put(log, [tuple('doc:1')], { tenant: '', space: 's' }))
  })
}
