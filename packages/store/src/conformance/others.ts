/**
 * Epochs, authorization-server records, replay claims, blobs, outbox.
 * @module
 */
import assert from 'node:assert/strict'
import type { EpochKind } from '@safeconduct/protocol'
import { ODD_KEYS } from './collections.ts'
import { type OpenStore, onStore, refuses } from './fixtures.ts'

export function epochs(open: OpenStore): void {
  onStore('an epoch starts at 1 and only counts up', open, async (s) => {
    await refuses('not_found', () => s.epochs.bump('acme', 'agent', '1'))
    assert.equal(await s.epochs.ensure('acme', 'agent', '1'), 1)
    assert.equal(await s.epochs.bump('acme', 'agent', '1'), 2)
    assert.equal(await s.epochs.ensure('acme', 'agent', '1'), 2)
    assert.equal(await s.epochs.ensure('acme', 'user', '1'), 1)
    const bumps = await Promise.all(Array.from({ length: 10 }, () => s.epochs.bump('acme', 'user', '1')))
    assert.deepEqual(
      bumps.sort((a, b) => a - b),
      Array.from({ length: 10 }, (_, at) => at + 2),
    )
    await refuses('invalid_request', () => s.epochs.ensure('acme', 'nothing' as EpochKind, '1'))
    await refuses('invalid_request', () => s.epochs.ensure('acme', 'agent', ''))
    assert.equal((await s.epochs.all()).length, 2)
    assert.ok(Number(await s.epochs.bumpedAt('acme', 'user', '1')) > 0)
    await s.epochs.ensure('acme', 'task', '1')
    assert.equal(await s.epochs.bumpedAt('acme', 'task', '1'), null)
    assert.equal(await s.epochs.bumpedAt('acme', 'task', 'unknown'), null)
  })
}

/** Milliseconds after now at which nothing of a test run has expired. */
const HOUR = 3_600_000

export function oauth(open: OpenStore): void {
  onStore('authorization-server records are found by id, uid and user code', open, async (s) => {
    const payload = { uid: 'u', userCode: 'c', grantId: 'g', exp: 5, list: [1, { a: null }] }
    await s.oauth.upsert('Session', '1', payload, Date.now() + HOUR)
    assert.deepEqual(await s.oauth.find('Session', '1'), payload)
    assert.deepEqual(await s.oauth.findByUid('Session', 'u'), payload)
    assert.deepEqual(await s.oauth.findByUserCode('Session', 'c'), payload)
    assert.equal(await s.oauth.find('Grant', '1'), null)
    assert.equal(await s.oauth.findByUid('Grant', 'u'), null)
    assert.equal(await s.oauth.findByUserCode('Grant', 'c'), null)
    assert.equal(await s.oauth.findByUid('Session', 'c'), null)
    await s.oauth.upsert('Session', '1', { uid: 'v' }, null)
    assert.equal(await s.oauth.findByUid('Session', 'u'), null)
    assert.deepEqual(await s.oauth.findByUid('Session', 'v'), { uid: 'v' })
    await s.oauth.destroy('Session', '1')
    assert.equal(await s.oauth.find('Session', '1'), null)
    await s.oauth.destroy('Session', '1')
  })

  onStore('a payload is a deep copy, both ways', open, async (s) => {
    const payload = { list: [1] }
    await s.oauth.upsert('Grant', '1', payload, null)
    payload.list.push(2)
    const back = await s.oauth.find('Grant', '1')
    assert.deepEqual(back, { list: [1] })
    Object.assign(back ?? {}, { other: 1 })
    assert.deepEqual(await s.oauth.find('Grant', '1'), { list: [1] })
  })

  onStore('consuming is noted once and undone by the next upsert', open, async (s) => {
    await s.oauth.consume('Code', 'none', 1)
    assert.equal(await s.oauth.find('Code', 'none'), null)
    await s.oauth.upsert('Code', '1', { uid: 'u' }, null)
    await s.oauth.consume('Code', '1', 7)
    await s.oauth.consume('Code', '1', 8)
    assert.deepEqual(await s.oauth.find('Code', '1'), { uid: 'u', consumed: 7 })
    assert.deepEqual(await s.oauth.findByUid('Code', 'u'), { uid: 'u', consumed: 7 })
    await s.oauth.upsert('Code', '1', { uid: 'u' }, null)
    assert.deepEqual(await s.oauth.find('Code', '1'), { uid: 'u' })
  })

  onStore('revoking a grant takes all records of the model under it', open, async (s) => {
    for (const id of ['1', '2', '3']) await s.oauth.upsert('Token', id, { grantId: 'g' }, null)
    await s.oauth.upsert('Token', '4', { grantId: 'h' }, null)
    await s.oauth.upsert('Code', '1', { grantId: 'g' }, null)
    await s.oauth.upsert('Token', '5', { grantId: 'gg' }, null)
    await s.oauth.revokeByGrantId('Token', 'g')
    const left = await Promise.all(['1', '2', '3', '4', '5'].map((id) => s.oauth.find('Token', id)))
    assert.deepEqual(left, [null, null, null, { grantId: 'h' }, { grantId: 'gg' }])
    assert.deepEqual(await s.oauth.find('Code', '1'), { grantId: 'g' })
  })

  onStore('an expired record is not there', open, async (s) => {
    await s.oauth.upsert('Code', 'old', { uid: 'u', userCode: 'c' }, Date.now() - 1)
    for (let at = 0; at < 20; at++) await s.oauth.upsert('Code', `n${at}`, {}, Date.now() - 1)
    assert.equal(await s.oauth.find('Code', 'old'), null)
    assert.equal(await s.oauth.findByUid('Code', 'u'), null)
    assert.equal(await s.oauth.findByUserCode('Code', 'c'), null)
    await s.oauth.upsert('Code', 'live', { uid: 'u' }, Date.now() + HOUR)
    assert.deepEqual(await s.oauth.findByUid('Code', 'u'), { uid: 'u' })
  })

  onStore('odd models, ids and members are like any other', open, async (s) => {
    for (const key of ODD_KEYS) await s.oauth.upsert(key, key, { uid: key, key }, null)
    for (const key of ODD_KEYS) {
      assert.deepEqual(await s.oauth.find(key, key), { uid: key, key })
      assert.deepEqual(await s.oauth.findByUid(key, key), { uid: key, key })
    }
    const hostile = JSON.parse('{"__proto__":{"uid":"x","polluted":1}}')
    await s.oauth.upsert('M', '1', hostile, null)
    await s.oauth.consume('M', '1', 3)
    assert.equal(await s.oauth.findByUid('M', 'x'), null)
    const back = JSON.stringify(await s.oauth.find('M', '1'))
    assert.equal(back, '{"__proto__":{"uid":"x","polluted":1},"consumed":3}')
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })
}

