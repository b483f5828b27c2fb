/**
 * Collections: what is kept comes back, versions guard it, pages run in id order.
 * @module
 */
import assert from 'node:assert/strict'
import type { Collection } from '@safeconduct/engine'
import type { Stored } from '@safeconduct/protocol'
import * as make from './fixtures.ts'
import { type OpenStore, onStore, refuses } from './fixtures.ts'

/** Hostile and odd keys: each must be a key like any other. */
export const ODD_KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'a/b',
  'a|b',
  'a\u0000b',
  'a\u0001b',
  'a\u0001\u0001b',
  'a\u0001\u0002b',
  '\u0000',
  "a'; drop table users; --",
  'a%',
  'a_',
  'A',
  'a',
  'a ',
  ' a',
  'é',
  'e\u0301',
  '\ud800',
  '\udbff',
  '\ufffd',
  '😀',
  '\uffff',
]

export function collections(open: OpenStore): void {
  onStore('every collection keeps, finds, replaces and removes', open, async (s) => {
    await keeps(s.users, make.user('1'), { name: ['name of 1', 'other'] })
    await keeps(s.agents, make.agent('1'), { name: ['name of 1', 'other'], owner: ['u1', 'u2'] })
    await keeps(s.servers, make.server('1'), { name: ['name-of-1', 'other'] })
    await keeps(s.tools, make.tool('market/quote'), {
      server: ['market', 'bank'],
      status: ['active', 'quarantined'],
    })
    await keeps(s.tasks, make.task('1'), {
      agent: ['a1', 'a2'],
      user: ['u1', null],
      status: ['active', 'ended'],
    })
    await keeps(s.delegations, make.delegation('1'), { task: ['t1', 't2'], to: ['a1', 'a2'] })
    await keeps(s.approvals, make.approval('1'), { status: ['pending', 'used'], task: ['t1', 't2'] })
    await keeps(s.policies, make.policy('1'), { status: ['active', 'retired'] })
    await keeps(s.elevations, make.elevation('1'), { status: ['pending', 'active'], task: ['t1', 't2'] })
    await keeps(s.enforcers, make.enforcer('1'), { name: ['pep-1', 'other'], status: ['active', 'revoked'] })
    await keeps(s.policyStores, make.policyStore('1'), {
      name: ['todo', 'other'],
      status: ['active', 'retired'],
    })
    await keeps(s.relationSpaces, make.relationSpace('1'), { role: ['policy', 'other'] })
    await keeps(s.relationModels, make.relationModel('1'), { space: ['s1', 's2'] })
    await keeps(s.ownerRequests, make.ownerRequest('1'), { status: ['pending', 'expired'] })
    await keeps(s.decisions, make.decision('1'), {
      agent: ['a1', 'a2'],
      user: ['u1', null],
      task: ['t1', 't2'],
      outcome: ['allow', 'deny'],
    })
  })

  onStore('a record shares nothing with the caller', open, async (s) => {
    const given = { ...make.agent('1'), redirectUris: ['http://a'] }
    await s.agents.insert(given)
    given.redirectUris.push('http://b')
    const first = await s.agents.get('acme', '1')
    assert.deepEqual(first?.redirectUris, ['http://a'])
    Object.assign(first ?? {}, { name: 'changed' })
    assert.equal((await s.agents.get('acme', '1'))?.name, 'name of 1')
  })

  onStore('an insert needs version 1, a free id and a free unique name', open, async (s) => {
    await refuses('invalid_request', () => s.agents.insert(make.agent('0', { version: 2 })))
    await s.agents.insert(make.agent('1', { name: 'n' }))
    await refuses('conflict', () => s.agents.insert(make.agent('1', { name: 'other' })))
    await refuses('conflict', () => s.agents.insert(make.agent('2', { name: 'n' })))
    assert.equal(await s.agents.get('acme', '2'), null)
    await s.agents.insert(make.agent('2', { name: 'n', tenant: 'other' }))
    await s.servers.insert(make.server('1', { name: 'n' }))
    await refuses('conflict', () => s.servers.insert(make.server('2', { name: 'n' })))
  })

  onStore('a replace needs the version before, and a free unique name', open, async (s) => {
    await refuses('not_found', () => s.agents.replace(make.agent('1', { version: 2 })))
    await s.agents.insert(make.agent('1', { name: 'one' }))
    await s.agents.insert(make.agent('2', { name: 'two' }))
    for (const version of [1, 3, 99]) {
      await refuses('conflict', () => s.agents.replace(make.agent('1', { version, name: 'x' })))
    }
    await refuses('conflict', () => s.agents.replace(make.agent('1', { version: 2, name: 'two' })))
    await refuses('invalid_request', () => s.agents.replace(make.agent('1', { version: 0 })))
    assert.deepEqual(await s.agents.get('acme', '1'), make.agent('1', { name: 'one' }))
    await s.agents.replace(make.agent('1', { version: 2, name: 'one' }))
    await refuses('conflict', () => s.agents.replace(make.agent('1', { version: 2, name: 'late' })))
  })

  onStore('of many replaces of one version at once, one wins', open, async (s) => {
    await s.users.insert(make.user('1'))
    const names = Array.from({ length: 20 }, (_, at) => `n${at}`)
    const tries = names.map((name) => s.users.replace(make.user('1', { version: 2, name })))
    const results = await Promise.allSettled(tries)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await s.users.get('acme', '1'))?.version, 2)
  })

  onStore('a removed id is free again, its name too; removing nothing is nothing', open, async (s) => {
    await s.servers.insert(make.server('1', { name: 'n' }))
    await s.servers.remove('acme', '1')
    await s.servers.remove('acme', '1')
    await s.servers.insert(make.server('1', { name: 'n' }))
    assert.equal((await s.servers.list('acme')).length, 1)
  })

  onStore('pages run in id order, both ways, without gap or repetition', open, async (s) => {
    const ids = ['a', 'b', 'B', 'aa', '10', '9', 'é', '\uffff', '😀', 'z']
    const sorted = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const id of ids) await s.tasks.insert(make.task(id, { user: id === 'b' ? null : 'u1' }))
    const walked = async (newestFirst: boolean, page: (after?: string) => Promise<{ id: string }[]>) => {
      const seen: string[] = []
      for (;;) {
        const got = await page(seen.at(-1))
        assert.ok(got.length <= 3)
        if (got.length === 0) return newestFirst ? seen.reverse() : seen
        seen.push(...got.map(({ id }) => id))
      }
    }
    for (const newestFirst of [false, true]) {
      const options = (after?: string) => ({
        limit: 3,
        newestFirst,
        ...(after === undefined ? {} : { after }),
      })
      assert.deepEqual(await walked(newestFirst, (after) => s.tasks.list('acme', options(after))), sorted)
      assert.deepEqual(
        await walked(newestFirst, (after) => s.tasks.find('acme', 'user', 'u1', options(after))),
        sorted.filter((id) => id !== 'b'),
      )
    }
    assert.deepEqual(await s.tasks.list('acme', { after: sorted.at(-1) ?? '' }), [])
    assert.deepEqual(
      (await s.tasks.list('acme', { after: 'no such id', limit: 1 })).map(({ id }) => id),
      ['z'],
    )
  })

  onStore('a page has 100 records by default and 1000 at most', open, async (s) => {
    await s.tx(async (t) => {
      for (let at = 0; at < 1005; at++) await t.decisions.insert(make.decision(String(at).padStart(4, '0')))
    })
    assert.equal((await s.decisions.list('acme')).length, 100)
    assert.equal((await s.decisions.find('acme', 'outcome', 'allow')).length, 100)
    assert.equal((await s.decisions.list('acme', { limit: 1000 })).length, 1000)
    for (const limit of [0, -1, 1001, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await refuses('invalid_request', () => s.decisions.list('acme', { limit }))
      await refuses('invalid_request', () => s.decisions.find('acme', 'agent', 'a1', { limit }))
    }
  })

  onStore('only declared indexes can be asked', open, async (s) => {
    const hostile = s.users as unknown as Collection<Stored, string>
    for (const index of ['body', 'id', '__proto__', 'constructor', '1=1', 'owner']) {
      await refuses('invalid_request', () => hostile.find('acme', index, 'x'))
    }
  })

  onStore('odd ids are ids like any other', open, async (s) => {
    for (const id of ODD_KEYS) await s.users.insert(make.user(id, { name: id }))
    for (const id of ODD_KEYS) {
      assert.deepEqual(await s.users.get('acme', id), make.user(id, { name: id }))
      assert.deepEqual(await s.users.find('acme', 'name', id), [make.user(id, { name: id })])
    }
    assert.equal((await s.users.list('acme')).length, ODD_KEYS.length)
    for (const id of ODD_KEYS) await s.users.remove('acme', id)
    assert.deepEqual(await s.users.list('acme'), [])
  })

  onStore('odd members are members like any other', open, async (s) => {
    const args = JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":1,"a\\u0000b":"\\u0000","lone":"\\ud800","":[]}',
    )
    await s.approvals.insert(make.approval('1', { args }))
    const back = await s.approvals.get('acme', '1')
    assert.equal(JSON.stringify(back?.args), JSON.stringify(args))
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })

  onStore('what cannot be kept is refused, not changed', open, async (s) => {
    await refuses('invalid_json', () => s.decisions.insert(make.decision('1', { risk: Number.NaN })))
    await refuses('invalid_json', () => s.decisions.insert(make.decision('1', { risk: Infinity })))
    const bigint = { ...make.user('1'), extra: 1n }
    await refuses('invalid_json', () => s.users.insert(bigint))
    await refuses('invalid_request', () => s.users.insert(make.user('')))
    await refuses('invalid_request', () => s.users.insert(make.user('1', { tenant: '' })))
    await refuses('invalid_request', () => s.users.insert(make.user('x'.repeat(2049))))
    await refuses('invalid_request', () => s.users.insert(make.user('1', { name: 'x'.repeat(2049) })))
    await refuses('invalid_request', () => s.users.insert(make.user('1', { name: 5 as unknown as string })))
    assert.deepEqual([...(await s.users.list('acme')), ...(await s.decisions.list('acme'))], [])
    assert.equal(await s.users.get('acme', 'x'.repeat(100_000)), null)
  })

  onStore('a record of a megabyte comes back whole', open, async (s) => {
    const text = 'é\u0000"\\'.repeat(200_000)
    await s.policies.insert(make.policy('1', { agentPolicies: text }))
    assert.equal((await s.policies.get('acme', '1'))?.agentPolicies, text)
  })
}

