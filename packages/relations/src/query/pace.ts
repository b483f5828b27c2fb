/**
 * Long walks that give way. A walk is only right for one revision: when a write came in between, it starts again; after
 * a few such interruptions it gives way less and less, and at last it gives up. Promises that settle meanwhile may still
 * write, so the revision is looked at again at the end.
 *
 * @module
 */
import { setImmediate as turn } from 'node:timers/promises'
import { RelationsError } from '../errors.ts'
import { LONGEST_SLICE, MAX_RESTARTS, MAX_TRIES, SLICE } from '../limits.ts'

/** Some steps of work were done, one when left out. Resolves later when it is time to give way; undefined means go on. */
export type Pace = (steps?: number) => Promise<void> | undefined

class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/**
 * Runs `walk` so that all of it sees one revision.
 * @param spent work of checks so far, whoever asked them: what the walk has them do counts as steps of its own.
 * @throws what `walk` throws, the signal's reason when it is aborted, `limit_exceeded` when writes never leave room.
 */
export async function atOneRevision<T>(
  revision: () => number,
  walk: (pace: Pace) => Promise<T>,
  signal?: AbortSignal,
  spent: () => number = () => 0,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const started = revision()
    const slice = sliceOf(attempt)
    let steps = 0
    let before = spent()
    const giveWay = async (): Promise<void> => {
      await turn()
      steps = 0
      before = spent()
      signal?.throwIfAborted()
      if (revision() !== started) throw new Interrupted('a write came in between')
    }
    const pace: Pace = (done = 1) => {
      steps += done
      return steps + spent() - before < slice ? undefined : giveWay()
    }
    try {
      const result = await walk(pace)
      if (revision() === started) return result
    } catch (error) {
      // What a walk runs into after a write tells nothing about either revision.
      if (!(error instanceof Interrupted) && revision() === started) throw error
      signal?.throwIfAborted()
    }
    if (attempt >= MAX_TRIES)
      throw new RelationsError('limit_exceeded', 'writes keep interrupting this listing')
  }
}

function sliceOf(attempt: number): number {
  return attempt < MAX_RESTARTS ? SLICE : Math.min(LONGEST_SLICE, SLICE * 4 ** (attempt - MAX_RESTARTS + 3))
}