export function replay(open: OpenStore): void {
  onStore('of many claims of one key at once, exactly one wins', open, async (s) => {
    const claims = await Promise.all(Array.from({ length: 100 }, () => s.replay.claim('k', 1000, 10)))
    assert.equal(claims.filter((won) => won).length, 1)
    assert.equal(await s.replay.claim('k', 5000, 999), false)
    assert.equal(await s.replay.claim('other', 1000, 10), true)
  })

  onStore('an expired key can be claimed again, once; an expired claim never wins', open, async (s) => {
    assert.equal(await s.replay.claim('k', 1000, 10), true)
    const again = await Promise.all(Array.from({ length: 10 }, () => s.replay.claim('k', 3000, 1000)))
    assert.equal(again.filter((won) => won).length, 1)
    assert.equal(await s.replay.claim('k', 3000, 2999), false)
    assert.equal(await s.replay.claim('late', 1000, 1000), false)
    assert.equal(await s.replay.claim('late', 1000, 999), true)
  })

  onStore('sweeping takes no claim that still holds', open, async (s) => {
    const keep = Number.MAX_SAFE_INTEGER
    assert.equal(await s.replay.claim('keep', keep, 0), true)
    for (let at = 0; at < 300; at++) assert.equal(await s.replay.claim(`k${at}`, at + 1, at), true)
    for (let at = 0; at < 300; at++) {
      assert.equal(await s.replay.claim(`m${at}`, 2_000_000 + at, 1_000_000), true)
    }
    assert.equal(await s.replay.claim('keep', keep, 1_000_000), false)
    for (let at = 0; at < 300; at++) {
      assert.equal(await s.replay.claim(`m${at}`, 3_000_000, 1_000_000), false)
    }
  })

  onStore('odd keys do not meet', open, async (s) => {
    for (const key of ODD_KEYS) assert.equal(await s.replay.claim(key, 10, 0), true)
    for (const key of ODD_KEYS) assert.equal(await s.replay.claim(key, 10, 0), false)
    await refuses('invalid_request', () => s.replay.claim('', 10, 0))
    await refuses('invalid_request', () => s.replay.claim('x'.repeat(2049), 10, 0))
    await refuses('invalid_request', () => s.replay.claim('k', 10.5, 0))
    await refuses('invalid_request', () => s.replay.claim('k', 10, Number.NaN))
  })
}

