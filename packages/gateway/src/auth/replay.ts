/**
 * Proofs that were used already. Kept in memory only: the nonces of this process do not outlive it either, so a proof
 * from before a restart is refused for its nonce. When full, new proofs are refused; nothing is forgotten early.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'

export interface ReplaySet {
  /**
   * True exactly once per key until `expiresAt`.
   * @throws {SafeconductError} `overloaded` when full of keys that have not expired
   */
  claim(key: string, expiresAt: number, now: number): boolean
  readonly size: number
}

/** How many slots of expiry a set keeps apart; a slot is dropped whole when its time is over. */
const SLOT = 10_000

export function createReplaySet(limit = 200_000): ReplaySet {
  const slots = new Map<number, Set<string>>()
  let size = 0

  const dropExpired = (now: number) => {
    for (const [slot, keys] of slots) {
      if ((slot + 1) * SLOT > now) continue
      slots.delete(slot)
      size -= keys.size
    }
  }

  return {
    claim(key, expiresAt, now) {
      dropExpired(now)
      for (const keys of slots.values()) if (keys.has(key)) return false
      if (size >= limit) throw new SafeconductError('overloaded')
      const slot = Math.floor(expiresAt / SLOT)
      const keys = slots.get(slot) ?? new Set()
      keys.add(key)
      slots.set(slot, keys)
      size += 1
      return true
    },
    get size() {
      return size
    },
  }
}
