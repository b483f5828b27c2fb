/**
 * Transactions: all or nothing, one after another, and no way to hang.
 * @module
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Repositories } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'
import * as make from './fixtures.ts'
import { type OpenStore, onStore, refuses, type Skips } from './fixtures.ts'

/** Touches every repository, so that a rollback has something to take back in each. */
async function touchAll(t: Repositories): Promise<void> {
  await t.users.insert(make.user('new'))
  await t.agents.replace(make.agent('1', { version: 2, name: 'changed' }))
  await t.servers.remove('acme', '1')
  await t.epochs.ensure('acme', 'agent', 'new')
  await t.epochs.bump('acme', 'agent', 'old')
  await t.oauth.upsert('Grant', 'new', {}, null)
  await t.oauth.upsert('Grant', 'old', { changed: true }, null)
  await t.oauth.consume('Grant', 'used', 5)
  await t.oauth.destroy('Grant', 'gone')
  assert.equal(await t.replay.claim('new', 10, 5), true)
  await t.blobs.put('old', Uint8Array.of(2))
  await t.blobs.put('new', Uint8Array.of(3))
  await t.blobs.erase('gone')
  await t.outbox.add('acme', 'new', {})
  await t.outbox.done(1)
}

async function prepare(t: Repositories): Promise<void> {
  await t.agents.insert(make.agent('1'))
  await t.servers.insert(make.server('1'))
  await t.epochs.ensure('acme', 'agent', 'old')
  for (const id of ['old', 'used', 'gone']) await t.oauth.upsert('Grant', id, { id }, null)
  await t.blobs.put('old', Uint8Array.of(1))
  await t.blobs.put('gone', Uint8Array.of(1))
  await t.outbox.add('acme', 'old', {})
}

/** Everything there is, to compare. Does not claim, because a claim cannot be looked at. */
async function everything(t: Repositories): Promise<unknown> {
  return {
    users: await t.users.list('acme'),
    agents: await t.agents.list('acme'),
    servers: await t.servers.list('acme'),
    epochs: await t.epochs.all(),
    oauth: await Promise.all(['new', 'old', 'used', 'gone'].map((id) => t.oauth.find('Grant', id))),
    blobs: await Promise.all((await t.blobs.names('')).map(async (name) => [name, await t.blobs.get(name)])),
    outbox: await t.outbox.take(100),
  }
}

