/**
 * What every clock, id source, bus and keyring must do.
 * @module
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Bus, BusMessage, Clock, Ids, Keyring } from '@safeconduct/engine'
import { ODD_KEYS } from './collections.ts'
import { refuses } from './fixtures.ts'

/** `open` gets the wall clock to read, milliseconds. */
export function clockConformance(name: string, open: (wall: () => number) => Clock): void {
  describe(`clock conformance: ${name}`, () => {
    test('follows the wall clock forwards and stands still when it is set back', () => {
      const readings = [5, 7, 6, 3, 7, 8.9, 8, 10]
      const clock = open(() => readings.shift() ?? 0)
      const seen = Array.from({ length: 9 }, () => clock.now())
      assert.deepEqual(seen, [5, 7, 7, 7, 7, 8, 8, 10, 10])
    })
  })
}

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export function idsConformance(name: string, open: (clock: Clock) => Ids): void {
  describe(`ids conformance: ${name}`, () => {
    test('are UUIDv7 of the time they are made at', () => {
      const id = open({ now: () => 0x017f22e279b0 }).next()
      assert.match(id, UUID7)
      assert.equal(id.slice(0, 13), '017f22e2-79b0')
    })

    test('grow, whatever the clock does', () => {
      let at = 0
      const wall = [1000, 1000, 2000, 1500, 1, 2001]
      const ids = open({ now: () => wall[Math.floor(at++ / 10_000)] ?? 2001 })
      let last = ''
      for (let made = 0; made < 60_000; made++) {
        const id = ids.next()
        assert.ok(id > last && UUID7.test(id), `${id} after ${last}`)
        last = id
      }
    })

    test('of two sources at one time do not meet', () => {
      const clock = { now: () => 1 }
      const sources = [open(clock), open(clock)]
      const made = sources.flatMap((ids) => Array.from({ length: 1000 }, () => ids.next()))
      assert.equal(new Set(made).size, 2000)
    })
  })
}

const message = (id: string): BusMessage => ({ type: 'revoked', tenant: 'acme', kind: 'agent', id })
const idOf = (one: BusMessage) => (one.type === 'revoked' ? one.id : one.type)

