/**
 * A ceiling on what anybody may ask of us without having proven anything: registrations, and documents to fetch.
 * @module
 */
import type { Clock } from '@safeconduct/engine'

/** True while there is room in this minute. */
export type Limiter = () => boolean

const MINUTE = 60_000

export function createLimiter(clock: Clock, perMinute: number): Limiter {
  let since = Number.NEGATIVE_INFINITY
  let used = 0
  return () => {
    const now = clock.now()
    if (now - since >= MINUTE) {
      since = now
      used = 0
    }
    used += 1
    return used <= perMinute
  }
}