export function transactions(open: OpenStore, skips: Skips): void {
  onStore('a transaction that throws leaves nothing behind, and its error comes back', open, async (s) => {
    await prepare(s)
    const before = await everything(s)
    const boom = new Error('boom')
    for (const lazily of [true, false]) {
      const work = async (t: Repositories) => {
        await touchAll(t)
        assert.notDeepEqual(await everything(t), before)
        throw boom
      }
      await assert.rejects(
        () => s.tx(work, { lazily }),
        (error) => error === boom,
      )
      assert.deepEqual(await everything(s), before)
    }
    assert.equal(await s.replay.claim('new', 10, 5), true)
  })

  onStore('changes of one thing, one after another, are all taken back', open, async (s) => {
    await prepare(s)
    const before = await everything(s)
    await refuses('expired', () =>
      s.tx(async (t) => {
        for (const version of [2, 3])
          await t.agents.replace(make.agent('1', { version, name: `n${version}` }))
        await t.agents.remove('acme', '1')
        await t.agents.insert(make.agent('1', { name: 'again' }))
        await t.users.insert(make.user('new'))
        await t.users.remove('acme', 'new')
        for (const value of [8, 9]) await t.blobs.put('old', Uint8Array.of(value))
        await t.blobs.erase('old')
        for (let bumps = 0; bumps < 3; bumps++) await t.epochs.bump('acme', 'agent', 'old')
        await t.outbox.done(1)
        await t.outbox.add('acme', 'old', { again: true })
        throw new SafeconductError('expired')
      }),
    )
    assert.deepEqual(await everything(s), before)
  })

  onStore('a transaction that returns keeps everything, and its value comes back', open, async (s) => {
    await prepare(s)
    const inside = await s.tx(async (t) => {
      await touchAll(t)
      return everything(t)
    })
    assert.deepEqual(await everything(s), inside)
    assert.equal(await s.replay.claim('new', 10, 5), false)
  })

  onStore(
    'a refused write inside takes the whole transaction back when it is not caught',
    open,
    async (s) => {
      await s.users.insert(make.user('1'))
      await refuses('conflict', () =>
        s.tx(async (t) => {
          await t.outbox.add('acme', 'e', {})
          await t.users.insert(make.user('1'))
        }),
      )
      assert.deepEqual(await s.outbox.take(1), [])
    },
  )

  onStore('calls from outside wait for the transaction and see all of it or nothing', open, async (s) => {
    const seen: number[] = []
    const gate = Promise.withResolvers<void>()
    const work = s.tx(async (t) => {
      await t.users.insert(make.user('1'))
      await gate.promise
      await t.users.insert(make.user('2'))
    })
    const outside = s.users.list('acme').then((users) => seen.push(users.length))
    const second = s.tx(async (t) => seen.push((await t.users.list('acme')).length))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(seen, [])
    gate.resolve()
    await Promise.all([work, outside, second])
    assert.deepEqual(seen, [2, 2])
  })

  onStore('transactions at once lose no update', open, async (s) => {
    await s.users.insert(make.user('1', { createdAt: 0 }))
    const add = () =>
      s.tx(async (t) => {
        const held = await t.users.get('acme', '1')
        assert.ok(held !== null)
        await Promise.resolve()
        await t.users.replace({ ...held, version: held.version + 1, createdAt: held.createdAt + 1 })
      })
    await Promise.all(Array.from({ length: 25 }, add))
    assert.equal((await s.users.get('acme', '1'))?.createdAt, 25)
  })

  onStore('the outer store inside a transaction is an error, not a hang', open, async (s) => {
    await refuses('internal', () => s.tx(async () => s.users.list('acme')))
    await refuses('internal', () => s.tx(async () => s.tx(async () => undefined)))
    await refuses('internal', () => s.tx(async () => s.blobs.putIfAbsent('x', new Uint8Array(1))))
    await refuses('internal', () => s.tx(async () => s.close()))
    assert.deepEqual(await s.users.list('acme'), [])
  })

  onStore('the repositories of a transaction end with it', open, async (s) => {
    const kept = await s.tx(async (t) => t)
    await refuses('internal', () => kept.users.insert(make.user('1')))
    await refuses('internal', () => kept.blobs.putIfAbsent('x', new Uint8Array(1)))
    assert.deepEqual(await s.users.list('acme'), [])
  })

  test('close waits for what is under way, can be repeated, and ends the store', async () => {
    const s = await open(randomUUID())
    const done: string[] = []
    const work = s.tx(async (t) => {
      await new Promise((resolve) => setImmediate(resolve))
      await t.users.insert(make.user('1'))
      done.push('tx')
    })
    const closing = s.close().then(() => done.push('close'))
    await Promise.all([work, closing, s.close()])
    assert.deepEqual(done, ['tx', 'close'])
    await refuses('shutting_down', () => s.users.list('acme'))
    await refuses('shutting_down', () => s.tx(async () => undefined))
    await s.close()
  })

  test('a store opened again has everything', { skip: skips.reopen ?? false }, async () => {
    const place = randomUUID()
    const first = await open(place)
    await prepare(first)
    await first.tx(touchAll)
    const before = await everything(first)
    await first.close()
    const second = await open(place)
    try {
      assert.deepEqual(await everything(second), before)
      assert.equal(await second.replay.claim('new', 10, 5), false)
      await second.outbox.add('acme', 'later', {})
      const seqs = (await second.outbox.take(9)).map(({ seq }) => seq)
      assert.equal(seqs.at(-1), 3, 'sequence numbers go on after a restart, drained or not')
    } finally {
      await second.close()
    }
  })

  test('a second opener is refused and takes nothing away', {
    skip: skips.secondOpener ?? false,
  }, async () => {
    const place = randomUUID()
    const first = await open(place)
    await refuses('already_running', () => open(place))
    await refuses('already_running', () => open(place))
    await first.users.insert(make.user('1'))
    await first.close()
    const second = await open(place)
    assert.equal((await second.users.list('acme')).length, 1)
    await second.close()
  })
}
