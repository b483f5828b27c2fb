/**
 * The wall clock, made to never go backwards within a process: a clock set back stands still until it has caught up.
 * @module
 */
import type { Clock } from '@safeconduct/engine'

export function createClock(read: () => number = Date.now): Clock {
  let last = Number.NEGATIVE_INFINITY
  return {
    now: () => {
      last = Math.max(last, Math.floor(read()))
      return last
    },
  }
}
