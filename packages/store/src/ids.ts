/**
 * UUIDv7 (RFC 9562 §5.7), each greater than the one before: within a millisecond the 12 bits after the time count up
 * from a random start (§6.2, method 1); when they overflow, or the clock stands still or goes back, the time field
 * runs ahead of the clock. 62 bits of every id are fresh randomness.
 * @module
 */
import { randomFillSync } from 'node:crypto'
import type { Clock, Ids } from '@safeconduct/engine'

const MAX_COUNTER = 0xfff
/** The counter starts in its lower half, so that at least 2048 ids fit into each millisecond. */
const COUNTER_SEED = 0x7ff
const POOL_BYTES = 4096
/** 8 random bytes and 2 for a counter's start. */
const TAKEN_PER_ID = 10

export function createIds(clock: Clock, fill: (bytes: Uint8Array) => void = randomFillSync): Ids {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  let time = -1
  let counter = 0

  function random(): DataView {
    if (used + TAKEN_PER_ID > POOL_BYTES) {
      fill(pool)
      used = 0
    }
    const view = new DataView(pool.buffer, used, TAKEN_PER_ID)
    used += TAKEN_PER_ID
    return view
  }

  return {
    next: () => {
      const bytes = random()
      const now = clock.now()
      if (now > time) {
        time = now
        counter = bytes.getUint16(8) & COUNTER_SEED
      } else if (++counter > MAX_COUNTER) {
        time += 1
        counter = bytes.getUint16(8) & COUNTER_SEED
      }
      const high = time.toString(16).padStart(12, '0')
      const variant = ((bytes.getUint16(0) & 0x3fff) | 0x8000).toString(16)
      const low = hex(bytes.getUint16(2), 4) + hex(bytes.getUint32(4), 8)
      return `${high.slice(0, 8)}-${high.slice(8)}-7${hex(counter, 3)}-${variant}-${low}`
    },
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
