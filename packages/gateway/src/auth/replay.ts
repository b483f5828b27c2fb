/**
 * Proofs that were used already. Kept in memory only: the nonces of this process do not outlive it either, so a proof
 * from before a restart is refused for its nonce. When full, new proofs are refused; nothing is forgotten early. No
 * holder of a key may fill more than its share, so one that calls very fast shuts out only itself.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'

export interface ReplaySet {
  /**
   * True exactly once per holder and id until `expiresAt`.
   * @throws {SafeconductError} `rate_limited` when the holder's share, `overloaded` when the whole set is full of what
   *   has not expired
   */
  claim(proof: UsedProof, expiresAt: number, now: number): boolean
  readonly size: number
}

export interface UsedProof {
  /** Who made it: the thumbprint of the key. */
  readonly holder: string
  /** Unique per holder (`jti`, RFC 9449 §4.2). */
  readonly id: string
}

/** How many slots of expiry a set keeps apart; a slot is dropped whole when its time is over. */
const SLOT = 10_000

/** A slot of expiry: the ids of each holder. */
type Slot = Map<string, Set<string>>

export function createReplaySet(limit = 200_000, perHolder = Math.ceil(limit / 8)): ReplaySet {
  const slots = new Map<number, Slot>()
  const held = new Map<string, number>()
  let size = 0

  const drop = (slot: Slot) => {
    for (const [holder, ids] of slot) {
      const left = (held.get(holder) ?? 0) - ids.size
      if (left > 0) held.set(holder, left)
      else held.delete(holder)
      size -= ids.size
    }
  }

  const dropExpired = (now: number) => {
    for (const [number, slot] of slots) {
      if ((number + 1) * SLOT > now) continue
      slots.delete(number)
      drop(slot)
    }
  }

  return {
    claim({ holder, id }, expiresAt, now) {
      dropExpired(now)
      for (const slot of slots.values()) if (slot.get(holder)?.has(id) === true) return false
      const own = held.get(holder) ?? 0
      if (own >= perHolder) throw new SafeconductError('rate_limited')
      if (size >= limit) throw new SafeconductError('overloaded')
      const number = Math.floor(expiresAt / SLOT)
      const slot: Slot = slots.get(number) ?? new Map()
      slots.set(number, slot)
      const ids = slot.get(holder) ?? new Set()
      slot.set(holder, ids.add(id))
      held.set(holder, own + 1)
      size += 1
      return true
    },
    get size() {
      return size
    },
  }
}
