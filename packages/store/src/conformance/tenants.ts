/**
 * Tenants stay apart, whatever a caller puts into the strings it may choose.
 * @module
 */
import assert from 'node:assert/strict'
import { ODD_KEYS } from './collections.ts'
import * as make from './fixtures.ts'
import { type OpenStore, onStore, refuses } from './fixtures.ts'

/** Pairs (tenant, id) that become one string when somebody joins them carelessly, and prefixes of each other. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['a', 'b/c'],
  ['a/b', 'c'],
  ['a', 'b|c'],
  ['a|b', 'c'],
  ['a', 'b\u0000c'],
  ['a\u0000b', 'c'],
  ['a', 'b\u0001c'],
  ['a\u0001b', 'c'],
  ['a', 'b:c'],
  ['a:b', 'c'],
  ['a', ''.padEnd(1, 'c')],
  ['ab', 'c'],
  ['A', 'c'],
  ['a%', 'c'],
  ['_', 'c'],
]

export function tenants(open: OpenStore): void {
  onStore('no record of another tenant is returned or changed', open, async (s) => {
    for (const [tenant, id] of PAIRS) await s.agents.insert(make.agent(id, { tenant, name: `same${id}` }))
    for (const [tenant, id] of PAIRS) {
      assert.equal((await s.agents.get(tenant, id))?.tenant, tenant)
      const mine = PAIRS.filter(([other]) => other === tenant).length
      const listed = await s.agents.list(tenant)
      assert.equal(listed.length, mine)
      assert.ok(listed.every((record) => record.tenant === tenant))
      const found = await s.agents.find(tenant, 'owner', 'u1')
      assert.equal(found.length, mine)
      assert.ok(found.every((record) => record.tenant === tenant))
    }
    const [first, ...others] = PAIRS
    assert.ok(first !== undefined)
    await s.agents.replace(make.agent(first[1], { tenant: first[0], name: 'new', version: 2 }))
    await s.agents.remove(first[0], first[1])
    for (const [tenant, id] of others) assert.equal((await s.agents.get(tenant, id))?.version, 1)
  })

  onStore('a replace under another tenant finds nothing', open, async (s) => {
    await s.agents.insert(make.agent('1'))
    await refuses('not_found', () => s.agents.replace(make.agent('1', { tenant: 'evil', version: 2 })))
    await s.agents.remove('evil', '1')
    assert.deepEqual(await s.agents.get('acme', '1'), make.agent('1'))
    assert.deepEqual(await s.agents.list('evil', { after: '' }), [])
  })

  onStore('epochs of tenants, kinds and ids stay apart', open, async (s) => {
    for (const [tenant, id] of PAIRS) assert.equal(await s.epochs.ensure(tenant, 'agent', id), 1)
    for (const key of ODD_KEYS) assert.equal(await s.epochs.ensure(key, 'user', key), 1)
    assert.equal(await s.epochs.bump('a', 'agent', 'b/c'), 2)
    const bumped = (await s.epochs.all()).filter(({ ref }) => ref.epoch !== 1)
    assert.deepEqual(bumped, [{ tenant: 'a', ref: { kind: 'agent', id: 'b/c', epoch: 2 } }])
    assert.equal((await s.epochs.all()).length, PAIRS.length + ODD_KEYS.length)
  })

  onStore('outbox events keep their tenant', open, async (s) => {
    for (const [tenant, id] of PAIRS) await s.outbox.add(tenant, id, { tenant })
    const taken = await s.outbox.take(100)
    assert.deepEqual(
      taken.map(({ tenant, id, event }) => [tenant, id, event.tenant]),
      PAIRS.map(([tenant, id]) => [tenant, id, tenant]),
    )
  })
}
