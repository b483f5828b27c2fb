/**
 * Server nonces for DPoP (RFC 9449 §8, §9): stateless, made from a secret and the time. A secret made at start and
 * kept in memory only means that no proof made before a restart is accepted after it, so the replay set may be lost.
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface Nonces {
  /** The nonce to hand out at this time. */
  current(now: number): string
  /** True for the nonce of this period and of the one before. */
  accepts(nonce: string, now: number): boolean
}

/** A nonce lives between one and two periods. */
export const NONCE_PERIOD = 120_000
const KEPT = 4

export function createNonces(secret: Uint8Array, period = NONCE_PERIOD): Nonces {
  const make = (slot: number) =>
    createHmac('sha256', secret).update(`dpop-nonce ${slot}`).digest().subarray(0, 16).toString('base64url')
  // Two or three times a call; a nonce is handed out to everybody, so it may lie about.
  const made = new Map<number, string>()
  const at = (slot: number) => {
    const known = made.get(slot)
    if (known !== undefined) return known
    if (made.size >= KEPT) made.clear()
    const nonce = make(slot)
    made.set(slot, nonce)
    return nonce
  }
  const equal = (a: string, b: string) =>
    a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
  return {
    current: (now) => at(Math.floor(now / period)),
    accepts(nonce, now) {
      if (!/^[A-Za-z0-9_-]{22}$/.test(nonce)) return false
      const slot = Math.floor(now / period)
      return equal(nonce, at(slot)) || equal(nonce, at(slot - 1))
    },
  }
}
