import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idsConformance } from './conformance/ports.ts'
import { createIds } from './ids.ts'

idsConformance('uuid7', (clock) => createIds(clock))

test('the example of RFC 9562 appendix A.6', () => {
  // rand_a 0xCC3 is above the lower half in which a counter starts, so the nearest start is shown: 0x4C3.
  const random = [0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f, 0xcc, 0xc3]
  const fill = (bytes: Uint8Array) => bytes.set(random)
  const id = createIds({ now: () => 0x017f22e279b0 }, fill).next()
  assert.equal(id, '017f22e2-79b0-74c3-98c4-dc0c0c07398f')
})

test('no random byte is used twice', () => {
  let next = 0
  const fill = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer)
    for (let at = 0; at + 1 < bytes.length; at += 2) view.setUint16(at, next++ & 0xffff)
  }
  const ids = createIds({ now: () => 1 }, fill)
  const tails = Array.from({ length: 5000 }, () => ids.next().slice(24))
  assert.equal(new Set(tails).size, 5000)
})

test('a full counter moves the time field on, and the order holds', () => {
  const ids = createIds({ now: () => 1000 }, (bytes) => bytes.fill(0xff))
  const made = Array.from({ length: 0x1000 }, () => ids.next())
  assert.equal(made[0]?.slice(0, 18), '00000000-03e8-77ff')
  assert.equal(made[0x800]?.slice(0, 18), '00000000-03e8-7fff')
  assert.equal(made[0x801]?.slice(0, 18), '00000000-03e9-77ff')
  assert.deepEqual([...made].sort(), made)
})
