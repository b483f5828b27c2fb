/**
 * Long walks that give way. A walk is only right for one revision: when a write came in between, it starts again; after
 * a few such interruptions it runs to its end without giving way to the event loop. Promises that settle meanwhile may
 * still write, so the revision is looked at again at the end.
 *
 * @module
 */
import { setImmediate as turn } from 'node:timers/promises'
import { RelationsError } from '../errors.ts'
import { MAX_RESTARTS, SLICE } from '../limits.ts'

/** Some steps of work were done, one when left out. Resolves later when it is time to give way; undefined means go on. */
export type Pace = (steps?: number) => Promise<void> | undefined

class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/**
 * Runs `walk` so that all of it sees one revision.
 * @throws what `walk` throws, the signal's reason when it is aborted, `limit_exceeded` when writes never leave room.
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
    const pace: Pace = (done = 1) => {
      steps += done
      if (steps < SLICE || attempt >= MAX_RESTARTS) return undefined
      steps = 0
      return giveWay()
    }
    try {
      const result = await walk(pace)
      if (revision() === started) return result
    } catch (error) {
      // What a walk runs into after a write tells nothing about either revision.
      if (!(error instanceof Interrupted) && revision() === started) throw error
      signal?.throwIfAborted()
    }
    if (attempt >= MAX_RESTARTS * 10)
      throw new RelationsError('limit_exceeded', 'writes keep interrupting this listing')
  }
}
