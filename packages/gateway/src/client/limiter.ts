/**
 * How much may go on at once: all together and per key. Refuses at once; nothing queues.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'

export interface Limiter {
  /**
   * Takes a place; call the result once to give it back.
   * @throws {SafeconductError} `overloaded` (all together), `rate_limited` (this key)
   */
  enter(key: string): () => void
  readonly size: number
}

export function createLimiter(max: number, perKey: number): Limiter {
  const byKey = new Map<string, number>()
  let size = 0
  return {
    get size() {
      return size
    },
    enter(key) {
      const mine = byKey.get(key) ?? 0
      if (size >= max) throw new SafeconductError('overloaded')
      if (mine >= perKey) throw new SafeconductError('rate_limited')
      byKey.set(key, mine + 1)
      size += 1
      let left = false
      return () => {
        if (left) return
        left = true
        size -= 1
        const now = (byKey.get(key) ?? 1) - 1
        if (now === 0) byKey.delete(key)
        else byKey.set(key, now)
      }
    },
  }
}