export function blobs(open: OpenStore): void {
  onStore('blobs of any size come back byte for byte', open, async (s) => {
    const bytes = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 31) % 256)
    assert.equal(await s.blobs.get('none'), null)
    for (const length of [0, 1, 255, 4096, 1_000_000]) {
      await s.blobs.put('b', bytes(length))
      const back = await s.blobs.get('b')
      assert.ok(back instanceof Uint8Array)
      assert.equal(Buffer.compare(back, bytes(length)), 0)
    }
    const view = new Uint8Array(new ArrayBuffer(64), 8, 4).fill(7)
    await s.blobs.put('view', view)
    view.fill(9)
    const back = await s.blobs.get('view')
    assert.deepEqual(back, Uint8Array.of(7, 7, 7, 7))
    back?.fill(1)
    assert.deepEqual(await s.blobs.get('view'), Uint8Array.of(7, 7, 7, 7))
    await refuses('invalid_request', () => s.blobs.put('x', 'text' as unknown as Uint8Array))
    await refuses('invalid_request', () => s.blobs.put('', new Uint8Array(1)))
  })

  onStore('of many puts if absent, all get the one that is stored', open, async (s) => {
    const tries = Array.from({ length: 20 }, (_, at) => s.blobs.putIfAbsent('k', Uint8Array.of(at)))
    const results = (await Promise.all(tries)).map((value) => value[0])
    assert.equal(new Set(results).size, 1)
    assert.equal((await s.blobs.get('k'))?.[0], results[0])
    assert.deepEqual(await s.blobs.putIfAbsent('empty', new Uint8Array(0)), new Uint8Array(0))
    assert.deepEqual(await s.blobs.putIfAbsent('empty', Uint8Array.of(1)), new Uint8Array(0))
  })

  onStore('an erased blob is gone and its name free', open, async (s) => {
    await s.blobs.put('k', Uint8Array.of(1))
    await s.blobs.erase('k')
    await s.blobs.erase('k')
    assert.equal(await s.blobs.get('k'), null)
    assert.deepEqual(await s.blobs.names(''), [])
    assert.deepEqual(await s.blobs.putIfAbsent('k', Uint8Array.of(2)), Uint8Array.of(2))
  })

  onStore('names by prefix are exact and sorted', open, async (s) => {
    const names = ['a', 'a/1', 'a/2', 'a%', 'a_', 'ab', 'b', 'A/1', 'a/\uffff', 'a/😀', 'a/\u0000', 'a0']
    for (const name of names) await s.blobs.put(name, new Uint8Array(0))
    assert.deepEqual(await s.blobs.names('a/'), ['a/\u0000', 'a/1', 'a/2', 'a/\uffff', 'a/😀'])
    assert.deepEqual(await s.blobs.names('a%'), ['a%'])
    assert.deepEqual(await s.blobs.names('a_'), ['a_'])
    assert.deepEqual(await s.blobs.names('zzz'), [])
    assert.deepEqual(await s.blobs.names('a/\uffff'), ['a/\uffff'])
    assert.deepEqual(await s.blobs.names('\u{10ffff}'), [])
    assert.equal((await s.blobs.names('')).length, names.length)
  })

  onStore('odd names are names like any other', open, async (s) => {
    for (const name of ODD_KEYS) await s.blobs.put(name, Buffer.from(JSON.stringify(name)))
    for (const name of ODD_KEYS) {
      assert.equal(Buffer.from((await s.blobs.get(name)) ?? []).toString(), JSON.stringify(name))
      assert.ok((await s.blobs.names(name)).includes(name))
    }
    assert.equal((await s.blobs.names('')).length, ODD_KEYS.length)
  })
}

export function outbox(open: OpenStore): void {
  onStore('events come out in order and once taken off stay off', open, async (s) => {
    assert.deepEqual(await s.outbox.take(10), [])
    for (let at = 0; at < 12; at++) await s.outbox.add('acme', `e${at}`, { at })
    const first = await s.outbox.take(5)
    assert.deepEqual(
      first.map(({ id, event }) => [id, event]),
      [0, 1, 2, 3, 4].map((at) => [`e${at}`, { at }]),
    )
    assert.deepEqual(await s.outbox.take(5), first, 'taking alone takes nothing off')
    await s.outbox.done(first[2]?.seq ?? -1)
    const rest = await s.outbox.take(1000)
    assert.deepEqual(
      rest.map(({ id }) => id),
      Array.from({ length: 9 }, (_, at) => `e${at + 3}`),
    )
    const seqs = rest.map(({ seq }) => seq)
    assert.deepEqual(
      seqs,
      [...seqs].sort((a, b) => a - b),
    )
    await s.outbox.done(seqs.at(-1) ?? -1)
    assert.deepEqual(await s.outbox.take(1), [])
    await s.outbox.add('acme', 'later', {})
    assert.ok(((await s.outbox.take(1))[0]?.seq ?? 0) > (seqs.at(-1) ?? 0), 'no number is given twice')
  })

  onStore('a waiting event cannot be added twice', open, async (s) => {
    await s.outbox.add('acme', 'e', { first: true })
    await refuses('conflict', () => s.outbox.add('acme', 'e', { first: false }))
    await s.outbox.add('other', 'e', {})
    assert.deepEqual((await s.outbox.take(1))[0]?.event, { first: true })
    for (const limit of [0, -1, 1001, 0.5]) await refuses('invalid_request', () => s.outbox.take(limit))
    await refuses('invalid_request', () => s.outbox.done(0.5))
  })
}