/** `changes` gives, for each index, the value that the record has and the one it is to have after a replace. */
async function keeps<T extends Stored, Index extends string>(
  collection: Collection<T, Index>,
  record: T,
  changes: Record<Index, readonly [string, string | null]>,
): Promise<void> {
  const { tenant, id } = record
  const names = Object.keys(changes) as Index[]
  assert.equal(await collection.get(tenant, id), null)
  await collection.insert(record)
  assert.deepEqual(await collection.get(tenant, id), record)
  assert.deepEqual(await collection.list(tenant), [record])
  for (const name of names) {
    assert.deepEqual(await collection.find(tenant, name, changes[name][0]), [record])
    assert.deepEqual(await collection.find(tenant, name, `${changes[name][0]}x`), [])
  }
  const after = Object.fromEntries(names.map((name) => [name, changes[name][1]]))
  const changed: T = { ...record, ...after, version: 2 }
  await collection.replace(changed)
  assert.deepEqual(await collection.get(tenant, id), changed)
  for (const name of names) {
    const [before, now] = changes[name]
    assert.deepEqual(await collection.find(tenant, name, before), [])
    assert.deepEqual(await collection.find(tenant, name, now ?? 'null'), now === null ? [] : [changed])
  }
  await collection.remove(tenant, id)
  assert.equal(await collection.get(tenant, id), null)
  for (const name of names) assert.deepEqual(await collection.find(tenant, name, changes[name][1] ?? ''), [])
}