/** Longer than any delivery within one process takes: a turn of the event loop for each message in flight. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export function busConformance(name: string, open: () => Bus): void {
  describe(`bus conformance: ${name}`, () => {
    test('each subscriber gets what was published while it was subscribed, in order', async () => {
      const bus = open()
      const early: string[] = []
      const late: string[] = []
      bus.publish(message('before'))
      const end = bus.subscribe((one) => early.push(idOf(one)))
      bus.publish(message('1'))
      const endLate = bus.subscribe((one) => late.push(idOf(one)))
      bus.publish(message('2'))
      await settled()
      end()
      end()
      bus.publish(message('3'))
      await settled()
      endLate()
      bus.publish(message('4'))
      await settled()
      assert.deepEqual(early, ['1', '2'])
      assert.deepEqual(late, ['2', '3'])
    })

    test('a listener never runs within publish, and one that throws or rejects holds up nobody', async () => {
      const bus = open()
      const seen: string[] = []
      const ends = [
        bus.subscribe(() => {
          throw new Error('listener')
        }),
        bus.subscribe(() => Promise.reject(new Error('async listener')) as unknown as undefined),
        bus.subscribe((one) => seen.push(idOf(one))),
      ]
      bus.publish(message('1'))
      assert.deepEqual(seen, [])
      bus.publish(message('2'))
      await settled()
      assert.deepEqual(seen, ['1', '2'])
      for (const end of ends) end()
    })

    test('the same function subscribed twice is two subscriptions', async () => {
      const bus = open()
      let count = 0
      const listener = () => {
        count++
      }
      const ends = [bus.subscribe(listener), bus.subscribe(listener)]
      bus.publish(message('1'))
      await settled()
      assert.equal(count, 2)
      ends[0]?.()
      bus.publish(message('2'))
      await settled()
      assert.equal(count, 3)
      ends[1]?.()
    })

    test('a listener that publishes or unsubscribes while it is called confuses nobody', async () => {
      const bus = open()
      const seen: string[] = []
      const end = bus.subscribe((one) => {
        seen.push(idOf(one))
        if (idOf(one) === '1') bus.publish(message('answer'))
        else end()
      })
      bus.publish(message('1'))
      bus.publish(message('2'))
      await settled()
      assert.deepEqual(seen, ['1', '2'])
    })
  })
}

const plain = new TextEncoder().encode('what only the subject may be known by')

/** `open` makes a keyring over storage of its own; `again` one more over the same storage, as after a restart. */
export function keyringConformance(
  name: string,
  open: () => Promise<{ keyring: Keyring; again: () => Keyring }>,
): void {
  describe(`keyring conformance: ${name}`, () => {
    test('what is sealed opens, now and after a restart, and tells nothing', async () => {
      const { keyring, again } = await open()
      await keyring.ready('acme', 'u1')
      for (const value of [plain, new Uint8Array(0), new Uint8Array(100_000).fill(7)]) {
        const sealed = keyring.seal('acme', 'u1', value)
        assert.deepEqual(await keyring.open('acme', 'u1', sealed), value)
        assert.deepEqual(await again().open('acme', 'u1', sealed), value)
        if (value.length > 0) assert.equal(Buffer.from(sealed).includes(Buffer.from(value)), false)
      }
      assert.notDeepEqual(keyring.seal('acme', 'u1', plain), keyring.seal('acme', 'u1', plain))
    })

    test('sealing needs a ready subject', async () => {
      const { keyring } = await open()
      await refuses('internal', async () => keyring.seal('acme', 'u1', plain))
      await keyring.ready('acme', 'u1')
      await refuses('internal', async () => keyring.seal('acme', 'u2', plain))
      await refuses('internal', async () => keyring.seal('other', 'u1', plain))
    })

    test('ready many times at once makes one key', async () => {
      const { keyring, again } = await open()
      await Promise.all(Array.from({ length: 20 }, () => keyring.ready('acme', 'u1')))
      const sealed = keyring.seal('acme', 'u1', plain)
      const other = again()
      await other.ready('acme', 'u1')
      assert.deepEqual(await keyring.open('acme', 'u1', other.seal('acme', 'u1', plain)), plain)
      assert.deepEqual(await other.open('acme', 'u1', sealed), plain)
    })

    test('nothing opens for another subject or tenant', async () => {
      const { keyring } = await open()
      const pairs: [string, string][] = [
        ['acme', 'u1'],
        ['acme', 'u2'],
        ['other', 'u1'],
        ['a', 'b/c'],
        ['a/b', 'c'],
        ['', 'ab'],
        ['ab', ''],
        ...ODD_KEYS.map((key): [string, string] => ['acme', key]),
      ]
      for (const [tenant, subject] of pairs) await keyring.ready(tenant, subject)
      const sealed = pairs.map(([tenant, subject]) => keyring.seal(tenant, subject, plain))
      for (const [mine, [tenant, subject]] of pairs.entries()) {
        for (const [theirs, value] of sealed.entries()) {
          if (mine === theirs) assert.deepEqual(await keyring.open(tenant, subject, value), plain)
          else await refuses('internal', () => keyring.open(tenant, subject, value))
        }
      }
    })

    test('a changed byte never opens and never passes for an erasure', async () => {
      const { keyring } = await open()
      await keyring.ready('acme', 'u1')
      const sealed = keyring.seal('acme', 'u1', plain)
      await keyring.erase('acme', 'other')
      for (let at = 0; at < sealed.length; at++) {
        const changed = Uint8Array.from(sealed)
        changed[at] = (changed[at] ?? 0) ^ 1
        await refuses('internal', () => keyring.open('acme', 'u1', changed))
      }
      for (const length of [0, 1, sealed.length - 1]) {
        await refuses('internal', () => keyring.open('acme', 'u1', sealed.subarray(0, length)))
      }
    })

    test('an erased subject opens as null for good, and starts anew when made ready again', async () => {
      const { keyring, again } = await open()
      await keyring.ready('acme', 'u1')
      await keyring.ready('acme', 'u2')
      const old = keyring.seal('acme', 'u1', plain)
      const kept = keyring.seal('acme', 'u2', plain)
      await keyring.erase('acme', 'u1')
      await keyring.erase('acme', 'u1')
      await refuses('internal', async () => keyring.seal('acme', 'u1', plain))
      assert.equal(await keyring.open('acme', 'u1', old), null)
      assert.equal(await again().open('acme', 'u1', old), null)
      await keyring.ready('acme', 'u1')
      const fresh = keyring.seal('acme', 'u1', plain)
      assert.equal(await keyring.open('acme', 'u1', old), null)
      assert.deepEqual(await keyring.open('acme', 'u1', fresh), plain)
      assert.deepEqual(await keyring.open('acme', 'u2', kept), plain)
    })

    test('ready, open and erase of one subject at once end in a whole state', async () => {
      const { keyring } = await open()
      await keyring.ready('acme', 'u1')
      const sealed = keyring.seal('acme', 'u1', plain)
      const results = await Promise.all([
        keyring.open('acme', 'u1', sealed),
        keyring.erase('acme', 'u1'),
        keyring.ready('acme', 'u1'),
        keyring.open('acme', 'u1', sealed),
      ])
      assert.deepEqual([results[0], results[3]], [plain, null])
      const fresh = keyring.seal('acme', 'u1', plain)
      assert.deepEqual(await keyring.open('acme', 'u1', fresh), plain)
    })
  })
}
