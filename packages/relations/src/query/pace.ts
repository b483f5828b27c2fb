/**
 * Long walks that give way. A walk is only right for one revision: when a write came in between, it starts again; after
 * a few such interruptions it runs to its end without giving way.
 *
 * @module
 */
import { setImmediate as turn } from 'node:timers/promises'
import { MAX_RESTARTS, SLICE } from '../limits.ts'

/** A step of work was done. Resolves later when it is time to give way; undefined means go on. */
export type Pace = () => Promise<void> | undefined

class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/**
 * Runs `walk` so that all of it sees one revision.
 * @throws what `walk` throws, and the signal's reason when it is aborted.
 */
export async function atOneRevision<T>(
  revision: () => number,
  walk: (pace: Pace) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const started = revision()
    let steps = 0
    const giveWay = async (): Promise<void> => {
      await turn()
      signal?.throwIfAborted()
      if (revision() !== started) throw new Interrupted('a write came in between')
    }
    const pace: Pace = () => {
      if (++steps % SLICE !== 0 || attempt >= MAX_RESTARTS) return undefined
      return giveWay()
    }
    try {
      return await walk(pace)
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error
    }
  }
}
